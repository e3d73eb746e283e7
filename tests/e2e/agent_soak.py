#!/usr/bin/env python3
"""The agent's memory stays flat: 2 hours at one collection a second over TLS, with live frames, a
server that is restarted and settings that change meanwhile. Only in the soak (GALEN_SOAK);
GALEN_SOAK_S is another length in seconds."""
import os
import pathlib
import re
import time

import galen

SECONDS = int(os.environ.get('GALEN_SOAK_S', 2 * 3600))
WARM_S = min(600, SECONDS // 4)  # every collector has run, the first minute's snapshot is sent
GROWTH_MAX_KIB = 256  # between the end of the warm-up and the end
RSS_MAX_KIB = 8 << 10


def memory(pid):
    """(own, RSS, descriptors but for those of other processes: they come and go). Own: written pages;
    PSS would change with the neighbours that share a library."""
    kib = {}
    for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()[1:]:
        name, value, _ = line.split()
        kib[name] = int(value)
    own = 0
    for entry in pathlib.Path(f'/proc/{pid}/fd').iterdir():
        try:
            own += not re.fullmatch(r'/proc/\d+/stat', os.readlink(entry))
        except OSError:  # closed meanwhile
            continue
    return kib['Private_Dirty:'], kib['Rss:'], own


def cpu_s(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(') ', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def watch_once(server):
    """Somebody looks at the host for a few seconds: live frames."""
    name = server.hosts()[0]['name']
    with galen.WebSocket(server, '/live') as live:
        live.send({'op': 'watch', 'id': 1, 'host': name, 'every_ms': 500, 'exprs': ['node_load1']})
        for _ in range(5):
            live.receive(2)


if not galen.SOAK:
    without = galen.Tap()
    without.skip('memory of the agent over 2 hours', 'only in the soak')
    without.exit()

os.environ['GALEN_DEV_TOKEN'] = 'the-same-after-a-restart'

with galen.Folder('agent-soak') as (folder, tap):
    server = galen.Server(folder, tls=galen.certificate(folder)).start()
    agent = galen.Agent(folder / 'agent', server, ca=server.tls[0]).start()
    pid = agent.process.process.pid
    tap.ok(galen.wait_for(lambda: server.hosts(), 30), 'the host is there')
    started, rows, minutes = time.monotonic(), [], 0
    first_cpu = cpu_s(pid)
    while (elapsed := time.monotonic() - started) < SECONDS and agent.process.alive():
        if elapsed >= 60 * minutes:
            minutes += 1
            rows.append((elapsed, *memory(pid)))
            if minutes % 10 == 1:
                print('# %5d s: own %d KiB, RSS %d KiB, %d descriptors' % rows[-1], flush=True)
            if minutes % 5 == 0:
                watch_once(server)
            if minutes % 20 == 0:  # what waits lies in the spool meanwhile
                server.stop()
                time.sleep(10)
                server.start()
        time.sleep(1)
    tap.ok(agent.process.alive(), 'the agent has not ended')
    rows.append((time.monotonic() - started, *memory(pid)))
    print('# %5d s: own %d KiB, RSS %d KiB, %d descriptors' % rows[-1])
    print('# %.2f ms of CPU a second' % ((cpu_s(pid) - first_cpu) * 1000 / rows[-1][0]))
    rows = [row for row in rows if row[0] >= WARM_S]
    warm = rows[0]
    for what, column in (('own memory', 1), ('RSS', 2)):
        tap.ok(rows[-1][column] <= warm[column] + GROWTH_MAX_KIB, f'{what} is flat', rows)
    tap.ok(max(row[2] for row in rows) <= RSS_MAX_KIB, f'RSS is at most {RSS_MAX_KIB} KiB', rows)
    tap.ok(rows[-1][3] <= warm[3] + 8, 'no descriptor is lost', rows)
    agent.stop()
    server.stop()
