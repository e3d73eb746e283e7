"""Limits of PromQL queries, what happens to those that nobody waits for, long answers in pieces,
and the server's own figures of all that."""
import glob
import gzip
import http.client
import json
import os
import pty
import re
import shutil
import subprocess
import time
import urllib.parse

import galen

# Each term takes a good part of a second unless it is stopped; some 16 MB are held.
TERM = 'sum_over_time(memory_bytes[30m:2ms])'
SLOW = 'sum(' + '+'.join([TERM] * 8) + ')'
ENDLESS = 'sum(' + '+'.join([TERM] * 200) + ')'
T = int(time.time()) - 60


def ask(server, path, **parameters):
    status, headers, body = server.request('GET', f'/api/v1/{path}?' +
                                           urllib.parse.urlencode(parameters))
    return status, json.loads(body)


def refused(tap, answer, status, kind, says, name):
    got, body = answer
    tap.ok(got == status and body.get('errorType') == kind and says in body.get('error', ''), name,
           f'{got} {str(body)[:300]}')


def begin(server, path, headers=None, **parameters):
    """A request whose answer is not waited for."""
    connection = server.connection()
    connection.request('GET', f'/api/v1/{path}?' + urllib.parse.urlencode(parameters), headers=dict(
        headers or {}, Authorization='Bearer ' + server.token()))
    return connection


def figure(server, name):
    text = server.request('GET', '/metrics')[2].decode()
    found = re.search(rf'^{re.escape(name)} (\S+)$', text, re.M)
    return float(found.group(1)) if found else None


def limits(tap, server):
    points = dict(query='memory_bytes', start=T - 11000, end=T)
    tap.equal(ask(server, 'query_range', step=1, **points)[0], 200, '11,000 steps pass')
    refused(tap, ask(server, 'query_range', step='0.999', **points), 400, 'bad_data',
            'exceeded maximum resolution of 11,000 points per timeseries', 'one more does not')
    refused(tap, ask(server, 'query', query=SLOW, time=T, timeout='0.05'), 503, 'timeout',
            'query timed out in expression evaluation', 'a query has its time')
    tap.equal(ask(server, 'query', query='1', time=T, timeout='10')[0], 200, 'and may ask for less')
    # 60 series with 240 steps: 14,400 values, and some more for what is made on the way
    for samples, status in ((10_000, 422), (100_000, 200)):
        small = galen.Server(server.folder / f'samples-{samples}',
                             args=['--query-max-samples', str(samples)]).start()
        try:
            load(small)
            answer = ask(small, 'query_range', query='memory_bytes * 2', start=T - 239, end=T, step=1)
            if status == 200:
                tap.equal(answer[0], 200, f'{samples} samples are enough')
            else:
                refused(tap, answer, 422, 'execution', 'query processing would load too many '
                        'samples into memory in query execution', f'{samples} samples are not')
        finally:
            small.stop()
    for option in (['--query-max-concurrency', '0'], ['--query-max-concurrency', '257'],
                   ['--query-timeout', '0s'], ['--query-max-samples', '999'],
                   ['--query-lookback-delta', '2d']):
        done = subprocess.run([galen.BUILD / 'galen-server', '--check-config', *option],
                              capture_output=True, text=True)
        tap.ok(done.returncode == 5 and option[0] in done.stderr, f"{' '.join(option)} is refused",
               done.stderr)


def lookback(tap, server):
    late = T + 200
    tap.equal(len(ask(server, 'query', query='memory_bytes', time=late)[1]['data']['result']), 60,
              'a sample of 200 s ago is current')
    for delta in ('100', '1m40s'):
        tap.equal(ask(server, 'query', query='memory_bytes', time=late,
                      lookback_delta=delta)[1]['data']['result'], [], f'not with lookback_delta={delta}')


def queue(tap, server):
    """The server evaluates one query at a time."""
    running = begin(server, 'query', query=ENDLESS, time=T)
    tap.ok(galen.wait_for(lambda: figure(server, 'galen_promql_queries_running') == 1, 5, 0.02),
           'a query runs')
    refused(tap, ask(server, 'query', query='1', timeout='0.1'), 503, 'timeout',
            'query timed out in query queue', 'the next one waits, at most as long as it said')
    waiting = begin(server, 'query', query='1')
    tap.ok(galen.wait_for(lambda: figure(server, 'galen_promql_queries_waiting') == 1, 5, 0.02),
           'another one waits')
    waiting.close()
    tap.ok(galen.wait_for(lambda: figure(server, 'galen_promql_queries_waiting') == 0, 5, 0.02),
           'it waits no longer when its client goes')
    waiting = begin(server, 'query', query='1')
    begun = time.monotonic()
    running.close()
    answer = json.loads(waiting.getresponse().read())
    tap.ok(answer['status'] == 'success' and time.monotonic() - begun < 20,
           'one that runs ends when its client goes, and the next has its turn',
           f'{time.monotonic() - begun:.1f} s')
    waiting.close()
    tap.ok(galen.wait_for(lambda: figure(server, 'galen_promql_queries_running') == 0, 5),
           'nothing runs any more')


def pieces(tap, server):
    """Long answers are chunked, and the same however they are sent."""
    wide = dict(query='memory_bytes', start=T - 3600, end=T, step=1)
    paths = {
        'query_range': '/api/v1/query_range?' + urllib.parse.urlencode(wide),
        'series': '/api/v1/series?match[]=many',
        'federate': '/federate?match[]=many',
    }
    for name, path in paths.items():
        status, headers, plain = server.request('GET', path)
        tap.ok(status == 200 and headers['Transfer-Encoding'] == 'chunked' and len(plain) > 300_000,
               f'{name}: {len(plain)} bytes in pieces', dict(headers))
        status, headers, packed = server.request('GET', path, headers={'Accept-Encoding': 'gzip'})
        tap.ok(headers['Content-Encoding'] == 'gzip' and len(packed) < len(plain) / 2 and
               gzip.decompress(packed) == plain, f'{name}: the same with gzip', dict(headers))
    data = json.loads(server.request('GET', paths['query_range'])[2])['data']['result']
    tap.ok(len(data) == 60 and all(len(s['values']) == 3601 for s in data), 'nothing is missing')
    status, headers, body = server.request('HEAD', paths['series'])
    tap.ok(status == 200 and body == b'', 'HEAD has no body')
    half = begin(server, 'series', **{'match[]': 'many'})
    half.close()
    tap.ok(galen.wait_for(lambda: figure(server, 'galen_http_requests_in_flight') == 1, 5),
           'who goes in the middle leaves nothing behind')


def truncation(tap, server):
    warning = ['results truncated due to limit']
    for path, more in (('series', {'match[]': 'many'}), ('labels', {}),
                       ('label/instance/values', {}), ('query', {'query': 'many', 'time': T})):
        def rows(answer):
            data = answer['data']
            return data['result'] if isinstance(data, dict) else data
        all_rows = rows(ask(server, path, **more)[1])
        n = len(all_rows)
        _, enough = ask(server, path, limit=n, **more)
        _, cut = ask(server, path, limit=n - 1, **more)
        tap.ok(n > 1 and 'warnings' not in enough and len(rows(enough)) == n and
               cut.get('warnings') == warning and len(rows(cut)) == n - 1, f'{path} has a limit',
               f"{n} {enough.get('warnings')} {cut.get('warnings')}")
        tap.equal(ask(server, path, limit='x', **more)[0], 400, f'{path}: limit is a number')
    _, answer = ask(server, 'query', query='memory_bytes', time=T, stats='all')
    stats = answer['data']['stats']
    tap.ok(stats['samples']['totalQueryableSamples'] >= 60 and stats['timings']['execTotalTime'] > 0
           and len(stats['samples']['totalQueryableSamplesPerStep']) == 1, 'stats are told', stats)


def methods(tap, server):
    for path, want in (('/api/v1/query', 'GET, HEAD, POST, OPTIONS'),
                       ('/api/v1/write', 'POST, OPTIONS'),
                       ('/api/v1/admin/tsdb/clean_tombstones', 'POST, PUT, OPTIONS')):
        status, headers, _ = server.request('OPTIONS', path, token=None)
        tap.equal((status, headers['Allow'], headers['Access-Control-Allow-Origin']),
                  (204, want, None), f'OPTIONS {path}')
        status, headers, _ = server.request('PATCH', path)
        tap.equal((status, headers['Allow']), (405, want), f'PATCH {path} is not there')
    tap.equal(server.request('POST', '/api/v1/admin/tsdb/clean_tombstones', token='agent-token')[0],
              403, 'an agent may not clean')
    tap.equal(server.request('POST', '/api/v1/admin/tsdb/clean_tombstones')[0], 204, 'an admin may')


def snapshot(tap, server):
    path = '/api/v1/admin/tsdb/snapshot'
    tap.equal(server.request('POST', path, token='agent-token')[0], 403, 'an agent may not back up')
    answer = server.json('POST', path)
    there = [b['id'] for b in server.json('GET', '/api/galen/v1/backups')['backups']]
    tap.equal((answer, there), ({'status': 'success', 'data': {'name': there[0]}}, there[:1]),
              'a snapshot is a backup')
    names = {open(p).read().strip()
             for p in glob.glob('/proc/%d/task/*/comm' % server.process.process.pid)}
    tap.ok({'galen-server', 'query', 'chores', 'log', 'store'} <= names, 'threads have names', names)


def figures(tap, server):
    server.request('POST', '/no/such/place')
    server.request('GET', '/api/v1/query', token=None)
    text = server.request('GET', '/metrics')[2].decode()
    for line in ('galen_http_requests_total{code="200",handler="/api/v1/query",method="GET"}',
                 'galen_http_requests_total{code="401",handler="/api/v1/query",method="GET"}',
                 'galen_http_requests_total{code="503",handler="/api/v1/query",method="GET"}',
                 'galen_http_requests_total{code="404",handler="other",method="POST"}',
                 'galen_http_request_duration_seconds_bucket{handler="/api/v1/query",le="+Inf"}',
                 'galen_http_request_duration_seconds_sum{handler="/api/v1/query_range"}',
                 'galen_promql_queries_max 1'):
        tap.ok(line in text, f'/metrics has {line}')
    if not shutil.which('promtool'):
        tap.skip('promtool check metrics', 'no promtool is installed')
        return
    done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True)
    tap.ok(done.returncode == 0 and not done.stderr.strip(), 'promtool check metrics finds nothing',
           done.stdout + done.stderr)


def command(server, *args, terminal=False, **env):
    words = [galen.BUILD / 'galen', 'query', '--server', server.url, '--token-file',
             server.data / 'admin-token', *args]
    env = dict(os.environ, COLUMNS='60', **env)
    if not terminal:
        env.pop('NO_COLOR', None)
        return subprocess.run(words, capture_output=True, env=env)
    master, slave = pty.openpty()
    done = subprocess.Popen(words, stdout=slave, stderr=subprocess.PIPE, env=env)
    os.close(slave)
    out = b''
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the terminal's end
            break
        if not part:
            break
        out += part
    os.close(master)
    return done.wait(), out.decode()


def commands(tap, server):
    done = command(server, 'memory_bytes{instance="h1"}', '--time', str(T))
    tap.ok(done.returncode == 0 and done.stdout.decode().splitlines()[0].split() ==
           ['METRIC', 'instance', 'job', 'VALUE'], 'galen query prints a table', done.stdout)
    done = command(server, 'memory_bytes{instance="h1"}', '--time', str(T), '-o', 'csv')
    tap.ok(done.stdout.startswith(b'__name__,instance,job,time,value\r\nmemory_bytes,h1,node,'),
           'or CSV', done.stdout)
    for option in (['--json'], ['-o', 'json']):
        done = command(server, '1', *option)
        tap.equal(json.loads(done.stdout)['data']['resultType'], 'scalar', f'or JSON: {option}')
    window = ['--start', str(T - 300), '--end', str(T), '--step', '15']
    done = command(server, 'memory_bytes{instance="h1"}', *window)
    tap.ok(done.returncode == 0 and not any('\u2800' < c < '\u2900' for c in done.stdout.decode()) and
           len(done.stdout.splitlines()) > 15, 'a range lists its points when it is read by programs')
    code, text = command(server, 'memory_bytes{instance="h1"}', *window, terminal=True)
    rows = [line for line in text.splitlines() if any('\u2800' < c < '\u2900' for c in line)]
    tap.ok(code == 0 and len(rows) >= 3 and '\x1b[36m' in text, 'and is drawn on a terminal', text)
    plain = [re.sub('\x1b\\[[0-9;]*m', '', line) for line in text.splitlines()]
    tap.ok(max(len(line) for line in plain) <= 60, 'as wide as the terminal', plain)
    code, text = command(server, 'memory_bytes{instance="h1"}', *window, terminal=True, NO_COLOR='1')
    tap.ok('\x1b' not in text and any('\u2800' < c < '\u2900' for c in text), 'without colours when asked')
    done = command(server, 'sum(up +')
    tap.ok(done.returncode == 1 and done.stderr.decode().splitlines()[-2:] == ['  sum(up +', '          ^'],
           'the place of an error is shown', done.stderr)
    tap.equal(command(server, '1', '-o', 'xml').returncode, 2, 'another form is refused')
    done = command(server, 'histogram_quantile(2, memory_bytes)', '--time', str(T))
    tap.ok(b'PromQL warning' in done.stderr and b'warning' not in done.stdout,
           'warnings go to standard error', done.stderr)


def load(server):
    times = range((T - 300) * 1000, T * 1000 + 1, 15000)
    series = [({'__name__': 'memory_bytes', 'instance': f'h{i}', 'job': 'node'},
               [(t, 1e9 + i * 4096 + t % 7) for t in times]) for i in range(60)]
    now = int(time.time()) * 1000
    many = [({'__name__': 'many', 'instance': f'host-{i % 50}', 'number': f'{i:06d}', 'job': 'node',
              'text': 'x' * 40}, [(T * 1000, 1.0), (now, 2.0)]) for i in range(4000)]
    hours = range((T - 3600) * 1000, (T - 300) * 1000, 60000)
    series += [(labels, [(t, 1e9) for t in hours]) for labels, _ in series]
    for part in (series[60:], series[:60], many[:2000], many[2000:]):
        status, body = galen.write(server, part)
        if status != 204:
            raise RuntimeError(f'{status} {body!r}')


def main():
    with galen.Folder('queries') as (folder, tap):
        server = galen.Server(folder, args=['--query-max-concurrency', '1', '--query-timeout', '1m',
                                            '--query-max-samples', '2000000000']).start()
        try:
            load(server)
            limits(tap, server)
            lookback(tap, server)
            queue(tap, server)
            pieces(tap, server)
            truncation(tap, server)
            methods(tap, server)
            snapshot(tap, server)
            figures(tap, server)
            commands(tap, server)
        finally:
            server.stop()


if __name__ == '__main__':
    main()
