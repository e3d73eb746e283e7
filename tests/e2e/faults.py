#!/usr/bin/env python3
"""Disks that become full or read-only, clocks that are set, a second server on one directory:
ingest says so and goes on by itself, queries are served all the time, nothing is lost."""
import gzip
import os
import pathlib
import signal
import subprocess
import time

import galen

MIB = 1 << 20
FAKETIME = next(iter(pathlib.Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1')), None)


def send(server, t_ms, name='fault', value=1.0):
    """(status, headers, text)"""
    message = galen.time_series({'__name__': name, 'instance': 'f'}, [(t_ms, value)])
    status, headers, body = server.request(
        'POST', '/api/v1/write', gzip.compress(message, 1),
        {'Content-Encoding': 'gzip', 'Content-Type': 'application/x-protobuf'},
        token='agent-token')
    return status, headers, body.decode(errors='replace')


def count(server, name='fault'):
    return server.value(f'count_over_time({name}[1h])') or 0


def now_ms():
    return int(time.time() * 1000)


class Mount:
    """A tmpfs of some MiB; .ok False where it may not be mounted."""

    def __init__(self, path, mib):
        self.path = path
        path.mkdir()
        self.ok = os.geteuid() == 0 and not subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', f'size={mib}m,mode=0700', 'tmpfs', path],
            capture_output=True).returncode

    def again(self, options):
        subprocess.run(['mount', '-o', f'remount,{options}', self.path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *trace):
        if self.ok:
            subprocess.run(['umount', '-l', self.path], check=False)


def two_servers(folder, tap):
    first = galen.Server(folder / 'two').start()
    second = galen.Server(folder / 'two')
    second.log = folder / 'second.log'
    second.start(wait=False)
    code = second.process.process.wait(timeout=20)
    text = second.process.text()
    tap.ok(code != 0 and f'is in use by process {first.process.process.pid}' in text,
           'a second server on the directory refuses and names the first', text)
    tap.ok(first.ready(), 'the first goes on')
    first.stop()


def full_disk(folder, tap):
    with Mount(folder / 'small', 128) as mount:
        if not mount.ok:
            tap.skip('a disk that becomes full', 'no tmpfs: needs root')
            return
        # a quarter of the disk is the floor: 32 MiB
        server = galen.Server(mount.path).start()
        t = now_ms()
        tap.equal(send(server, t)[0], 204, 'there is space')
        free = os.statvfs(mount.path)
        filler = mount.path / 'filler'
        with open(filler, 'wb') as f:
            f.write(b'x' * (free.f_bavail * free.f_frsize - 31 * MIB))
        time.sleep(1.2)
        status, headers, text = send(server, t + 1)
        tap.ok(status == 507 and headers.get('Retry-After') and 'must stay free' in text,
               'below the floor: 507 with Retry-After and the reason', (status, text))
        tap.equal(count(server), 1, 'queries are served')
        status, headers, text = server.request('GET', '/readyz', token=None)
        tap.ok(status == 503 and 'degraded' in str(text) and 'must stay free' in str(text),
               '/readyz is 503 and says why', (status, text))
        metrics = str(server.request('GET', '/metrics')[2])
        tap.ok('galen_store_takes 0' in metrics and 'galen_store_min_free_bytes' in metrics and
               'galen_store_free_bytes' in metrics, '/metrics too', metrics[-500:])
        filler.unlink()
        began = time.monotonic()
        came = galen.wait_for(lambda: send(server, t + 1)[0] == 204, 15, 0.2)
        tap.ok(came and time.monotonic() - began < 10, 'taken again within 10 s')
        # now really full: with no floor the disk itself says so
        server.stop()
        server.args += ['--storage-min-free', '0', '--storage-min-free-percent', '0']
        server.start()
        with open(filler, 'wb') as f:
            try:
                while f.write(b'x' * MIB):
                    f.flush()
            except OSError:
                pass
        refused = 0
        for i in range(200000):  # until the preallocated log is used up
            status, headers, text = send(server, t + 2 + i, name=f'fill{i % 7}_{i // 50}')
            if status != 204:
                refused = status
                break
        tap.ok(refused in (503, 507) and headers.get('Retry-After'),
               f'a full disk: {refused} with Retry-After', text)
        filler.unlink()
        tap.ok(galen.wait_for(lambda: send(server, now_ms())[0] == 204, 10, 0.2),
               'and it goes on by itself')
        server.stop(signal.SIGKILL)
        server.start()
        tap.ok(count(server) >= 3, 'nothing acknowledged is lost', count(server))
        server.stop()


def read_only(folder, tap):
    with Mount(folder / 'ro', 64) as mount:
        if not mount.ok:
            tap.skip('a disk that becomes read-only', 'no tmpfs: needs root')
            return
        server = galen.Server(mount.path, args=['--storage-min-free', '0']).start()
        server.token('admin-token')
        t = now_ms()
        tap.equal(send(server, t)[0], 204, 'the disk can be written')
        server.stop()
        mount.again('ro')
        second = galen.Server(mount.path)
        second.log = folder / 'ro.log'
        second.start(wait=False)
        code = second.process.process.wait(timeout=20)
        tap.ok(code != 0 and str(second.data) in second.process.text(),
               'on a read-only directory it refuses to start and names it', second.process.text())
        mount.again('rw')
        server.args = ['--storage-min-free', '0']
        server.log = folder / 'rw.log'
        server.start()
        tap.equal(count(server), 1, 'and serves what is there when it can be written')
        server.stop()


def failing_disk(folder, tap):
    """What /readyz, /healthz and senders hear while the log cannot be synced or written."""
    for flags, error, name in ((), 5, 'a sync that fails'), (('-DFAULTY_WRITES',), 30, 'a read-only disk'):
        library = folder / f'faulty{error}.so'
        subprocess.run(['cc', '-shared', '-fPIC', '-O1', *flags, '-o', library,
                        pathlib.Path(__file__).with_name('faulty.c'), '-ldl'], check=True)
        control = folder / f'control{error}'
        server = galen.Server(folder / f'failing{error}', args=['--storage-min-free', '0'],
                              env={'LD_PRELOAD': str(library), 'GALEN_FAULTY': str(control)}).start()
        t = now_ms()
        tap.equal(send(server, t)[0], 204, f'{name}: at first all is well')
        control.write_text(f'{error} /log/0\n')
        status, headers, text = send(server, t + 1)
        tap.ok(status == 503 and headers.get('Retry-After'), f'{name}: 503 with Retry-After', (status, text))
        status, _, text = server.request('GET', '/readyz', token=None)
        tap.ok(status == 503 and b'degraded' in text and os.strerror(error).encode() in text,
               f'{name}: /readyz is 503 and says why', (status, text))
        tap.equal(server.request('GET', '/healthz', token=None)[0], 200, f'{name}: /healthz is 200')
        tap.equal(send(server, t + 2)[0], 503, f'{name}: nothing more is taken')
        tap.ok(count(server) >= 1, f'{name}: queries are served')
        control.unlink()
        tap.ok(galen.wait_for(server.ready, 10), f'{name}: /readyz is 200 again by itself')
        tap.equal([send(server, t + i)[0] for i in range(3)], [204] * 3, f'{name}: and samples are taken')
        server.stop(signal.SIGKILL)
        server.start()
        tap.equal(count(server), 3, f'{name}: each once, also after kill -9')
        server.stop()


def clock_set(folder, tap):
    if not FAKETIME:
        tap.skip('a clock that is set', 'libfaketime is not installed')
        return
    offset = folder / 'offset'
    offset.write_text('+0d\n')
    env = {'LD_PRELOAD': str(FAKETIME), 'FAKETIME_TIMESTAMP_FILE': str(offset),
           'FAKETIME_NO_CACHE': '1', 'FAKETIME_DONT_FAKE_MONOTONIC': '1',
           'DONT_FAKE_MONOTONIC': '1', 'FAKETIME_DONT_RESET': '1'}
    server = galen.Server(folder / 'clock', args=['--retention-time', '2d'], env=env).start()
    t = now_ms()
    day = 86_400_000
    for back in (2, 1, 0):
        tap.equal(send(server, t - back * day, name=f'day{back}')[0], 204, f'{back} days ago')
    for text, shift in (('+3h', 3 * 3600), ('+40d', 40 * 86400), ('-5h', -5 * 3600),
                        ('-20000d', -20000 * 86400), ('+5000d', 5000 * 86400)):
        offset.write_text(text + '\n')
        time.sleep(0.3)
        status, _, why = send(server, now_ms())
        tap.equal(status, 204, f'clock at {text}: samples of the right time are taken {why}')
        late = max(now_ms(), now_ms() + shift * 1000) + 11 * 60_000
        status, _, why = send(server, late, name='late')
        tap.ok(status == 400 and 'future' in why, f'clock at {text}: not those of the future',
               (status, why))
    server.stop()  # flushes, and what is due is dropped
    offset.write_text('+40d\n')
    server.start()
    offset.write_text('+0d\n')
    for back in (2, 1, 0):
        at = (t - back * day) / 1000
        tap.ok(server.value(f'day{back}', at) == 1, f'what is {back} days old is still there')
    tap.ok('the clock' in server.process.text(), 'the log speaks of the clock')
    server.stop()


with galen.Folder('faults') as (folder, tap):
    two_servers(folder, tap)
    full_disk(folder, tap)
    read_only(folder, tap)
    failing_disk(folder, tap)
    clock_set(folder, tap)
