#!/usr/bin/env python3
"""Every command of galen says how it is used: --help wherever a person may write it, what is wrong in one line that
names what would be right, nothing wider than a terminal; galen check's exit codes."""
import json
import subprocess

import galen

COMMANDS = {
    'advice': [], 'apply': [], 'backup': [], 'check': [], 'export': [], 'features': [], 'import': [], 'predict': [],
    'query': [], 'restore': [], 'train': [],
    'alerts': ['list', 'history', 'rules', 'ack', 'resolve', 'preset', 'silence'],
    'hosts': ['delete'],
    'rules': ['check', 'test', 'export'],
    'store': ['stats', 'check', 'clean-up'],
}
MACHINES = galen.ROOT / 'tests' / 'machines'


def run(*args):
    done = subprocess.run([galen.BUILD / 'galen', *map(str, args)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


with galen.Folder('commands') as (folder, tap):
    listed = [line.split()[0] for line in run('--help')[1].splitlines() if line.startswith('  ')]
    tap.equal(sorted(listed), sorted(COMMANDS), 'the commands that are listed')
    bad, wide = [], []
    for command, words in COMMANDS.items():
        text = run(command, '--help')[1]
        wide += [line for line in text.splitlines() if len(line) > 80]
        for call in [[], *[[word] for word in words], *[[word, 'x'] for word in words]]:
            for option in '--help', '-h':
                if run(command, *call, option) != (0, text, ''):
                    bad.append(' '.join([command, *call, option]))
    tap.equal(bad, [], '--help is an answer behind every word')
    tap.ok(text.startswith('usage: galen '), 'with how it is used')
    tap.equal(wide, [], 'no help is wider than 80 columns')

    for command, words in COMMANDS.items():
        code, out, error = run(command, '--no-such-option')
        if code != 2 or out or not error.startswith(f"galen {command}: unrecognized option '--no-such-option'\n"):
            bad.append((command, code, out, error))
        if words:
            code, out, error = run(command, 'no-such')
            if code != 2 or out or error.count('\n') != 1 or 'no command "no-such"' not in error \
                    or not all(word in error for word in words):
                bad.append((command, code, out, error))
    code, out, error = run('no-such')
    if code != 2 or out or error != 'galen: there is no command "no-such"; see galen --help\n':
        bad.append((code, out, error))
    tap.equal(bad, [], 'what is wrong is said in a line that tells what would be right, exit code 2')

    check = lambda *args: run('check', *args)
    code, out, error = check('--root', MACHINES / 'debian12')
    tap.ok(code == 0 and not error and '\x1b' not in out and max(map(len, out.splitlines())) <= 80,
           'galen check into a pipe: no colours, no progress, 80 columns', out + error)
    code, out, error = check('--root', MACHINES / 'debian12', '--json')
    tap.ok(code == 0 and json.loads(out)['recommendation'] == 'No changes needed', '--json is JSON', out[:200])
    code, out, error = check('--root', MACHINES / 'cgroup2')
    tap.ok(code == 2 and not out and error.count('\n') == 1 and 'proc/meminfo' in error, 'no host to judge: 2', error)
    for args, say in [(['--seconds', '1'], '--seconds is 2 to 3600'), (['--seconds', '3601'], '--seconds is 2 to 3600'),
                      (['--nagios', '--json'], '--nagios goes with none of'), (['web1'], 'wants no words, but there is "web1"'),
                      (['--profile', 'no-such'], 'ibm-mq'), (['--root', folder / 'none'], 'none: No such file')]:
        code, out, error = check(*args)
        tap.ok(code == 2 and not out and error.count('\n') == 1 and say in error, f'{" ".join(map(str, args))}: 2', error)
    for args, say in [([], 'is missing'), (['kernel.pid_max=1', 'x'], 'what is "x"?'),
                      (['--confirm', '--list'], 'exclude each other'),
                      *[(['kernel.pid_max=1', '--confirm-within', time], '--confirm-within is 1s to 24h')
                        for time in ('5', '0s', '25h', '1d')]]:
        code, out, error = run('apply', *args)
        tap.ok(code == 2 and not out and error.count('\n') == 1 and say in error, f'apply {" ".join(args)}: 2', error)
    code, out, error = check('--root', MACHINES / 'lxc', '--verbose')
    tap.ok(code == 0 and 'Not judged' in out and max(map(len, out.splitlines())) <= 80, '--verbose, 80 columns', out)
    for product, want in [('nginx', 0), ('oracle', 2)]:
        code, out, error = check('--root', MACHINES / 'debian12', '--profile', product)
        tap.ok(code == want and 'PARAMETER' in out and not error, f'--profile {product}: {want}', out + error)
