#!/usr/bin/env python3
"""galen apply on a recorded root: dry run, bounds, the line, confirm, revert, kill -9 in between."""
import os
import pathlib
import signal
import subprocess
import time

import galen


def run(root, *args):
    done = subprocess.run([galen.BUILD / 'galen', 'apply', '--root', str(root), *args],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def timers(root):
    """The processes that wait to put something back below root."""
    found = []
    for cmdline in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            found += [cmdline] if f'\0{root}\0' in cmdline.read_text() else []
        except OSError:
            pass # it has just ended
    return found


with galen.Folder('apply') as (folder, tap):
    root = pathlib.Path(folder) / 'root'
    conf = root / 'etc/sysctl.d/90-galen.conf'
    (root / 'proc/sys/net/core').mkdir(parents=True)
    (root / 'proc/sys/net/ipv4').mkdir(parents=True)
    value = root / 'proc/sys/net/core/somaxconn'
    rmem = root / 'proc/sys/net/ipv4/tcp_rmem'

    def reset():
        value.write_text('128\n')
        rmem.write_text('4096\t131072\t6291456\n')

    reset()
    code, text = run(root, 'net.core.somaxconn=512')
    tap.ok(code == 0 and '128 -> 512' in text and '--yes' in text, 'a dry run says what', text)
    tap.ok(value.read_text() == '128\n' and not conf.exists() and not (root / 'var').exists(),
           'and changes nothing')
    for what, say in [('net.core.somaxconn=64', 'outside 128..65535'),
                      ('net.core.somaxconn=65536', 'outside'),
                      ('net.core.somaxconn=x', 'no whole number'),
                      ('net.core.somaxconn=', 'empty'),
                      ('../../etc/passwd=1', 'no name'),
                      ('kernel.core_pattern=1', 'none of the parameters'),
                      ('nonsense', 'neither')]:
        code, text = run(root, what, '--yes')
        tap.ok(code == 1 and say in text and value.read_text() == '128\n', f'{what} is refused',
               text)
    for good in ('128', '65535'):
        code, text = run(root, f'net.core.somaxconn={good}')
        tap.equal(code, 0, f'{good} is within the bounds')

    code, text = run(root, 'net.core.somaxconn=512', '--yes')
    tap.ok(code == 0 and value.read_text() == '512\n', '--yes does it', text)
    tap.ok('net.core.somaxconn = 512\n' in conf.read_text(), 'with the line for the next boot')
    code, text = run(root, 'net.core.somaxconn=1024', '--yes')
    tap.equal(conf.read_text().count('somaxconn ='), 1, 'a second change: still one line')
    code, text = run(root, '--list')
    tap.ok('128 -> 1024' in text, 'the list shows from where', text)
    code, text = run(root, '--revert', 'net.core.somaxconn')
    tap.ok(code == 0 and value.read_text() == '128\n' and 'somaxconn =' not in conf.read_text(),
           '--revert goes back to the first value, the line goes', text)
    tap.equal(run(root, '--revert', 'net.core.somaxconn')[0], 1, 'but only once')

    conf.write_text('# mine\nvm.swappiness = 10\nnet.ipv4.tcp_rmem = 1 2 3\n')
    code, text = run(root, 'net.ipv4.tcp_rmem=4096 131072 12582912', '--yes')
    tap.ok(code == 0 and rmem.read_text() == '4096 131072 12582912\n', 'several numbers', text)
    tap.ok(conf.read_text() == '# mine\nvm.swappiness = 10\n'
           'net.ipv4.tcp_rmem = 4096 131072 12582912\n', 'other lines stay', conf.read_text())
    run(root, '--revert', 'net.ipv4.tcp_rmem')
    tap.ok('net.ipv4.tcp_rmem = 1 2 3\n' in conf.read_text(), 'the line of before comes back')

    (root / 'etc/sysctl.d/99-mq.conf').write_text('net/core/somaxconn = 200\n')
    code, text = run(root, 'net.core.somaxconn=512')
    tap.ok('/etc/sysctl.d/99-mq.conf sets it to 200' in text, 'a file that is read later is named',
           text)

    code, text = run(root, 'net.core.somaxconn=512', '--yes', '--confirm-within', '1h')
    tap.ok(value.read_text() == '512\n' and 'somaxconn' not in conf.read_text(),
           'to be confirmed: no line yet', text)
    tap.equal(len(timers(root)), 1, 'a timer waits')
    time.sleep(1) # for its first looks
    code, text = run(root, '--confirm')
    tap.ok(code == 0 and 'net.core.somaxconn = 512' in conf.read_text(), 'confirmed: the line', text)
    tap.equal(run(root, '--confirm')[0], 1, 'nothing more to confirm')
    tap.ok(galen.wait_for(lambda: not timers(root), 15), 'its timer ends')
    run(root, '--revert', 'net.core.somaxconn')

    run(root, 'net.core.somaxconn=512', '--yes', '--confirm-within', '2s')
    tap.equal(value.read_text(), '512\n', 'set for two seconds')
    tap.ok(galen.wait_for(lambda: value.read_text() == '128\n', 8), 'not confirmed: put back')

    run(root, 'net.core.somaxconn=256', '--yes')
    run(root, 'net.core.somaxconn=512', '--yes', '--confirm-within', '1s')
    tap.ok(galen.wait_for(lambda: value.read_text() == '256\n', 8)
           and 'net.core.somaxconn = 256' in conf.read_text(),
           'not confirmed: back to what had been confirmed')
    run(root, '--revert', 'net.core.somaxconn')
    tap.equal(value.read_text(), '128\n', 'and from there to the first value')

    # The command is killed as soon as the value is there: the timer goes on alone.
    process = subprocess.Popen([galen.BUILD / 'galen', 'apply', '--root', root, '--yes',
                                '--confirm-within', '2s', 'net.core.somaxconn=512'],
                               stdout=subprocess.DEVNULL)
    galen.wait_for(lambda: value.read_text() == '512\n', 5, 0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    tap.ok(galen.wait_for(lambda: value.read_text() == '128\n', 8), 'killed in between: put back')

    # The timer is gone as well (a crash of the machine): the next call finds what is overdue.
    journal = root / 'var/lib/galen/apply.json'
    run(root, 'net.core.somaxconn=512', '--yes', '--confirm-within', '1h')
    journal.write_text(journal.read_text().replace(
        '"confirm_by_ms": ', '"confirm_by_ms": 1, "was": '))
    code, text = run(root, '--confirm')
    tap.ok(value.read_text() == '128\n' and 'put back' in text, 'overdue: put back first', text)

    run(root, 'net.core.somaxconn=512', '--yes')
    value.write_text('777\n')
    code, text = run(root, '--revert', 'net.core.somaxconn')
    tap.ok(code == 1 and '777' in text and value.read_text() == '777\n',
           'what somebody else has set stays', text)
    value.write_text('512\n')
    run(root, '--revert', 'net.core.somaxconn')

    # Symbolic links lead nowhere.
    target = pathlib.Path(folder) / 'target'
    target.write_text('128\n')
    value.unlink()
    value.symlink_to(target)
    code, text = run(root, 'net.core.somaxconn=512', '--yes')
    tap.ok(code != 0 and target.read_text() == '128\n', 'a link in proc/sys is not followed', text)
    value.unlink()
    reset()
    conf.unlink()
    conf.symlink_to(target)
    code, text = run(root, 'net.core.somaxconn=512', '--yes')
    tap.ok(code != 0 and target.read_text() == '128\n' and value.read_text() == '128\n',
           'nor one in sysctl.d, and the value is as before', text)
    conf.unlink()
    journal.write_text('{"not": "ours"}')
    code, text = run(root, 'net.core.somaxconn=512', '--yes')
    tap.ok(code == 1 and 'not the journal' in text and value.read_text() == '128\n',
           'a journal that is none stops everything', text)
