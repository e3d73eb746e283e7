#!/usr/bin/env python3
"""What each channel is told, byte by byte, from hostile labels too; the picture in mails; the daily
summary; who was reached is not told again; where secrets come from and where they are not."""
import base64
import datetime
import email
import email.policy
import hashlib
import hmac
import importlib.util
import json
import os
import re
import signal
import socketserver
import sqlite3
import stat
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import zlib
import zoneinfo

# Debian's aiosmtpd is its own python3's.
if not importlib.util.find_spec('aiosmtpd') and os.path.exists('/usr/bin/python3') \
        and sys.executable != '/usr/bin/python3':
    os.execv('/usr/bin/python3', ['/usr/bin/python3', *sys.argv])

from galen import BUILD, Folder, Server, certificate, free_port, wait_for, write
from receivers import API, Receiver, mail_server, posts, receiver

RULES = """
groups:
- name: channels
  interval: 1s
  rules:
  - alert: Hot
    expr: last_over_time(e2e_value[1h]) > 5
    labels: {severity: warning}
    annotations:
      summary: '{{ $labels.instance }} is <hot> & "bothered"'
      description: 'at {{ $value }}'
"""
ROUTES = {'group_wait': '0s', 'group_interval': '1s', 'repeat_interval': '4h',
          'group_by': ['alertname', 'instance'], 'channels': ['*']}
# A header, HTML, a link for Slack and for Teams, a formula.
HOSTILE = '=cmd|\' /C calc\'!A0\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>' \
          '<!channel>[x](https://evil.example)'
SECRETS = {'hook-hush-canary', 'bearer-canary', 'pass word canary', 'twilio-canary', 'path-canary'}


def compact(value):
    """As Galen writes JSON."""
    text = json.dumps(value, separators=(',', ':'), ensure_ascii=False)
    for c in '<>&':
        text = text.replace(c, f'\\u{ord(c):04x}')
    return text


def fire(server, host, v=7):
    now = int(time.time() * 1000)
    # The minutes before, so that there is a line to draw; the last one makes it fire.
    points = [(now - k * 30000, v - 3 + k % 3) for k in range(40, 0, -1)]
    write(server, [({'__name__': 'e2e_value', 'instance': host}, points + [(now, v)])])
    return time.monotonic()


def channels(server, folder, base, cert, smtp_port):
    (folder / 'password').write_text('pass word canary\n')
    ca = {'ca_file': str(cert)}
    all_of = {
        'hook': ('webhook', {'url': base + '/hook/path-canary', 'secret': {'env': 'E2E_HUSH'},
                             'bearer': {'credential': 'bearer'}, **ca}),
        'slack': ('slack', {'url': base + '/slack', **ca}),
        'teams': ('teams', {'url': base + '/teams', **ca}),
        'sms': ('sms', {'account': 'AC1', 'token': 'twilio-canary', 'from': '+4930',
                        'to': ['+491', '+492', '+493'], 'api_url': base + '/twilio', **ca}),
        'am': ('alertmanager', {'url': base + '/am/', **ca}),
        'script': ('script', {'name': 'fix'}),
        'mail': ('email', {'host': 'localhost', 'port': smtp_port, 'user': 'galen',
                           'password': {'file': str(folder / 'password')},
                           'from': 'galen@example.com', 'to': ['ops@example.com', 'b@example.com'],
                           **ca}),
        'deaf': ('webhook', {'url': base + '/deaf', **ca}),
    }
    return {name: server.json('POST', API + '/channels',
                              {'name': name, 'kind': kind, 'config': config})['id']
            for name, (kind, config) in all_of.items()}


def only(path, host):
    return [p for p in posts(path) if host in p[2].decode()]


def alert_of(server, host):
    return [a for a in server.json('GET', API + '/alerts?state=firing')['alerts']
            if a['host'] == host][0]


def note_of(server, alert):
    """The Alertmanager webhook message of one alert that fires."""
    started = datetime.datetime.fromtimestamp(alert['fired_ms'] / 1000, datetime.timezone.utc)
    labels, host = alert['labels'], alert['host']
    return {
        'version': '4', 'groupKey': f'default:{{alertname="Hot", instance="{host}"}}',
        'truncatedAlerts': 0, 'status': 'firing', 'receiver': 'default',
        'groupLabels': {'alertname': 'Hot', 'instance': host}, 'commonLabels': labels,
        'commonAnnotations': alert['annotations'], 'externalURL': server.url,
        'alerts': [{
            'status': 'firing', 'labels': labels, 'annotations': alert['annotations'],
            'startsAt': started.strftime('%Y-%m-%dT%H:%M:%S.') + f'{started.microsecond // 1000:03}Z',
            'endsAt': '0001-01-01T00:00:00Z',
            'generatorURL': f"{server.url}/alerts/{alert['id']}",
            'fingerprint': alert['fingerprint']}]}


def check_bytes(tap, server):
    alert = alert_of(server, 'db1')
    note = note_of(server, alert)
    title = '[FIRING] db1 is <hot> & "bothered"'
    line = 'firing: db1 is <hot> & "bothered" (warning) since ' + \
        note['alerts'][0]['startsAt'][:16].replace('T', ' ') + ' UTC'
    escaped = {'&': '&amp;', '<': '&lt;', '>': '&gt;'}
    slack = re.compile('[&<>]')
    _, headers, body = only('/hook/path-canary', 'db1')[0]
    tap.equal(body.decode(), compact(note), 'webhook: every byte of the message')
    mac = hmac.new(b'hook-hush-canary', headers['X-Galen-Timestamp'].encode() + b'.' + body,
                   hashlib.sha256).hexdigest()
    tap.equal((headers['X-Galen-Signature'], headers['Authorization'], headers['Content-Type'],
               headers['X-Galen-Delivery'].isdigit()),
              ('sha256=' + mac, 'Bearer bearer-canary', 'application/json', True),
              'webhook: signed with the secret of the environment, the bearer of the credential')
    lines = slack.sub(lambda m: escaped[m[0]], line + '\n  at 7\n')
    short = slack.sub(lambda m: escaped[m[0]], title)
    tap.equal(posts('/slack')[0][2].decode(), compact({'text': short, 'attachments': [{
        'color': '#ef6c00', 'fallback': short, 'title': 'Open in Galen', 'title_link': server.url,
        'text': lines}]}), 'Slack: every byte')
    blocks = [{'type': 'TextBlock', 'text': title, 'wrap': True, 'size': 'Large',
               'weight': 'Bolder'}, {'type': 'TextBlock', 'text': line, 'wrap': True}]
    tap.equal(posts('/teams')[0][2].decode(), compact({'type': 'message', 'attachments': [{
        'contentType': 'application/vnd.microsoft.card.adaptive', 'contentUrl': None, 'content': {
            '$schema': 'http://adaptivecards.io/schemas/adaptive-card.json',
            'type': 'AdaptiveCard', 'version': '1.4', 'body': blocks, 'actions': [{
                'type': 'Action.OpenUrl', 'title': 'Open in Galen', 'url': server.url}]}}]}),
              'Teams: every byte')
    path, headers, body = posts('/twilio/2010-04-01/Accounts/AC1/Messages.json')[0]
    quoted = urllib.parse.quote(title, safe='-._~')
    tap.equal(body.decode(), f'To=%2B491&From=%2B4930&Body={quoted}', 'Twilio: every byte')
    login = base64.b64encode(b'AC1:twilio-canary').decode()
    tap.equal((headers['Authorization'], headers['Content-Type']),
              ('Basic ' + login, 'application/x-www-form-urlencoded'), 'and its login')
    body = posts('/am/api/v2/alerts')[0][2].decode()
    ends = json.loads(body)[0]['endsAt']
    one = note['alerts'][0]
    tap.equal(body, json.dumps([{'labels': one['labels'], 'annotations': one['annotations'],
                              'startsAt': one['startsAt'], 'endsAt': ends,
                              'generatorURL': one['generatorURL']}], separators=(',', ':')),
              'Alertmanager: every byte')


def png_of(mail):
    """The picture that the HTML shows: (width, height, rows of colours)."""
    html = mail.get_body(('html',)).get_content()
    cid = re.search(r'src="cid:([^"]+)"', html)[1]
    part = [p for p in mail.walk() if p['Content-ID'] == f'<{cid}>'][0]
    png = part.get_content()
    width, height, depth, kind = struct.unpack('>IIBB', png[16:26])
    data, at = b'', 8
    while at < len(png):
        n, name = struct.unpack('>I4s', png[at:at + 8])
        if zlib.crc32(png[at + 4:at + 8 + n]) != struct.unpack('>I', png[at + 8 + n:at + 12 + n])[0]:
            raise ValueError(name)
        data += png[at + 8:at + 8 + n] if name == b'IDAT' else b''
        at += 12 + n
    raw = zlib.decompress(data)
    rows = [raw[i * (width + 1) + 1:(i + 1) * (width + 1)] for i in range(height)]
    return part.get_content_type(), width, height, depth, kind, rows


def parsed(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def check_mails(tap, mails):
    first = [parsed(e) for e, _ in mails if 'db1' in parsed(e)['Subject']]
    tap.ok(all(logged_in for _, logged_in in mails), 'mails came over TLS after a login')
    tap.equal(sorted(e.rcpt_tos for e, _ in mails[:2]), [['b@example.com'], ['ops@example.com']],
              'one for each address')
    mail = first[0]
    tap.equal((mail.get_content_type(), [p.get_content_type() for p in mail.iter_parts()],
               [p.get_content_type() for p in list(mail.iter_parts())[0].iter_parts()]),
              ('multipart/related', ['multipart/alternative', 'image/png'],
               ['text/plain', 'text/html']), 'text, HTML and a picture')
    kind, width, height, depth, colours, rows = png_of(mail)
    tap.equal((kind, width, height, depth, colours), ('image/png', 600, 160, 8, 3),
              'the picture is a PNG')
    ink = sum(row.count(4) for row in rows)
    tap.ok(ink > 200 and sum(row.count(3) for row in rows) > 100 and
           sum(row.count(0) for row in rows) > 50000, 'a line and its threshold are seen', ink)
    tap.ok('&lt;hot&gt; &amp; &quot;bothered&quot;' in mail.get_body(('html',)).get_content(),
           'HTML is escaped')
    hostile = [parsed(e) for e, _ in mails if 'calc' in parsed(e)['Subject']]
    if not tap.ok(hostile, 'the mail of the hostile host came'):
        return
    mail = hostile[0]
    raw = [e.content for e, _ in mails if 'calc' in parsed(e)['Subject']][0]
    head = raw.replace(b'\r\n', b'\n').split(b'\n\n')[0]
    tap.ok(mail['Bcc'] is None and b'\nBcc' not in head and not
           any('victim@' in r for e, _ in mails for r in e.rcpt_tos), 'no header was injected',
           head)
    html = mail.get_body(('html',)).get_content()
    tap.ok('<script' not in html and '&lt;script&gt;' in html, 'nor HTML', html)


def check_hostile(tap, server, folder):
    def find(path):
        found = [p for p in posts(path) if b'calc' in p[2]]
        return found[0][2].decode() if found else ''
    tap.equal(json.loads(find('/hook/path-canary'))['commonLabels']['instance'], HOSTILE,
              'the webhook has the label as it is')
    slack = json.loads(find('/slack'))
    tap.ok('<' not in slack['text'] + slack['attachments'][0]['text'], 'Slack: no command', slack)
    tap.ok('](' not in find('/teams'), 'Teams: no link', find('/teams'))
    sms = urllib.parse.parse_qs(find('/twilio/2010-04-01/Accounts/AC1/Messages.json'))
    tap.ok(len(sms) == 3 and '\r' not in sms['Body'][0], 'Twilio: no further field', sms)
    fixed = (folder / 'fixed').read_text()
    tap.ok(not re.search(r'^Bcc', fixed, re.M) and 'victim@example.com' in fixed,
           'the script: no further variable', fixed)
    for command in (['list'], ['history']):
        text = subprocess.run([BUILD / 'galen', 'alerts', *command, '-o', 'csv', '--server',
                               server.url, '--token-file', server.data / 'admin-token'],
                              capture_output=True, check=True).stdout.decode()
        cells = re.findall(r'(?:^|,|\r\n)("?)([=+@-][^,\r\n]*)', text)
        tap.ok("\"'=cmd" in text and not [c for c in cells if not re.match(r'-?[\d.]+$', c[1])],
               f'galen alerts {command[0]}: no formula in CSV', text)


def check_again(tap, server, ids):
    """The second number was busy for its first two times; nobody answered `deaf`."""
    path = '/twilio/2010-04-01/Accounts/AC1/Messages.json'

    def told():
        forms = [urllib.parse.parse_qs(p[2].decode()) for p in posts(path)]
        return sorted(f['To'][0] for f in forms if 'again' in f['Body'][0])
    tap.ok(wait_for(lambda: len(told()) >= 4, 20), 'who was not reached is told again')
    tap.equal(told(), ['+491', '+492', '+492', '+493'], 'and nobody else')
    log = server.json('GET', f"{API}/channels/{ids['sms']}/deliveries")['deliveries']
    tap.equal({d['recipient']: d['attempts'] for d in log[:3]}, {'+491': 1, '+492': 2, '+493': 1},
              'the log says who')

    def failed():
        rows = server.json('GET', f"{API}/channels/{ids['deaf']}/deliveries")['deliveries']
        return [d for d in rows if d['state'] == 'failed']
    tap.ok(wait_for(failed, 20) and 'may have arrived' in failed()[0]['error'],
           'what was sent twice without an answer has failed', failed())
    heard = [p[1]['X-Galen-Delivery'] for p in posts('/deaf')]
    tap.equal({n: heard.count(n) for n in set(heard)}, {n: 2 for n in set(heard)},
              'it was told twice, by the same number')


def check_summary(tap, server, mails):
    zone = zoneinfo.ZoneInfo('America/St_Johns')
    now = datetime.datetime.now(zone)

    def summaries():
        return [parsed(e) for e, _ in mails if parsed(e)['Subject'].startswith('Daily summary')]
    if now.hour == 23 and now.minute >= 58:
        time.sleep(180)
        now = datetime.datetime.now(zone)
    server.json('PUT', API + '/routes', {**ROUTES, 'summary': {
        'at': now.strftime('%H:%M'), 'zone': 'America/St_Johns', 'channels': ['mail']}})
    tap.ok(wait_for(lambda: len(summaries()) == 2, 10), 'the daily summary comes by mail')
    mail = summaries()[0]
    text = mail.get_body(('plain',)).get_content()
    tap.ok(mail['Subject'] == 'Daily summary: 3 alerts fired in the last 24 hours, 3 fire now' and
           'Hot: 3 times, on 3 hosts' in text and 'db1 is <hot>' in text, 'and tells the day',
           f"{mail['Subject']}\n{text}")
    server.stop(signal.SIGKILL)
    server.start()
    time.sleep(2)
    tap.equal(len(summaries()), 2, 'once a day, over a restart')


def check_templates(tap, server, folder, ids, mails):
    """An administrator's own subject; a wrong one leaves the last good one; galen rules check."""
    own = folder / 'rules' / 'templates' / 'mail.subject.tmpl'

    def subjects():
        server.json('POST', f"{API}/channels/{ids['mail']}/test")
        return [parsed(e)['Subject'] for e, _ in mails]

    def put(text):
        own.write_text(text)
        server.process.process.send_signal(signal.SIGHUP)
    own.parent.mkdir()
    put('{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}, {{ len .Alerts.Firing }} of {{ len .Alerts }}\n')
    tap.ok(wait_for(lambda: 'FIRING: Test, 1 of 1' in subjects(), 10), 'an own subject arrives')
    put('\n{{ .Nothing }}')
    tap.ok(wait_for(lambda: f'{own}: line 2' in server.log.read_text(), 10),
           'a wrong one is named with file and line', server.log.read_text()[-500:])
    n = len(mails)
    tap.equal(set(subjects()[n:]), {'FIRING: Test, 1 of 1'}, 'and the last one stays')
    check = subprocess.run([BUILD / 'galen', 'rules', 'check', own], capture_output=True, check=False)
    tap.ok(check.returncode and b'line 2' in check.stderr, 'galen rules check tells it', check)
    own.unlink()
    server.process.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: subjects()[-1].startswith('[FIRING] This is a test'), 10),
           'without it the subject is Galen\'s again')


def check_certificates(tap, server, cert, mails):
    """A mail server that nobody vouches for, one without TLS, one that knows another password."""
    class Plain(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b'220 mail ESMTP\r\n')
            for line in self.rfile:
                said.append(line)
                self.wfile.write(b'250 mail\r\n')
    said = []
    plain = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Plain)
    plain.daemon_threads = True
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    ca, login = {'ca_file': str(cert)}, {'user': 'galen', 'password': 'wrong canary'}
    cases = [('another', {'port': mails.port, **login}, 'certificate'),
             ('no TLS', {'port': plain.server_address[1], **ca, **login}, 'no TLS'),
             ('wrong password', {'port': mails.port, **ca, **login}, 'refused')]
    for name, config, says in cases:
        made = server.json('POST', API + '/channels', {'name': name, 'kind': 'email', 'enabled': False, 'config': {
            'host': 'localhost', 'from': 'g@example.com', 'to': ['a@example.com'], **config}})
        answer = server.json('POST', f"{API}/channels/{made['id']}/test")
        tap.ok(not answer['sent'] and says in answer['error'] and 'canary' not in answer['error'],
               f'mail is not sent: {name}', answer)
        server.json('DELETE', f"{API}/channels/{made['id']}")
    tap.ok(said and not any(b'AUTH' in line or b'canary' in line for line in said),
           'and no password without TLS', said)


def check_sealing(tap, server):
    """A channel as it was kept before there was a key."""
    server.stop()
    db = sqlite3.connect(server.data / 'server_analysis.db')
    row, = db.execute("SELECT json FROM documents WHERE kind = 'channel' AND name = 'slack'").fetchone()
    old = json.loads(row)
    tap.ok(list(old['config']['url']) == ['sealed'], 'secrets are sealed', row)
    old['config']['url'] = 'https://hooks.example.com/old-canary'
    db.execute("UPDATE documents SET json = ? WHERE kind = 'channel' AND name = 'slack'",
               [json.dumps(old)])
    db.commit()
    db.close()
    server.start()
    db = sqlite3.connect(server.data / 'server_analysis.db')
    row, = db.execute("SELECT json FROM documents WHERE kind = 'channel' AND name = 'slack'").fetchone()
    db.close()
    tap.ok('old-canary' not in row and '"sealed"' in row, 'also what was there before', row)


def check_secrets(tap, server, folder):
    shown = server.request('GET', API + '/channels')[2].decode()
    status, _, backup = server.request('POST', API + '/backup')
    places = {'an answer': shown.encode(), 'the log': server.log.read_bytes(), 'a backup': backup}
    for path in server.data.rglob('*'):
        if path.is_file():
            places[str(path.relative_to(server.data))] = path.read_bytes()
    found = [(where, s) for where, text in places.items() for s in SECRETS if s.encode() in text]
    tap.equal(found, [], 'no secret stands in an answer, the log, a backup or the data')
    key = server.data / 'channels.key'
    tap.equal(stat.S_IMODE(key.stat().st_mode), 0o600, 'their key is for the server alone')
    tap.ok(status < 300 and key.read_bytes().strip() not in backup, 'and in no backup')


def play(tap, server, folder, base, cert, mails):
    server.json('PUT', API + '/routes', ROUTES)
    server.json('POST', API + '/rule-files', {'name': 'channels', 'text': RULES})
    ids = channels(server, folder, base, cert, mails.port)
    start = fire(server, 'db1')
    wait_for(lambda: posts('/hook/path-canary'), 15, 0.01)
    print(f'# from the sample to the webhook: {Receiver.when[0] - start:.2f} s, interval 1 s',
          flush=True)
    wait_for(lambda: posts('/am/api/v2/alerts') and posts('/teams') and posts('/slack') and
             len(posts('/twilio/2010-04-01/Accounts/AC1/Messages.json')) >= 3, 10)
    check_bytes(tap, server)
    fire(server, HOSTILE)
    wait_for(lambda: len(mails.got) >= 4 and 'calc' in (folder / 'fixed').read_text() and
             len(posts('/teams')) >= 2 and len(posts('/slack')) >= 2 and
             len(posts('/twilio/2010-04-01/Accounts/AC1/Messages.json')) >= 6, 10)
    check_mails(tap, mails.got)
    check_hostile(tap, server, folder)
    Receiver.busy = ['+492']
    fire(server, 'again')
    check_again(tap, server, ids)
    check_summary(tap, server, mails.got)
    check_templates(tap, server, folder, ids, mails.got)
    check_secrets(tap, server, folder)
    check_certificates(tap, server, cert, mails)
    check_sealing(tap, server)


class Mails:
    def __init__(self, port):
        self.port, self.got = port, []


def main():
    with Folder('alert_channels') as (folder, tap):
        if not importlib.util.find_spec('aiosmtpd'):
            tap.skip('channels', 'python3-aiosmtpd is not installed')
            return
        cert, key = certificate(folder)
        base = receiver(cert, key)
        (folder / 'credentials').mkdir()
        (folder / 'credentials' / 'bearer').write_text('bearer-canary\n')
        scripts = folder / 'scripts'
        scripts.mkdir()
        scripts.chmod(0o755)
        (scripts / 'fix').write_text(f'#!/bin/sh\nenv | grep -a GALEN_ >> {folder}/fixed\n')
        (scripts / 'fix').chmod(0o755)
        mails = Mails(free_port())
        controller = mail_server(mails.port, cert, key, mails.got, 'pass word canary')
        (folder / 'rules').mkdir()
        server = Server(folder, args=['--alerts-private-addresses', '--alerts-scripts', scripts,
                                      '--rules-extra', folder / 'rules'],
                        env={'E2E_HUSH': 'hook-hush-canary',
                             'CREDENTIALS_DIRECTORY': str(folder / 'credentials')})
        try:
            server.start()
            play(tap, server, folder, base, cert, mails)
        finally:
            server.stop()
            controller.stop()


main()
