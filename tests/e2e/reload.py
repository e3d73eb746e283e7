#!/usr/bin/env python3
"""SIGHUP and POST rules/reload: rules, model and templates of mails are read again; what is wrong leaves them as they
were, and is told."""
import pathlib
import shutil
import signal

import galen

RULE = """
- id: MINE
  title: Mine
  class: none
  kind: limit
  signal: node_load1
  above: 1000
  advice: Nothing.
  sentence: Nothing.
"""

with galen.Folder('reload') as (folder, tap):
    folder = pathlib.Path(folder)
    model, extra = folder / 'model.h5', folder / 'rules.d'
    shutil.copy(galen.ROOT / 'model/default.h5', model)
    extra.mkdir()
    server = galen.Server(folder, args=['--model', model, '--rules-extra', extra,
                                        '--analysis-interval', '1s']).start()
    get = '/api/galen/v1/'

    def info():
        text = server.request('GET', '/metrics')[2].decode()
        return [l for l in text.splitlines() if l.startswith('galen_model_info{')]

    def rules():
        return [r['id'] for r in server.json('GET', f'{get}rules/advice')['rules']]

    def hang_up(words):
        before = server.process.text().count(words)
        server.process.process.send_signal(signal.SIGHUP)
        return galen.wait_for(lambda: server.process.text().count(words) > before, 15)

    if not server.json('GET', f'{get}model')['loaded']:
        tap.skip('the model is kept', 'built without HDF5')
        server.stop()
    else:
        first, n = info(), len(rules())
        tap.ok(len(first) == 1 and 'checksum="' in first[0] and first[0].endswith(' 1'),
               '/metrics names the model', first)
        model.write_bytes(b'this is no model')
        tap.ok(hang_up('the old rules and the old model stay'), 'a bad model is told')
        tap.equal(info(), first, 'and the old one stays')
        shutil.copy(galen.ROOT / 'model/default.h5', model)
        (extra / 'mine.yaml').write_text(RULE)
        tap.ok(hang_up('were read again'), 'good files are taken')
        tap.ok(len(rules()) == n + 1 and 'MINE' in rules(), 'with a rule more')
        (extra / 'mine.yaml').write_text(RULE.replace('above', 'abvoe'))
        tap.ok(hang_up('mine.yaml:'), 'a bad rule is told, with its place')
        tap.ok('MINE' in rules() and info() == first, 'and the old ones stay')

        def reload():
            return server.request('POST', f'{get}rules/reload')[0]

        tap.equal(reload(), 400, 'POST rules/reload refuses it, too')
        (extra / 'mine.yaml').write_text(RULE)
        subject = extra / 'templates' / 'mail.subject.tmpl'
        subject.parent.mkdir()
        subject.write_text('\n{{ .Nothing }}')
        tap.equal(reload(), 200, 'and takes good rules')
        tap.ok(galen.wait_for(lambda: f'{subject}: line 2' in server.process.text(), 15),
               'it reads the templates of mails again, too', server.process.text()[-500:])
        server.stop()
