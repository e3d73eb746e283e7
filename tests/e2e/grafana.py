"""deploy/grafana: the files are sound, every query of every dashboard is answered by a server with
an agent's data, and so is every call that Grafana's Prometheus data source makes."""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse

import galen

GRAFANA = galen.ROOT / 'deploy/grafana'
MACHINES = galen.ROOT / 'tests/machines'
NAMES = {'system-overview', 'application-performance', 'alert-overview', 'advice'}
# What a dashboard's variables are in these tests; the longest first.
VARIABLES = {'$__rate_interval': '1m', '$__interval': '15s', '$__range': '1h', '$instance': '.+',
             '${datasource}': 'galen'}
# These need services or alerts, which the test's machine has none of, or a finding, which needs
# more than a minute of data (advice.py waits for it).
MAY_BE_EMPTY = re.compile(r'\bALERTS|galen_service_|galen_finding')
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}


def without_self(jobs):
    """The server's own series come every 15 seconds: there already, or not yet."""
    return [job for job in jobs if job != 'galen-server']


def dashboards():
    return {path.stem: json.loads(path.read_text()) for path in GRAFANA.glob('dashboards/*.json')}


def filled(text):
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def files_are_sound(tap, boards):
    tap.equal(set(boards), NAMES, 'the four dashboards are there')
    uids = [b['uid'] for b in boards.values()]
    tap.ok(len(set(uids)) == 4 and all(re.fullmatch(r'galen-[a-z]+', u) for u in uids),
           'their uids are stable and differ', uids)
    for name, board in boards.items():
        panels = board['panels']
        ids = [p['id'] for p in panels]
        variables = {v['name']: v for v in board['templating']['list']}
        tap.ok(len(ids) == len(set(ids)) and all(isinstance(i, int) for i in ids),
               f'{name}: ids of panels are unique')
        tap.ok(board['graphTooltip'] == 1 and board['id'] is None, f'{name}: shared crosshair')
        tap.ok(variables['datasource']['type'] == 'datasource' and
               variables['instance']['definition'].startswith('label_values('),
               f'{name}: data source and hosts are variables')
        kinds = {p['type'] for p in panels}
        tap.ok(kinds <= {'row', 'timeseries', 'stat', 'table'}, f'{name}: no plugins', kinds)
        sources = {json.dumps(t['datasource']) for p in panels for t in p.get('targets', [])}
        tap.equal(sources, {'{"type": "prometheus", "uid": "${datasource}"}'},
                  f'{name}: every query asks the chosen data source')
        boxes = [p['gridPos'] for p in panels]
        overlaps = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1:]
                    if a['x'] < b['x'] + b['w'] and b['x'] < a['x'] + a['w']
                    and a['y'] < b['y'] + b['h'] and b['y'] < a['y'] + a['h']]
        tap.ok(not overlaps and all(b['x'] + b['w'] <= 24 for b in boxes), f'{name}: panels fit',
               overlaps)
        tap.ok(all(p.get('description') for p in panels if p['type'] != 'row'),
               f'{name}: every panel says what it shows')
    for path, need in (('provisioning/datasources/galen.yaml', 'uid: galen'),
                       ('provisioning/dashboards/galen.yaml', 'type: file')):
        tap.ok(need in (GRAFANA / path).read_text(), path)


def post(server, path, **parameters):
    status, _, body = server.request('POST', path, urllib.parse.urlencode(parameters, doseq=True),
                                     FORM)
    return status, json.loads(body)


def get(server, path, **parameters):
    status, _, body = server.request('GET', path + '?' +
                                     urllib.parse.urlencode(parameters, doseq=True))
    return status, json.loads(body)


def queries_are_answered(tap, server, boards):
    end = time.time()
    for name, board in boards.items():
        bad, n = [], 0
        for panel in board['panels']:
            for target in panel.get('targets', []):
                n += 1
                expr = filled(target['expr'])
                if target.get('instant'):
                    status, answer = post(server, '/api/v1/query', query=expr, time=end)
                else:
                    status, answer = post(server, '/api/v1/query_range', query=expr,
                                          start=int(end) - 600, end=int(end), step=5)
                if status != 200 or '$' in expr:
                    bad.append(f"{panel['title']}: {expr}: {status} {answer}")
                elif not answer['data']['result'] and not MAY_BE_EMPTY.search(expr):
                    bad.append(f"{panel['title']}: {expr}: nothing")
                elif answer.get('warnings'):
                    bad.append(f"{panel['title']}: {expr}: {answer['warnings']}")
        tap.ok(n >= 8 and not bad, f'{name}: {n} queries are answered', '\n'.join(bad))


def metrics_exist(tap, boards):
    """Names are those of docs/METRICS.md, or the few that others make."""
    listed = re.findall(r'^\| `([a-zA-Z0-9_%]+)`', (galen.ROOT / 'docs/METRICS.md').read_text(), re.M)
    patterns = [re.compile(name.replace('%', '.+') + '$') for name in listed]
    own = {'ALERTS', 'ALERTS_FOR_STATE', 'galen_finding', 'galen_recommendation',
           'galen_recommendation_probability', 'galen_service_state', 'galen_service_check_ok'}
    unknown = set()
    for board in boards.values():
        for panel in board['panels']:
            for target in panel.get('targets', []):
                for name in re.findall(r'\b(?:node|galen)_\w+|\bALERTS\w*', target['expr']):
                    if name not in own and not any(p.match(name) for p in patterns):
                        unknown.add(name)
    tap.ok(not unknown, 'every metric of the dashboards is in docs/METRICS.md', unknown)


def data_source_calls(tap, server):
    """As Grafana's data source words them (httpMethod POST, whole seconds for lists)."""
    end = int(time.time())
    window = dict(start=str(end - 3600), end=str(end))
    status, answer = post(server, '/api/v1/query', query='1+1', time=f'{time.time():.3f}')
    tap.equal((status, answer['data']['result'][1]), (200, '2'), 'its health check')
    status, answer = get(server, '/api/v1/status/buildinfo')
    tap.ok(status == 200 and re.match(r'\d+\.\d+\.\d+$', answer['data']['version']), 'its buildinfo')
    status, answer = post(server, '/api/v1/query_range', query='node_load1', start=f'{end - 60}.123',
                          end=f'{end}.123', step='15')
    tap.ok(status == 200 and answer['data']['resultType'] == 'matrix' and answer['data']['result'],
           'a panel over a range')
    status, answer = post(server, '/api/v1/query', query='node_load1', time=f'{time.time():.3f}')
    tap.ok(answer['data']['resultType'] == 'vector' and answer['data']['result'], 'an instant panel')
    for call in (post, get):
        status, answer = call(server, '/api/v1/labels', **window)
        tap.ok(status == 200 and {'__name__', 'instance', 'job'} <= set(answer['data']),
               f'its list of labels ({call.__name__})')
    status, answer = post(server, '/api/v1/labels', **window, **{'match[]': '{__name__="node_cpu_seconds_total"}'})
    tap.equal(answer['data'], ['__name__', 'cpu', 'instance', 'job', 'mode'], 'the labels of a metric')
    status, answer = get(server, '/api/v1/label/__name__/values', **window, limit=40000)
    tap.ok(status == 200 and 'node_load1' in answer['data'], 'its list of metrics')
    status, answer = get(server, '/api/v1/label/__name__/values', **window,
                         **{'match[]': '{instance!=""}'})
    tap.ok('node_load1' in answer['data'], 'metrics that a selector leaves')
    status, answer = get(server, '/api/v1/label/instance/values', **window,
                         **{'match[]': 'node_time_seconds'})
    hosts = answer['data']
    tap.ok(status == 200 and len(hosts) == 1, 'label_values(metric, label)', answer)
    status, answer = get(server, '/api/v1/label/job/values', **window)
    tap.equal(without_self(answer['data']), ['galen', 'node'], 'label_values(label)')
    # the escaped form in which it asks for labels that are no plain names
    status, answer = get(server, '/api/v1/label/U__instan_63_e/values', **window,
                         **{'match[]': 'node_time_seconds'})
    tap.equal(answer['data'], hosts, 'label values by an escaped name')
    for call in (post, get):
        status, answer = call(server, '/api/v1/series', **window, **{'match[]': 'node_load1'})
        tap.equal(answer['data'], [{'__name__': 'node_load1', 'instance': hosts[0], 'job': 'node'}],
                  f'its list of series ({call.__name__})')
    status, answer = post(server, '/api/v1/query', query='query_result', time=end)
    tap.equal(answer['data']['result'], [], 'query_result() of nothing')
    for more in ({}, {'limit': '10000'}, {'metric': 'node_load1'}):
        status, answer = get(server, '/api/v1/metadata', **more)
        meaning = answer['data'].get('node_load1')
        tap.ok(meaning and meaning[0]['type'] == 'gauge' and meaning[0]['help'] and
               meaning[0]['unit'] == '', f'what a metric means {more}', answer)
    status, answer = get(server, '/api/v1/metadata', limit='1')
    tap.equal(len(answer['data']), 1, 'metadata has a limit')
    for metric, kind in (('node_vmstat_pgfault', 'unknown'), ('node_cpu_seconds_total', 'counter'),
                         ('node_memory_MemTotal_bytes', 'gauge')):
        status, answer = get(server, '/api/v1/metadata', metric=metric)
        tap.equal(answer['data'].get(metric, [{}])[0].get('type'), kind, f'{metric} is a {kind}')
    status, _, body = server.request('POST', '/api/v1/query_range', urllib.parse.urlencode({
        'query': 'node_load1', 'start': end - 60, 'end': end, 'step': '15', 'timeout': '30s',
        'stats': 'all'}), dict(FORM, **{
            'X-Grafana-Cache': 'private, max-age=60', 'X-Dashboard-Uid': 'galen-system',
            'X-Panel-Id': '2', 'X-Datasource-Uid': 'galen', 'X-Grafana-Org-Id': '1'}))
    answer = json.loads(body)
    tap.ok(status == 200 and answer['data']['result'] and
           answer['data']['stats']['samples']['totalQueryableSamples'] > 0,
           'a panel with its headers, a timeout and statistics')
    for path in ('/api/v1/rules', '/api/v1/alerts'):
        status, answer = get(server, path)
        tap.ok(status == 200 and answer['status'] == 'success', f'its {path}')
    status, answer = get(server, '/api/v1/rules', type='alert')
    tap.ok(all(r['type'] == 'alerting' for g in answer['data']['groups'] for r in g['rules']),
           'its rules of one type')
    status, answer = get(server, '/api/v1/labels', **window, limit=2)
    tap.equal(len(answer['data']), 2, 'labels have a limit')
    status, answer = get(server, '/api/v1/series', **window, limit=3, **{'match[]': '{instance!=""}'})
    tap.equal(len(answer['data']), 3, 'series have a limit')
    status, answer = get(server, '/api/v1/query_exemplars', query='node_load1', **window)
    tap.equal((status, answer), (200, {'status': 'success', 'data': []}), 'exemplars: none')
    status, answer = post(server, '/api/v1/format_query', query='sum(a)by(b)')
    tap.equal(answer['data'], 'sum by (b) (a)', 'format_query')
    status, answer = post(server, '/api/v1/parse_query', query='up{a="b"} offset 5m')
    tap.equal(answer['data'], {
        'type': 'vectorSelector', 'name': 'up', 'offset': 300000, 'startOrEnd': None, 'timestamp': None,
        'matchers': [{'name': 'a', 'type': '=', 'value': 'b'},
                     {'name': '__name__', 'type': '=', 'value': 'up'}]}, 'parse_query')
    status, answer = get(server, '/api/v1/parse_query', query='sum(')
    tap.ok(status == 400 and answer['errorType'] == 'bad_data' and
           'invalid parameter "query": 1:5: parse error:' in answer['error'], 'where it does not parse', answer)
    status, answer = get(server, '/api/v1/targets', state='active')
    active = answer['data']['activeTargets']
    tap.ok(len(active) == 1 and active[0]['health'] == 'up' and
           active[0]['labels'] == {'instance': hosts[0], 'job': 'node'}, 'the host is a target', active)
    status, answer = get(server, '/api/v1/targets/metadata', match_target='{job="node"}',
                         metric='node_load1')
    tap.ok(status == 200 and answer['data'][0]['target']['instance'] == hosts[0] and
           answer['data'][0]['type'] == 'gauge', 'what a metric of a target means', answer)
    status, answer = get(server, '/api/v1/targets/metadata', match_target='{job="other"}')
    tap.equal(answer['data'], [], 'another target has none')
    status, answer = get(server, '/api/v1/scrape_pools')
    tap.equal(without_self(answer['data']['scrapePools']), ['galen', 'node'], 'scrape pools')


def main():
    with galen.Folder('grafana') as (folder, tap):
        boards = dashboards()
        files_are_sound(tap, boards)
        metrics_exist(tap, boards)
        machine = folder / 'machine'
        player = subprocess.Popen([sys.executable, MACHINES / 'play.py',
                                   MACHINES / 'listen-overflow', machine, '120'])
        server = galen.Server(folder, args=['--analysis-interval', '1s']).start()
        agent = None
        try:
            galen.wait_for(lambda: (machine / 'proc/stat').exists(), 10)
            shutil.copytree(MACHINES / 'debian12/proc/sys/net/netfilter',
                            machine / 'proc/sys/net/netfilter', dirs_exist_ok=True)
            agent = galen.Agent(folder, server, root=machine).start()

            def settled():
                return (server.query('rate(galen_tcp_sockets[1m])') and
                        server.query('rate(node_netstat_TcpExt_ListenOverflows[1m])') and
                        server.query('galen_recommendation'))
            tap.ok(galen.wait_for(settled, 40, 0.5), 'an agent has sent some seconds')
            queries_are_answered(tap, server, boards)
            data_source_calls(tap, server)
        finally:
            player.send_signal(signal.SIGTERM)
            player.wait()
            for process in (agent, server):
                if process:
                    process.stop()


if __name__ == '__main__':
    main()
