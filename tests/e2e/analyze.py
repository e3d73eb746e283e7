#!/usr/bin/env python3
"""POST /analyze as the seed documents have it; the same figures imported lead to the same findings; a
host whose analysis was stopped stays so over a restart."""
import json
import time

import galen

TEXTS = ['No changes needed', 'Increase kernel parameters', 'Decrease kernel parameters',
         'Upgrade resources (RAM/CPU/Disk)']
PAYLOAD = {'total_memory': 16000, 'used_memory': 8000, 'cpu_usage': 20.5, 'total_disk': '50G',
           'used_disk': '20G', 'total_swap': 2048, 'used_swap': 100,
           'kernel_params': {'fs.file-max': 9223372036854775807, 'net.ipv4.tcp_fin_timeout': 60,
                             'kernel.msgmax': 8192, 'vm.swappiness': 60}}

# Speaks at once, so that a look at stored samples can be compared with one at a payload.
RULE = """
- id: MINE
  title: Full
  class: upgrade
  kind: limit
  limit: my space
  use: 1 - max by (instance) (node_filesystem_avail_bytes / node_filesystem_size_bytes)
  above: 0.9
  window: 1m
  for: 0s
  advice: "Add {need:bytes}."
  evidence:
    - {name: need, expr: "0.25 * max by (instance) (node_filesystem_size_bytes)", text: "{need:bytes} more"}
    - {name: memory, expr: max by (instance) (node_memory_MemAvailable_bytes), text: "{memory:bytes} available"}
  sentence: "{use:percent} of it is used."
"""


def of_figures(finding):
    return {k: v for k, v in finding.items() if k not in ('id', 'since_ms')}


with galen.Folder('analyze') as (folder, tap):
    (folder / 'rules.d').mkdir()
    (folder / 'rules.d' / 'mine.yaml').write_text(RULE)
    server = galen.Server(folder, args=['--analysis-interval', '1s', '--rules-extra',
                                        folder / 'rules.d']).start()

    def analyze(**change):
        return server.json('POST', '/analyze', {**PAYLOAD, **change}, token='agent-token')

    for name, change in [('the payload as it is', {}),
                         ('with server_id', {'server_id': 'mq-01'}),
                         ('sizes with decimals', {'total_disk': '1.8T', 'used_disk': '1.1T'}),
                         ('sizes in megabytes', {'total_disk': '500M', 'used_disk': '20M'}),
                         ('sizes as numbers', {'total_disk': 50, 'used_disk': 20})]:
        answer = analyze(**change)
        tap.ok(answer['predicted_class'] in range(4)
               and answer['recommendation'] == TEXTS[answer['predicted_class']]
               and isinstance(answer['predicted_class'], int), name, answer)
        tap.ok(abs(sum(answer['probabilities']) - 1) < 1e-3, f'{name}: four probabilities', answer)
    rows = server.json('GET', '/api/galen/v1/results?server_id=mq-01')['results']
    tap.equal(len(rows), 1, 'the analysis with a server_id is a row of that server')
    tap.equal(rows[0]['data']['total_memory'], 16000, 'with the payload as data')
    summary = server.json('GET', '/api/galen/v1/results/summary')
    tap.equal(summary['total'], 5, 'every request was logged')
    tap.equal(sum(r['count'] for r in summary['by_recommendation']), 5, 'and is in the breakdown')
    for field, value in [('total_disk', '50X'), ('cpu_usage', 'high'), ('kernel_params', []),
                         ('used_memory', None), ('total_disk', '-5G')]:
        status, _, text = server.request('POST', '/analyze', {**PAYLOAD, field: value},
                                         token='agent-token')
        tap.ok(status == 400 and field.encode() in text, f'{field}={value!r} is refused by name',
               (status, text))
    # The same figures, stored: through /import (the console's way) and the tick.
    full = {**PAYLOAD, 'used_disk': '48G', 'server_id': 'full-01'}
    answer = analyze(**full)
    now = time.time()
    lines = [json.dumps({**full, 'timestamp': now - back}) for back in (660, 630, 600, 30, 1)]
    counts = server.json('POST', '/api/galen/v1/import?format=json', '\n'.join(lines).encode())
    tap.equal(counts.get('bad', 0), 0, 'the payload is imported')

    def stored():
        host = next((h for h in server.hosts() if h['name'] == 'full-01'), None)
        found = host and host['advice'] and host['advice']['findings']
        return host if found and any(f['rule'] == 'MINE' for f in found) else None

    host = galen.wait_for(stored, 20)
    mine = [[of_figures(f) for f in source if f['rule'] == 'MINE']
            for source in (answer['findings'], host['advice']['findings'] if host else [])]
    tap.ok(mine[0] and mine[0] == mine[1], 'the same finding, word for word', mine)
    tap.equal(host['advice']['predicted_class'], answer['predicted_class'], 'and the same class')
    tap.equal([c for c in host['advice']['closest'] if c['rule'] in ('MINE', 'IO2')],
              [c for c in answer['closest'] if c['rule'] in ('MINE', 'IO2')], 'the same use of limits')
    # Stopped, over a restart, started.
    path = f"/api/galen/v1/hosts/{host['id']}"

    def rows():
        return server.json('GET', '/api/galen/v1/results?server_id=full-01')['results']

    server.json('POST', f'{path}/analysis', {'enabled': False})
    server.stop()
    server.start()
    again = next(h for h in server.hosts() if h['name'] == 'full-01')
    tap.equal(again['analysis'], False, 'a stopped analysis stays stopped over a restart')
    write = {**full, 'timestamp': time.time()}
    server.json('POST', '/api/galen/v1/import?format=json', json.dumps(write).encode())
    before = len(rows())
    time.sleep(4)  # four looks
    tap.equal(len(rows()), before, 'and nothing is said of it')
    server.json('POST', f'{path}/analysis', {'enabled': True})
    tap.ok(galen.wait_for(stored, 20), 'until it is started')
    server.stop()
