#!/usr/bin/env python3
"""docs/queries.sql: every statement runs in the sqlite3 shell on a running server's database, and
the views have the host's hardware and use."""
import os
import platform
import shutil
import subprocess

import galen


def sql(server, statement):
    done = subprocess.run(['sqlite3', '-readonly', server.data / 'server_analysis.db', statement],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout.strip(), done.stderr


with galen.Folder('sql') as (folder, tap):
    if not shutil.which('sqlite3'):
        tap.skip('queries', 'sqlite3 is not installed')
        raise SystemExit
    server = galen.Server(folder).start()
    agent = galen.Agent(folder / 'agent', server).start()
    used = galen.wait_for(lambda: sql(server, 'SELECT memory_free > 0, disk_available > 0,'
                                              ' typeof("timestamp") FROM host_usage')[1], 30, 0.5)
    tap.equal(used, '1|1|text', 'host_usage has a row of the host')
    shape = galen.wait_for(lambda: sql(server, 'SELECT cpu_number, cpu_architecture, total_mem > 0,'
                                               ' "timestamp" > \'2020\' FROM host_info'
                                               ' WHERE cpu_number')[1], 30, 0.5)
    tap.equal(shape, f'{len(os.sched_getaffinity(0))}|{platform.machine()}|1|1',
              'host_info has the hardware that the agent tells')
    known = sql(server, 'SELECT cpu_model FROM host_info')[1]
    models = {line.partition(':')[2].strip() for line in open('/proc/cpuinfo', encoding='utf-8')
              if line.startswith('model name')}
    tap.ok(known in models or not models, 'and its model', (known, models))
    galen.wait_for(lambda: sql(server, 'SELECT count(*) FROM analysis_results')[1] != '0', 40, 0.5)
    text = '\n'.join(line for line in (galen.ROOT / 'docs' / 'queries.sql').read_text().splitlines()
                     if not line.startswith('--'))
    for statement in filter(None, (s.strip() for s in text.split(';'))):
        code, out, err = sql(server, statement)
        tap.ok(code == 0 and not err, ' '.join(statement.split())[:80], err)
    tap.ok('|{' in sql(server, 'SELECT id, data, result FROM analysis_results')[1],
           'analysis_results has the analyses')
    agent.stop()
    server.stop()
