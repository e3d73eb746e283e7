#!/usr/bin/env python3
"""The server is away while an agent collects, and the agent is killed meanwhile: everything arrives,
once, with its own times."""
import signal
import time

import galen

AWAY_S = 120 if galen.SOAK else 15

with galen.Folder('outage') as (folder, tap):
    server = galen.Server(folder).start()
    agent = galen.Agent(folder / 'agent', server).start()
    tap.ok(galen.wait_for(lambda: server.value('node_load1') is not None, 20), 'samples arrive')
    server.stop()
    start = time.time()
    time.sleep(AWAY_S / 2)
    tap.ok(agent.process.alive(), 'the agent lives on without its server')
    agent.stop(signal.SIGKILL)
    agent.start()
    time.sleep(AWAY_S / 2)
    end = time.time()
    server.start()
    count = f'count_over_time(node_load1[{int(end - start)}s])'
    # One collection a second; the kill costs at most the one that was not on disk, and a start.
    tap.ok(galen.wait_for(lambda: (server.value(count, at=end) or 0) >= end - start - 4, 60),
           'what was collected meanwhile arrives', server.value(count, at=end))
    tap.ok(galen.wait_for(lambda: (server.value('timestamp(node_load1)') or 0) > end, 30),
           'and the present goes on')
    points = server.query(f'node_load1[{int(end - start) + 30}s]')[0]['values']
    times = [t for t, _ in points]
    tap.equal(len(times), len(set(times)), 'nothing is there twice')
    tap.equal(times, sorted(times), 'in order')
    agent.stop()
    server.stop()
