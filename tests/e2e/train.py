#!/usr/bin/env python3
"""galen train --from-server: what operators said of findings and what came of changes become rows
with the features of that time, and the same rows and seed make the same file."""
import csv
import hashlib
import json
import math
import random
import sqlite3
import subprocess
import time

import galen

PARAMETER = 'net.core.somaxconn'
T0 = int(time.time() * 1000) - 3600 * 1000
COLUMNS = ['scenario', 'parameter', 'role', 'label', 'round', 'at_somaxconn', 'at_somaxconn_missing',
           'files_used', 'files_used_missing', 'swap_in', 'swap_in_missing', 'mem_available',
           'mem_available_missing']


def samples(host, files, somaxconn, since_ms):
    """Ten minutes of readings; files of 1000 open, memory half available, 7 pages a second and GiB."""
    labels = {'instance': host, 'job': 'node'}
    times = range(since_ms, since_ms + 600000, 15000)
    figures = {
        'node_memory_MemTotal_bytes': lambda t: 1 << 30,
        'node_memory_MemAvailable_bytes': lambda t: 1 << 29,
        'node_filefd_allocated': lambda t: files,
        'node_filefd_maximum': lambda t: 1000,
        'node_vmstat_pswpin': lambda t: 7 * (t - T0) / 1000 if host == 'swapping' else 0,
    }
    for name, value in figures.items():
        yield {'__name__': name, **labels}, [(t, float(value(t))) for t in times]
    yield {'__name__': 'galen_sysctl', 'name': PARAMETER, **labels}, [(t, float(somaxconn)) for t in times]


def base(path):
    """Two kinds of hosts that anybody can tell apart."""
    chance = random.Random(4)
    with open(path, 'w', newline='') as f:
        out = csv.writer(f, lineterminator='\n')
        out.writerow(COLUMNS)
        for n in range(60):
            full = n % 2
            out.writerow([f's{n % 12}', 'fs.file-max', 'before', 'increase' if full else 'none', n // 12, 0, 0,
                          f'{chance.uniform(0.8, 1) if full else chance.uniform(0, 0.4):.4f}', 0, 0, 0,
                          f'{chance.random():.4f}', 0])


def train(folder, server, out, *more):
    return subprocess.run([str(galen.BUILD / 'galen'), 'train', '--data', str(folder / 'base.csv'), '--out',
                           str(folder / out), '--epochs', '30', '--split-by', 'scenario', '--seed', '5',
                           '--from-server', server.url, '--token-file', str(server.data / 'admin-token'),
                           *map(str, more)], capture_output=True, text=True, timeout=120)


with galen.Folder('train') as (folder, tap):
    server = galen.Server(folder, args=['--model', '', '--analysis-interval', '3600s']).start()
    for host, files, somaxconn in (('full', 950, 4096), ('fine', 100, 4096), ('swapping', 300, 128)):
        for since in (T0, T0 + 1200000):
            status, body = galen.write(server, list(samples(host, files, somaxconn, since)))
            tap.ok(status < 300, f'{host}: samples', body)
    server.stop()

    # The record as a server of some days has it.
    db = sqlite3.connect(server.data / 'server_analysis.db')
    ids = {host: f'id-{host}' for host in ('full', 'fine', 'swapping')}
    for host, number in ids.items():
        db.execute('INSERT INTO hosts (id, name, first_seen_ms, last_seen_ms) VALUES (?, ?, ?, ?)',
                   (number, host, T0, T0))

    def finding(host, at_ms, cls, state, verdict):
        db.execute('INSERT INTO findings (host, rule, subject, parameter, from_value, to_value, state, opened_ms,'
                   ' seen_ms, decided_ms, verdict, verdict_by, outcome, json) VALUES'
                   " (?, 'FD1', '', 'fs.file-max', '1000', '2000', ?, ?, ?, 0, ?, 'ann', '', ?)",
                   (ids[host], state, at_ms, at_ms, verdict,
                    json.dumps({'rule': 'FD1', 'class': cls, 'parameter': 'fs.file-max', 'from': '1000'})))

    def change(host, at_ms, before, after, verdict, judged_ms):
        db.execute('INSERT INTO changes (host, at_ms, before_ms, parameter, from_value, to_value, cause, finding_id,'
                   ' rule, subject, verdict, outcome, before_json, after_json, judged_ms) VALUES'
                   " (?, ?, ?, ?, ?, ?, 'hand', 0, '', '', ?, '', '', '', ?)",
                   (ids[host], at_ms, at_ms - 15000, PARAMETER, before, after, verdict, judged_ms))

    OPEN, HELPED, HARMED = 0, 2, 4
    middle = T0 + 450000
    finding('full', middle, 'increase', OPEN, 'useful')
    finding('fine', middle, 'increase', OPEN, 'wrong')
    finding('full', middle + 60000, 'increase', HELPED, '')
    finding('fine', middle + 60000, 'increase', HARMED, '')
    finding('full', middle + 90000, 'increase', HELPED, 'wrong')  # a person's word goes before
    finding('fine', middle, 'increase', OPEN, '')  # nobody said anything
    finding('full', T0 - 86400000, 'increase', OPEN, 'useful')  # before any sample
    change('swapping', middle, '512', '128', 'helped', T0 + 1500000)
    change('fine', middle, '128', '512', 'no_effect', T0 + 1500000)
    change('fine', middle, '128', '512', 'unjudged', T0 + 1500000)
    db.commit()
    db.close()
    server.start()

    base(folder / 'base.csv')
    done = train(folder, server, 'a.h5', '--rows', folder / 'rows.csv')
    tap.ok(done.returncode == 0, 'galen train --from-server', done.stdout + done.stderr)
    print('# ' + done.stdout.replace('\n', '\n# '))
    with open(folder / 'rows.csv', newline='') as f:
        rows = list(csv.DictReader(f))
    tap.equal(list(rows[0]), COLUMNS, 'the rows have the columns of the file')
    seen = sorted((r['scenario'], r['parameter'], r['role'], r['label']) for r in rows)
    tap.equal(seen, sorted([
        ('server full FD1', 'fs.file-max', 'verdict', 'increase'),
        ('server fine FD1', 'fs.file-max', 'verdict', 'none'),
        ('server full FD1', 'fs.file-max', 'verified', 'increase'),
        ('server fine FD1', 'fs.file-max', 'verified', 'none'),
        ('server full FD1', 'fs.file-max', 'verdict', 'none'),
        (f'server swapping {PARAMETER}', PARAMETER, 'verified', 'decrease'),
        (f'server swapping {PARAMETER}', PARAMETER, 'after', 'none'),
        (f'server fine {PARAMETER}', PARAMETER, 'verified', 'none'),
    ]), 'a row for each verdict and judgement, and none for the others')
    full = next(r for r in rows if r['scenario'] == 'server full FD1')
    swapping = next(r for r in rows if r['role'] == 'verified' and 'swapping' in r['scenario'])
    tap.equal((full['files_used'], full['files_used_missing'], full['at_somaxconn'], full['mem_available']),
              ('0.95', '0', '0', '0.5'), 'features of that time')
    tap.equal(swapping['at_somaxconn'], '-5', 'of that host')
    tap.ok(abs(float(swapping['swap_in']) - math.log1p(7)) < 1e-3, 'rates and scales too', swapping)
    tap.ok('1 more have no samples' in done.stdout and '8 rows from' in done.stdout, 'what is left out is said',
           done.stdout)
    tap.ok('of these, 8 rows' in done.stdout, 'and how well they are known')

    again = train(folder, server, 'b.h5')
    other = train(folder, server, 'c.h5', '--seed', 6)
    sums = [hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in ('a.h5', 'b.h5', 'c.h5')]
    tap.ok(again.returncode == 0 and sums[0] == sums[1], 'the same seed: the same file, bit for bit', sums)
    tap.ok(other.returncode == 0 and sums[2] != sums[0], 'another seed: another file', sums)

    def said(data, out):
        subprocess.run([str(galen.BUILD / 'galen'), 'train', '--data', str(data), '--out', str(folder / out),
                        '--features', ','.join(COLUMNS[5:]), '--epochs', '30', '--seed', '5'], check=True,
                       capture_output=True)
        return (folder / out).read_bytes()

    shipped = (galen.ROOT / 'model/default.h5').read_bytes()
    rows = list(csv.DictReader((galen.ROOT / 'model/data.csv').open(newline='')))
    absent = [name[:-len('_missing')] for name in rows[0] if name.endswith('_missing')
              and all(row[name] == '1' for row in rows)]
    tap.equal([name for name in absent if name.encode() in shipped], [],
              'a feature that no trial had is no input of the shipped classifier')
    tap.ok(b'conntrack_used' in shipped, 'as others are')

    if galen.SOAK:  # half a minute of a processor
        made = subprocess.run(['model/widen.py', 'model/data.csv'], cwd=galen.ROOT, capture_output=True, check=True).stdout
        inputs = subprocess.run(['model/widen.py', '--inputs', 'model/data.csv'], cwd=galen.ROOT, capture_output=True,
                                text=True, check=True).stdout.strip()
        (folder / 'shipped.csv').write_bytes(made)
        subprocess.run([str(galen.BUILD / 'galen'), 'train', '--data', str(folder / 'shipped.csv'), '--out',
                        str(folder / 'shipped.h5'), '--features', inputs, '--split-by', 'round', '--epochs', '60',
                        '--seed', '1'], check=True, capture_output=True)
        tap.ok((folder / 'shipped.h5').read_bytes() == shipped,
               'model/data.csv makes the shipped classifier, bit for bit')
    else:
        tap.skip('model/data.csv makes the shipped classifier', 'long: GALEN_SOAK=1')

    both = folder / 'both.csv'
    both.write_text((folder / 'base.csv').read_text() + ''.join(
        line + '\n' for line in (folder / 'rows.csv').read_text().splitlines()[1:]))
    tap.ok(said(both, 'd.h5') == (folder / 'a.h5').read_bytes(), 'the kept rows make the same file without a server')
    model = subprocess.run([str(galen.BUILD / 'galen'), 'predict', str(folder / 'a.h5')], text=True,
                           input='0,0,0.95,0,0,0,0.5,0\n', capture_output=True)
    p = [float(v) for v in model.stdout.split(',')]
    tap.ok(p and p.index(max(p)) == 1, 'and the model says increase of a full table', model.stdout + model.stderr)

    bad = subprocess.run([str(galen.BUILD / 'galen'), 'train', '--data', str(folder / 'base.csv'), '--out',
                          str(folder / 'x.h5'), '--from-server', server.url], capture_output=True, text=True)
    tap.ok(bad.returncode == 4 and 'token' in bad.stderr, 'without a token it says so', bad.stderr)
    server.stop()
