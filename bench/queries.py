#!/usr/bin/env python3
"""CPU and wall time of a running server's answers to the queries of a load (rwload).

queries.py [options] URL     URL: http://HOST:PORT/api/v1

One line for each query, tab-separated: warm figures are medians over --repeats. CPU is that of the
server: of its control group, or of its process where there is none. Small answers are asked for
several times in a row, as one is too short to be measured; the figure is that of one.
"""
import argparse
import http.client
import json
import os
import statistics
import sys
import time
import urllib.parse

HOST = 'instance="host-00001:9100"'
BUSY = '1 - avg by(instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'
# name, loads, (seconds back, step) or None for an instant query, expression
QUERIES = [
    ('nothing', 'abc', None, 'no_such_metric'),
    ('one-gauge-now', 'abc', None, 'node_load1{%s}' % HOST),
    ('gauge-all-hosts', 'abc', None, 'node_load1'),
    ('one-rate-now', 'abc', None,
     'rate(node_network_receive_bytes_total{%s,device="eth0"}[5m])' % HOST),
    ('cpu-by-host', 'abc', None, BUSY),
    ('topk-cpu', 'abc', None, 'topk(10, %s)' % BUSY),
    ('quantile-busy', 'abc', None, 'quantile(0.99, galen_disk_busy_ratio)'),
    ('memory-low', 'abc', None,
     'node_memory_MemAvailable_bytes / node_memory_MemFree_bytes < 0.1'),
    ('sysctl-changed', 'abc', None, 'changes(node_sysctl_vm_swappiness[20m]) > 0'),
    ('regex-host-20m', 'abc', (1200, 10),
     'sum by(mode) (rate(node_cpu_seconds_total{instance=~"host-0000[1-3]:.*"}[1m]))'),
    ('host-cpu-1h', 'abc', (3600, 15), 'sum by(mode) (rate(node_cpu_seconds_total{%s}[5m]))' % HOST),
    ('fleet-avg-1h', 'ab', (3600, 60), 'avg(rate(node_cpu_seconds_total{mode="idle"}[5m]))'),
    ('host-mem-24h', 'bc', (86400, 120), 'node_memory_MemAvailable_bytes{%s}' % HOST),
    ('host-net-24h', 'bc', (86400, 120), 'rate(node_network_receive_bytes_total{%s}[5m])' % HOST),
    ('fleet-max-24h', 'b', (86400, 600),
     'max by(instance) (avg_over_time(galen_cpu_busy_ratio[10m]))'),
    ('predict-disk', 'bc', None,
     'predict_linear(node_filesystem_avail_bytes{mountpoint="/"}[6h], 604800) < 0'),
    ('host-avg-30d', 'c', (2591000, 3600),
     'avg_over_time(galen_cpu_busy_ratio{%s,cpu="0"}[1h])' % HOST),
    ('host-rate-30d', 'c', (2591000, 3600),
     'sum by(mode) (rate(node_cpu_seconds_total{%s}[1h]))' % HOST),
    ('host-raw-30d', 'c', (2591000, 3600), 'node_memory_MemAvailable_bytes{%s}' % HOST),
]
MEASURED_MS = 5  # CPU that a repeat takes at least, however many requests that is
ROW_MAX = 40  # of them


def options():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('url')
    p.add_argument('--load', default='a', choices='abc', help='which load the server has')
    p.add_argument('--begin', type=float, required=True, help='time of its first sample')
    p.add_argument('--end', type=float, required=True, help='of its last one')
    p.add_argument('--pid', type=int, required=True)
    p.add_argument('--cpu-file', help="cpuacct.usage or cpu.stat of the server's control group")
    p.add_argument('--server', default='galen', help='its name, for the table')
    p.add_argument('--header', help="a header line, e.g. 'Authorization: Bearer x'")
    p.add_argument('--repeats', type=int, default=10)
    p.add_argument('--only', help='the queries with this in their name')
    p.add_argument('--plain', action='store_true', help='no line with the names of the columns')
    return p.parse_args()


class Server:
    def __init__(self, o):
        url = urllib.parse.urlsplit(o.url)
        self.o, self.prefix = o, url.path
        self.connection = http.client.HTTPConnection(url.netloc, timeout=300)
        self.headers = {}
        if o.header:
            name, value = o.header.split(':', 1)
            self.headers[name.strip()] = value.strip()

    def cpu_ms(self):
        path = self.o.cpu_file
        if path and path.endswith('cpuacct.usage'):
            with open(path) as f:
                return int(f.read()) / 1e6
        if path:
            with open(path) as f:
                return int(f.readline().split()[1]) / 1e3
        tasks = '/proc/%d/task' % self.o.pid  # its threads stay, so the sum only grows
        total = 0
        for task in os.listdir(tasks):
            try:
                with open('%s/%s/schedstat' % (tasks, task)) as f:
                    total += int(f.read().split()[0])
            except OSError:
                pass  # it ended just now
        return total / 1e6

    def path(self, expr, span):
        if span:
            start = max(self.o.end - span[0], self.o.begin)
            what, args = 'query_range', {'start': '%.3f' % start, 'end': '%.3f' % self.o.end,
                                         'step': span[1]}
        else:
            what, args = 'query', {'time': '%.3f' % self.o.end}
        args['query'] = expr
        if self.o.server == 'victoria-metrics':
            args['nocache'] = 1  # else it answers from a cache of answers
        return '%s/%s?%s' % (self.prefix, what, urllib.parse.urlencode(args))

    def ask(self, path, times=1):
        """-> wall ms, CPU ms, body: of one of so many requests"""
        cpu, wall = self.cpu_ms(), time.perf_counter()
        for _ in range(times):
            self.connection.request('GET', path, headers=self.headers)
            answer = self.connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise ValueError('HTTP %d %s' % (answer.status, body[:120]))
        return (time.perf_counter() - wall) * 1e3 / times, (self.cpu_ms() - cpu) / times, body


def measure(server, repeats, path):
    cold = server.ask(path)
    time.sleep(0.2)
    warm = server.ask(path)
    row = max(1, min(ROW_MAX, int(MEASURED_MS / max(warm[1], 0.01))))
    return cold, [server.ask(path, row) for _ in range(repeats)]


def main():
    o = options()
    server = Server(o)
    if not o.plain:
        print('#server\tload\tquery\tseries\tpoints\tcold_wall_ms\tcold_cpu_ms\twarm_wall_ms'
              '\twarm_cpu_ms\tbytes')
    failed = False
    for name, loads, span, expr in QUERIES:
        if o.load not in loads or (o.only and o.only not in name):
            continue
        try:
            cold, warm = measure(server, o.repeats, server.path(expr, span))
        except ValueError as e:
            print('%s\t%s\t%s\t%s' % (o.server, o.load, name, e))
            failed = True
            continue
        result = json.loads(warm[0][2])['data']['result']
        points = sum(len(s['values']) if 'values' in s else 1 for s in result)
        print('%s\t%s\t%s\t%d\t%d\t%.2f\t%.2f\t%.3f\t%.3f\t%d' % (
            o.server, o.load, name, len(result), points, cold[0], cold[1],
            statistics.median(w[0] for w in warm), statistics.median(w[1] for w in warm),
            len(warm[0][2])), flush=True)
    sys.exit(failed)


main()
