#!/usr/bin/env python3
"""The agent's link: a setting that is changed is applied within a second and holds over a restart of
the agent and of the server; what is out of range is refused with the field's name."""
import json
import os
import shutil
import subprocess
import time

import galen

API = '/api/galen/v1'
os.environ['GALEN_DEV_TOKEN'] = 'the-same-after-a-restart'


def put(server, host, settings, **headers):
    status, head, body = server.request('PUT', f'{API}/hosts/{host}/settings', settings, headers)
    return status, head, json.loads(body) if body else None


def state(server, host):
    return server.json('GET', f'{API}/hosts/{host}/settings')


def time_to_apply(server, host, settings, **headers):
    """PUT, and how long it took until the agent said that it holds: (seconds, answer)."""
    started = time.monotonic()
    answer = put(server, host, settings, **headers)
    version = answer[2]['version']
    held = galen.wait_for(lambda: state(server, host)['link']['applied_version'] == version, 30, 0.02)
    return (time.monotonic() - started if held else None), answer


with galen.Folder('agent-link') as (folder, tap):
    server = galen.Server(folder, tls=galen.certificate(folder)).start()
    agent = galen.Agent(folder / 'agent', server, interval=None, ca=server.tls[0]).start()
    tap.ok(galen.wait_for(lambda: server.hosts(), 30), 'the host is there')
    host = server.hosts()[0]['id']
    now = galen.wait_for(lambda: (s := state(server, host))['link']['state'] == 'applied' and s, 30)
    tap.ok(now, 'the agent is connected and has applied the defaults', state(server, host))
    tap.equal(now['settings']['collect_s'], 5, 'a collection every 5 s by default')
    tap.equal(now['version'], 0, 'nobody has chosen any')

    took, (status, head, body) = time_to_apply(
        server, host, {'collect_s': 1, 'send_s': 1, 'collectors_off': ['nic']}, **{'If-Match': '"0"'})
    tap.equal((status, head['ETag'], body['version']), (200, '"1"', 1), 'settings are changed')
    tap.ok(took is not None, 'they are applied')
    tap.equal(state(server, host)['link']['effective']['collect_s'], 1.0, 'the agent says so')
    count = 'count_over_time(node_load1[6s])'
    tap.ok(galen.wait_for(lambda: (server.value(count) or 0) >= 5, 60), 'and collects every second',
           server.value(count))

    status, _, body = put(server, host, {'collect_s': 5}, **{'If-Match': '"0"'})
    tap.equal(status, 412, 'who has read an older version is told so')
    for settings, field in (({'collect_s': 0.4}, 'collect_s'), ({'collect_s': 301}, 'collect_s'),
                            ({'send_s': 0.9}, 'send_s'), ({'display_s': 11}, 'display_s'),
                            ({'processes_top': 21}, 'processes_top'), ({'colect_s': 1}, 'colect_s'),
                            ({'preset': 'fast'}, 'preset'), ({'services': 'nginx'}, 'services')):
        status, head, body = put(server, host, settings)
        tap.ok(status == 422 and head['Content-Type'] == 'application/problem+json'
               and [e['field'] for e in body['errors']] == [field],
               f'{settings} is refused and {field} named', (status, body))
    tap.equal(state(server, host)['version'], 1, 'nothing of it was taken')

    status, _, _ = put(server, host, {'collectors_off': ['nonsense']})
    refused = galen.wait_for(lambda: (s := state(server, host))['link']['state'] == 'refused' and s, 30)
    tap.ok(status == 200 and refused and 'nonsense' in refused['link']['detail'],
           'what the agent cannot do it refuses, with the reason', refused)
    tap.equal(refused['link']['effective']['collect_s'], 1.0, 'and goes on as before')

    presets = server.json('GET', f'{API}/presets')['presets']
    tap.equal([p['name'] for p in presets], ['realtime', 'balanced', 'trend', 'cluster'], 'presets')
    for preset in [p['name'] for p in presets[1:]]:
        again, _ = time_to_apply(server, host, {'preset': preset})
        took = min(took, again or took)
        now = state(server, host)
        tap.ok(again and all(now['link']['effective'][k] == v
                             for k, v in now['settings'].items() if k.endswith('_s')),
               f'the preset {preset} is applied', now)
    again, (_, _, body) = time_to_apply(server, host, {'preset': 'realtime', 'display_s': 0.5})
    took = min(took, again or took)
    tap.ok(again, 'one with a value of its own, too')
    # The quickest of five: on a machine with much other work one of them may have to wait its turn.
    tap.ok(took < 1, 'a change holds within a second', took)
    version = body['version']

    server.stop()
    agent.stop()
    agent.start()
    tap.ok(galen.wait_for(lambda: 'every 1000 ms' in agent.process.text().rsplit('watching', 1)[-1], 30),
           'the settings hold over a restart without a server')
    server.start()
    now = galen.wait_for(lambda: (s := state(server, host))['link']['state'] == 'applied' and s, 60)
    tap.ok(now and now['version'] == version, 'and over one of the server; the link is back', now)
    agent.stop()

    agent = galen.Agent(folder / 'agent', server, interval='2s', ca=server.tls[0]).start()
    now = galen.wait_for(lambda: (s := state(server, host))['link']['fixed'] == ['collect_s'] and s, 30)
    tap.ok(now and now['link']['effective']['collect_s'] == 2.0,
           'what the administrator of the machine has fixed wins, and is said', state(server, host))
    shown = subprocess.run([galen.BUILD / 'galen-agent', 'status', '--state', agent.state],
                           capture_output=True, text=True, timeout=10)
    tap.ok(shown.returncode == 0 and all(word in shown.stdout for word in (
        'link        open', 'last send', 'spool', f'settings    version {version}', 'advice', 'dearest')),
        'galen-agent status says it all', shown.stdout + shown.stderr)
    shown = subprocess.run([galen.BUILD / 'galen-agent', 'status', '--json', '--state', agent.state],
                           capture_output=True, text=True, timeout=10)
    status = json.loads(shown.stdout)
    tap.ok(status['link']['open'] and status['delivery']['taken'] > 0
           and status['cost']['resident_bytes'] > 0 and status['cost']['collectors'],
           'and as JSON', shown.stdout)

    def told(what, query=''):
        status, _, body = server.request('GET', f'{API}/hosts/{host}/{what}{query}')
        return json.loads(body) if status == 200 else None

    shot = galen.wait_for(lambda: told('processes'), 60)
    tap.ok(shot and shot['cause'] == 'minute' and shot['processes']['processes'],
           'a snapshot of processes is kept', shot and str(shot)[:300])
    asked = server.request('POST', f'{API}/hosts/{host}/processes')[0]
    shot = galen.wait_for(lambda: (p := told('processes')) and p['cause'] == 'asked' and p, 30)
    tap.ok(asked == 202 and shot, 'and one when it is asked for', (asked, str(shot)[:200]))
    first = told('processes', f"?at={shot['at_ms'] - 1}") if shot else None
    tap.ok(first and first['cause'] == 'minute', 'the earlier one is found by its time')
    tap.equal(server.request('GET', f'{API}/hosts/{host}/processes?at=1000')[0], 404, 'none from 1970')
    inventory = galen.wait_for(lambda: told('inventory'), 30)
    tap.ok(inventory and inventory['version'] == 1 and inventory['inventory']['facts'],
           'the inventory is kept', str(inventory)[:300])

    # Services: what the console adds is watched at once, and what becomes of it is told at once.
    def health(name):
        found = [s for s in (told('services') or {}).get('services', []) if s['name'] == name]
        return found[0] if found else {}

    if shutil.which('redis-server'):
        redis = galen.Process(['redis-server', '--port', galen.free_port(), '--bind', '127.0.0.1',
                               '--dir', folder, '--save', ''], folder / 'redis.log')
        put(server, host, {'services': ['redis', 'no-such-service']})
        found = galen.wait_for(lambda: health('redis').get('health') == 'healthy', 60)
        tap.ok(found and health('redis')['state'] == 'running',
               'a real redis is found and told', told('services'))
        missing = galen.wait_for(lambda: health('no-such-service').get('state') == 'not_found', 30)
        tap.ok(missing, 'a service that is not there is told, too', told('services'))
        redis.kill()
        tap.ok(galen.wait_for(lambda: health('redis').get('health') == 'down', 60),
               'and that it has ended', told('services'))
        put(server, host, {'services': [], 'services_off': ['redis']})
        tap.ok(galen.wait_for(lambda: told('services') and not health('redis'), 60),
               'what is switched off is told no more', told('services'))
    else:
        tap.skip('services', 'redis-server is not installed')

    # A machine that has changed is an event; one that has only started again is not.
    machine = folder / 'machine'
    shutil.copytree(galen.ROOT / 'tests' / 'machines' / 'debian12', machine)
    recorded = galen.Agent(folder / 'recorded', server, ['--hostname', 'recorded'], root=machine,
                           ca=server.tls[0])

    def changes():
        return server.json('GET', f'{API}/events?kind=inventory')['events']

    def versions(want):
        for h in server.hosts():
            if h['name'] == 'recorded':
                status, _, body = server.request('GET', f"{API}/hosts/{h['id']}/inventory")
                return status == 200 and json.loads(body)['version'] == want
        return False

    def link_of(name):
        return state(server, next(h['id'] for h in server.hosts() if h['name'] == name))['link']

    recorded.start()
    tap.ok(galen.wait_for(lambda: versions(1), 30), 'a first inventory')
    recorded.stop()
    was = link_of('recorded')['connected_ms']
    recorded.start()
    # The inventory goes out one or two seconds after the hello.
    galen.wait_for(lambda: was < link_of('recorded')['connected_ms'] < time.time() * 1000 - 4000, 60)
    tap.equal(changes(), [], 'is no event, nor is the same one again')
    recorded.stop()
    release = machine / 'proc' / 'sys' / 'kernel' / 'osrelease'
    release.write_text('9.9.9-other\n')
    recorded.start()
    found = galen.wait_for(changes, 30)
    tap.ok(found and found[0]['host_name'] == 'recorded' and 'kernel' in found[0]['data']['facts']
           and found[0]['data']['to_version'] == 2, 'another kernel is an event that names it', found)
    recorded.stop()

    # Live: the agent sends every 5 s, but while somebody watches there is a value each half second.
    agent.stop()
    agent = galen.Agent(folder / 'agent', server, interval='5s', ca=server.tls[0]).start()
    galen.wait_for(lambda: state(server, host)['link']['connected'], 10)
    name = next(h['name'] for h in server.hosts() if h['id'] == host)
    with galen.WebSocket(server, '/live') as live:
        live.send({'op': 'watch', 'id': 1, 'host': name, 'every_ms': 500,
                   'exprs': [f'node_time_seconds{{instance="{name}"}}']})
        end, seen = time.monotonic() + 60, set()
        while time.monotonic() < end and len(seen) < 12:
            point = live.receive(3)
            if point and point['op'] == 'point' and point['values'][0]:
                seen.add(point['values'][0][0]['v'])
        tap.ok(len(seen) == 12, 'a watched host shows a new value each half second', len(seen))
        # Twelve at half a second: one or two collections at 5 s.
        over_s = int(max(seen) - min(seen)) + 1
        stored = server.value(f'count_over_time(node_time_seconds{{instance="{name}"}}[{over_s}s])',
                              at=max(seen)) or 0
        tap.ok(stored <= over_s / 5 + 1 and stored < len(seen), 'and no more is stored for it',
               (stored, over_s))
    agent.stop()
    server.stop()
