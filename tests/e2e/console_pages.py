#!/usr/bin/env python3
"""Pages of the console that act on what is stored, in a real browser against a real server and
agent: starts them, puts old samples in, and hands over to console_data.mjs, console_alerts.mjs, which
sends a test to a receiver here, and console_viewer.mjs, for somebody who may only look."""
import http.server
import json
import threading
import time

import browse
import galen

DAY_MS = 86_400_000


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


browse.need()
with galen.Folder('pages') as (path, tap):
    server = galen.Server(path, args=['--alerts-interval', '1s', '--alerts-private-addresses']).start()
    agent = galen.Agent(path / 'agent', server, args=['--hostname', 'myhost']).start()
    tap.ok(*browse.change_password(server))
    now_ms = int(time.time() * 1000)
    old = [(now_ms - 5 * DAY_MS + i * 60_000, i) for i in range(300)]
    new = [(now_ms - 3_600_000 + i * 60_000, i) for i in range(30)]
    labels = {'__name__': 'galen_test_gauge', 'instance': 'old-1', 'job': 'test'}
    alive = {'__name__': 'node_load1', 'instance': 'old-1', 'job': 'test'}
    status, body = galen.write(server, [(labels, old + new), (alive, [(now_ms, 0.5)])])
    tap.ok(status in (200, 204), 'samples from days ago are taken', body)
    tap.ok(galen.wait_for(lambda: len(server.hosts()) == 2, 20), 'both hosts are there')
    browse.browse(tap, server, 'console_data.mjs')
    receiver = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    browse.browse(tap, server, 'console_alerts.mjs',
                  RECEIVER=f'http://127.0.0.1:{receiver.server_address[1]}')
    tap.ok(Receiver.taken and Receiver.taken[0]['signed'], 'what was received is signed')
    browse.browse(tap, server, 'console_viewer.mjs', USER=browse.viewer(server))
    receiver.shutdown()
    agent.stop()
    server.stop()
