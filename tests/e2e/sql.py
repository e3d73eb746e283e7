#!/usr/bin/env python3
"""docs/queries.sql: every statement runs in the sqlite3 shell on a running server's database, and
the views have the host's hardware and use."""
import json
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
    inventory = json.dumps({'facts': {'architecture': 'x86_64', 'memory': {'total_bytes': 16 << 30},
                                      'cpu': {'model': 'CPU 9000', 'threads': 8, 'max_hz': 3500000000,
                                              'caches': [{'level': 1, 'size_bytes': 32768},
                                                         {'level': 2, 'size_bytes': 262144}]}}})
    subprocess.run(['sqlite3', server.data / 'server_analysis.db',
                    "INSERT INTO hosts VALUES ('id9', 'web9', 1, 2, 1);"
                    f"INSERT INTO host_inventory VALUES ('id9', 1, 0, '{{}}'),"
                    f" ('id9', 2, 1795176000000, '{inventory}')"], check=True, timeout=30)
    tap.equal(sql(server, "SELECT * FROM host_info WHERE hostname = 'web9'")[1],
              'id9|web9|8|x86_64|CPU 9000|3500.0|256|16384|2026-11-20 12:00:00',
              'host_info has the hardware of the newest inventory')
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
