#!/usr/bin/env python3
"""Runs the tests of a build and adds up what they report.

    tests/run.py BUILD [--suite NAME]... [--filter TEXT] [--verbose]

Every test of Meson's list is a program that speaks TAP on its standard output (cmocka does when
asked to). Two run at a time, those of suite e2e and peer one after the other. A terminal sees a line
for each program, a file a line for each suite, and both all that failed. The last line is
`N passed, N failed` with `, N skipped` when something was.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

RESULT = re.compile(r'^(not ok|ok)\b(.*)$')
ALONE = {'e2e', 'peer'}
TIMEOUT_S = {'e2e': 600, 'peer': 600, 'unit': 300, 'fuzz': 120}
SOAK_TIMEOUT_S = 4 * 3600
SOAK = bool(os.environ.get('GALEN_SOAK'))


def tests_of(build):
    out = subprocess.run(['meson', 'introspect', '--tests', build], check=True,
                         capture_output=True, text=True).stdout
    for test in json.loads(out):
        suite = test['suite'][0].split(':')[-1] if test['suite'] else 'unit'
        yield {'name': test['name'], 'suite': suite, 'cmd': test['cmd'],
               'env': test.get('env', {}), 'cwd': test.get('workdir') or build}


def run(test):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT='TAP', **test['env'])
    env.setdefault('ASAN_OPTIONS', 'detect_leaks=1:abort_on_error=1')
    env.setdefault('UBSAN_OPTIONS', 'halt_on_error=1:print_stacktrace=1')
    env.setdefault('TSAN_OPTIONS', 'halt_on_error=1')
    limit = SOAK_TIMEOUT_S if SOAK else TIMEOUT_S.get(test['suite'], 300)
    start = time.monotonic()
    try:
        done = subprocess.run(test['cmd'], env=env, cwd=test['cwd'], timeout=limit, text=True,
                              errors='replace', stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b'').decode(errors='replace') + f'\nno end after {limit} s'
        code = -1
    passed = failed = skipped = 0
    for line in output.splitlines():
        match = RESULT.match(line.strip())
        if not match:
            continue
        if re.search(r'#\s*skip', match[2], re.I):
            skipped += 1
        elif match[1] == 'ok':
            passed += 1
        else:
            failed += 1
    if code == 77 and not failed and not passed:
        skipped = skipped or 1
    elif code != 0 and not failed:
        failed = 1
    elif passed + failed + skipped == 0:
        failed, output = 1, output + '\nreported no test'
    return test, passed, failed, skipped, time.monotonic() - start, output


def verdict(name, passed, failed, skipped, seconds):
    print(f"{'FAIL' if failed else 'ok  '} {name}: {passed} passed"
          + (f', {failed} failed' if failed else '')
          + (f', {skipped} skipped' if skipped else '') + f' ({seconds:.1f} s)', flush=True)


def report(result, verbose):
    """Prints what is to be known of one program and returns its counts."""
    test, passed, failed, skipped, seconds, output = result
    lines = output.splitlines()
    if verbose or failed or skipped:
        verdict(f"{test['suite']}/{test['name']}", passed, failed, skipped, seconds)
    for line in lines:
        if re.search(r'#\s*skip', line, re.I) or SOAK and line.startswith('# '):
            print('     ' + line.strip())
    if failed:
        for line in [line for line in lines[:-80] if line.startswith('not ok')] + lines[-80:]:
            print('     | ' + line)
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('--suite', action='append')
    parser.add_argument('--filter')
    parser.add_argument('--verbose', action='store_true', default=sys.stdout.isatty() or SOAK)
    args = parser.parse_args()
    args.build = os.path.abspath(args.build) # tests run there, as under `meson test`
    suites = {} # in Meson's order
    for test in tests_of(args.build):
        if (not args.suite or test['suite'] in args.suite) and (
                not args.filter or args.filter in test['name']):
            suites.setdefault(test['suite'], []).append(test)
    totals = []
    for suite, tests in suites.items():
        start = time.monotonic()
        at_once = 1 if suite in ALONE else os.cpu_count() or 1
        with concurrent.futures.ThreadPoolExecutor(max_workers=at_once) as pool:
            counts = [report(result, args.verbose) for result in pool.map(run, tests)]
        totals += counts
        verdict(f'{suite}, {len(tests)} programs', *map(sum, zip(*counts)),
                time.monotonic() - start)
    passed, failed, skipped = (sum(column) for column in zip(*totals)) if totals else (0, 0, 0)
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    sys.exit(1 if failed or not passed else 0)


if __name__ == '__main__':
    main()
