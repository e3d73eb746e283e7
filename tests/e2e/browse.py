"""Hands a running server over to a script for the browser (browser.mjs), and its TAP to ours."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import galen

HERE = pathlib.Path(__file__).parent
SHOTS = pathlib.Path(os.environ.get('GALEN_SHOTS', galen.BUILD / 'screenshots'))
PASSWORD = 'four plain words suffice'


def need():
    """Ends the test as skipped where there is no browser."""
    if not shutil.which('chromium'):
        print('ok 1 - in the browser # SKIP no chromium here')
        sys.exit(77)


def change_password(server):
    """The admin's one-time password becomes PASSWORD. Arguments for Tap.ok."""
    old = re.search(r'password (\S+)', server.process.text())[1]
    _, headers, _ = server.request('POST', '/api/galen/v1/login',
                                   {'user': 'admin', 'password': old}, token=None)
    cookie = headers['Set-Cookie'].split(';')[0]
    status, _, body = server.request('POST', '/api/galen/v1/password',
                                     {'old': old, 'new': PASSWORD},
                                     {'Cookie': cookie, 'Origin': server.url}, token=None)
    return status == 204, 'the one-time password is changed', body


def browse(tap, server, script, **env):
    SHOTS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(['node', HERE / script], text=True, timeout=300, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env=dict(os.environ, BASE_URL=server.url, USER='admin',
                                   PASSWORD=PASSWORD, SHOTS=str(SHOTS),
                                   **{k: str(v) for k, v in env.items()}))
    for line in done.stdout.splitlines():
        match = re.match(r'(not ok|ok)\b\s*\d*\s*-?\s*(.*)', line)
        if match:
            tap.ok(match[1] == 'ok', match[2])
        else:
            print('# ' + line)
    tap.equal(done.returncode, 0, f'{script} ended well')
