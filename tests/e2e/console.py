#!/usr/bin/env python3
"""The console in a real browser against a real server and agent: starts them and hands over to
console.mjs (playwright-core)."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import galen

SCRIPT = pathlib.Path(__file__).with_name('console.mjs')
SHOTS = pathlib.Path(os.environ.get('GALEN_SHOTS', galen.BUILD / 'screenshots'))

if not shutil.which('chromium'):
    print('ok 1 - console # SKIP no chromium here')
    sys.exit(77)

folder = galen.Folder('console')
with folder as (path, tap):
    server = galen.Server(path, args=['--analysis-interval', '5s']).start()
    agent = galen.Agent(path / 'agent', server, args=['--hostname', 'myhost']).start()
    password = re.search(r'password (\S+)', server.process.text())[1]
    tap.ok(galen.wait_for(lambda: server.hosts() and server.hosts()[0]['advice'], 60),
           'there is something to show')
    SHOTS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(['node', SCRIPT], text=True, timeout=400, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=dict(
                              os.environ, BASE_URL=server.url, USER='admin', PASSWORD=password,
                              SHOTS=str(SHOTS)))
    for line in done.stdout.splitlines():
        match = re.match(r'(not ok|ok)\b\s*\d*\s*-?\s*(.*)', line)
        if match:
            tap.ok(match[1] == 'ok', match[2])
        else:
            print('# ' + line)
    tap.equal(done.returncode, 0, 'the browser test ended well')
    agent.stop()
    server.stop()
