#!/usr/bin/env python3
"""A parameter changes on a host: the server notices, marks it, judges it before and after at
comparable load, and says what came of it. Samples are written with times of their own, so that
minutes pass in seconds."""
import pathlib
import time

import galen
from changing import PARAMETER, RULES, Host, live

FEATURES = galen.ROOT / 'rules' / 'features.yaml'

with galen.Folder('verify') as (folder, tap):
    rules = pathlib.Path(folder) / 'rules'
    (rules / 'advice').mkdir(parents=True)
    (rules / 'advice' / 'test.yaml').write_text(RULES)
    (rules / 'features.yaml').write_text(FEATURES.read_text())
    server = galen.Server(folder, args=['--rules', rules, '--model', '',
                                        '--analysis-interval', '1s']).start()
    helped, idle, harmed = hosts = [Host('helped'), Host('idle'), Host('harmed')]
    get = '/api/galen/v1/'

    def findings(state):
        return {f['host_name']: f
                for f in server.json('GET', f'{get}findings?state={state}')['findings']}

    opened = live(server, hosts, lambda: len(findings('open')) == 3 and findings('open'), 60)
    tap.ok(opened, 'each host has an open finding', findings('open'))
    f = opened['helped']['finding']
    tap.equal((f['parameter'], f['from'], f['to']), (PARAMETER, '128', '256'), 'with its step')
    tap.equal([e['kind'] for e in
               server.json('GET', f'{get}events?host=helped&kind=finding')['events']], ['finding'],
              'and an event')
    live(server, hosts, lambda: None, 12)  # before: a whole window with overflows

    for h in hosts:
        h.somaxconn = 256
    helped.overflows = 0.0
    harmed.overflows, harmed.waits = 15.0, 0.6
    noticed = live(server, hosts, lambda: len(findings('applied')) == 3, 20)
    tap.ok(noticed, 'the changes are noticed, the findings are applied')
    changes = server.json('GET', f'{get}changes?host=helped')['changes']
    tap.equal([(c['parameter'], c['from'], c['to'], c['cause'], c['verdict']) for c in changes],
              [(PARAMETER, '128', '256', 'advice', 'pending')], 'a change, as advised')
    tap.ok(abs(changes[0]['at_ms'] - time.time() * 1000) < 30000, 'at its time')

    def judged():
        return len({**findings('helped'), **findings('no_effect'), **findings('harmed')}) == 3

    tap.ok(live(server, hosts, judged, 70), 'all are judged')
    for h, state in ((helped, 'helped'), (idle, 'no_effect'), (harmed, 'harmed')):
        tap.ok(h.name in findings(state), f'{h.name}: {state}',
               server.json('GET', f'{get}changes')['changes'])
    change = server.json('GET', f'{get}changes?host=helped')['changes'][0]
    tap.ok(change['before']['signal'] > 15 and change['after']['signal'] < 2
           and 0.7 < change['after']['load'] / change['before']['load'] < 1.3,
           'with the figures', change)
    tap.ok('before' in change['outcome'] and 'after' in change['outcome'], 'and a sentence',
           change['outcome'])

    def advice(name):
        return next(h for h in server.hosts() if h['name'] == name)['advice']

    revert = live(server, hosts, lambda: next((x for x in advice('harmed')['findings']
                                               if x['rule'] == 'VERIFY'), None), 10)
    tap.ok(revert and revert['to'] == '128' and revert['command'] == f'sysctl -w {PARAMETER}=128',
           'what did harm is to be put back', revert)
    held = live(server, hosts, lambda: next((h for h in advice('harmed')['held_back']
                                             if h['rule'] == 'TC1' and h['until_ms'] is None),
                                            None), 10)
    tap.ok(held and 'harm' in held['why'], 'and not advised again', advice('harmed'))
    harmed.somaxconn, harmed.waits = 128, 0.02
    tap.ok(live(server, hosts, lambda: not any(x['rule'] == 'VERIFY' for x in
                                               advice('harmed')['findings']), 15),
           'put back: nothing more is said')
    tap.equal(server.json('GET', f'{get}changes?host=harmed')['changes'][0]['cause'], 'revert',
              'the change back is known as such')
    # What a person says.
    number = findings('helped')['helped']['id']
    server.json('POST', f'{get}findings/{number}/verdict', {'verdict': 'useful'})
    tap.equal(server.json('GET', f'{get}findings/{number}')['verdict'], 'useful', 'a verdict')
    status, _, text = server.request('POST', f'{get}findings/{number}/verdict', {'verdict': 'x'})
    tap.ok(status == 400 and b'useful' in text, 'no other word', text)
    status, _, text = server.request('POST', f'{get}findings/{number}/dismiss')
    tap.ok(status == 400 and b'not open' in text, 'only open findings are dismissed', text)
    status, _, _ = server.request('POST', f'{get}findings/999999/dismiss')
    tap.equal(status, 404, 'and only those that exist')
    # Rules and model again: what is wrong stays as it was.
    (rules / 'advice' / 'bad.yaml').write_text('- id: X\n  tittle: y\n')
    status, _, text = server.request('POST', f'{get}rules/reload')
    tap.ok(status == 400 and b'bad.yaml:2:3' in text and b'old rules' in text, 'a bad file is told',
           text)
    tap.equal(len(server.json('GET', f'{get}rules/advice')['rules']), 1, 'the old rules stay')
    (rules / 'advice' / 'bad.yaml').write_text(RULES.replace('TC1', 'MINE'))
    tap.equal(server.json('POST', f'{get}rules/reload')['rules'], 2, 'a good one is taken')
    (rules / 'advice' / 'bad.yaml').unlink()
    host = next(h['id'] for h in server.hosts() if h['name'] == 'helped')
    checks = server.json('GET', f'{get}hosts/{host}/checks')['checks']
    tap.equal(sorted(c['rule'] for c in checks), ['MINE', 'TC1'], 'the checks of a host')
    tap.equal(server.json('GET', f'{get}model')['loaded'], False, 'no classifier here')
    # A restart forgets nothing.
    server.stop()
    server.start()
    tap.ok(live(server, hosts, lambda: advice('harmed') and advice('harmed').get('held_back'), 20),
           'after a restart it is still held back', server.hosts())
    tap.equal(server.json('GET', f'{get}changes?host=helped')['changes'][0]['verdict'], 'helped',
              'and the verdict is there')
    server.stop()
