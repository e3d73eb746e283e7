#!/usr/bin/env python3
"""A remedy from the server, on a recorded machine: off by default on both sides, only what the
machine's own allow_actions lists, within bounds, put back unless confirmed, everything told."""
import json
import pathlib
import shutil

import galen

RULES = '''
- id: TOO-LOW
  title: A queue is short
  class: increase
  kind: limit
  parameter: {parameter}
  signal: max by (instance) (galen_sysctl{{name="{parameter}"}})
  above: 0
  window: 10s
  for: 0s
  when: max by (instance) (galen_sysctl{{name="{parameter}"}}) < 5000
  propose: 2 * $value
  bounds: [128, 65535]
  sentence: It is short.
'''
SOMAXCONN, BACKLOG = 'net.core.somaxconn', 'net.core.netdev_max_backlog'
GET = '/api/galen/v1/'

with galen.Folder('remedy') as (folder, tap):
    folder = pathlib.Path(folder)
    root = folder / 'root'
    shutil.copytree(galen.ROOT / 'tests/machines/debian12', root, symlinks=True)
    (root / 'proc/sys/net/core').mkdir(parents=True, exist_ok=True)
    value = root / 'proc/sys/net/core/somaxconn'
    backlog = root / 'proc/sys/net/core/netdev_max_backlog'
    conf = root / 'etc/sysctl.d/90-galen.conf'
    for path, text in ((value, '4096\n'), (backlog, '1000\n')):
        if path.exists():
            path.chmod(0o644)
        path.write_text(text)
    rules = folder / 'rules'
    (rules / 'advice').mkdir(parents=True)
    (rules / 'features.yaml').write_text((galen.ROOT / 'rules/features.yaml').read_text())
    (rules / 'advice/test.yaml').write_text(
        RULES.format(parameter=SOMAXCONN)
        + RULES.format(parameter=BACKLOG).replace('TOO-LOW', 'TOO-LOW-2'))
    args = ['--rules', rules, '--model', '', '--analysis-interval', '1s']
    server = galen.Server(folder, args=args).start()
    agent = galen.Agent(folder / 'agent', server, root=root).start()

    def findings(state='open'):
        return {f['finding']['parameter']: f['id'] for f in
                server.json('GET', f'{GET}findings?state={state}')['findings']}

    def post(what, body=None):
        status, _, text = server.request('POST', GET + what, body)
        return status, json.loads(text) if text else None

    def connected():
        return server.json('GET', f"{GET}hosts/{server.hosts()[0]['id']}/settings")['link']['connected']

    def told():
        return [e['text'] for e in server.json('GET', f'{GET}events?kind=action')['events']]

    opened = galen.wait_for(lambda: len(findings()) == 2 and findings(), 40)
    tap.ok(opened, 'two findings are open', server.hosts())
    status, body = post(f'findings/{opened[SOMAXCONN]}/apply')
    tap.ok(status == 403 and 'remediation.enabled' in body['detail'], 'off by default: the server',
           body)
    tap.equal(value.read_text(), '4096\n', 'nothing was changed')
    server.stop()
    server = galen.Server(folder, args=[*args, '--remediation-enabled']).start()
    agent.stop()
    agent = galen.Agent(folder / 'agent', server, root=root).start()
    galen.wait_for(connected, 20)
    status, body = post(f'findings/{opened[SOMAXCONN]}/apply')
    tap.ok(status == 409 and 'allow_actions does not list' in body['detail'],
           'off by default: the machine', (status, body))
    tap.equal(value.read_text(), '4096\n', 'nothing was changed')

    agent.stop()
    agent = galen.Agent(folder / 'agent', server, root=root,
                        args=['--allow-actions', f'sysctl:{SOMAXCONN}']).start()
    galen.wait_for(connected, 20)
    status, body = post(f'findings/{opened[BACKLOG]}/apply')
    tap.ok(status == 409 and backlog.read_text() == '1000\n', 'only what is on the list', body)
    for wrong in ({'confirm_within_s': 0}, {'confirm_within_s': 86401}, {'confirm_within_s': 'x'}):
        status, body = post(f'findings/{opened[SOMAXCONN]}/apply', wrong)
        tap.ok(status == 400 and 'confirm_within_s' in body['detail'], f'{wrong} is refused', body)
    status = server.request('POST', f'{GET}findings/{opened[SOMAXCONN]}/apply',
                            token='agent-token')[0]
    tap.ok(status in (401, 403), 'not with the token of an agent', status)
    tap.equal(post('findings/99999/apply')[0], 404, 'only findings that exist')

    # Put back: nobody confirms.
    status, body = post(f'findings/{opened[SOMAXCONN]}/apply', {'confirm_within_s': 3})
    tap.ok(status == 200 and (body['from'], body['to']) == ('4096', '8192')
           and body['confirm_by_ms'], 'it is done', (status, body))
    again = post(f'findings/{opened[SOMAXCONN]}/apply')
    tap.ok(again[0] == 409 and ('already' in again[1]['detail'] or 'not open' in again[1]['detail']),
           'not a second time', again)
    tap.ok(value.read_text() == '8192\n' and not conf.exists(), 'until the next boot only')
    tap.ok(galen.wait_for(lambda: value.read_text() == '4096\n', 10), 'not confirmed: put back')
    tap.ok(galen.wait_for(lambda: any('put back' in t for t in told()), 5), 'and told', told())

    # Kept: the finding of the change before is no longer open, a new one comes after a day by
    # itself; the one of the other parameter is put on the list.
    agent.stop()
    agent = galen.Agent(folder / 'agent', server, root=root, args=[
        '--allow-actions', f'sysctl:{SOMAXCONN},sysctl:{BACKLOG}']).start()
    galen.wait_for(connected, 20)
    number = findings()[BACKLOG]
    status, body = post(f'findings/{number}/apply')
    tap.ok(status == 200 and backlog.read_text() == '2048\n', 'the other one is set', (status, body))
    status, body = post(f'findings/{number}/confirm')
    tap.ok(status == 200 and f'{BACKLOG} = 2048' in conf.read_text(), 'and kept', (status, body))
    tap.ok(galen.wait_for(lambda: number not in findings().values(), 20), 'the finding is applied')
    status, body = post(f'findings/{number}/apply')
    tap.ok(status == 409 and 'not open' in body['detail'], 'only open findings are applied', body)
    texts = told()
    for words in ('asked by', 'refused to apply', 'set net.core.somaxconn to 8192', 'keeps'):
        tap.ok(any(words in t for t in texts), f'told: {words}', texts)

    # A restart in between: the agent puts back what an earlier run had set.
    agent.stop()
    status, body = post(f'findings/{number}/confirm')
    tap.ok(status == 503 and 'not connected' in body['detail'], 'nobody is there', body)
    journal = root / 'var/lib/galen/apply.json'
    entries = json.loads(journal.read_text())
    value.write_text('8192\n')
    entries.append({'parameter': SOMAXCONN, 'from': '4096', 'to': '8192',
                         'line_before': None, 'at_ms': 1, 'confirm_by_ms': 2})
    journal.write_text(json.dumps(entries))
    agent.start()
    tap.ok(galen.wait_for(lambda: value.read_text() == '4096\n', 10),
           'what an earlier run had set and nobody confirmed is put back')
    agent.stop()
    status = galen.subprocess.run([galen.BUILD / 'galen-agent', '--check-config', '--server',
                                   server.url, '--allow-actions', 'sysctl:../etc/passwd'],
                                  capture_output=True, text=True, timeout=10)
    tap.ok(status.returncode == 5 and 'allow_actions' in status.stderr + status.stdout,
           'a list with nonsense is refused', status.stderr)
    server.stop()
