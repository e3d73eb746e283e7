#!/usr/bin/env python3
"""What the console says of a host and does about it, in a real browser: starts a server, this
machine's agent, one of a recorded machine, and two hosts with a change each, of which one does harm;
then hands over to console_advice.mjs."""
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import browse
import changing
import galen

MACHINES = galen.ROOT / 'tests' / 'machines'
RULES = galen.ROOT / 'rules'


def rules_in(folder):
    """The profiles as they are, one rule of advice with short windows."""
    rules = pathlib.Path(folder) / 'rules'
    (rules / 'advice').mkdir(parents=True)
    (rules / 'advice' / 'test.yaml').write_text(changing.RULES)
    shutil.copytree(RULES / 'profiles', rules / 'profiles')
    shutil.copy(RULES / 'features.yaml', rules)
    return rules


def points(server, host, wanted, seconds):
    """How many live points of the host come, the first one when it is asked for included."""
    with galen.WebSocket(server, '/live') as ws:
        ws.send({'op': 'watch', 'id': 1, 'host': host, 'exprs': ['node_load1'], 'every_ms': 500})
        came, end = 0, time.monotonic() + seconds
        while came < wanted and time.monotonic() < end:
            came += (ws.receive(seconds) or {}).get('op') == 'point'  # advice comes, too
        return came


def change(server, hosts, stop):
    """Before: a whole window with overflows. Then one helps, the other one harms."""
    helped, harmed = hosts
    changing.live(server, hosts, lambda: len(server.json(
        'GET', '/api/galen/v1/findings?state=open')['findings']) >= 2 or stop.is_set(), 40)
    changing.live(server, hosts, stop.is_set, 12)
    for h in hosts:
        h.somaxconn = 256
    helped.overflows = 0.0
    harmed.overflows, harmed.waits = 15.0, 0.6
    changing.live(server, hosts, stop.is_set, 300)


browse.need()
with galen.Folder('console-advice') as (folder, tap):
    rules = rules_in(folder)
    machine = folder / 'machine'
    started = [subprocess.Popen([sys.executable, MACHINES / 'play.py', MACHINES / 'listen-overflow',
                                 machine])]
    stop = threading.Event()
    try:
        redis = shutil.which('redis-server')
        if redis:
            started.append(subprocess.Popen(
                [redis, '--port', str(galen.free_port()), '--save', '', '--dir', str(folder)],
                stdout=subprocess.DEVNULL))
        galen.wait_for(lambda: (machine / 'proc' / 'stat').exists(), 10)
        server = galen.Server(folder, args=['--rules', rules, '--analysis-interval', '1s']).start()
        tap.ok(*browse.change_password(server))
        agent = galen.Agent(folder / 'agent', server, interval=None,
                            args=['--hostname', 'myhost']).start()
        fixed = galen.Agent(folder / 'mq', server, root=machine,
                            args=['--hostname', 'mq-01']).start()
        hosts = [changing.Host('helped-1'), changing.Host('harmed-1')]
        writer = threading.Thread(target=change, args=(server, hosts, stop))
        writer.start()
        tap.ok(galen.wait_for(lambda: {h['name'] for h in server.hosts()} >=
                              {'myhost', 'mq-01', 'harmed-1'}, 30), 'the hosts are there')
        tap.equal(points(server, 'harmed-1', 4, 20), 4,
                  'who looks at a host is told, though another one stands before it in the message')
        browse.browse(tap, server, 'console_advice.mjs', RULE_FILE=rules / 'advice' / 'test.yaml',
                      REDIS='1' if redis else '')
        stop.set()
        writer.join(10)
        agent.stop()
        fixed.stop()
        server.stop()
    finally:
        stop.set()
        for process in started:
            process.terminate()
            process.wait()
