#!/usr/bin/env python3
"""Alerts end to end: from a sample to each kind of channel, with real receivers: an SMTP server
with STARTTLS and login, an Alertmanager, an HTTPS receiver that looks at every byte."""
import email
import email.policy
import hashlib
import hmac
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request

# Debian's aiosmtpd is its own python3's.
if not importlib.util.find_spec('aiosmtpd') and os.path.exists('/usr/bin/python3') \
        and sys.executable != '/usr/bin/python3':
    os.execv('/usr/bin/python3', ['/usr/bin/python3', *sys.argv])

from galen import BUILD, Folder, Process, Server, certificate, free_port, wait_for, write
from receivers import API, Receiver, mail_server, posts, receiver

RULES = """
groups:
- name: e2e
  interval: 1s
  rules:
  - {record: 'e2e:double', expr: 2 * e2e_value}
  - alert: Hot
    expr: e2e:double
    thresholds: {warning: {value: 10, clear: 6}}
    annotations: {summary: '{{ $labels.instance }} <b>is</b> at {{ $value }}'}
  - {alert: Slow, expr: e2e_value > 100, for: 1h, labels: {severity: info}}
"""
ROUTES = {'group_wait': '1s', 'group_interval': '1s', 'repeat_interval': '4h',
          'group_by': ['alertname'], 'channels': ['*']}


def value(server, v, host='db1'):
    write(server, [({'__name__': 'e2e_value', 'instance': host}, [(int(time.time() * 1000), v)])])


def keep(server, v, until, seconds, host='db1'):
    """Writes the value each half second until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value(server, v, host)
        result = until()
        if result:
            return result
        time.sleep(0.5)
    return until()


def channels(server, folder, base, cert, smtp_port, am_port):
    (folder / 'password').write_text('pass word\n')
    all_of = {
        'hook': ('webhook', {'url': base + '/hook', 'secret': 'hush', 'ca_file': str(cert)}),
        'slack': ('slack', {'url': base + '/slack', 'ca_file': str(cert)}),
        'teams': ('teams', {'url': base + '/teams', 'ca_file': str(cert)}),
        'sms': ('sms', {'account': 'AC1', 'token': 'tok', 'from': '+4930', 'to': ['+491', '+492'],
                        'api_url': base + '/twilio', 'ca_file': str(cert)}),
        'mail': ('email', {'host': 'localhost', 'port': smtp_port, 'ca_file': str(cert),
                           'user': 'galen', 'password': {'file': str(folder / 'password')},
                           'from': 'galen@example.com', 'to': ['ops@example.com']}),
        'script': ('script', {'name': 'fix'}),
        'slow': ('webhook', {'url': base + '/slow', 'ca_file': str(cert)}),
    }
    if am_port:
        all_of['am'] = ('alertmanager', {'url': f'http://127.0.0.1:{am_port}'})
    return {name: server.json('POST', API + '/channels',
                              {'name': name, 'kind': kind, 'config': config})['id']
            for name, (kind, config) in all_of.items()}


def check_posts(tap):
    path, headers, body = posts('/hook')[0]
    note = json.loads(body)
    want = 'sha256=' + hmac.new(b'hush', headers['X-Galen-Timestamp'].encode() + b'.' + body,
                                hashlib.sha256).hexdigest()
    tap.equal(headers['X-Galen-Signature'], want, 'the webhook is signed')
    tap.equal(sorted(note), sorted(['version', 'groupKey', 'truncatedAlerts', 'status', 'receiver',
                                    'groupLabels', 'commonLabels', 'commonAnnotations',
                                    'externalURL', 'alerts']), 'the webhook is version 4')
    tap.equal((note['version'], note['status'], note['commonLabels']['alertname'],
               note['commonLabels']['severity']), ('4', 'firing', 'Hot', 'warning'), 'and tells it')
    slack = json.loads(posts('/slack')[0][2])
    tap.ok('&lt;b&gt;' in slack['text'] and slack['attachments'][0]['color'] == '#ef6c00',
           'Slack gets escaped text', slack)
    card = json.loads(posts('/teams')[0][2])['attachments'][0]
    tap.ok(card['contentType'] == 'application/vnd.microsoft.card.adaptive' and
           card['content']['type'] == 'AdaptiveCard', 'Teams gets an adaptive card', card)
    sms = posts('/twilio/2010-04-01/Accounts/AC1/Messages.json')
    form = urllib.parse.parse_qs(sms[0][2].decode())
    tap.ok(form['To'] == ['+491'] and form['Body'][0].startswith('[FIRING] db1'),
           'Twilio gets a form', form)
    tap.ok(sms[0][1]['Authorization'].startswith('Basic '), 'with a login')


def check_mail(tap, mails):
    if not wait_for(lambda: mails, 10):
        tap.ok(False, 'a mail came')
        return
    envelope, logged_in = mails[0]
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    tap.ok(logged_in, 'the mail came over TLS after a login')
    tap.ok(mail['Subject'].startswith('[FIRING] db1') and mail['Bcc'] is None, 'its subject',
           mail['Subject'])
    tap.ok('is' in mail.get_body(('plain',)).get_content(), 'it has text')
    tap.ok('&lt;b&gt;is&lt;/b&gt;' in mail.get_body(('html',)).get_content(),
           'and HTML, escaped', mail.get_body(('html',)).get_content())


def check_refusals(tap, server, base, cert):
    bad = {
        'ftp://example.com/': 'not an http',
        'http://127.0.0.1:1@evil/ x': 'not an http',
    }
    for url, says in bad.items():
        status, _, body = server.request('POST', API + '/channels', {
            'name': 'bad', 'kind': 'webhook', 'config': {'url': url}})
        tap.ok(status == 400 and says in body.decode(), f'{url} is refused', body)
    for to in ('a@b\r\nBcc: c@d', 'nobody', 'a b@c'):
        status, _, body = server.request('POST', API + '/channels', {
            'name': 'bad', 'kind': 'email',
            'config': {'host': 'localhost', 'from': 'g@example.com', 'to': [to]}})
        tap.equal(status, 400, f'the address {to!r} is refused')
    Receiver.answer['/redirect'] = 302
    made = server.json('POST', API + '/channels', {
        'name': 'redirect', 'kind': 'webhook', 'enabled': False,
        'config': {'url': base + '/redirect', 'ca_file': str(cert)}})
    answer = server.json('POST', f"{API}/channels/{made['id']}/test")
    tap.ok(not answer['sent'] and 'redirects are not followed' in answer['error'],
           'a redirect is not followed', answer)
    tap.equal(posts('/elsewhere'), [], 'nobody went there')
    server.json('DELETE', f"{API}/channels/{made['id']}")


def check_people(tap, server):
    alert = server.json('GET', API + '/alerts?state=firing')['alerts'][0]
    path = f"{API}/alerts/{alert['id']}"
    tap.equal(server.request('POST', path + '/acknowledge', {'note': 'mine'})[0], 204,
              'an alert can be acknowledged')
    tap.ok(server.request('POST', path + '/acknowledge')[0] in (400, 409), 'once')
    quiet = server.json('POST', API + '/silences', {
        'matchers': ['alertname="Hot"'], 'ends_ms': int(time.time() * 1000) + 600_000,
        'comment': 'e2e'})
    mine = server.json('GET', API + '/alerts?name=Hot')['alerts'][0]
    tap.equal((mine['silenced'], mine['silenced_by'], mine['inhibited'], mine['inhibited_by']),
              (True, quiet['id'], False, None), 'the server says what silences it')
    listed = subprocess.run([BUILD / 'galen', 'alerts', '--server', server.url, '--token-file',
                             server.data / 'admin-token'], capture_output=True, text=True)
    tap.ok(re.search(r'silenced +\w+ +db1 +Hot', listed.stdout), 'galen alerts too', listed.stdout)
    server.json('DELETE', f"{API}/silences/{quiet['id']}")
    shown = server.json('GET', path)
    tap.ok(not shown['alert']['silenced'], 'until it is ended')
    tap.equal([e['what'] for e in shown['history']], ['acknowledged', 'firing'], 'its history')
    tap.ok('/processes?at=' in (shown['processes'] or ''), 'it leads to its processes')


def check_thresholds(tap, server):
    """What makes no sense is refused before it takes effect."""
    path = f'{API}/alert-rules/DiskSpaceLow'
    cases = {'a level that is not there': ({'level': 'wrong', 'value': 90}, 'no level'),
             'clearing above the threshold': ({'value': 90, 'clear': 91}, 'clear'),
             'clearing above its own threshold': ({'level': 'warning', 'clear': 86}, 'clear'),
             'a threshold as text': ({'value': '90'}, 'numbers'),
             'a duration of nothing': ({'for': 'soon'}, 'duration'),
             'a word that nobody knows': ({'treshold': 90}, 'treshold')}
    for name, (body, says) in cases.items():
        status, _, answer = server.request('PUT', path, body)
        tap.ok(status == 400 and says in answer.decode(), f'{name} is refused', (status, answer))
    tap.equal(server.request('PUT', path, {'level': 'warning', 'value': 90, 'clear': 90,
                                           'for': '10m', 'instance': 'db9'})[0], 204,
              'one that makes sense is taken')
    tap.equal(server.request('DELETE', path + '?level=warning&instance=db9')[0], 204, 'and undone')


def check_presets(tap, server):
    """One step for all hosts, and back; a host's own stays."""
    def galen(*args):
        return subprocess.run([BUILD / 'galen', 'alerts', *args, '--server', server.url,
                               '--token-file', server.data / 'admin-token'],
                              capture_output=True, text=True)
    def overrides():
        return sorted(((o['rule'], o['level'], o.get('value'), o.get('disabled', False))
                       for o in server.json('GET', API + '/alert-rules')['overrides']), key=str)
    own = ('DiskSpaceLow', 'warning', 70, False)
    server.json('PUT', API + '/alert-rules/DiskSpaceLow', {'level': 'warning', 'value': 70,
                                                           'instance': 'db9'})
    tap.equal((galen('preset', 'simple').returncode, overrides()), (0, sorted([
        own, ('CpuUsageHigh', 'critical', None, True), ('DiskSpaceLow', 'critical', None, True),
        ('MemoryUsageHigh', 'critical', None, True), ('MemoryUsageHigh', 'warning', 90, False)],
        key=str)), 'the preset simple: one level')
    tap.equal((galen('preset', 'standard').returncode, overrides()), (0, [own]), 'and back')
    wrong = galen('preset', 'none')
    tap.ok(wrong.returncode == 1 and 'standard, critical or simple' in wrong.stderr,
           'a preset that is not there', wrong.stderr)
    server.request('DELETE', API + '/alert-rules/DiskSpaceLow?level=warning&instance=db9')


def check_versions(tap, server):
    """If-Match: 412 for another version, none needed, 400 for what is none; 409 for a name."""
    def put(path, body, match):
        return server.request('PUT', API + path, body, {'If-Match': match} if match else None)[0]
    status, headers, body = server.request('GET', API + '/routes')
    whole, tag = json.loads(body)['routes'], headers['ETag']
    tap.equal([put('/routes', whole, m) for m in ('"99"', '3', None, tag, None)],
              [412, 400, 200, 412, 200], 'routes: the version, or none')
    first = server.json('POST', API + '/rule-files', {'name': 'versions', 'text': 'groups: []'})
    path = f"/rule-files/{first['id']}"
    tag = server.request('GET', API + path)[1]['ETag']
    again = {'name': 'versions', 'text': 'groups: []\n'}
    tap.equal([put(path, again, tag), put(path, again, tag), put(path, again, '*')],
              [200, 412, 200], 'a rule file: who was faster')
    tap.equal(put(path, dict(again, name='e2e'), None), 409, 'a name that is taken')
    tap.equal([server.request('DELETE', API + path, headers={'If-Match': m})[0]
               for m in ('"1"', '"3"', '"3"')], [412, 204, 404], 'deleted by its version')


def check_prometheus(tap, server):
    rules = server.json('GET', '/api/v1/rules?rule_name[]=Hot')['data']['groups'][0]['rules'][0]
    tap.equal((rules['state'], rules['health'], rules['type']), ('firing', 'ok', 'alerting'),
              '/api/v1/rules')
    alerts = server.json('GET', '/api/v1/alerts')['data']['alerts']
    tap.ok(any(a['labels']['alertname'] == 'Hot' and a['value'] == '1.4e+01' for a in alerts),
           '/api/v1/alerts', alerts)
    tap.equal(server.value('ALERTS{alertname="Hot",alertstate="firing"}'), 1, 'ALERTS is a series')
    tap.equal(server.value('e2e:double'), 14, 'so is what a rule records')


def sent(server, channel):
    return [d for d in server.json('GET', f'{API}/channels/{channel}/deliveries')['deliveries']
            if d['state'] == 'sent']


def main():
    with Folder('alerts') as (folder, tap):
        cert, key = certificate(folder)
        base = receiver(cert, key)
        scripts = folder / 'scripts'
        scripts.mkdir()
        (scripts / 'fix').write_text(f'#!/bin/sh\nenv | grep GALEN_ >> {folder}/fixed\n')
        (scripts / 'fix').chmod(0o755)
        mails, smtp_port, controller = [], free_port(), None
        if importlib.util.find_spec('aiosmtpd'):
            controller = mail_server(smtp_port, cert, key, mails)
        am, am_port = None, None
        if shutil.which('prometheus-alertmanager'):
            am_port = free_port()
            (folder / 'am.yml').write_text('route: {receiver: r}\nreceivers: [{name: r}]\n')
            am = Process(['prometheus-alertmanager', f'--config.file={folder}/am.yml',
                          f'--storage.path={folder}/am', '--cluster.listen-address=',
                          f'--web.listen-address=127.0.0.1:{am_port}'], folder / 'am.log')
        server = Server(folder, args=['--alerts-private-addresses', '--alerts-scripts', scripts])
        try:
            server.start()
            play(tap, server, folder, base, cert, smtp_port, am_port, mails, controller)
        finally:
            server.stop()
            if am:
                am.kill()
            if controller:
                controller.stop()


def play(tap, server, folder, base, cert, smtp_port, am_port, mails, controller):
    status, _, body = server.request('POST', API + '/rule-files', {
        'name': 'bad', 'text': 'groups:\n- name: a\n  rules: [{alert: A, expr: "up =="}]\n'})
    tap.ok(status == 400 and 'bad:3:' in body.decode(), 'a wrong rule file is refused by place',
           body)
    server.json('PUT', API + '/routes', ROUTES)
    ids = channels(server, folder, base, cert, smtp_port, am_port)
    shown = {c['name']: c for c in server.json('GET', API + '/channels')['channels']}
    tap.equal((shown['hook']['config']['url'], shown['hook']['config']['secret'],
               shown['sms']['config']['token']), ({'set': True},) * 3, 'secrets are never shown')
    check_refusals(tap, server, base, cert)
    server.json('POST', API + '/rule-files', {'name': 'e2e', 'text': RULES})
    start = time.monotonic()
    keep(server, 7, lambda: posts('/hook'), 15)
    took = time.monotonic() - start
    tap.ok(posts('/hook') and took < 8, f'from the sample to the webhook: {took:.1f} s')
    keep(server, 7, lambda: posts('/twilio/2010-04-01/Accounts/AC1/Messages.json') and
         posts('/teams') and posts('/slack'), 5)
    check_posts(tap)
    if controller:
        check_mail(tap, mails)
    else:
        tap.skip('mail', 'python3-aiosmtpd is not installed')
    fixed = wait_for(lambda: (folder / 'fixed').exists() and (folder / 'fixed').read_text(), 5)
    tap.ok(fixed and 'GALEN_ALERTNAME=Hot' in fixed and 'GALEN_STATUS=firing' in fixed,
           'the script was started with the alert in its environment', fixed)
    if am_port:
        def in_alertmanager():
            try:
                with urllib.request.urlopen(f'http://127.0.0.1:{am_port}/api/v2/alerts') as r:
                    return json.load(r)
            except OSError:
                return None
        got = keep(server, 7, in_alertmanager, 25)
        tap.ok(got and got[0]['labels']['alertname'] == 'Hot', 'Alertmanager has the alert', got)
        own = server.json('GET', API + '/alerts?state=firing')['alerts'][0]
        tap.equal(got and got[0]['fingerprint'], own['fingerprint'], 'by the same fingerprint')
    else:
        tap.skip('alertmanager', 'prometheus-alertmanager is not installed')
    check_prometheus(tap, server)
    check_versions(tap, server)
    check_thresholds(tap, server)
    check_presets(tap, server)
    check_people(tap, server)
    keep(server, 4, lambda: False, 3)
    tap.equal(len(server.json('GET', API + '/alerts?state=firing')['alerts']), 1,
              'above the clearing threshold it goes on firing')
    # A restart by force changes nothing: nobody is told again.
    before = len(posts('/hook'))
    server.stop(signal.SIGKILL)
    server.start()
    keep(server, 7, lambda: False, 4)
    tap.equal(len(posts('/hook')), before, 'after kill -9 nobody is told again')
    tap.equal([e['what'] for e in server.json('GET', API + '/alerts/history')['history']],
              ['acknowledged', 'firing'], 'and nothing fired again')
    server.json('PUT', API + '/alert-rules/Hot', {'level': 'warning', 'instance': 'db2',
                                                  'value': 1000})
    keep(server, 7, lambda: False, 3, host='db2')
    tap.equal(len(server.json('GET', API + '/alerts?state=firing')['alerts']), 1,
              'a threshold of one host is its own')
    resolved = keep(server, 1, lambda: [p for p in posts('/hook')
                                        if json.loads(p[2])['status'] == 'resolved'], 10)
    tap.ok(resolved, 'everybody is told when it is over')
    tap.ok(len(sent(server, ids['hook'])) >= 2 and not sent(server, ids['slow']),
           'a channel that hangs delays no other')
    text = server.request('GET', '/metrics')[2].decode()
    tap.ok('galen_notifications_total' in text and 'galen_alert_evaluation_lag_seconds' in text,
           'the server tells how it does')
    tap.ok(server.value('galen_server_notifications_total') is not None, 'as series too')
    log = server.log.read_text()
    tap.ok(not any(s in log for s in ('hush', 'pass word', base)), 'no secret is in the log')


main()
