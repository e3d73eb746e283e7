#!/usr/bin/env python3
"""A machine whose processors are unplugged and plugged in, and whose counters wrap at 32 bits, as its server sees
it: series end and come back, and no rate is ever below zero."""
import shutil
import threading

import galen


def replace(path, text):
    part = path.with_suffix('.new')
    part.write_text(text)
    part.rename(path)


class Machine:
    """A recorded one that goes on: 20 ticks a step for each processor, 2^30 bytes for the network."""

    def __init__(self, root):
        shutil.copytree(galen.ROOT / 'tests/machines/debian12', root)
        self.root, self.step, self.online = root, 0, {0, 1}
        self.bits = 32
        self.stop = threading.Event()

    def write(self):
        self.step += 1
        rows = ''.join(f'cpu{n} {1000 + 20 * self.step} 0 {100 + self.step} 5000 0 0 0 0 0 0\n' for n in sorted(self.online))
        replace(self.root / 'proc/stat', f'cpu 1 2 3 4 5 6 7 8 9 10\n{rows}ctxt {self.step}\nbtime 1700000000\n')
        received = (self.step << 30) % (1 << self.bits)
        replace(self.root / 'proc/net/dev', f'head\nhead\n  eth0: {received} {self.step} 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n')

    def live(self):
        while not self.stop.wait(0.4):
            self.write()


with galen.Folder('hotplug') as (folder, tap):
    machine = Machine(folder / 'machine')
    machine.write()
    threading.Thread(target=machine.live, daemon=True).start()
    server = galen.Server(folder).start()
    agent = galen.Agent(folder / 'agent', server, root=machine.root, interval='500ms').start()

    def idle(cpu):
        return server.query(f'node_cpu_seconds_total{{cpu="{cpu}",mode="idle"}}')

    tap.ok(galen.wait_for(lambda: idle(0) and idle(1), 15), 'two processors', agent.process.text())
    machine.online = {0}
    tap.ok(galen.wait_for(lambda: not idle(1), 10), 'one is unplugged: its series end at once, not after five minutes')
    tap.ok(idle(0), 'the other goes on')
    galen.wait_for(lambda: False, 1)
    machine.online = {0, 1, 2}
    tap.ok(galen.wait_for(lambda: idle(1) and idle(2), 10), 'it comes back, and another with it')
    galen.wait_for(lambda: (server.value('resets(node_network_receive_bytes_total{device="eth0"}[5m])') or 0) >= 3, 10)
    tap.ok((server.value('resets(node_network_receive_bytes_total{device="eth0"}[5m])') or 0) >= 3, '32 bits wrapped thrice')
    for expr in ('rate(node_cpu_seconds_total[30s])', 'irate(node_cpu_seconds_total[30s])',
                 'increase(node_network_receive_bytes_total[30s])', 'rate(node_network_receive_bytes_total[5s])'):
        found = server.query(f'min_over_time(({expr})[30s:500ms])')
        low = [r for r in found if float(r['value'][1]) < 0]
        tap.ok(found and not low, f'{expr} is never below zero', low)
    used = server.query('max_over_time(irate(node_cpu_seconds_total{mode="user"}[30s])[30s:500ms])')
    tap.ok(len(used) == 3 and all(float(r['value'][1]) < 5 for r in used), 'nor is there a jump when one comes back',
           used)
    machine.stop.set()
    agent.stop()
    server.stop()
