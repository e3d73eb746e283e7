#!/usr/bin/env python3
"""Delivery: enrolment and a token that is changed, through an HTTP proxy over TLS, and to several
receivers at once (Debian's Prometheus and VictoriaMetrics), each with a spool of its own."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse
import urllib.request

import galen

API = '/api/galen/v1'
os.environ.pop('GALEN_DEV_TOKEN', None)


def value(port, expr):
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/api/v1/query?query='
                                    + urllib.parse.quote(expr), timeout=5) as answer:
            result = json.load(answer)['data']['result']
    except OSError:
        return None
    return float(result[0]['value'][1]) if result else None


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(('127.0.0.1', port)) == 0


with galen.Folder('delivery') as (folder, tap):
    server = galen.Server(folder, tls=galen.certificate(folder)).start()
    join = server.json('POST', f'{API}/join-tokens', {'uses': 1})['token']
    (folder / 'join').write_text(join)
    others, ports = [], {}
    for name, command in {
            'prometheus': ['prometheus', '--web.enable-remote-write-receiver', '--config.file={dir}/c.yml',
                           '--storage.tsdb.path={dir}/data', '--web.listen-address=127.0.0.1:{port}'],
            'victoria-metrics': ['victoria-metrics', '-storageDataPath={dir}/data',
                                 '-httpListenAddr=127.0.0.1:{port}', '-search.latencyOffset=0s'],
    }.items():
        if not shutil.which(name):
            tap.skip(f'{name} takes what the agent sends', f'{name} is not installed')
            continue
        place = folder / name
        place.mkdir()
        (place / 'c.yml').write_text('global: {}\n')
        ports[name] = galen.free_port()
        others.append(galen.Process([c.format(dir=place, port=ports[name]) for c in command],
                                    place / 'log'))
    dead = galen.free_port()
    targets = [f'http://127.0.0.1:{p}/api/v1/write' for p in [*ports.values(), dead]]

    env, proxy = {}, None
    if shutil.which('tinyproxy'):
        proxy_port = galen.free_port()
        (folder / 'tinyproxy.conf').write_text(
            f'Port {proxy_port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\n'
            f'ConnectPort {server.port}\nLogFile "{folder}/proxy.log"\nLogLevel Connect\n')
        proxy = galen.Process(['tinyproxy', '-d', '-c', folder / 'tinyproxy.conf'], folder / 'proxy.out')
        galen.wait_for(lambda: listens(proxy_port), 10)
        env = {'https_proxy': f'http://127.0.0.1:{proxy_port}'}
    for port in ports.values():
        galen.wait_for(lambda: listens(port), 20)

    agent = galen.Agent(folder / 'agent', server, token=None, ca=server.tls[0],
                        args=['--join-token-file', folder / 'join', '--targets', ','.join(targets)])
    agent.process = galen.Process(agent.command, agent.log, env)
    tap.ok(galen.wait_for(lambda: server.value('node_load1') is not None, 30),
           'enrolled, samples arrive' + (' through the proxy' if proxy else ''), agent.process.text())
    if proxy:
        seen = (folder / 'proxy.log').read_text()
        tap.ok(f'CONNECT 127.0.0.1:{server.port}' in seen, 'the proxy has passed them on', seen[-800:])
    else:
        tap.skip('the proxy has passed them on', 'tinyproxy is not installed')
    for name, port in ports.items():
        tap.ok((galen.wait_for(lambda: value(port, 'count({job="node"})'), 30) or 0) > 400,
               f'{name} takes what the agent sends', value(port, 'count({job="node"})'))

    def delivery():
        shown = subprocess.run([galen.BUILD / 'galen-agent', 'status', '--json', '--state', agent.state],
                               capture_output=True, text=True, timeout=10)
        return json.loads(shown.stdout)

    shown = delivery()
    tap.ok(shown['targets'][-1]['spool']['batches'] > 0 and shown['delivery']['spool']['batches'] <= 2,
           'one that is away has a spool of its own and holds up no other', shown['targets'])

    away = shown['targets'][-1]['spool']
    day = away['bytes'] / away['batches'] * 24 * 3600 / 5
    tap.ok(day < away['max_bytes'] == 256 << 20, 'which holds more than a day at 5 s by default',
           (away, day))

    host = server.hosts()[0]['id']
    galen.wait_for(lambda: server.json('GET', f'{API}/hosts/{host}/settings')['link']['connected'], 20)
    old = (agent.state / 'token').read_text().strip()
    status, _, body = server.request('POST', f'{API}/hosts/{host}/token')
    tap.equal(status, 204, 'a new token is handed out')
    tap.ok(galen.wait_for(lambda: (agent.state / 'token').read_text().strip() != old, 5),
           'the agent keeps it')
    sent = delivery()['delivery']['taken']
    tap.ok(galen.wait_for(lambda: delivery()['delivery']['taken'] > sent + 1, 10), 'and sends with it')
    tap.ok(galen.wait_for(lambda: galen.write(server, [({'__name__': 'x', 'job': 'y'}, [(1, 1)])],
                                              token=old)[0] == 401, 15, 0.5),
           'the old one is refused once the new one was used')
    tap.equal(delivery()['delivery']['failed'], 0, 'no send has failed meanwhile')
    agent.process.process.send_signal(signal.SIGHUP)
    tap.ok(galen.wait_for(lambda: 'the settings were read again' in agent.process.text(), 10)
           and galen.wait_for(lambda: agent.process.text().count('watching') == 2, 10)
           and agent.process.alive(), 'SIGHUP: the settings are read again')
    agent.stop()
    for process in [*others, *([proxy] if proxy else [])]:
        process.kill()
    server.stop()

    unit = galen.BUILD / 'galen-agent.service'
    if shutil.which('systemd-analyze'):
        shown = subprocess.run(['systemd-analyze', 'security', '--offline=true', unit],
                               capture_output=True, text=True, timeout=60).stdout
        score = re.search(r'exposure level for [^:]*: ([0-9.]+)', shown)
        tap.ok(score and float(score[1]) <= 2.0, 'systemd finds the unit well confined (at most 2.0)',
               score[0] if score else shown[-500:])
    else:
        tap.skip('systemd finds the unit well confined', 'systemd-analyze is not installed')
