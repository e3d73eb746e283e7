#!/usr/bin/env python3
"""A machine whose listener on port 1414 overflows its queue: finding TC1, from what to what."""
import re
import signal
import subprocess
import sys

import galen

MACHINES = galen.ROOT / 'tests' / 'machines'

with galen.Folder('advice') as (folder, tap):
    machine = folder / 'machine'
    player = subprocess.Popen([sys.executable, MACHINES / 'play.py',
                               MACHINES / 'listen-overflow', machine])
    try:
        galen.wait_for(lambda: (machine / 'proc' / 'stat').exists(), 10)
        server = galen.Server(folder, args=['--analysis-interval', '5s']).start()
        agent = galen.Agent(folder / 'agent', server, root=machine,
                            args=['--hostname', 'mq-01']).start()
        host = galen.wait_for(lambda: next((h for h in server.hosts() if h['advice']
                                            and h['advice']['findings']), None), 60)
        tap.ok(host, 'a finding within a minute', server.hosts())
        advice = host['advice'] if host else {'findings': [{}]}
        finding = advice['findings'][0]
        tap.equal(host and host['name'], 'mq-01', 'of the recorded machine')
        tap.equal(host and host['state'], 'attention', 'the host needs attention')
        tap.equal(advice.get('recommendation'), 'Increase kernel parameters', 'its class')
        tap.equal(len(advice['findings']), 1, 'and no wrong one beside it')
        tap.equal(finding.get('rule'), 'TC1', 'the rule')
        tap.equal(finding.get('class'), 'increase', 'the direction')
        tap.equal(finding.get('kind'), 'proof', 'the kind of evidence')
        tap.equal((finding.get('parameter'), finding.get('from'), finding.get('to')),
                  ('net.core.somaxconn', '4096', '8192'), 'which parameter, from what to what')
        tap.equal(finding.get('line'), 'net.core.somaxconn = 8192', 'the line for sysctl.d')
        texts = ' '.join(e['text'] for e in finding.get('evidence', []))
        # The first window is not full yet: a little under the 14 a second that are played.
        tap.ok(re.search(r'ListenOverflows 1[0-4](\.\d)?/s', texts)
               and 'listener :1414 held 4,097 of 4,096' in texts,
               'the evidence: rate, listener, queue', texts)
        tap.ok('8192' in finding.get('sentence', '') and '1414' in finding.get('sentence', ''),
               'the sentence', finding.get('sentence'))
        series = server.query('galen_finding{rule="TC1"}')
        tap.ok(len(series) == 1 and series[0]['metric']['instance'] == 'mq-01',
               'the finding is a series', series)
        results = server.json('GET', '/api/galen/v1/results?class=1')['results']
        tap.ok(results and results[0]['result']['findings'][0]['rule'] == 'TC1',
               'and in the results')
        agent.stop()
        server.stop()
    finally:
        player.send_signal(signal.SIGTERM)
        player.wait()
