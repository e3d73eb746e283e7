#!/usr/bin/env python3
"""Bad input of every kind: a clear sentence, the right exit code or status, nothing lost."""
import gzip
import json
import os
import pathlib
import subprocess
import time

import galen


def run(*command, timeout=20):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)
    return done.returncode, (done.stdout + done.stderr).strip()


with galen.Folder('refusals') as (folder, tap):
    server_bin, agent_bin = galen.BUILD / 'galen-server', galen.BUILD / 'galen-agent'
    server = galen.Server(folder).start()

    def says(result, code, text, name):
        tap.ok(result[0] == code and text in result[1] and result[1].count('\n') <= 1, name,
               f'exit {result[0]}: {result[1]}')

    # ---- starting ----
    says(run(server_bin, '--data', folder / 'other', '--listen', f'127.0.0.1:{server.port}', '--dev'),
         1, f'127.0.0.1:{server.port}', 'a port in use is named')
    says(run(server_bin, '--data', server.data, '--listen', '127.0.0.1:0', '--dev'), 1,
         str(server.process.process.pid), 'a second server on one directory names the first')
    blocked = folder / 'file'
    blocked.write_text('x')
    says(run(server_bin, '--data', blocked / 'data', '--listen', '127.0.0.1:0', '--dev'), 1,
         str(blocked), 'a data directory that cannot be made is named')
    config = folder / 'server.yaml'
    config.write_text('retention:\n  tyme: 5d\n')
    says(run(server_bin, '--config', config, '--check-config'), 5,
         f'{config}:2:3: unknown key "tyme"; did you mean "time"?', 'an unknown key has its place')
    config.write_text('retention: {time: 5}\n')
    says(run(server_bin, '--config', config, '--check-config'), 5, 'is not a duration such as',
         'a wrong value says what would be right')
    config.write_text('listen: [\n')
    says(run(server_bin, '--config', config, '--check-config'), 5, f'{config}:2:1:',
         'broken YAML has its place')
    says(run(server_bin, '--config', folder / 'none.yaml'), 5, 'none.yaml',
         'a missing configuration is named')
    says(run(server_bin, '--no-such-option'), 2, '--help', 'an unknown option leads to the help')
    tap.equal(run(server_bin, '--help')[0], 0, '--help is no failure')
    says(run(server_bin, '--data', folder / 'd', '--listen', '127.0.0.1:0', '--tls-cert', '/nope',
             '--tls-key', '/nope'), 1, '/nope', 'a missing certificate is named')
    says(run(server_bin, '--data', folder / 'd', '--listen', '0.0.0.0:0', '--dev'), 1, 'loopback',
         '--dev listens on loopback only')

    # ---- the agent ----
    wrong = folder / 'wrong-token'
    wrong.write_text('gla_wrong\n')
    says(run(agent_bin, '--server', server.url, '--token-file', wrong, '--once', '--state',
             folder / 'a1'), 1, 'Failed to send data', 'the agent says that its token is refused')
    says(run(agent_bin, '--server', 'http://127.0.0.1:1', '--token-file', wrong, '--once',
             '--state', folder / 'a2'), 1, '127.0.0.1:1', 'and which address does not answer')
    says(run(agent_bin, '--server', server.url, '--token-file', folder / 'none', '--once',
             '--state', folder / 'a3'), 1, str(folder / 'none'), 'a missing token file is named')
    agent_config = folder / 'agent.yaml'
    agent_config.write_text('intervall: 5s\n')
    says(run(agent_bin, '--config', agent_config, '--check-config'), 5,
         f'{agent_config}:1:1: unknown key "intervall"; did you mean "interval"?',
         'an unknown key of the agent has its place')
    says(run(agent_bin, '--server', server.url, '--token-file', server.data / 'agent-token',
             '--once', '--interval', '0.1s', '--state', folder / 'a4'), 5, '--interval',
         'an interval out of range is refused')

    # ---- requests ----
    def status(method, path, body=None, headers=None, token='admin-token'):
        code, got, text = server.request(method, path, body, headers, token)
        problem = 'problem+json' in (got['Content-Type'] or '')
        return code, problem, text

    tap.equal(status('GET', '/api/v1/query?query=up', token=None)[:2], (401, True),
              'no token: 401 and a problem')
    tap.equal(status('GET', '/api/v1/query?query=up', token='gla_wrong')[:2], (401, True),
              'a wrong token: 401')
    tap.equal(status('GET', '/api/v1/query?query=up', token='agent-token')[:2], (403, True),
              'a writer may not read')
    tap.equal(status('GET', '/api/nothing')[:2], (404, True), 'an unknown address: 404')
    tap.equal(status('DELETE', '/api/v1/query')[:2], (405, True), 'a wrong method: 405')
    gz = {'Content-Encoding': 'gzip'}
    good = galen.time_series({'__name__': 'm', 'instance': 'r'}, [(int(time.time() * 1000), 1.0)])
    for name, body, headers, want in [
            ('not compressed as it says', b'hello', gz, 400),
            ('cut short', gzip.compress(good)[:-12], gz, 400),
            ('not protobuf', gzip.compress(b'\xff' * 40), gz, 400),
            ('no metric name', gzip.compress(galen.time_series({'a': 'b'}, [(1, 1.0)])), gz, 400),
            ('a doubled label', gzip.compress(galen.field(1, 2 * galen.field(
                1, galen.field(1, b'__name__') + galen.field(2, b'x')))), gz, 400),
            ('a bomb', gzip.compress(b'\0' * (64 << 20)), gz, 413),
            ('an unknown encoding', b'x', {'Content-Encoding': 'br'}, 415),
            ('remote write 2.0', b'x', {'Content-Encoding': 'snappy', 'Content-Type':
                'application/x-protobuf;proto=io.prometheus.write.v2.Request'}, 415)]:
        got = status('POST', '/api/v1/write', body, headers, 'agent-token')
        tap.ok(got[:2] == (want, True), f'a body that is {name}: {want}', got)
    big = http_413 = None
    got = status('POST', '/api/v1/write', os.urandom(9 << 20), gz, 'agent-token')
    tap.equal(got[:2], (413, True), 'a body over the ceiling: 413')
    now = int(time.time() * 1000)
    got = galen.write(server, [({'__name__': 'm', 'instance': 'r'}, [(now + 3600_000, 1.0)])])
    tap.ok(got[0] == 400 and b'future' in got[1], 'an hour in the future: refused, and why', got)
    got = galen.write(server, [({'__name__': 'm', 'instance': 'r'}, [(now - 90 * 86400_000, 1.0)])])
    tap.ok(got[0] == 400 and b'samples are kept' in got[1], 'older than the retention: refused, and why',
           got)
    tap.equal(galen.write(server, [({'__name__': 'm', 'instance': 'r'}, [(now, 1.0)])])[0], 204,
              'good samples are taken after all that')
    tap.equal(galen.write(server, [({'__name__': 'm', 'instance': 'r'}, [(now, 1.0)])])[0], 204,
              'and once more: no error')
    tap.equal(server.value('count_over_time(m[1m])'), 1.0, 'but stored once')

    code, _, text = status('GET', '/api/v1/query?query=sum(')
    answer = json.loads(text)
    tap.ok(code == 400 and answer['errorType'] == 'bad_data' and 'parse error' in answer['error'],
           "bad PromQL: Prometheus's error", text)
    code, _, text = status('GET', '/api/v1/query_range?query=up&start=0&end=100000&step=1')
    tap.ok(code == 400 and b'11,000 points' in text, 'too many points', text)
    tap.equal(status('POST', '/api/galen/v1/login', '{"user":', token=None)[:2], (400, True),
              'JSON that is none: 400')
    tap.equal(status('POST', '/api/galen/v1/login', {'user': 'admin', 'password': 'x'},
                     token=None)[:2], (401, True), 'a wrong password: 401')
    for path, want in [('/analyze', 400)]:
        for body in [{}, {'total_memory': 'x'}, []]:
            got = status('POST', path, body, token='agent-token')
            tap.ok(got[:2] == (want, True), f'{path} with {body}: {want}', got)
    server.stop()
