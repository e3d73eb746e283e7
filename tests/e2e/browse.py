"""Hands a running server over to a script for the browser (browser.mjs), and its TAP to ours."""
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

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
    old = first_password(server)
    _, headers, _ = server.request('POST', '/api/galen/v1/login',
                                   {'user': 'admin', 'password': old}, token=None)
    cookie = headers['Set-Cookie'].split(';')[0]
    status, _, body = server.request('POST', '/api/galen/v1/password',
                                     {'old': old, 'new': PASSWORD},
                                     {'Cookie': cookie, 'Origin': server.url}, token=None)
    return status == 204, 'the one-time password is changed', body


def first_password(server):
    return re.search(r'password (\S+)', server.process.text())[1]


def viewer(server):
    """A user who may look, with the admin's password; his name."""
    record = sqlite3.connect(server.data / 'server_analysis.db', timeout=10)
    with record:
        columns = [c[1] for c in record.execute('PRAGMA table_info(users)')]
        new = ', '.join({'name': "'vera'", 'role': '1'}.get(c, c) for c in columns)
        record.execute(f"INSERT INTO users ({', '.join(columns)})"
                       f" SELECT {new} FROM users WHERE name = 'admin'")
    record.close()
    return 'vera'


def browse(tap, server, script, **env):
    """env: beside or instead of USER and PASSWORD."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    mine = {'BASE_URL': server.url, 'USER': 'admin', 'PASSWORD': PASSWORD, 'SHOTS': SHOTS, **env}
    env = dict(os.environ, **{k: str(v) for k, v in mine.items()})
    with subprocess.Popen(['node', HERE / script], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=env) as node:
        late = threading.Timer(400, node.kill)
        late.start()
        for line in node.stdout:
            match = re.match(r'(not ok|ok)\b\s*\d*\s*-?\s*(.*)', line)
            if match:
                tap.ok(match[1] == 'ok', match[2])
            else:
                print('# ' + line.rstrip())
        late.cancel()
    tap.equal(node.returncode, 0, f'{script} ended well')
