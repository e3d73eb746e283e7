#!/usr/bin/env python3
"""Import and export: round trips that keep every bit, bad files that leave nothing behind, old
samples, promtool as judge of OpenMetrics, space given back."""
import gzip
import http.client
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import time

import galen

GALEN = galen.BUILD / 'galen'
NOW = int(time.time() * 1000) // 60000 * 60000
DAY = 86400000


def bits(n):
    return struct.unpack('<d', struct.pack('<Q', n))[0]


def run(*command, stdin=None, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=60, input=stdin,
                          env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def cli(server, command, *args, stdin=None):
    return run(GALEN, command, '--server', server.url, '--token-file', server.data / 'admin-token',
               *args, stdin=stdin)


def export(server, f, *more):
    code, out, err = cli(server, 'export', '--format', f, *more)
    assert code == 0, err
    return out


def peak_kib(server):
    status = (pathlib.Path('/proc') / str(server.process.process.pid) / 'status').read_text()
    return int(status.split('VmHWM:')[1].split()[0])


def over_http(server, tap):
    """Bodies of any size, packed or in chunks, with how far they are."""
    token = (server.data / 'admin-token').read_text().strip()
    path = '/api/galen/v1/import'
    row = ',%d.5' * 100
    header = 'timestamp,instance,' + ','.join(f'wide_{i}' for i in range(100)) + '\n'
    piece = ''.join(f'{NOW - 3600000 + i},web1' + row % tuple(range(i, i + 100)) + '\n'
                    for i in range(1000)).encode()
    pieces = 70 * 2**20 // len(piece) + 1
    before, seen = peak_kib(server), []
    c = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
    c.putrequest('POST', path + '?format=csv&dry_run=1')
    c.putheader('Authorization', 'Bearer ' + token)
    c.putheader('Transfer-Encoding', 'chunked')
    c.endheaders()
    c.send(b'%x\r\n%s\r\n' % (len(header), header.encode()))
    for i in range(pieces):
        c.send(b'%x\r\n%s\r\n' % (len(piece), piece))
        if i == pieces // 2:
            seen = json.loads(server.request('GET', path)[2])['imports']
    c.send(b'0\r\n\r\n')
    reply = c.getresponse()
    answer = json.loads(reply.read())
    c.close()
    tap.ok(reply.status == 200 and answer['samples'] == pieces * 100000 and not answer['bad'],
           'more than 64 MiB come in over HTTP', answer)
    tap.ok(len(seen) == 1 and seen[0]['state'] == 'receiving' and seen[0]['received_bytes'] > 2**20,
           'how far it is can be asked', seen)
    tap.ok(peak_kib(server) - before < 24 * 1024, 'in little memory', peak_kib(server) - before)
    tap.equal(json.loads(server.request('GET', path)[2])['imports'], [], 'and is forgotten then')
    text = f'packed{{instance="web1"}} 7 {NOW}\n'.encode() * 3
    packed = gzip.compress(text)
    for body, want, what in ((packed, 200, 'gzip is unpacked'), (packed[:-9], 400, 'half of it is refused')):
        status, _, answer = server.request('POST', path + '?format=prometheus', body,
                                           {'Content-Encoding': 'gzip'})
        tap.equal(status, want, what)
    tap.equal(server.value('packed'), 7, 'with its sample')
    c = http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)
    c.putrequest('POST', path)
    c.putheader('Authorization', 'Bearer ' + token)
    c.putheader('Content-Length', str(2**36 + 1))
    c.endheaders()
    tap.equal(c.getresponse().status, 413, 'more than 64 GiB are refused before they come')
    c.close()


# What the test writes; the server's own findings come by themselves.
MINE = '{__name__=~"odd|steady|load|old"}'

with galen.Folder('exchange') as (folder, tap):
    one = galen.Server(folder / 'one').start()
    odd = [0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001,
           0x7ff0000000000002, 0x7ff8000000000abc, 1, 0x4340000000000001, 0x3fb999999999999a]
    series = [({'__name__': 'odd', 'instance': 'web1', 'path': '=1+1, "x"\n'},
               [(NOW - 3600000 + i * 1000, bits(n)) for i, n in enumerate(odd)])]
    for host in range(3):
        series.append(({'__name__': 'steady', 'instance': f'web{host}', 'cpu': '0'},
                       [(NOW - 2 * DAY + i * 15000, i / 7 + host) for i in range(8000)]))
    status, body = galen.write(one, series)
    tap.equal(status, 204, 'samples of two days are written')

    # ---- out and in again ----
    for f, name in (('json', 'a.jsonl'), ('csv', 'a.csv')):
        text = export(one, f, MINE)
        (folder / name).write_bytes(text.encode())
        other = galen.Server(folder / f).start()
        code, out, err = cli(other, 'import', folder / name)
        tap.ok(code == 0 and out.startswith('24009 samples imported, 0 were there already, 0 refused'),
               f'{f}: everything is imported', out + err)
        tap.ok(export(other, f, MINE) == text, f'{f}: what comes out again is the same to the bit')
        if shutil.which('sqlite3'):
            tap.equal(run('sqlite3', '-readonly', other.data / 'server_analysis.db',
                          "SELECT detail FROM audit WHERE what = 'samples imported'")[1].strip(),
                      f'files={folder / name} samples=24009', f'{f}: the audit has one line of it')
        status, _, body = other.request('POST', f'/api/galen/v1/import?format={f}', text.encode())
        answer = json.loads(body)
        tap.ok(status == 200 and answer['duplicates'] == 24009 and answer['refused'] == 0,
               f'{f}: over HTTP every bit is the same too', body)
        code, out, err = cli(other, 'import', folder / name)
        tap.ok(code == 0 and '0 samples imported, 24009 were there already' in out,
               f'{f}: what is there already is no error', out + err)
        other.stop()
        if f == 'json':
            continue
        # the same offline, into a directory and out of it
        code, out, err = run(GALEN, 'import', '--data', other.data, folder / name)
        tap.ok(code == 0 and '24009 were there already' in out, 'a directory is imported into offline',
               out + err)
        code, out, err = run(GALEN, 'export', '--data', other.data, '--format', f, MINE)
        tap.ok(code == 0 and out == text, 'and exported from', err)
    tap.ok('NaN(0x7ff0000000000002)' in text and "'=1+1" in text,
           'CSV carries the marks among the NaNs, and no formulas')
    # raw samples for SQL
    db = folder / 'raw.db'
    code, out, err = cli(one, 'export', '--format', 'sqlite', '--output', db, MINE)
    tap.ok(code == 0 and db.exists(), 'samples go into a SQLite file', err)
    if shutil.which('sqlite3'):
        def sql(statement):
            return run('sqlite3', '-readonly', db, statement)[1].strip()
        tap.equal(sql('SELECT count(*), count(DISTINCT series_id) FROM samples'), '24009|4',
                  'every sample is in it')
        tap.equal(sql("SELECT count(*), printf('%!.17g', sum(value)) FROM samples JOIN series"
                      " ON id = series_id WHERE name = 'steady' AND instance = 'web2'"),
                  f'8000|{sum(i / 7 + 2 for i in range(8000)):.17g}', 'with its value')
        tap.equal(sql("SELECT labels ->> '$.path' FROM series WHERE name = 'odd'"), '=1+1, "x"',
                  'labels are JSON')
        tap.equal(sql("SELECT count(*) FROM sample_rows WHERE name = 'odd' AND value IS NULL"), '3',
                  'NaN is NULL')
        tap.equal(sql("SELECT t_ms, strftime('%s', time) * 1000 - t_ms / 1000 * 1000 FROM sample_rows"
                      " WHERE name = 'steady' ORDER BY t_ms LIMIT 1"), f'{NOW - 2 * DAY}|0', 'and the time')
    code, out, err = cli(one, 'export', '--format', 'sqlite', '--output', db, MINE)
    tap.ok(code == 1 and 'exists' in err and db.exists(), 'a file that is there stays', err)
    code, out, err = cli(one, 'export', '--format', 'sqlite')
    tap.ok(code == 2 and 'needs --output' in err, 'it needs a name', err)
    subset = export(one, 'json', 'steady{instance="web1"}', '--start', str((NOW - DAY) / 1000),
                    '--end', str((NOW - DAY + 60000) / 1000))
    tap.equal([len(json.loads(line)['values']) for line in subset.splitlines()], [5],
              'a selector and a time narrow an export')

    # ---- OpenMetrics, judged by Prometheus's own tool ----
    text = export(one, 'openmetrics', MINE)
    (folder / 'a.om').write_text(text)
    tap.ok(text.endswith('# EOF\n') and text.count('\n# TYPE') + text.startswith('# TYPE') == 2,
           'OpenMetrics has its families and its end')
    if shutil.which('promtool'):
        code, out, err = run('promtool', 'tsdb', 'create-blocks-from', 'openmetrics',
                             folder / 'a.om', folder / 'blocks')
        tap.ok(code == 0, 'promtool makes blocks of it', out + err)
    else:
        tap.skip('promtool makes blocks of it', 'promtool is not installed')
    other = galen.Server(folder / 'om').start()
    code, out, err = cli(other, 'import', folder / 'a.om')
    tap.ok(code == 0 and out.startswith('24008 samples imported'),
           'OpenMetrics is imported: all but the stale marker, which it cannot carry', out + err)

    # ---- bad files ----
    bad = folder / 'bad.csv'
    bad.write_text('timestamp,metric,instance,value\n'
                   f'{NOW},load,web1,1\nnever,load,web1,2\n{NOW + 1},load,web1,three\n'
                   f'{NOW + 2},load,web1,4\n')
    code, out, err = cli(other, 'import', '--dry-run', bad)
    tap.ok(code == 1 and f'{bad}:3: the timestamp should be' in err and f'{bad}:4: the value' in err
           and '2 bad' in out, 'a dry run names each bad line', out + err)
    code, out, err = cli(other, 'import', bad)
    tap.ok(code == 1 and 'nothing was imported' in err and not export(other, 'json', 'load'),
           'a bad file imports nothing', out + err)
    status, _, body = other.request('POST', '/api/galen/v1/import?format=csv', bad.read_bytes())
    answer = json.loads(body)
    tap.ok(status == 422 and answer['imported'] == 0 and [b['line'] for b in answer['bad_lines']]
           == [3, 4] and not export(other, 'json', 'load'), 'nor does it over HTTP', body)
    status, _, body = other.request('POST', '/api/galen/v1/import?dry_run=1', bad.read_bytes())
    tap.equal(status, 422, 'a dry run over HTTP says so too')
    code, out, err = cli(other, 'import', '--skip-bad', bad)
    tap.ok(code == 0 and out.startswith('2 samples imported'), '--skip-bad imports the rest', out + err)
    half = folder / 'half.prom.gz'
    half.write_bytes(gzip.compress(f'half{{instance="web1"}} 1 {NOW}\n'.encode() * 9)[:-9])
    code, out, err = cli(other, 'import', half)
    tap.ok(code == 1 and str(half) in err and not export(other, 'json', 'half'),
           'half of a packed file is refused', out + err)
    code, out, err = cli(other, 'import', '--format', 'csv', '-', stdin=b'a,b\n1,2\n')
    tap.ok(code == 1 and 'standard input: line 1: the header has no column "timestamp"' in err,
           'standard input is read, and a wrong header named', err)
    tap.equal(cli(other, 'import')[0], 2, 'no file is a usage error')
    tap.equal(cli(other, 'import', folder / 'missing.csv')[0], 1, 'a missing file is an error')
    status, _, body = other.request('POST', '/api/galen/v1/import?format=xml', b'<x/>')
    tap.ok(status == 400 and b'xml' in body, 'an unknown format is named', body)
    status, _, body = other.request('GET', '/api/galen/v1/export?match[]=1%2B1')
    tap.ok(status == 400 and b'not a series selector' in body, 'so is what is no selector', body)
    tap.equal(other.request('POST', '/api/galen/v1/import', b'up 1\n', token=None)[0], 401,
              'nobody imports without a token')

    over_http(other, tap)

    # ---- old samples, a payload, labels ----
    lines = '\n'.join(f'old{{instance="web1"}} {i} {NOW - 20 * DAY + (i * 7919) % 5000 * 1000}'
                      for i in range(5000)) + '\n'
    for part in (lines[len(lines) // 2:].split('\n', 1)[1], lines):
        (folder / 'old.prom').write_text(part)
        code, out, err = cli(other, 'import', folder / 'old.prom')
        assert code == 0, err
    got = [json.loads(line) for line in export(other, 'json', 'old').splitlines()]
    values = sum((s['values'] for s in got), [])
    times = sum((s['timestamps'] for s in got), [])
    tap.ok(times == [NOW - 20 * DAY + i * 1000 for i in range(5000)]
           and all((v * 7919) % 5000 == i for i, v in enumerate(values)),
           'old samples come in any order, in parts and twice')
    code, out, err = cli(other, 'import', '--format', 'prometheus', '-',
                         stdin=f'old{{instance="web1"}} 1 {NOW - 60 * DAY}\n'.encode())
    tap.ok(code == 1 and 'older than the time for which samples are kept' in err,
           'samples older than the retention are refused by name', out + err)
    payload = {'total_memory': 16000, 'used_memory': 4000, 'cpu_usage': 25.5, 'total_disk': '50G',
               'used_disk': '10G', 'total_swap': 0, 'used_swap': 0,
               'kernel_params': {'fs.file-max': 100000, 'net.ipv4.tcp_fin_timeout': 60,
                                 'kernel.msgmax': 8192, 'vm.swappiness': 60}}
    (folder / 'payload.json').write_text(json.dumps(payload, indent=2))
    code, out, err = cli(other, 'import', '--label', 'instance=legacy', folder / 'payload.json')
    tap.ok(code == 0 and other.value('node_memory_MemTotal_bytes{instance="legacy"}') == 16000 * 2**20
           and other.value('galen_sysctl{instance="legacy",name="vm.swappiness"}') == 60,
           "the seeds' payload becomes the series of a host", out + err)
    other.stop()
    one.stop()
