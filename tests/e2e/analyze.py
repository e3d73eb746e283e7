#!/usr/bin/env python3
"""POST /analyze as the seed documents have it."""
import galen

TEXTS = ['No changes needed', 'Increase kernel parameters', 'Decrease kernel parameters',
         'Upgrade resources (RAM/CPU/Disk)']
PAYLOAD = {'total_memory': 16000, 'used_memory': 8000, 'cpu_usage': 20.5, 'total_disk': '50G',
           'used_disk': '20G', 'total_swap': 2048, 'used_swap': 100,
           'kernel_params': {'fs.file-max': 9223372036854775807, 'net.ipv4.tcp_fin_timeout': 60,
                             'kernel.msgmax': 8192, 'vm.swappiness': 60}}

with galen.Folder('analyze') as (folder, tap):
    server = galen.Server(folder).start()

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
    server.stop()
