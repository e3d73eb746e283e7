#!/usr/bin/env python3
"""Backups under load, restored with equal answers; the check, of a server, a directory and a
damaged one; statistics, clean-up, a host deleted."""
import json
import re
import subprocess
import tarfile
import threading
import time

import galen

GALEN = galen.BUILD / 'galen'
NOW = int(time.time() * 1000)
DAY = 86400000


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, text=True)
    return done.returncode, done.stdout, done.stderr


def cli(server, command, *args):
    return run(GALEN, command, '--server', server.url, '--token-file', server.data / 'admin-token',
               *args)


class Load(threading.Thread):
    """Writes a second's samples of three hosts again and again."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.acknowledged, self.done = server, 0, False

    def run(self):
        connection = self.server.connection()
        i = 0
        while not self.done:
            i += 1
            series = [({'__name__': 'load', 'k': str(k), 'instance': f'web{k % 3}'},
                       [(NOW + i, float(i))])
                      for k in range(30)]
            status, body = galen.write(self.server, series, connection=connection)
            assert status == 204, body
            self.acknowledged = i
            time.sleep(0.005)


with galen.Folder('backup') as (folder, tap):
    server = galen.Server(folder / 'one').start()
    old = [({'__name__': 'old', 'instance': f'web{h}'},
            [(NOW - 3 * DAY + i * 60000, float(i)) for i in range(3000)]) for h in range(3)]
    assert galen.write(server, old)[0] == 204

    # ---- backups under load ----
    load = Load(server)
    load.start()
    backups = []
    for i in range(3):
        time.sleep(1)
        target = folder / (f'{i}', f'{i}.tar', f'{i}.tar.zst')[i]
        before = load.acknowledged
        code, out, err = cli(server, 'backup', target)
        backups.append((target, before, code, out + err))
    load.done = True
    load.join()
    tap.ok(load.acknowledged > backups[-1][1] > 0 and all(b[2] == 0 for b in backups),
           'backups are made while samples come', backups)
    tap.equal(server.json('GET', '/api/galen/v1/backups')['backups'], [],
              'the server keeps none that was fetched')
    want_old = server.query(f'sum_over_time(old[4d])', NOW / 1000)
    results = server.json('GET', '/api/galen/v1/hosts')['hosts']
    server.stop()
    for target, before, _, _ in backups:
        data = folder / f'restored-{target.name}' / 'data'
        code, out, err = run(GALEN, 'restore', target, '--data', data)
        check, report, _ = run(GALEN, 'store', 'check', data)
        other = galen.Server(data.parent).start()
        last = other.value('min(load)', (NOW + load.acknowledged) / 1000) or 0
        whole = other.query('count_over_time(load[1d]) != load', (NOW + load.acknowledged) / 1000)
        same = other.query(f'sum_over_time(old[4d])', NOW / 1000)
        tap.ok(code == 0 and check == 0 and 'all is well' in report and same == want_old,
               f'{target.name}: restored, the check is clean, the answers are equal',
               out + err + report)
        tap.ok(last >= before > 0 and not whole,
               f'{target.name}: what was acknowledged before is there, without a hole',
               f'{last} {before} {whole}')
        other.stop()
    code, out, err = run(GALEN, 'restore', backups[1][0], '--data', folder / 'one' / 'data')
    tap.ok(code == 1 and 'is not empty' in err, 'nothing is restored over data', err)
    cut = folder / 'cut.tar'
    cut.write_bytes(backups[1][0].read_bytes()[:-5000])
    code, out, err = run(GALEN, 'restore', cut, '--data', folder / 'cut')
    tap.ok(code == 1 and 'cut off' in err, 'half a backup is refused', err)
    evil = folder / 'evil.tar'
    with tarfile.open(evil, 'w', format=tarfile.USTAR_FORMAT) as tar:
        (folder / 'x').write_text('x')
        tar.add(folder / 'x', 'blocks/../../x.db')
    code, out, err = run(GALEN, 'restore', evil, '--data', folder / 'evil')
    tap.ok(code == 1 and 'is no file of a backup' in err, 'names that lead elsewhere are refused', err)

    # ---- check ----
    server.start()
    code, out, err = cli(server, 'store', 'check')
    tap.ok(code == 0 and 'all is well' in out and 'gap' in out,
           'a running server is checked; a silence is told', out + err)
    fresh = [({'__name__': 'fresh', 'instance': 'web0'}, [(NOW + i, float(i)) for i in range(50)])]
    assert galen.write(server, fresh)[0] == 204
    code, out, err = cli(server, 'store', 'check')
    told = re.search(r'^(\d+) newer samples are in the log and were not checked', out, re.M)
    tap.ok(code == 0 and told and int(told[1]) >= 50, 'how many samples only the log has is told', out + err)
    code, out, err = cli(server, 'store', 'check', '--json')
    answer = json.loads(out)
    tap.ok(answer['unchecked_samples'] >= 50, 'as JSON too', out[:1000])
    tap.ok(answer['ok'] and answer['samples'] > 9000 and answer['found']['checksum'] == 0
           and any(f['kind'] == 'gap' and f['host'] == 'web1' for f in answer['findings']),
           'as JSON too', out[:1000])

    # ---- statistics, clean-up, deletion ----
    code, out, err = cli(server, 'store', 'stats')
    tap.ok(code == 0 and 'web0' in out and 'kept for  30.0 days' in out, 'statistics of each host',
           out + err)
    storage = server.json('GET', '/api/galen/v1/storage')
    web0 = next(h for h in storage['hosts'] if h['host'] == 'web0')
    tap.ok(web0['first_ms'] == NOW - 3 * DAY and web0['samples'] >= 3000 and web0['series'] >= 10
           and storage['disk']['free_bytes'] > 0, 'and over HTTP', storage)
    status, _, body = server.request('POST', '/api/galen/v1/storage/clean-up', {'older_than': '5'})
    tap.ok(status == 400 and b'duration' in body, 'a clean-up wants a duration', body)
    code, out, err = cli(server, 'store', 'clean-up', '--older-than', '2d')
    left = server.query('count_over_time(old[4d])', NOW / 1000)
    tap.ok(code == 0 and all(abs(int(r['value'][1]) - 1560) < 5 for r in left) and len(left) == 3,
           'what is older than two days is gone', f'{out} {err} {left}')
    status, _, _ = server.request('POST', '/api/galen/v1/storage/clean-up', {'older_than': '7d'},
                                  token='agent-token')
    tap.equal(status, 403, 'an agent cleans nothing up')
    server.json('POST', '/api/galen/v1/import?format=prometheus',
                f'node_load1{{instance="web1"}} 1 {int(time.time() * 1000)}\n')
    galen.wait_for(lambda: any(h['name'] == 'web1' for h in server.hosts()), 10)
    code, out, err = cli(server, 'hosts', 'delete', 'web1')
    tap.ok(code == 1 and 'nothing was deleted' in err, 'a deletion asks first', out + err)
    code, out, err = cli(server, 'hosts', 'delete', 'web1', '--yes')
    gone = server.json('GET', '/api/galen/v1/storage')['hosts']
    tap.ok(code == 0 and not server.query('{instance="web1"}', NOW / 1000)
           and not any(h['name'] == 'web1' for h in server.hosts())
           and server.query('old{instance="web0"}', (NOW - DAY * 1.5) / 1000),
           'a host is deleted with its samples, others stay', f'{out} {err} {gone}')
    log = server.process.text()
    tap.ok('what="samples cleaned up" detail=2d' in log.replace('\\"', '"')
           and 'what="host deleted" detail=web1' in log.replace('\\"', '"'),
           "both stand in the server's log")
    server.stop()

    # ---- a damaged directory ----
    block = max((server.data / 'blocks').glob('*.db'), key=lambda p: p.stat().st_size)
    content = bytearray(block.read_bytes())
    for at in range(4096 + 100, len(content), 64):
        content[at] ^= 1
    block.write_bytes(content)
    (server.data / 'blocks' / 'stray.txt').write_text('x')
    code, out, err = run(GALEN, 'store', 'check', '--json', server.data)
    answer = json.loads(out)
    kinds = {f['kind'] for f in answer['findings']}
    tap.ok(code == 1 and 'checksum' in kinds and 'orphan' in kinds
           and any(f['file'] == str(block) for f in answer['findings'] if f['file']),
           'flipped bits are found and their file named, a stray file too', out[:1500] + err)
    tap.equal(run(GALEN, 'store', 'check', folder / 'nothing')[0], 1, 'a missing directory is an error')
