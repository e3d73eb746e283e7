#!/usr/bin/env python3
"""Ten thousand alerts at one moment: one message for each group, Alertmanagers get batches, the
server stays small, and afterwards the sender sleeps. BENCH_MINUTE=1 waits for a re-post, too."""
import json
import os
import pathlib
import time

from galen import BUILD, Folder, Server, certificate, wait_for, write
from receivers import API, posts, receiver

STORM, BATCH, MEMORY_MIB = 10000, 1000, 200
RULES = """
groups:
- name: storm
  interval: 1s
  rules:
  - alert: Storm
    expr: last_over_time(e2e_value[1h]) > 5 and on() last_over_time(e2e_gate[1h]) == 1
    annotations: {summary: '{{ $labels.instance }} is at {{ $value }}'}
"""
ROUTES = {'group_wait': '1s', 'group_interval': '1s', 'group_by': ['alertname'],
          'channels': ['hook']}


def gate(server, v):
    write(server, [({'__name__': 'e2e_gate', 'instance': 'gate'}, [(int(time.time() * 1000), v)])])


def status_of(path, key):
    for line in pathlib.Path(path, 'status').read_text().splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1])


def sender_of(process):
    """The sender's thread in /proc."""
    for task in pathlib.Path(f'/proc/{process.process.pid}/task').iterdir():
        if (task / 'comm').read_text().strip() == 'notify':
            return task


def play(tap, server, base, cert):
    ca = {'ca_file': str(cert)}
    for name, kind in (('hook', 'webhook'), ('am', 'alertmanager')):
        server.json('POST', API + '/channels', {
            'name': name, 'kind': kind, 'config': {'url': f'{base}/{name}', **ca}})
    server.json('PUT', API + '/routes', ROUTES)
    now = int(time.time() * 1000)
    for i in range(0, STORM, 2000):
        write(server, [({'__name__': 'e2e_value', 'instance': f'host{k:05}', 'disk': f'/dev/sd{k}'},
                        [(now, 7)]) for k in range(i, i + 2000)])
    server.json('POST', API + '/rule-files', {'name': 'storm', 'text': RULES})
    time.sleep(2)
    before = status_of(f'/proc/{server.process.process.pid}', 'VmRSS')
    gate(server, 1)
    tap.ok(wait_for(lambda: posts('/hook') and len(posts('/am/api/v2/alerts')) >= STORM // BATCH,
                    40), 'everybody is told')
    time.sleep(3)
    note = json.loads(posts('/hook')[0][2])
    tap.equal((len(posts('/hook')), len(note['alerts']), note['truncatedAlerts']),
              (1, BATCH, STORM - BATCH), 'in one message, which counts what it does not list')
    batches = [json.loads(p[2]) for p in posts('/am/api/v2/alerts')]
    tap.equal(([len(b) for b in batches], len({a['labels']['instance'] for b in batches
                                               for a in b})),
              ([BATCH] * (STORM // BATCH), STORM), 'an Alertmanager gets all of them in batches')
    log = server.json('GET', API + '/channels/2/deliveries')['deliveries']
    tap.equal([d['state'] for d in log], ['sent'], 'with one line in the log')
    peak = status_of(f'/proc/{server.process.process.pid}', 'VmHWM') / 1024
    print(f'# the server has {peak:.0f} MiB at most, {before / 1024:.0f} before', flush=True)
    program = (BUILD / 'galen-server').read_bytes()
    if b'__asan_init' in program or b'__tsan_init' in program:
        tap.skip('memory', 'under a sanitizer')
    else:
        tap.ok(peak < MEMORY_MIB, f'the server stays under {MEMORY_MIB} MiB', peak)
    sender = sender_of(server.process)
    woken = status_of(sender, 'voluntary_ctxt_switches')
    time.sleep(3)
    woken = status_of(sender, 'voluntary_ctxt_switches') - woken
    tap.ok(woken <= 2, 'while nothing changes the sender sleeps', f'woken {woken} times in 3 s')
    if os.environ.get('BENCH_MINUTE'):
        wait_for(lambda: len(posts('/am/api/v2/alerts')) >= 2 * STORM // BATCH, 65)
        tap.equal(len(posts('/am/api/v2/alerts')), 2 * STORM // BATCH, 'told again each minute')
        log = server.json('GET', API + '/channels/2/deliveries')['deliveries']
        tap.equal([d['state'] for d in log], ['sent'], 'without a line in the log')
    gate(server, 0)
    tap.ok(wait_for(lambda: len(posts('/hook')) > 1, 30), 'and when it is over')
    time.sleep(2)
    tap.equal([json.loads(p[2])['status'] for p in posts('/hook')], ['firing', 'resolved'],
              'in one message, too')


def main():
    with Folder('alert_storm') as (folder, tap):
        cert, key = certificate(folder)
        base = receiver(cert, key)
        server = Server(folder, args=['--alerts-private-addresses'])
        try:
            server.start()
            play(tap, server, base, cert)
        finally:
            server.stop()


main()
