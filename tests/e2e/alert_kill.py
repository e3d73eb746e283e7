#!/usr/bin/env python3
"""A notification while the server is killed between every two steps of it: told at least once, at
most twice, never lost. And the dead man's switch, whose receiver hangs, delays nothing."""
import http.server
import json
import pathlib
import signal
import threading
import time

from galen import Folder, Server, wait_for, write

API = '/api/galen/v1'
RULES = """
groups:
- name: kill
  interval: 1s
  rules:
  - {alert: Hot, expr: 'last_over_time(e2e_value[1h]) > 5'}
"""
ROUTES = {'group_wait': '1s', 'group_interval': '1s', 'repeat_interval': '4h',
          'group_by': ['instance'], 'channels': ['*']}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Kills the server at a step of what it is told of a host."""
    got, alive, server, plan = [], [], None, {}

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        if self.path == '/alive':
            Receiver.alive.append(body)
            time.sleep(60)
            return
        host = body['commonLabels']['instance']
        Receiver.got.append(host)
        step = Receiver.plan.get(host, [])
        step = step.pop(0) if step else 'answer'
        if step == 'received':
            self.kill()
            return
        self.send_response(503 if step == 'busy' else 200)
        self.send_header('Content-Length', '0')
        self.end_headers()
        self.wfile.flush()
        if step == 'answered':
            self.kill()

    def kill(self):
        Receiver.server.process.process.send_signal(signal.SIGKILL)

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    refuse = False

    def process_request(self, request, address):
        if Listener.refuse:
            Listener.refuse = False
            Receiver.server.process.process.send_signal(signal.SIGKILL)
            self.shutdown_request(request)
            return
        super().process_request(request, address)


def ended(server):
    return wait_for(lambda: not server.process.alive(), 15)


def fire(server, host):
    write(server, [({'__name__': 'e2e_value', 'instance': host}, [(int(time.time() * 1000), 7)])])


def settle(host, least):
    """How often a host was told of, once that often and two seconds later."""
    wait_for(lambda: Receiver.got.count(host) >= least, 20)
    time.sleep(2)
    return Receiver.got.count(host)


def deliveries(server, channel):
    return server.json('GET', f'{API}/channels/{channel}/deliveries')['deliveries']


def play(tap, server, channel):
    # Fired and not queued yet; the group waits for a second.
    fire(server, 'queued')
    wait_for(lambda: server.json('GET', API + '/alerts?state=firing')['alerts'], 10, 0.02)
    server.stop(signal.SIGKILL)
    server.start()
    count = settle('queued', 1)
    tap.ok(1 <= count <= 2, 'killed before it was queued', count)

    Listener.refuse = True
    fire(server, 'connect')
    tap.ok(ended(server), 'killed when it connected')
    server.start()
    tap.equal(settle('connect', 1), 1, 'it was told once')

    Receiver.plan['received'] = ['received']
    fire(server, 'received')
    tap.ok(ended(server), 'killed before the answer')
    server.start()
    tap.equal(settle('received', 2), 2, 'nobody knows whether it arrived: it was told again')

    Receiver.plan['answered'] = ['answered']
    fire(server, 'answered')
    tap.ok(ended(server), 'killed behind the answer')
    server.start()
    count = settle('answered', 1)
    tap.ok(1 <= count <= 2, 'it was told once or twice', count)

    Receiver.plan['twice'] = ['received', 'received']
    fire(server, 'twice')
    tap.ok(ended(server), 'killed before the answer')
    server.start(wait=False)
    tap.ok(ended(server), 'and when it was told again')
    before = len(Receiver.got)
    server.start()
    time.sleep(3)
    tap.equal(Receiver.got.count('twice'), 2, 'never a third time')
    tap.equal(len(Receiver.got), before, 'nothing else was told again')
    log = deliveries(server, channel)
    tap.equal([d['state'] for d in log].count('failed'), 1, 'the log tells it')
    tap.ok('killed twice' in log[0]['error'], 'and why', log[0])
    tap.equal([d['state'] for d in log].count('waiting'), 0, 'nothing waits')


def main():
    with Folder('alert_kill') as (folder, tap):
        receiver = Listener(('127.0.0.1', 0), Receiver)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        base = f'http://127.0.0.1:{receiver.server_port}'
        server = Server(folder, args=['--alerts-private-addresses', '--alerts-dead-man-interval',
                                      '1s', '--alerts-dead-man-url', base + '/alive'])
        Receiver.server = server
        try:
            server.start()
            tap.ok(wait_for(lambda: Receiver.alive, 10), "the dead man's switch is told")
            tap.ok(Receiver.alive and Receiver.alive[0]['commonLabels']['alertname'] ==
                   'DeadMansSwitch' and 'Galen lives' in
                   Receiver.alive[0]['commonAnnotations']['summary'], 'in words of its own',
                   Receiver.alive)
            names = {p.read_text().strip() for p in pathlib.Path(
                f'/proc/{server.process.process.pid}/task').glob('*/comm')}
            tap.ok({'alerts', 'notify', 'dead-man'} <= names, 'on threads of their own', names)
            server.json('PUT', API + '/routes', ROUTES)
            channel = server.json('POST', API + '/channels', {
                'name': 'hook', 'kind': 'webhook', 'config': {'url': base + '/hook'}})['id']
            server.json('POST', API + '/rule-files', {'name': 'kill', 'text': RULES})
            play(tap, server, channel)
            start = time.monotonic()
            server.stop()
            took = time.monotonic() - start
            tap.ok(took < 10, f'a receiver that hangs does not hold up the end: {took:.1f} s')
        finally:
            server.stop(signal.SIGKILL)


main()
