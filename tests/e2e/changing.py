"""Hosts whose kernel parameters somebody changes, written by hand with times of their own, and a rule
with windows so short that a change is judged within a minute."""
import time

import galen

RULES = '''
- id: TC1
  title: A queue overflows
  class: increase
  kind: proof
  parameter: net.core.somaxconn
  counter: node_netstat_TcpExt_ListenOverflows
  above: 1
  window: 10s
  for: 2s
  settle: 12s
  load: max by (instance) (rate(node_netstat_Tcp_PassiveOpens[10s]))
  propose: 2 * $value
  bounds: [128, 65535]
  evidence:
    - name: refused
      expr: max by (instance) ($signal)
      text: "ListenOverflows {refused}/s over {window:duration}"
  sentence: It overflows.
  check: rate(node_netstat_TcpExt_ListenOverflows[10s])
'''
PARAMETER = 'net.core.somaxconn'


class Host:
    """Counters that grow, parameters that somebody changes; a reading a second."""

    def __init__(self, name):
        self.name = name
        self.somaxconn, self.overflows, self.waits = 128, 20.0, 0.02
        self.counters = {'node_netstat_TcpExt_ListenOverflows': 0.0,
                         'node_netstat_Tcp_PassiveOpens': 0.0,
                         'node_pressure_cpu_waiting_seconds_total': 0.0,
                         'node_cpu_seconds_total': 0.0}

    def samples(self, t_ms, passed_s):
        paces = {'node_netstat_TcpExt_ListenOverflows': self.overflows,
                 'node_netstat_Tcp_PassiveOpens': 100.0,
                 'node_pressure_cpu_waiting_seconds_total': self.waits,
                 'node_cpu_seconds_total': 0.9}
        for name, pace in paces.items():
            self.counters[name] += pace * passed_s
        values = {**self.counters, 'node_boot_time_seconds': t_ms / 1000 - 86400,
                  'node_load1': 0.1, 'node_memory_MemTotal_bytes': 16e9,
                  'node_memory_MemAvailable_bytes': 12e9,
                  'galen_sysctl_fingerprint': float(self.somaxconn)}
        for name, v in values.items():
            labels = {'__name__': name, 'instance': self.name, 'job': 'node'}
            if name == 'node_cpu_seconds_total':
                labels.update(cpu='0', mode='idle')
            yield labels, [(t_ms, v)]
        for name, v in (('net.core.somaxconn', self.somaxconn), ('vm.swappiness', 60)):
            yield ({'__name__': 'galen_sysctl', 'instance': self.name, 'job': 'node',
                    'name': name}, [(t_ms, float(v))])


def live(server, hosts, until, seconds):
    """Writes a reading a second until until() has a value."""
    end = time.monotonic() + seconds
    last = time.time()
    while True:
        now = time.time()
        series = [s for h in hosts for s in h.samples(int(now * 1000), now - last)]
        status, body = galen.write(server, series)
        if status >= 300:
            raise RuntimeError(body)
        last = now
        value = until()
        if value or time.monotonic() > end:
            return value
        time.sleep(1)
