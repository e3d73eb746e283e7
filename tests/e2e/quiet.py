#!/usr/bin/env python3
"""What this machine is told while it is used as it is (make soak): a server and an agent watch it, and
every finding that is raised is listed with its evidence for a person to judge.

GALEN_SOAK_HOURS: how long (1; `make soak` gives a test 4 hours at most, run the script itself for a
day). GALEN_SOAK_OUT: a file for what was found, as JSON. A finding that names a kernel parameter fails
the test, unless its rule is in GALEN_SOAK_TRUE (TC1,NE5): normal use of a machine meets no limit of
the kernel. Others may be true (programs that wait for a processor while something is built): they
are listed and judged by who reads them.
"""
import json
import os
import time

import galen

HOURS = float(os.environ.get('GALEN_SOAK_HOURS', '1'))
KNOWN_TRUE = set(filter(None, os.environ.get('GALEN_SOAK_TRUE', '').split(',')))
EVERY_S = 20
FINDINGS = '/api/galen/v1/findings?limit=1000'


def told(finding):
    evidence = '; '.join(e['text'] for e in finding.get('evidence') or [])
    return f"{finding['rule']} ({finding['class']}): {finding.get('advice', '')} {finding['sentence']} [{evidence}]"


def look(server, seen):
    """Adds what is new; keeps the last form of the rest."""
    for host in server.hosts():
        for finding in (host['advice'] or {}).get('findings', []):
            key = (finding['rule'], finding.get('subject') or '')
            first = seen.setdefault(key, dict(finding, first_s=time.time(), looks=0))
            first['looks'] += 1
            first['last_s'] = time.time()
            if first['looks'] == 1:
                at = time.strftime('%H:%M:%S')
                print(f'# {at} {told(finding)}', flush=True)
                with open('/proc/loadavg') as load:
                    first['loadavg'] = load.read().strip()


with galen.Folder('quiet') as (folder, tap):
    if not galen.SOAK:
        tap.skip('no wrong advice while this machine is used', 'long: GALEN_SOAK=1')
        tap.exit()
    server = galen.Server(folder).start()
    agent = galen.Agent(folder / 'agent', server, interval='5s').start()
    seen, end = {}, time.monotonic() + HOURS * 3600
    while time.monotonic() < end:
        time.sleep(EVERY_S)
        look(server, seen)
        if os.environ.get('GALEN_SOAK_OUT'):
            with open(os.environ['GALEN_SOAK_OUT'], 'w') as out:
                json.dump(list(seen.values()), out, indent=1)
    checks = [h['advice']['checks'] for h in server.hosts() if h['advice']]
    tap.ok(checks and min(checks) > 50, 'rules were judged all the time', checks)
    wrong = [told(f) for f in seen.values() if f.get('parameter') and f['rule'] not in KNOWN_TRUE]
    tap.ok(not wrong, f'{len(seen)} findings in {HOURS:g} hours, none about a parameter', '\n'.join(wrong))
    agent.stop()
    server.stop()
