#!/usr/bin/env python3
"""A server with 150 agents is restarted: they come back spread over time, each with what it had
collected meanwhile, once; and no agent is asked to hurry."""
import os
import shutil
import time

import galen

API = '/api/galen/v1'
AGENTS = 150
AWAY_S = 8

os.environ['GALEN_DEV_TOKEN'] = 'the-same-after-a-restart'

with galen.Folder('storm') as (folder, tap):
    server = galen.Server(folder).start()
    machine = galen.ROOT / 'tests' / 'machines' / 'debian12'
    shutil.copytree(machine, folder / 'machine')
    agents = [galen.Agent(folder / f'agent{i}', server, ['--hostname', f'storm{i}'], interval='2s',
                          root=folder / 'machine').start() for i in range(AGENTS)]

    def links():
        """When each connected, ms; those that are connected."""
        found = []
        for host in server.hosts():
            link = server.json('GET', f"{API}/hosts/{host['id']}/settings")['link']
            found += [link['connected_ms']] if link['connected'] else []
        return found

    tap.ok(galen.wait_for(lambda: len(links()) == AGENTS, 60, 1), 'all are connected')
    start = time.time()
    server.stop()
    time.sleep(AWAY_S)
    end = time.time()
    server.start()
    back = galen.wait_for(lambda: len(found := links()) == AGENTS and found, 90, 1)
    tap.ok(back, 'all come back by themselves', len(links()))
    seconds = sorted((ms - end * 1000) / 1000 for ms in back or [0])
    busiest = max(sum(1 for s in seconds if at <= s < at + 1) for at in seconds)
    print(f'# back after {seconds[0]:.1f} to {seconds[-1]:.1f} s, at most {busiest} in one second')
    tap.ok(seconds[-1] - seconds[0] > 2 and busiest < AGENTS * 0.6, 'not all at once', seconds)

    # A collection every 2 s: what lies between is there once, with its own time.
    window = f'node_load1{{instance=~"storm.*"}}[{int(end - start)}s]'
    want = int(end - start) // 2 - 1
    arrived = f'count(count_over_time({window}) >= {want})'
    tap.ok(galen.wait_for(lambda: server.value(arrived, at=end) == AGENTS, 60, 1),
           'what each collected meanwhile arrives', server.value(arrived, at=end))
    gaps = [round(b - a, 3) for series in server.query(window, at=end)
            for (a, _), (b, _) in zip(series['values'], series['values'][1:])]
    tap.ok(min(gaps) > 0.5, 'and nothing twice', sorted(gaps)[:20])
    refused = server.request('GET', '/metrics')[2].decode()
    lines = [line for line in refused.splitlines() if line.startswith('galen_store_refused')]
    tap.ok(all(line.endswith(' 0') for line in lines), 'nothing of it was refused', lines)
    for agent in agents:
        agent.process.process.terminate()
    tap.equal([a.process.process.wait(30) for a in agents], [0] * AGENTS, 'all end well')
    server.stop()
