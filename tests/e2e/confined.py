#!/usr/bin/env python3
"""The agent under its filter of system calls, in the strict form, in which a forbidden call ends it:
enrolment, TLS, names, an outage and the way back, services, live settings, status, the local page."""
import json
import os
import subprocess
import types
import urllib.request

import galen

API = '/api/galen/v1'
MINUTE = 60 if galen.SOAK else 20


def status_of(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


with galen.Folder('confined') as (folder, tap):
    server = galen.Server(folder, tls=galen.certificate(folder)).start()
    (folder / 'join').write_text(server.json('POST', f'{API}/join-tokens', {'uses': 1})['token'])
    (folder / 'token').write_text('a-token-of-thirty-two-characters')
    (folder / 'textfiles').mkdir()
    (folder / 'textfiles' / 'a.prom').write_text('shop_orders 7\n')
    page, live = galen.free_port(), galen.free_port()
    (folder / 'agent.yaml').write_text(f'''listen: 127.0.0.1:{page}
live_listen: 127.0.0.1:{live}
live_token_file: {folder}/token
textfiles: {folder}/textfiles
join_token_file: {folder}/join
services:
  - name: galen
    process: galen-server
    interval: 1s
    probes: [{{http: "https://localhost:{server.port}/healthz", ca: {server.tls[0]}}}]
  - {{name: gone, interval: 1s, probes: [{{tcp: "localhost:1"}}, {{unix: /nowhere}}]}}
''')
    named = types.SimpleNamespace(url=f'https://localhost:{server.port}', data=server.data)
    for mode in ('strict', 'on'):
        (folder / 'agent' / 'agent.log').unlink(missing_ok=True)
        agent = galen.Agent(folder / 'agent', named, ['--config', folder / 'agent.yaml', '--seccomp', mode],
                            token=None, ca=server.tls[0]).start()
        if not galen.wait_for(lambda: 'watching' in agent.process.text(), 10):
            tap.skip(mode, 'no filters here: ' + agent.process.text()[-300:])
            agent.stop()
            continue
        held = status_of(agent.process.process.pid)
        tap.equal((held['Seccomp'], held['NoNewPrivs']), ('2', '1'), f'{mode}: the filter is there')
        tap.ok(galen.wait_for(server.hosts, 15), 'it has enrolled and sends')
        host = server.hosts()[0]['id']
        sent = galen.wait_for(lambda: server.value('galen_service_state{service="galen",state="healthy"}')
                              == 1, 20, 0.5)
        tap.ok(sent, 'a service is probed over HTTPS', agent.process.text())
        server.stop()
        galen.wait_for(lambda: 'cannot send' in agent.process.text(), 15)
        server.start()
        tap.ok(galen.wait_for(lambda: 'sending again' in agent.process.text()
                              or not any((agent.state / 'spool').glob('*')), 40, 0.5),
               'what was collected in between is sent', agent.process.text())
        server.json('PUT', f'{API}/hosts/{host}/settings', {'display_s': 0.5, 'processes_top': 7})
        version = server.json('GET', f'{API}/hosts/{host}/settings')['version']
        tap.ok(galen.wait_for(lambda: server.json('GET', f'{API}/hosts/{host}/settings')
                              ['link']['applied_version'] == version, 40), 'settings are applied')
        shown = subprocess.run([galen.BUILD / 'galen-agent', 'status', '--json', '--state', agent.state],
                               capture_output=True, text=True, timeout=10)
        tap.ok(shown.returncode == 0 and json.loads(shown.stdout)['link']['open'], 'status is told',
               shown.stdout + shown.stderr)
        text = urllib.request.urlopen(f'http://127.0.0.1:{page}/metrics', timeout=10).read().decode()
        tap.ok('shop_orders 7' in text, 'the page has the textfile')
        viewer = types.SimpleNamespace(tls=None, port=live, token=lambda name: '')
        with galen.WebSocket(viewer, '/live', token=(folder / 'token').read_text()) as ws:
            tap.equal(ws.receive(5)['op'], 'whole', 'and live values')
        agent.process.process.send_signal(1)
        tap.ok(galen.wait_for(lambda: 'were read again' in agent.process.text(), 10), 'SIGHUP')
        before = server.value('count_over_time(node_load1[5m])')
        galen.wait_for(lambda: not agent.process.alive(), MINUTE if mode == 'strict' else 2, 0.5)
        tap.ok(agent.process.alive() and server.value('count_over_time(node_load1[5m])') > before,
               'it works on and on', agent.process.text())
        tap.ok('is not allowed' not in agent.process.text(), 'nothing was refused', agent.process.text())
        tap.equal(agent.stop(), 0, 'and it ends well')
    bad = subprocess.run([galen.BUILD / 'galen-agent', '--check-config', '--server', server.url],
                         capture_output=True, text=True, env=dict(os.environ, GALEN_SECCOMP='maybe'))
    tap.ok(bad.returncode == 5 and 'seccomp is on, strict or off' in bad.stderr, 'a wrong word is told')
    server.stop()
