#!/usr/bin/env python3
"""The console in a real browser against a real server and agent: starts them and hands over to
console.mjs (playwright-core)."""
import browse
import galen

browse.need()
with galen.Folder('console') as (path, tap):
    server = galen.Server(path, args=['--analysis-interval', '5s']).start()
    agent = galen.Agent(path / 'agent', server, args=['--hostname', 'myhost']).start()
    tap.ok(galen.wait_for(lambda: server.hosts() and server.hosts()[0]['advice'], 60),
           'there is something to show')
    browse.browse(tap, server, 'console.mjs', PASSWORD=browse.first_password(server))
    agent.stop()
    server.stop()
