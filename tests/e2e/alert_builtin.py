#!/usr/bin/env python3
"""The alert rules that come with Galen: each has unit tests and they pass, each metric that one asks
for is really sent by an agent or the server, and a host that goes is told, also after a restart of
the server."""
import json
import re
import subprocess
import sys
import time

from galen import BUILD, ROOT, Agent, Folder, Server, certificate, wait_for

RULES = ROOT / 'rules' / 'alerts'
MACHINES = ROOT / 'tests' / 'machines'
API = '/api/galen/v1'


def texts(kind):
    """The names of rules of that kind ("alert", "record")."""
    return {name for f in RULES.glob('*.yaml')
            for name in re.findall(rf'- {kind}: (\S+)', f.read_text())}


def unit_tests(tap):
    files = sorted((RULES / 'tests').glob('*.yaml'))
    run = subprocess.run([BUILD / 'galen', 'rules', 'test', *files], capture_output=True, text=True,
                         timeout=60)
    tap.ok(run.returncode == 0 and run.stdout.count('SUCCESS') == len(files),
           f'{len(files)} files of unit tests pass', run.stdout + run.stderr)
    tested = {name for f in files for name in re.findall(r'alertname: (\S+)', f.read_text())}
    tap.equal(sorted(texts('alert') - tested), [], 'every alert has some')
    documented = set(re.findall(r'</a>(\w+) \|', (ROOT / 'docs' / 'ALERTS.md').read_text()))
    tap.equal(sorted(texts('alert') ^ documented), [], 'and stands in docs/ALERTS.md, no other')


def metrics(server):
    """The names that the built-in rules ask for, as the server read them."""
    names = set()
    for rule in server.json('GET', f'{API}/alert-rules')['rules']:
        names |= set(re.findall(r'\b(?:node|galen|instance:\w+)[_:]\w+\b', rule['query']))
    return names - texts('record')


def sent(server, names):
    have = {r['metric']['n'] for r in server.query(
        'label_replace(count by (__name__) ({__name__=~"(node|galen)_.+"}), "n", "$1", "__name__", "(.+)")')}
    return names - have


def silent(server):
    return [a for a in server.json('GET', f'{API}/alerts?name=HostSilent&state=firing')['alerts']
            if a['host'] == 'goes']


def history(server):
    return [(e['what'], e['host']) for e in
            server.json('GET', f'{API}/alerts/history?name=HostSilent')['history']]


def goes_silent(tap, server, agent):
    server.json('PUT', f'{API}/alert-rules/HostSilent', {'value': 20, 'clear': 10})
    tap.ok(wait_for(lambda: server.query('galen_host_interval_seconds{instance="goes"}'), 70),
           'how often a host sends is known')
    agent.stop()
    tap.ok(wait_for(lambda: silent(server), 90), 'a host that has gone is told',
           server.query('galen_host_silent_seconds'))
    before = history(server)
    server.stop()
    time.sleep(5)
    server.start()
    time.sleep(12)
    tap.equal((len(silent(server)), history(server)), (1, before),
              'after a restart it is silent as before: not over, not told again')
    tap.ok(not any(h == 'stays' for _, h in history(server)),
           'and the time without a server is no silence of another host', history(server))


def main():
    with Folder('alert-builtin') as (folder, tap):
        unit_tests(tap)
        machine = folder / 'machine'
        player = subprocess.Popen([sys.executable, MACHINES / 'play.py',
                                   MACHINES / 'listen-overflow', machine])
        tls = certificate(folder)
        server = Server(folder, tls=tls, args=['--analysis-interval', '5s', '--alerts-interval', '5s'])
        config = folder / 'agent.yaml'
        config.write_text(f'services:\n  - name: self\n    interval: 1s\n    probes:\n'
                          f'      - http: {server.url}/healthz\n        ca: {tls[0]}\n')
        agents = []
        try:
            wait_for(lambda: (machine / 'proc' / 'stat').exists(), 10)
            server.start()
            agents = [Agent(folder / 'stays', server, ca=tls[0],
                            args=['--hostname', 'stays', '--config', config]).start(),
                      Agent(folder / 'mq', server, root=machine, ca=tls[0],
                            args=['--hostname', 'mq']).start()]
            goes = Agent(folder / 'goes', server, ca=tls[0], args=['--hostname', 'goes']).start()
            agents.append(goes)
            goes_silent(tap, server, goes)
            names = metrics(server)
            tap.ok(len(names) > 20, f'the rules ask for {len(names)} metrics')
            tap.ok(wait_for(lambda: not sent(server, names), 30), 'and each is sent by somebody',
                   sorted(sent(server, names)))
            expires = {r['metric'].get('service', r['metric']['job']): float(r['value'][1])
                       for r in server.query('galen_certificate_expires_seconds')}
            tap.equal(sorted(expires), ['galen-server', 'self'],
                      "when the server's certificate expires, by itself and by a check")
            tap.ok(all(abs(v - time.time() - 2 * 86400) < 600 for v in expires.values()),
                   'in two days', expires)
            bad = [r for g in server.json('GET', '/api/v1/rules')['data']['groups']
                   for r in g['rules'] if r['health'] == 'err']
            tap.equal(bad, [], 'no rule fails')
        finally:
            for a in agents:
                a.stop()
            server.stop()
            player.terminate()
            player.wait()


main()
