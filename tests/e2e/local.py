#!/usr/bin/env python3
"""The agent's own page: both text formats, promtool, textfiles, the seed's names, health; and live
values on a port of their own."""
import gzip
import json
import os
import shutil
import subprocess
import time
import types
import urllib.error
import urllib.request

import galen

OPENMETRICS = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
TOKEN = 'a-token-of-thirty-two-characters'


def get(port, path, **headers):
    request = urllib.request.Request(f'http://127.0.0.1:{port}{path}', headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def page(port, path='/metrics', **headers):
    return get(port, path, **headers)[2].decode()


def value(text, series):
    found = [line.rsplit(' ', 1)[1] for line in text.splitlines()
             if line.rsplit(' ', 1)[0] == series]
    return float(found[0]) if found else None


def openmetrics_faults(text):
    """What the format forbids and promtool does not look at."""
    lines, families, family, kind = text.splitlines(), set(), None, None
    faults = [] if lines[-1] == '# EOF' else ['no # EOF']
    for line in lines[:-1]:
        words = line.split(' ', 3)
        if line.startswith('# TYPE '):
            family, kind = words[2], words[3]
            faults += [f'{family} twice'] if family in families else []
            families.add(family)
        elif line.startswith('# HELP '):
            faults += [] if words[2] == family else [line]
        else:
            name = line.split('{')[0].split(' ')[0]
            ends = {'counter': ['_total'], 'histogram': ['_bucket', '_sum', '_count']}.get(kind, [''])
            faults += [] if name in [family + end for end in ends] else [line]
    return faults


with galen.Folder('local') as (folder, tap):
    textfiles = folder / 'textfiles'
    textfiles.mkdir()
    (folder / 'secret').write_text('not_for_you 1\n')
    (textfiles / 'good.prom').write_text(
        '# HELP shop_orders_total Orders, 100% of them.\n# TYPE shop_orders_total counter\n'
        'shop_orders_total{kind="a",job="cron"} 7\nshop_orders_total{kind="b"} 8\n'
        '# TYPE shop_wait_seconds histogram\nshop_wait_seconds_bucket{le="1"} 2\n'
        'shop_wait_seconds_bucket{le="+Inf"} 3\nshop_wait_seconds_sum 4\nshop_wait_seconds_count 3\n')
    (textfiles / 'torn.prom').write_text('torn_first 1\ntorn_second{a="b\n')
    (textfiles / 'timed.prom').write_text('timed_one 1 1700000000000\n')
    (textfiles / 'ours.prom').write_text('node_load1 99\n')
    (textfiles / 'large.prom').write_text('large_one 1\n' + '#' * (1 << 20))
    (textfiles / 'fits.prom').write_text('fits_one 1\n' + ('#' * 1023 + '\n') * 1000)
    (textfiles / 'many.prom').write_text(''.join(f'many{{n="{i}"}} 1\n' for i in range(10001)))
    (textfiles / 'link.prom').symlink_to(folder / 'secret')
    (textfiles / 'other.txt').write_text('other_one 1\n')
    (folder / 'token').write_text(TOKEN + '\n')
    port, live = galen.free_port(), galen.free_port()
    agent = galen.Process([galen.BUILD / 'galen-agent', '--listen', f'127.0.0.1:{port}', '--state',
                           folder / 'state', '--interval', '500ms', '--textfiles', textfiles,
                           '--live-listen', f'127.0.0.1:{live}', '--live-token-file', folder / 'token'],
                          folder / 'agent.log')

    def up():
        try:
            return 'node_load1' in page(port)
        except OSError:
            return False

    tap.ok(galen.wait_for(up, 15), 'the page is there')
    status, head, body = get(port, '/healthz')
    tap.equal((status, body), (200, b'ok\n'), '/healthz')
    tap.equal(get(port, '/else')[0], 404, 'nothing else is')

    status, head, body = get(port, '/metrics', **{'Accept-Encoding': 'gzip'})
    text = gzip.decompress(body).decode()
    tap.ok(head['Content-Type'].startswith('text/plain; version=0.0.4') and len(body) * 4 < len(text),
           'text, packed with gzip', (head['Content-Type'], len(body), len(text)))
    if shutil.which('promtool'):
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, text=True,
                              capture_output=True, timeout=60)
        # node_exporter's own names have capitals, bits and info counters; ours have nothing to say.
        inherited = ("snake_case' not 'camelCase'", 'instead of "bits"', '"_total" suffix',
                     'should not be "_info"')
        other = [line for line in (done.stdout + done.stderr).splitlines()
                 if not line.startswith('node_') or not any(word in line for word in inherited)]
        tap.equal((other, done.returncode in (0, 3)), ([], True), 'promtool check metrics is clean')
    else:
        tap.skip('promtool', 'it is not installed')

    status, head, body = get(port, '/metrics', Accept=OPENMETRICS)
    tap.ok(head['Content-Type'].startswith('application/openmetrics-text; version=1.0.0'),
           'OpenMetrics for who asks for it', head['Content-Type'])
    tap.equal(openmetrics_faults(body.decode()), [], 'and it is such')

    tap.equal(value(text, 'shop_orders_total{exported_job="cron",kind="a"}'), 7.0, 'a textfile')
    tap.ok('# HELP shop_orders_total Orders, 100% of them.\n# TYPE shop_orders_total counter\n' in text
           and '# TYPE shop_wait_seconds histogram\nshop_wait_seconds_bucket{le="1"} 2' in text,
           'with its help and types')
    tap.ok(value(text, 'node_textfile_mtime_seconds{file="good.prom"}') > 1.7e9, 'and its time')
    tap.equal(value(text, 'node_textfile_scrape_error'), 1.0, 'that others are wrong is told')
    log = agent.text()
    for name, why in (('torn', 'line 2'), ('timed', "times are the agent's"), ('ours', 'node_load1'),
                      ('large', 'larger than 1048576 bytes'), ('many', 'more than 10000 series'),
                      ('link', 'symbolic link')):
        lines = [line for line in log.splitlines() if f'/{name}.prom' in line]
        tap.ok(value(text, f'galen_textfile_refused{{file="{name}.prom"}}') == 1 and len(lines) == 1
               and why in lines[0] and f'file="{name}.prom"}} 1.' not in text,
               f'{name}.prom is named in a series and once in the log', lines)
    tap.ok(not any(name in text for name in ('torn_first', 'timed_one', 'large_one', 'many{',
                                             'not_for_you', 'other_one'))
           and value(text, 'node_load1') != 99, 'and nothing of them is taken')
    tap.equal(value(text, 'fits_one'), 1.0, 'a file just below the ceiling is')

    seed = page(port, '/metrics?compat=seed')
    time.sleep(1.1)
    seed = page(port, '/metrics?compat=seed')
    for name in ('cpu_usage_percent', 'memory_usage_percent', 'disk_usage_percent'):
        got = value(seed, name)
        tap.ok(got is not None and 0 <= got <= 100, name, got)
    tap.ok(value(seed, 'network_bytes_sent') is None or value(seed, 'network_bytes_recv') >= 0,
           'network_bytes_sent and _recv', seed)
    disk = os.statvfs('/')
    used = disk.f_blocks - disk.f_bfree
    want = 100 * used / (used + disk.f_bavail)
    tap.ok(abs(value(seed, 'disk_usage_percent') - want) < 2, 'as df says it', (seed, want))
    tap.equal(get(port, '/metrics?compat=other')[0], 400, 'another compat is refused')

    for path, headers, code in (('/live', {}, 401), ('/live?token=wrong', {}, 401), ('/', {}, 404),
                                ('/live', {'Authorization': 'Bearer wrong'}, 401)):
        tap.equal(get(live, path, **headers)[0], code, f'live: {path} {headers} is refused')
    server = types.SimpleNamespace(tls=None, port=live, token=lambda name: '')
    with galen.WebSocket(server, '/live', token=TOKEN) as ws:
        whole = ws.receive(5)
        tap.ok(whole['op'] == 'whole' and whole['values']['node_load1'] >= 0
               and any(name.startswith('node_cpu_seconds_total{') for name in whole['values']),
               'the first live frame has everything', str(whole)[:300])
        times = []
        for _ in range(4):
            change = ws.receive(5)
            times.append(change['values'].get('node_time_seconds'))
        tap.ok(change['op'] == 'change' and None not in times and len(set(times)) == 4
               and len(change['values']) < len(whole['values']) / 2, 'then what has changed', times)
    with galen.WebSocket(server, f'/live?token={TOKEN}', token='') as ws:
        tap.equal(ws.receive(5)['op'], 'whole', 'a browser shows the token in the address')

    (textfiles / 'torn.prom').write_text('torn_first 1\n')
    tap.ok(galen.wait_for(lambda: value(page(port), 'torn_first') == 1, 25, 0.5),
           'a file that was put right is taken')
    tap.ok(agent.kill(15) == 0, 'it ends well', agent.text())
    for config, want in (({'GALEN_LIVE_LISTEN': '127.0.0.1:0'}, 'needs live_token_file'),):
        done = subprocess.run([galen.BUILD / 'galen-agent', '--check-config', '--listen', ':0'],
                              capture_output=True, text=True, env=dict(os.environ, **config))
        tap.ok(done.returncode == 5 and want in done.stderr, 'live values need a token', done.stderr)
