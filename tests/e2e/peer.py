"""Galen and Debian's Prometheus side by side: the same samples by remote write to both, then the
same calls; the answers must be the same JSON. What differs on purpose stands in DIFFERENT below.
Prometheus then reads from Galen: remote read, federation, and a scrape of Galen's own metrics."""
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import time
import urllib.parse

import galen

SKIPPED = 77
STEP_S = 15
SPAN_S = 3600
# Prometheus 2 takes a sample exactly at the far end of a range in, 3 and Galen do not (docs/PROMQL.md):
# times are asked for at which there is none.
ASKED_LATER_S = 7.5
STALE = struct.unpack('<d', struct.pack('<Q', 0x7FF0000000000002))[0]


class Prometheus:
    """Debian's, with an optional configuration."""

    def __init__(self, folder, config='global: {evaluation_interval: 1m}\n', args=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = galen.free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        (folder / 'prometheus.yml').write_text(config)
        self.process = galen.Process(
            ['prometheus', '--config.file', folder / 'prometheus.yml',
             '--web.enable-remote-write-receiver', '--web.enable-admin-api',
             '--storage.tsdb.path', folder / 'data', '--log.level=error',
             '--web.listen-address', f'127.0.0.1:{self.port}', *args], folder / 'prometheus.log')
        if not galen.wait_for(self.ready, 30):
            raise RuntimeError('prometheus is not ready:\n' + self.process.text())

    def ready(self):
        try:
            return self.request('GET', '/-/ready')[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None, token=None):
        import http.client
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def stop(self):
        self.process.kill()


def snappy(data):
    """Valid snappy of literals alone."""
    out = bytearray(galen.varint(len(data)))
    for i in range(0, len(data), 65536):
        part = data[i:i + 65536]
        out += bytes([61 << 2]) + struct.pack('<H', len(part) - 1) + part
    return bytes(out)


def unsnappy(data):
    n = shift = at = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], 'little')
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            size = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + size], 'little')
            at += size
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == n
    return bytes(out)


def make_data(end_ms):
    """A counter with resets, gauges, a histogram, gaps and stale markers."""
    data = []
    times = [end_ms - SPAN_S * 1000 + i * STEP_S * 1000 for i in range(SPAN_S // STEP_S + 1)]
    for h, host in enumerate(('web1', 'web2', 'db1')):
        for cpu in '01':
            for m, mode in enumerate(('idle', 'user')):
                value, samples = 0.0, []
                for i, t in enumerate(times):
                    value = 0.5 if i == 90 + h * 10 else value + (h + m + 1) * 0.25
                    if not 120 <= i < 130 + h:
                        samples.append((t, value))
                data.append(({'__name__': 'cpu_seconds_total', 'instance': host, 'job': 'node',
                              'cpu': cpu, 'mode': mode}, samples))
        data.append(({'__name__': 'memory_bytes', 'instance': host, 'job': 'node'},
                     [(t, 1e9 + h * 4096 + i % 7) for i, t in enumerate(times)]))
        for le in ('0.1', '1', '+Inf'):
            data.append(({'__name__': 'latency_seconds_bucket', 'instance': host, 'le': le},
                         [(t, float(i * (1 + h) * (1 if le == '0.1' else 2)))
                          for i, t in enumerate(times)]))
    data.append(({'__name__': 'ended', 'instance': 'web1'},
                 [(t, 1.0) for t in times[:200]] + [(times[200], STALE)]))
    data.append(({'__name__': 'odd', 'instance': 'web1', 'text': 'a "b"\\c\nd\u00e9', 'Upper': 'x'},
                 [(t, v) for t, v in zip(times, [math.nan, math.inf, -math.inf, 0.1, 1e21, 1e-7] * 50)]))
    data.append(({'__name__': 'bare'}, [(times[-1], 7.0)]))
    return data


def write_both(server, peer, data):
    message = b''.join(galen.time_series(labels, samples) for labels, samples in data)
    headers = {'Content-Encoding': 'snappy', 'Content-Type': 'application/x-protobuf',
               'X-Prometheus-Remote-Write-Version': '0.1.0'}
    for who in (server, peer):
        status, _, body = who.request('POST', '/api/v1/write', snappy(message), headers)
        if status // 100 != 2:
            raise RuntimeError(f'remote write: {status} {body!r}')


OURS = '{__name__=~"cpu_seconds_total|memory_bytes|latency_seconds_bucket|ended|odd|bare"}'


def calls(end):
    """(name, method, path, parameters) of everything that both answer alike."""
    start, e = f'{end - 1800:.3f}', f'{end:.3f}'
    q = '/api/v1/query'
    r = '/api/v1/query_range'
    instant = [
        'memory_bytes', 'sum by (mode) (rate(cpu_seconds_total[5m]))', '1', '-1e3', '"text"',
        'memory_bytes[1m]', 'odd', 'nothing', 'time()', 'vector(NaN)', 'ended',
        'histogram_quantile(0.9, rate(latency_seconds_bucket[5m]))', 'topk(2, memory_bytes)',
        'label_replace(memory_bytes, "a", "$1<>&", "instance", "(.*)")',
        'sort_desc(memory_bytes)', 'absent(nothing{a="b"})', 'count_values("v", memory_bytes)',
        'quantile_over_time(0.5, memory_bytes[10m])', 'memory_bytes @ end()', '-memory_bytes',
        'memory_bytes > bool 1', 'cpu_seconds_total{mode=~"i.*|u.*", cpu!="1"}',
    ]
    for expr in instant:
        yield f'query {expr}', 'GET', q, {'query': expr, 'time': e}
    yield 'query by POST', 'POST', q, {'query': 'memory_bytes', 'time': e}
    yield 'query, RFC 3339', 'GET', q, {'query': 'memory_bytes', 'time': time.strftime(
        '%Y-%m-%dT%H:%M:%SZ', time.gmtime(end))}
    for expr in ('memory_bytes', 'rate(cpu_seconds_total[2m])', 'ended', '1', 'odd', 'nothing',
                 'avg by (instance) (irate(cpu_seconds_total{mode!="idle"}[5m]))',
                 'max_over_time(memory_bytes[5m:1m])'):
        for method in ('GET', 'POST'):
            yield (f'query_range {expr} {method}', method, r,
                   {'query': expr, 'start': start, 'end': e, 'step': '31'})
    yield 'query_range, durations', 'GET', r, {'query': 'memory_bytes', 'start': start, 'end': e,
                                               'step': '1m'}
    # errors: type, code and text
    bad = [
        '', 'sum(', 'up{', 'up{a=}', 'up{a="b"', 'foo bar', 'rate(up)', 'rate(up[5m]', '1 +', 'sum by (a',
        'up[5m][5m]', 'nosuch(up)', 'abs()', 'abs(up, up)', '"a" + 1', 'up{a=~"("}', '{}', '{a=""}',
        'up offset', 'up @', 'up and 1', '1 == 1', 'up[0s]', 'topk(up)', "'a", 'up{__name__="a"}',
        'sum(up[5m])', 'up[5m] + 1', '-up[5m]', 'up * on(a) group_left(b) on(c) up', '@', 'up[', '((up)',
        'up)', 'count_values(1, up)', 'label_replace(up, 1, "", "", "")', 'up{a!b}', 'sum without up',
        'up @ "a"', 'up @ start', 'up offset 1m offset 2m', 'up @ 1 @ 2', 'sum() by (a)',
        'up + on(a) by(b) up', 'up and on(a) group_left up', 'up == bool', '1 and 1', 'up or 1', 'bool 1',
        'round()', 'round(up, 1, 2)', 'vector(up)', 'scalar(1)', 'time(1)', 'rate(up[5m:])[5m]', 'up[5m:]s',
        'up[1m:1m:1m]', 'up[-5m]', 'up{a=b}', 'up{"a"="b"', 'up{,}', 'up{a="b",,}', '0x', '1e',
        '"a\\q"', 'sum by (1) (up)', 'label_join(up, "a")', 'absent(1)', 'quantile(up, up)', 'up % on a up',
    ]
    for expr in bad:
        yield f'bad {expr!r}', 'GET', q, {'query': expr, 'time': e}
    # what only shows while it is evaluated
    for expr in ('label_replace(memory_bytes, "instance", "same", "", "")',
                 'label_replace(memory_bytes, "a", "$1", "instance", "(")',
                 'label_join(memory_bytes, "instance", "-", "job")',
                 'memory_bytes * on(job) memory_bytes',
                 'memory_bytes * on(job) group_left cpu_seconds_total',
                 'memory_bytes * on(instance) group_right memory_bytes',
                 'cpu_seconds_total and on(instance) memory_bytes',
                 'memory_bytes unless on(job) odd', 'memory_bytes or on(job) odd',
                 'topk(NaN, memory_bytes)', 'topk(1e30, memory_bytes)', 'bottomk(-1, memory_bytes)',
                 'quantile(2, memory_bytes)',
                 'holt_winters(memory_bytes[10m], 2, 0.5)', 'holt_winters(memory_bytes[10m], 0.5, 0)',
                 'predict_linear(memory_bytes[10m], 3600)', 'memory_bytes offset -5m',
                 'sum_over_time(memory_bytes[5m] @ start())', 'memory_bytes @ end() offset -1m',
                 'histogram_quantile(-1, latency_seconds_bucket)',
                 'histogram_quantile(2, latency_seconds_bucket)',
                 'histogram_quantile(NaN, latency_seconds_bucket)',
                 'histogram_quantile(0.5, memory_bytes)', 'clamp(memory_bytes, 2, 1)',
                 'memory_bytes{instance=~"((a+)+)+$"}', 'memory_bytes{instance=~"x{1001}"}',
                 'memory_bytes{instance=~"(x{1000}){1000}"}', 'memory_bytes{instance=~"a(?=b)"}',
                 'memory_bytes{instance=~"[b-a]"}', 'memory_bytes{instance=~"*"}'):
        yield f'evaluated {expr}', 'GET', q, {'query': expr, 'time': e}
    yield 'query of a missing query', 'GET', q, {}
    yield 'bad time', 'GET', q, {'query': '1', 'time': 'x'}
    yield 'bad timeout', 'GET', q, {'query': '1', 'time': e, 'timeout': 'x'}
    for name, more in (('start', {'start': 'x'}), ('end', {'end': 'x'}), ('step', {'step': 'x'}),
                       ('zero step', {'step': '0'}), ('negative step', {'step': '-1'}),
                       ('end before start', {'end': f'{end - 3600:.3f}'}),
                       ('too many points', {'step': '0.1'}), ('string', {'query': '"a"'}),
                       ('matrix', {'query': 'up[5m]'}), ('parse error', {'query': 'up{'}),
                       ('no start', {'start': ''}), ('no step', {'step': ''})):
        yield f'range: {name}', 'GET', r, dict({'query': 'up', 'start': start, 'end': e,
                                               'step': '15'}, **more)
    many = 'cpu_seconds_total + on(instance) group_left memory_bytes + on(instance) cpu_seconds_total'
    yield 'many to many', 'GET', q, {'query': 'memory_bytes + on(job) cpu_seconds_total', 'time': e}
    yield 'many to many 2', 'GET', q, {'query': many, 'time': e}
    # what selects series
    s = '/api/v1/series'
    window = {'start': start, 'end': e}
    for match in (['memory_bytes'], ['memory_bytes', '{instance="web1"}'], ['nothing'],
                  ['{__name__=~"memory.*|odd"}']):
        for method in ('GET', 'POST'):
            yield f'series {match} {method}', method, s, dict(window, **{'match[]': match})
    yield 'series before all', 'GET', s, {'match[]': 'memory_bytes', 'start': '1', 'end': '2'}
    for name, match in (('without', []), ('bad', ['up{']), ('empty', ['{}']), ('number', ['1'])):
        yield f'series {name} match', 'GET', s, dict(window, **{'match[]': match})
    for path in ('/api/v1/labels', '/api/v1/label/instance/values', '/api/v1/label/__name__/values',
                 '/api/v1/label/none/values'):
        # Galen's own series are stored as well: only what was written counts
        yield path, 'GET', path, {'match[]': OURS} if '/label/' in path else {}
        yield f'{path} in a window', 'GET', path, window
        yield f'{path} matched', 'GET', path, dict(window, **{'match[]': ['memory_bytes', 'odd']})
        yield f'{path} bad match', 'GET', path, {'match[]': 'up{'}
    yield 'labels by POST', 'POST', '/api/v1/labels', {'match[]': 'memory_bytes'}
    yield 'bad label name', 'GET', '/api/v1/label/%FF/values', {}
    yield 'labels, bad start', 'GET', '/api/v1/labels', {'start': 'x'}
    for expr in ('sum(rate(a[5m]))by(b)', '1+2*3', 'a{b="c",d=~"e"}', 'foo(', ''):
        yield f'format {expr}', 'GET', '/api/v1/format_query', {'query': expr}
    yield 'exemplars', 'GET', '/api/v1/query_exemplars', dict(window, query='memory_bytes')
    yield 'alertmanagers', 'GET', '/api/v1/alertmanagers', {}
    yield 'metadata, bad limit', 'GET', '/api/v1/metadata', {'limit': 'x'}
    yield 'metadata of nothing', 'GET', '/api/v1/metadata', {'metric': 'nosuch'}
    yield 'target metadata of nothing', 'GET', '/api/v1/targets/metadata', {'metric': 'nosuch'}


# Calls whose answers differ on purpose or cannot be the same, and why. They must still agree in
# HTTP status and errorType.
DIFFERENT = {
    """bad 'up{a=~"("}'""": 'the expression is not read by Go',
    "bad 'up offset'": 'more may stand there since Prometheus 3',
    "bad '@'": "Prometheus 2 shows its parser's number of the sign",
    "bad 'up['": 'a number may stand there since Prometheus 3',
    'many to many': 'which series of a hash table comes first is chance there',
    'many to many 2': 'the same',
    "bad 'up[-5m]'": 'a number may stand there since Prometheus 3',
    "bad 'up{\"a\"=\"b\"'": 'names in quotes are new in Prometheus 3',
    "bad '1e'": "Go's words",
    'bad label name': 'Go writes what is no UTF-8 as an escape',
    'series number match': 'Prometheus has a parser of its own for selectors',
}


# Evaluated differently since Prometheus 3, or with a pattern that is refused in RE2's words there.
DIFFERENT.update({f'evaluated {expr}': why for why, all in {
    'which series comes first is chance there': (
        'memory_bytes * on(job) memory_bytes',
        'memory_bytes * on(job) group_left cpu_seconds_total'),
    'Prometheus 3 warns': (
        'quantile(2, memory_bytes)', 'histogram_quantile(-1, latency_seconds_bucket)',
        'histogram_quantile(2, latency_seconds_bucket)', 'histogram_quantile(0.5, memory_bytes)',
        'histogram_quantile(NaN, latency_seconds_bucket)'),
    "Prometheus 3's sentence": ('topk(NaN, memory_bytes)',),
    'the expression is not read by Go': tuple(
        'memory_bytes{instance=~"%s"}' % pattern
        for pattern in ('x{1001}', '(x{1000}){1000}', 'a(?=b)', '[b-a]', '*')),
}.items() for expr in all})


def same(a, b):
    """Equal, numbers in text to 1e-12."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, str) and isinstance(b, str) and a != b:
        try:
            return math.isclose(float(a), float(b), rel_tol=1e-12)
        except ValueError:
            return False
    return a == b


def normal(value, path):
    """What is in no order there (and so here) is sorted; keys that Prometheus 2 has not are out."""
    data = value.get('data')
    if isinstance(data, dict) and data.get('resultType') == 'vector' and 'sort' not in path:
        data['result'].sort(key=lambda s: json.dumps(s['metric'], sort_keys=True))
    value.pop('infos', None)
    return value


def call(who, method, path, parameters):
    form = urllib.parse.urlencode(parameters, doseq=True)
    if method == 'GET':
        return who.request('GET', f'{path}?{form}')
    return who.request('POST', path, form, {'Content-Type': 'application/x-www-form-urlencoded'})


def compare(tap, server, peer, end):
    differ = []
    n = 0
    for name, method, path, parameters in calls(end):
        n += 1
        ours, theirs = (call(who, method, path, parameters) for who in (server, peer))
        a, b = (normal(json.loads(x[2]), parameters.get('query', '')) for x in (ours, theirs))
        right = (ours[0], a.get('errorType')) == (theirs[0], b.get('errorType'))
        if not right or (name not in DIFFERENT and not same(a, b)):
            differ.append(f'{name}\n  here  {ours[0]} {json.dumps(a)[:400]}\n'
                          f'  there {theirs[0]} {json.dumps(b)[:400]}')
        if not ours[1]['Content-Type'] == theirs[1]['Content-Type']:
            differ.append(f"{name}: {ours[1]['Content-Type']} and {theirs[1]['Content-Type']}")
    for text in differ:
        print('# ' + text.replace('\n', '\n# '))
    tap.ok(not differ, f'{n} calls are answered as Prometheus answers them, '
           f'{len(DIFFERENT)} of them with another sentence')


def shape(value):
    """Keys and kinds, without the values."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return 'number' if isinstance(value, (int, float)) and not isinstance(value, bool) \
        else type(value).__name__


def has_shape(got, want):
    if isinstance(want, dict):
        return isinstance(got, dict) and all(k in got and has_shape(got[k], want[k]) for k in want)
    if isinstance(want, list):
        return isinstance(got, list) and (not want or not got or has_shape(got[0], want[0]))
    return got == want


def compare_shapes(tap, server, peer):
    for path in ('status/buildinfo', 'status/runtimeinfo', 'status/config', 'status/tsdb',
                 'status/tsdb?limit=2', 'scrape_pools', 'targets', 'targets?state=dropped',
                 'metadata?limit=3', 'metadata?metric=galen_build_info', 'targets/metadata?limit=2',
                 'targets/metadata?metric=galen_build_info'):
        ours, theirs = (who.request('GET', '/api/v1/' + path) for who in (server, peer))
        a, b = json.loads(ours[2]), json.loads(theirs[2])
        a_shape, b_shape = shape(a), shape(b)
        if path.startswith('metadata') and '?metric' not in path:  # names are the data there
            a_shape, b_shape = ([shape(v) for v in x['data'].values()] for x in (a, b))
        if path.startswith('targets'):  # labels are data too
            for entry in [*str_entries(a_shape), *str_entries(b_shape)]:
                for key in ('discoveredLabels', 'labels', 'target'):
                    entry.pop(key, None)
        tap.ok(ours[0] == theirs[0] and has_shape(a_shape, b_shape), f'{path} has the same fields',
               f'here {json.dumps(a)[:600]}\nthere {json.dumps(b)[:600]}')
    for who in (server, peer):
        flags = json.loads(who.request('GET', '/api/v1/status/flags')[2])['data']
        tap.ok(flags and all(isinstance(v, str) for v in flags.values()), 'flags are texts')
    flags = server.json('GET', '/api/v1/status/flags')['data']
    tap.equal((flags['query.timeout'], flags['query.max-samples'], flags['query.max-concurrency'],
               flags['query.lookback-delta']), ('2m', '50000000', '20', '5m'),
              'the limits of queries are shown')
    mine = server.json('GET', '/api/v1/status/tsdb?limit=100')['data']
    theirs = json.loads(peer.request('GET', '/api/v1/status/tsdb?limit=100')[2])['data']
    a, b = ({e['name']: e['value'] for e in x['seriesCountByMetricName']} for x in (mine, theirs))
    tap.ok(all(a.get(k) == v for k, v in b.items() if k in ('cpu_seconds_total', 'memory_bytes')),
           'series are counted alike', f'{a}\n{b}')


def str_entries(shaped):
    data = shaped.get('data')
    if isinstance(data, dict):
        return [e for e in data.get('activeTargets', []) if isinstance(e, dict)]
    return [e for e in data or [] if isinstance(e, dict)]


# ---- federation ----

def families(text):
    """[(family's line, its samples)]: families in their order; Prometheus 2 does not sort within
    one, and Go writes 1e+09 where we write 1000000000."""
    out = []
    for line in text.splitlines():
        if line.startswith('#'):
            out.append((line, set()))
        else:
            metric, value, at = line.rsplit(' ', 2)
            out[-1][1].add((metric, value if value == 'NaN' else float(value), at))
    return out

def compare_federation(tap, server, peer):
    """One line more or less would be time passing: taken until both agree."""
    for match in (['memory_bytes'], ['{__name__=~".+", job!="galen-server"}'], ['nothing'],
                  ['odd', 'bare'], ['ended']):
        path = '/federate?' + urllib.parse.urlencode({'match[]': match}, doseq=True)

        def both():
            a, b = (who.request('GET', path) for who in (server, peer))
            same_text = families(a[2].decode()) == families(b[2].decode())
            return same_text, a[2].decode(), b[2].decode(), a[1]

        result = galen.wait_for(lambda: (lambda r: r if r[0] else None)(both()), 2) or both()
        tap.ok(result[0], f'federate {match} gives the same text',
               f'here\n{result[1][:1500]}\nthere\n{result[2][:1500]}')
    tap.ok(result[3]['Content-Type'].startswith('text/plain; version=0.0.4'), 'federate is text')
    status, _, body = server.request('GET', '/federate?match[]=' + urllib.parse.quote('up{'))
    tap.equal(status, 400, 'a bad selector is refused by federate')


# ---- remote read ----

def read_request(start_ms, end_ms, matchers):
    body = b'\x08' + galen.varint(start_ms) + b'\x10' + galen.varint(end_ms)
    for kind, name, value in matchers:
        body += galen.field(3, b'\x08' + galen.varint(kind) + galen.field(2, name.encode())
                            + galen.field(3, value.encode()))
    return galen.field(1, body)


def read_fields(data):
    at = 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n
    while at < len(data):
        tag = number()
        if tag & 7 == 2:
            length = number()
            yield tag >> 3, data[at:at + length]
            at += length
        elif tag & 7 == 1:
            yield tag >> 3, data[at:at + 8]
            at += 8
        else:
            yield tag >> 3, number()


def read_answer(data):
    out = []
    for _, result in read_fields(data):
        series = []
        for _, entry in read_fields(result):
            labels, samples = [], []
            for number, value in read_fields(entry):
                pair = dict(read_fields(value))
                if number == 1:
                    labels.append((pair[1].decode(), pair[2].decode()))
                else:
                    samples.append((pair.get(2, 0), pair.get(1, b'\0' * 8)))
            series.append((tuple(labels), samples))
        out.append(series)
    return out


def compare_reading(tap, server, peer, end_ms):
    headers = {'Content-Encoding': 'snappy', 'Content-Type': 'application/x-protobuf',
               'X-Prometheus-Remote-Read-Version': '0.1.0'}
    cases = {
        'equal': [(0, '__name__', 'memory_bytes')],
        'not equal': [(0, '__name__', 'memory_bytes'), (1, 'instance', 'web1')],
        'regex': [(2, '__name__', 'cpu.*|odd')],
        'not regex': [(0, '__name__', 'cpu_seconds_total'), (3, 'instance', 'web.*')],
        'nothing': [(0, '__name__', 'none')],
        'stale markers': [(0, '__name__', 'ended')],
    }
    for name, matchers in cases.items():
        request = read_request(end_ms - 1800_000, end_ms - 60_000, matchers)
        ours, theirs = (who.request('POST', '/api/v1/read', snappy(request), headers)
                        for who in (server, peer))
        a, b = (read_answer(unsnappy(x[2])) for x in (ours, theirs))
        tap.ok(ours[0] == theirs[0] == 200 and a == b and len(a) == 1, f'remote read, {name}',
               f'{str(a)[:700]}\n{str(b)[:700]}')
    tap.equal(ours[1]['Content-Encoding'], 'snappy', 'remote read answers with snappy')
    two = read_request(0, end_ms, cases['equal']) + read_request(0, end_ms, cases['regex'])
    ours, theirs = (who.request('POST', '/api/v1/read', snappy(two), headers)
                    for who in (server, peer))
    tap.equal(read_answer(unsnappy(ours[2])), read_answer(unsnappy(theirs[2])),
              'two queries in one request have two results')
    for name, body in (('nonsense', b'\x05abcde'), ('a bad expression',
                       snappy(read_request(0, 1, [(2, 'a', '(')]))),
                       ('an unknown kind', snappy(read_request(0, 1, [(9, 'a', 'b')])))):
        tap.equal(server.request('POST', '/api/v1/read', body, headers)[0], 400,
                  f'remote read refuses {name}')


def prometheus_reads(tap, folder, server, end):
    """A Prometheus without data of its own asks Galen."""
    token = folder / 'token'
    token.write_text(server.token())
    config = (f"global: {{evaluation_interval: 1m}}\nremote_read:\n"
              f"  - url: {server.url}/api/v1/read\n    read_recent: true\n"
              f"    authorization: {{credentials_file: {token}}}\n"
              f"scrape_configs:\n"
              f"  - job_name: galen\n    scrape_interval: 1s\n"
              f"    authorization: {{credentials_file: {token}}}\n"
              f"    static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]\n"
              f"  - job_name: federate\n    scrape_interval: 1s\n    honor_labels: true\n"
              f"    metrics_path: /federate\n    params: {{'match[]': ['memory_bytes']}}\n"
              f"    authorization: {{credentials_file: {token}}}\n"
              f"    static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]\n")
    reader = Prometheus(folder / 'reader', config)
    try:
        for expr in ('sum by (instance) (rate(cpu_seconds_total[5m]))', 'memory_bytes',
                     'cpu_seconds_total{instance=~"web.+",mode!="idle"}'):
            form = {'query': expr, 'start': f'{end - 1800:.3f}', 'end': f'{end:.3f}', 'step': '37'}
            a, b = (json.loads(call(who, 'GET', '/api/v1/query_range', form)[2])
                    for who in (server, reader))
            tap.ok(same(a, b) and a['data']['result'], f'{expr} through remote read',
                   f'{json.dumps(a)[:600]}\n{json.dumps(b)[:600]}')

        def targets():
            answer = json.loads(reader.request('GET', '/api/v1/targets')[2])
            active = answer['data']['activeTargets']
            return active if active and all(t['health'] == 'up' for t in active) else None
        active = galen.wait_for(targets, 20)
        tap.ok(active and len(active) == 2, 'Prometheus scrapes /metrics and /federate',
               json.loads(reader.request('GET', '/api/v1/targets')[2]))
        meaning = json.loads(reader.request('GET', '/api/v1/metadata?metric='
                                            'galen_http_requests_total')[2])['data']
        tap.equal(meaning.get('galen_http_requests_total', [{}])[0].get('type'), 'counter',
                  'the server counts its requests')
    finally:
        reader.stop()


def main():
    if not shutil.which('prometheus'):
        print('1..0 # SKIP no prometheus is installed')
        sys.exit(SKIPPED)
    with galen.Folder('peer') as (folder, tap):
        end_ms = (int(time.time()) - 20) * 1000
        server = galen.Server(folder / 'galen').start()
        token = folder / 'token'
        token.write_text(server.token())
        peer = Prometheus(folder / 'prometheus',
                          f"global: {{evaluation_interval: 1m}}\n")
        scraped = None
        try:
            write_both(server, peer, make_data(end_ms))
            compare_federation(tap, server, peer)
            compare(tap, server, peer, end_ms / 1000 + ASKED_LATER_S)
            compare_reading(tap, server, peer, end_ms)
            # A third one has targets: for the shapes of what is about them.
            scraped = Prometheus(folder / 'scraped', (
                f"scrape_configs:\n  - job_name: node\n    scrape_interval: 1s\n"
                f"    authorization: {{credentials_file: {token}}}\n"
                f"    static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]\n"))
            write_both(server, scraped, make_data(end_ms))
            galen.wait_for(lambda: json.loads(scraped.request(
                'GET', '/api/v1/metadata?metric=galen_build_info')[2])['data'], 20)
            galen.write(server, [({'__name__': 'galen_build_info', 'instance': 'web1', 'job': 'node'},
                                  [(end_ms, 1.0)])])
            galen.wait_for(server.hosts, 10)
            meaning = galen.field(3, b'\x08\x02' + galen.field(2, b'galen_build_info') +
                                  galen.field(4, b'The version that runs.'))
            server.request('POST', '/api/v1/write', snappy(meaning), {'Content-Encoding': 'snappy'})
            compare_shapes(tap, server, scraped)
            prometheus_reads(tap, folder, server, end_ms / 1000 + ASKED_LATER_S)
        finally:
            for who in (peer, scraped, server):
                if who:
                    who.stop()


if __name__ == '__main__':
    main()
