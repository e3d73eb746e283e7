#!/usr/bin/env python3
"""What `galen train` writes, others read and evaluate alike: HDF5 by h5wasm, the network by
TensorFlow.js. Skips where node is missing or npm cannot get them."""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GALEN = pathlib.Path(os.environ['GALEN_BUILD']) / 'galen'
NPM_SECONDS = 120


def skip(why):
    print(f'1..1\nok 1 - trained model read by TensorFlow.js # SKIP {why}')
    sys.exit(0)


def packages(folder):
    """node_modules in the build folder, kept for the next time."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('package.json', 'read.mjs'):
        shutil.copy(HERE / name, folder)
    if (folder / 'node_modules' / 'h5wasm').exists():
        return
    if not shutil.which('npm'):
        skip('npm is not installed')
    try:
        done = subprocess.run(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'],
                              cwd=folder, capture_output=True, timeout=NPM_SECONDS)
    except subprocess.TimeoutExpired:
        skip(f'npm took more than {NPM_SECONDS} s')
    if done.returncode:
        skip('npm cannot get @tensorflow/tfjs-layers and h5wasm')


def rows(n):
    chance = random.Random(3)
    for _ in range(n):
        p, q, size = chance.random(), chance.random(), chance.random() * 9e18
        yield f'{p:.4f},{q:.4f},{size:.0f}', (p > 0.5) + 2 * (q > 0.5)


def run(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, text=True, capture_output=True,
                          **more).stdout


def probabilities(text):
    return [[float(v) for v in line.split(',')] for line in text.splitlines()
            if line[:1].isdigit()]


def main():
    if not GALEN.exists():
        skip(f'{GALEN} is not built')
    folder = pathlib.Path(os.environ['GALEN_BUILD']) / 'model-reference'
    packages(folder)
    with tempfile.TemporaryDirectory() as work:
        data, model = pathlib.Path(work) / 'rows.csv', pathlib.Path(work) / 'model.h5'
        sample = list(rows(200))
        data.write_text('p,q,size,label\n' + ''.join(f'{x},{y}\n' for x, y in sample))
        run(GALEN, 'train', '--data', data, '--out', model, '--epochs', '20')
        given = '\n'.join(x for x, _ in sample[:20]) + '\n'
        ours = probabilities(run(GALEN, 'predict', model, input=given))
        theirs = probabilities(run('node', 'read.mjs', model, input=given, cwd=folder))
    worst = max((abs(a - b) for x, y in zip(ours, theirs) for a, b in zip(x, y)), default=1)
    good = len(ours) == len(theirs) == 20 and worst < 1e-5
    print(f'1..1\n{"ok" if good else "not ok"} 1 - trained model read by TensorFlow.js'
          f' ({len(theirs)} rows, largest difference {worst:.2g})')


main()
