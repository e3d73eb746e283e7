#!/usr/bin/env python3
"""Takes the pictures of the README anew, in about five minutes: readme.py, then look at docs/images.
No test: nothing is judged here."""
import subprocess
import sys
import time

import browse
import galen

MACHINES = galen.ROOT / 'tests' / 'machines'
HISTORY_S = 270

browse.need()
with galen.Folder('readme') as (folder, tap):
    players = [subprocess.Popen([sys.executable, MACHINES / 'play.py', MACHINES / 'listen-overflow',
                                 folder / 'machine'])]
    try:
        galen.wait_for(lambda: (folder / 'machine' / 'proc' / 'stat').exists(), 10)
        server = galen.Server(folder, args=['--analysis-interval', '10s']).start()
        tap.ok(*browse.change_password(server))
        agents = [galen.Agent(folder / 'mq', server, root=folder / 'machine',
                              args=['--hostname', 'mq-01']).start(),
                  galen.Agent(folder / 'web', server, args=['--hostname', 'web-01']).start()]
        time.sleep(HISTORY_S)
        browse.SHOTS = galen.ROOT / 'docs' / 'images'
        browse.browse(tap, server, 'readme.mjs')
        for agent in agents:
            agent.stop()
        server.stop()
    finally:
        for player in players:
            player.terminate()
            player.wait()
