#!/usr/bin/env python3
"""Rules against Prometheus's own tools: unit tests of rules have the same outcome under promtool and
under galen, the built-in rules pass promtool, and the same rule file over the same remote-written
samples gives the same alerts at the same times on a Prometheus and on Galen."""
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from galen import BUILD, ROOT, Folder, Process, Server, free_port, time_series, wait_for

EXAMPLE = """
groups:
- name: example
  rules:
  - {record: 'job:up:sum', expr: sum by (job) (up)}
  - alert: InstanceDown
    expr: up == 0
    for: 5m
    labels: {severity: page, text: '{{ $value }}'}
    annotations:
      summary: "Instance {{ $labels.instance }} down"
      list: '{{ range query "up" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }};{{ end }}'
      numbers: '{{ humanize 1234567.8 }} {{ humanize1024 1048576.0 }} {{ humanizeDuration 3661.5 }} {{ humanizePercentage 0.256 }} {{ humanizeTimestamp 1435065584.128 }}'
      more: '{{ 1234567.5 }} {{ 0.00001 }} {{ 1e21 }} {{ printf "%.2f|%5d|%q|%v" 1.5 42 "x" true }} {{ $labels.none }}|{{ if gt $value 0.0 }}a{{ else if eq $labels.job "a" }}b{{ else }}c{{ end }}'
      links: '{{ stripPort "h1:90" }} {{ stripDomain "a.b.c:90" }} {{ parseDuration "1h30m" }} {{ tableLink "up == 0" }} {{ graphLink "up" }} {{ $externalURL }} {{ toTime 1435065584.128 }}'
      words: '{{ range $i, $x := query "up" | sortByLabel "instance" }}{{ $i }}:{{ $x | value }},{{ end }} {{ len "abc" }} {{ and 1 0 }} {{ or 0 "x" }} {{ not true }} {{ if and (gt $value -1.0) (lt $value 1.0) }}in{{ end }} {{ $x := 5 }}{{ $x = 6 }}{{ $x }} {{ html "<a>" }} {{ safeHtml "<b>" }} {{ urlquery "a b&" }} {{ strvalue (first (query "up")) }}'
      text: '{{ reReplaceAll "(.*):.*" "$1" $labels.instance | toUpper }} {{ title "a bc" }} {{ match "^h" "host" }} {{ with query "none" }}x{{ else }}y{{ end }} {{- " z" }}'
  - {alert: JobDown, expr: 'job:up:sum == 0', keep_firing_for: 3m}
"""
TEST = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="a", instance="h1:90"}', values: '0x14'}
      - {series: 'up{job="b", instance="h2:90"}', values: '1+0x6 0 0 0 1x9'}
    alert_rule_test:
      - {eval_time: 4m, alertname: InstanceDown}
      - eval_time: 10m
        alertname: InstanceDown
        exp_alerts:
          - exp_labels: {severity: page, text: '0', instance: 'h1:90', job: a}
            exp_annotations:
              summary: "Instance h1:90 down"
              list: 'h1:90=0;h2:90=1;'
              numbers: '1.235M 1Mi 1h 1m 1s 25.6% 2015-06-23 13:19:44.128 +0000 UTC'
              more: '1.2345675e+06 1e-05 1e+21 1.50|   42|"x"|true |b'
              links: 'h1 a:90 5400 /graph?g0.expr=up+%3D%3D+0&g0.tab=1 /graph?g0.expr=up&g0.tab=0  2015-06-23 13:19:44.128 +0000 UTC'
              words: '0:0,1:1, 3 0 x false in 6 &lt;a&gt; <b> a+b%26 '
              text: 'H1 A Bc true y z'
      - eval_time: 12m
        alertname: JobDown
        exp_alerts: [{exp_labels: {job: a}}, {exp_labels: {job: b}}]
      - eval_time: 13m
        alertname: JobDown
        exp_alerts: [{exp_labels: {job: a}}]
    promql_expr_test:
      - expr: ALERTS{job="b"}
        eval_time: 9m
        exp_samples:
          - {labels: 'ALERTS{alertname="InstanceDown",alertstate="pending",instance="h2:90",job="b",severity="page",text="0"}', value: 1}
          - {labels: 'ALERTS{alertname="JobDown",alertstate="firing",job="b"}', value: 1}
"""
LIVE = """
groups:
- name: live
  interval: 1s
  rules:
  - {record: 'live:double', expr: live_value * 2}
  - {alert: AtOnce, expr: 'live:double > 10'}
  - {alert: Waits, expr: live_value > 5, for: 3s, labels: {l: 'v{{ $labels.instance }}'}}
  - {alert: Keeps, expr: live_value > 5, keep_firing_for: 3s}
"""


def both(tap, folder, name, rules, test, good):
    (folder / 'rules.yml').write_text(rules)
    (folder / 'test.yml').write_text(test)
    theirs = subprocess.run(['promtool', 'test', 'rules', folder / 'test.yml'],
                            capture_output=True, text=True, timeout=60)
    ours = subprocess.run([BUILD / 'galen', 'rules', 'test', folder / 'test.yml'],
                          capture_output=True, text=True, timeout=60)
    tap.ok(theirs.returncode == ours.returncode == (0 if good else 1), name,
           f'promtool {theirs.returncode}: {theirs.stdout}{theirs.stderr}\n'
           f'galen {ours.returncode}: {ours.stdout}{ours.stderr}')


def unit_tests(tap, folder):
    both(tap, folder, 'rules that are right pass on both', EXAMPLE, TEST, True)
    wrong = {'a value': ("text: '0', inst", "text: '1', inst"),
             'an annotation': ('down"\n              list', 'up"\n              list'),
             'an alert too many': ('{eval_time: 4m,', '{eval_time: 6m,'),
             'a sample': ('value: 1}\n          - {labels', 'value: 2}\n          - {labels')}
    for name, (old, new) in wrong.items():
        if not tap.ok(old in TEST, f'the test has {name}'):
            continue
        both(tap, folder, f'{name} that is wrong fails on both', EXAMPLE, TEST.replace(old, new),
             False)


def built_in(tap, folder):
    plain = subprocess.run([BUILD / 'galen', 'rules', 'export', ROOT / 'rules' / 'alerts'],
                           capture_output=True, text=True, timeout=60).stdout
    kept = ROOT / 'deploy' / 'prometheus' / 'galen.rules.yml'
    tap.ok(plain == kept.read_text(), 'deploy/prometheus/galen.rules.yml is what is exported')
    check = subprocess.run(['promtool', 'check', 'rules', kept], capture_output=True, text=True)
    tap.ok(check.returncode == 0, 'promtool takes it', check.stdout + check.stderr)


class Prometheus:
    def __init__(self, folder):
        self.port = free_port()
        (folder / 'prom').mkdir()
        (folder / 'prom' / 'rules.yml').write_text(LIVE)
        (folder / 'prom' / 'prometheus.yml').write_text('rule_files: [rules.yml]\n')
        self.process = Process(
            ['prometheus', f'--config.file={folder}/prom/prometheus.yml',
             f'--storage.tsdb.path={folder}/prom/data', '--web.enable-remote-write-receiver',
             f'--web.listen-address=127.0.0.1:{self.port}'], folder / 'prom.log')

    def get(self, path):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}{path}', timeout=10) as answer:
            return answer.read()

    def ready(self):
        try:
            return bool(self.get('/-/ready'))
        except OSError:
            return False

    def write(self, message):
        # Prometheus takes Snappy alone: literals of at most 60 bytes each
        packed = bytearray()
        n = len(message)
        while n >= 128:
            packed.append(n & 127 | 128)
            n >>= 7
        packed.append(n)
        for i in range(0, len(message), 60):
            piece = message[i:i + 60]
            packed += bytes([(len(piece) - 1) << 2]) + piece
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.port}/api/v1/write', bytes(packed),
            {'Content-Encoding': 'snappy', 'Content-Type': 'application/x-protobuf'})
        urllib.request.urlopen(request, timeout=10).read()


def spans(answer):
    """{(alert, state, instance): (first, last)} of a range query's answer."""
    return {(s['metric']['alertname'], s['metric']['alertstate'], s['metric']['instance'],
             s['metric'].get('l')): (float(s['values'][0][0]), float(s['values'][-1][0]))
            for s in json.loads(answer)['data']['result']}


def live(tap, folder):
    prometheus = Prometheus(folder)
    server = Server(folder, args=['--alerts-interval', '1s'])
    try:
        server.start()
        server.json('POST', '/api/galen/v1/rule-files', {'name': 'live', 'text': LIVE})
        if not tap.ok(wait_for(prometheus.ready, 20), 'a Prometheus runs'):
            return
        start = time.time()
        for v in [1] * 8 + [7] * 8 + [1] * 8:
            t_ms = int(time.time() * 1000)
            message = b''.join(time_series({'__name__': 'live_value', 'instance': i},
                                           [(t_ms, v if i == 'a' else 8 - v)]) for i in 'ab')
            prometheus.write(message)
            server.request('POST', '/api/v1/write', gzip.compress(message),
                           {'Content-Encoding': 'gzip',
                            'Content-Type': 'application/x-protobuf'}, token='agent-token')
            time.sleep(max(0, 1 - time.time() % 1))
        path = '/api/v1/query_range?' + urllib.parse.urlencode(
            {'query': 'ALERTS', 'start': start + 6, 'end': time.time(), 'step': 1})
        theirs, ours = spans(prometheus.get(path)), spans(server.request('GET', path)[2])
        tap.ok(theirs and theirs.keys() == ours.keys(), 'the same alerts in the same states',
               f'{sorted(map(str, theirs))}\n{sorted(map(str, ours))}')
        # Both look once a second, each at its own moment of it.
        far = {k: (theirs[k], ours[k]) for k in theirs.keys() & ours.keys()
               if any(abs(a - b) > 2 for a, b in zip(theirs[k], ours[k]))}
        tap.ok(not far, 'from and to the same times', far)
    finally:
        server.stop()
        prometheus.process.kill()


def main():
    with Folder('alert-rules') as (folder, tap):
        if not shutil.which('promtool') or not shutil.which('prometheus'):
            tap.skip('rules against Prometheus', 'prometheus is not installed')
            return
        unit_tests(tap, folder)
        built_in(tap, folder)
        live(tap, folder)


main()
