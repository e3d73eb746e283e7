#!/usr/bin/env python3
"""The main job: a real agent on this machine, a real server, over TLS, with enrolment."""
import json
import signal
import subprocess
import time

import galen


def enrolled_agent(folder, server, cert):
    token = server.json('POST', '/api/galen/v1/join-tokens', {'uses': 1, 'expires_s': 600})['token']
    join = folder / 'join-token'
    join.write_text(token + '\n')
    agent = galen.Agent(folder / 'agent', server, args=['--join-token-file', join], ca=cert,
                        token=None)
    return agent.start(), token


def proc_value(path, key):
    for line in open(path):
        if line.startswith(key):
            return float(line.split()[1])
    return None


with galen.Folder('spine') as (folder, tap):
    cert, key = galen.certificate(folder)
    server = galen.Server(folder, tls=(cert, key), args=['--analysis-interval', '5s']).start()
    agent, join_token = enrolled_agent(folder, server, cert)
    host = galen.wait_for(lambda: server.hosts(), 30)
    tap.ok(host and len(host) == 1, 'the agent enrolled and its host is there', host)
    name = host[0]['name']
    tap.ok(galen.wait_for(lambda: server.value(f'node_load1{{instance="{name}"}}') is not None, 20),
           'its samples can be queried')
    total = server.value('node_memory_MemTotal_bytes')
    tap.equal(total, proc_value('/proc/meminfo', 'MemTotal:') * 1024, 'MemTotal is the kernel\'s')
    tap.equal(server.value('galen_sysctl{name="vm.swappiness"}'),
              float(open('/proc/sys/vm/swappiness').read()), 'a kernel parameter is there')
    tap.ok(galen.wait_for(lambda: (server.value('sum(rate(node_cpu_seconds_total[10s]))') or 0) > 0.5,
                          30), 'CPU seconds advance')

    first = galen.wait_for(lambda: server.hosts()[0]['advice'], 60)
    tap.ok(first, 'a first analysis within a minute')
    tap.ok(first and first['recommendation'] and first['summary'], 'it says what and why', first)
    tap.ok(first and first['checks'] >= 15, 'it says how much was checked', first)
    tap.ok(galen.wait_for(lambda: len(server.query('galen_recommendation')) > 0, 20),
           'the recommendation is a series')
    results = server.json('GET', '/api/galen/v1/results')['results']
    tap.ok(results and results[0]['host'] == name, 'and a row of results')
    rows = subprocess.run(['sqlite3', server.data / 'server_analysis.db',
                           'SELECT id, data, result FROM analysis_results LIMIT 1'],
                          capture_output=True, text=True).stdout
    tap.ok('|{' in rows, "the seeds' own SQL finds it", rows)

    status, _, text = server.request('POST', '/api/galen/v1/enroll',
                                     {'machine_id': 'x', 'hostname': 'y'}, token=join_token)
    tap.equal(status, 401, 'a used join token is refused')

    before = server.value('count(count_over_time(node_load1[5m]))')
    agent.stop(signal.SIGKILL)
    time.sleep(1)
    agent.start()
    stamp = time.time()
    tap.ok(galen.wait_for(lambda: (server.value('timestamp(node_load1)') or 0) > stamp, 20),
           'a killed agent goes on with its own token when started again', agent.process.text())

    server.stop(signal.SIGKILL)
    down = time.time()
    time.sleep(6)
    server.start()
    up = time.time()
    tap.ok(galen.wait_for(lambda: (server.value('timestamp(node_load1)') or 0) > up, 30),
           'the agent finds the restarted server')
    tap.ok(galen.wait_for(lambda: (server.value(
        f'count_over_time(node_load1[{int(up - down)}s])', at=up) or 0) >= up - down - 3, 30),
        'and delivers what it collected in between',
        server.value(f'count_over_time(node_load1[{int(up - down)}s])', at=up))
    tap.equal(server.hosts()[0]['name'], name, 'the host is known after the restart')
    tap.ok(server.hosts()[0]['advice'], 'so is its advice')
    tap.equal(agent.stop(), 0, 'the agent ends cleanly')
    tap.equal(server.stop(), 0, 'the server ends cleanly')
