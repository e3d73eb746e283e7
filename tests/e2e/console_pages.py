#!/usr/bin/env python3
"""Pages of the console that act on what is stored, in a real browser against a real server and
agent: starts them, puts old samples in, and hands over to console_data.mjs and console_alerts.mjs,
which sends a test to a receiver here."""
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

import galen

HERE = pathlib.Path(__file__).parent
SHOTS = pathlib.Path(os.environ.get('GALEN_SHOTS', galen.BUILD / 'screenshots'))
PASSWORD = 'four plain words suffice'
DAY_MS = 86_400_000

if not shutil.which('chromium'):
    print('ok 1 - pages of the console # SKIP no chromium here')
    sys.exit(77)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes every POST; GET /received says which there were."""
    taken = []

    def log_message(self, *args):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.taken.append({'path': self.path, 'signed': 'X-Galen-Signature' in self.headers})
        self.answer(b'')

    def do_GET(self):
        self.answer(json.dumps(self.taken).encode())


def change_password(server, old):
    _, headers, _ = server.request('POST', '/api/galen/v1/login',
                                        {'user': 'admin', 'password': old}, token=None)
    cookie = headers['Set-Cookie'].split(';')[0]
    status, _, body = server.request('POST', '/api/galen/v1/password',
                                     {'old': old, 'new': PASSWORD},
                                     {'Cookie': cookie, 'Origin': server.url}, token=None)
    return status == 204, "the one-time password is changed", body


def browse(tap, server, script, **env):
    done = subprocess.run(['node', HERE / script], text=True, timeout=200, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env=dict(os.environ, BASE_URL=server.url, USER='admin',
                                   PASSWORD=PASSWORD, SHOTS=str(SHOTS), **env))
    for line in done.stdout.splitlines():
        match = re.match(r'(not ok|ok)\b\s*\d*\s*-?\s*(.*)', line)
        if match:
            tap.ok(match[1] == 'ok', match[2])
        else:
            print('# ' + line)
    tap.equal(done.returncode, 0, f'{script} ended well')


with galen.Folder('pages') as (path, tap):
    server = galen.Server(path, args=['--alerts-interval', '1s', '--alerts-private-addresses']).start()
    agent = galen.Agent(path / 'agent', server, args=['--hostname', 'myhost']).start()
    tap.ok(*change_password(server, re.search(r'password (\S+)', server.process.text())[1]))
    now_ms = int(time.time() * 1000)
    old = [(now_ms - 5 * DAY_MS + i * 60_000, i) for i in range(300)]
    new = [(now_ms - 3_600_000 + i * 60_000, i) for i in range(30)]
    labels = {'__name__': 'galen_test_gauge', 'instance': 'old-1', 'job': 'test'}
    alive = {'__name__': 'node_load1', 'instance': 'old-1', 'job': 'test'}
    status, body = galen.write(server, [(labels, old + new), (alive, [(now_ms, 0.5)])])
    tap.ok(status in (200, 204), 'samples from days ago are taken', body)
    tap.ok(galen.wait_for(lambda: len(server.hosts()) == 2, 20), 'both hosts are there')
    SHOTS.mkdir(parents=True, exist_ok=True)
    browse(tap, server, 'console_data.mjs')
    receiver = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    browse(tap, server, 'console_alerts.mjs',
           RECEIVER=f'http://127.0.0.1:{receiver.server_address[1]}')
    tap.ok(Receiver.taken and Receiver.taken[0]['signed'], 'what was received is signed')
    receiver.shutdown()
    agent.stop()
    server.stop()
