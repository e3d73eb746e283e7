#!/usr/bin/env python3
"""compare.py BUILD [--quick] [--runs N] [--servers a,b] [--loads a16,a2,b,c]: Galen beside its peers
on this machine, one after the other in turns (bench/servers.sh load), and the medians in one table
with the bars that Galen has to reach. CPU is the server's control group's; every one of Galen's
acknowledgements comes after fdatasync. The peers come from Debian (servers.sh get); who is not
installed is left out. The peers evaluate no rules, so Galen has none here: of 1,000 hosts with values by
chance each would have a dozen alerts (bench/rules.sh measures rules).

--quick: less of each load, and InfluxDB and Prometheus, which are far behind, once; all of it in
less than 10 minutes. Bytes a sample and the restart then say little: few samples a series, and
labels count."""
import argparse
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get('BENCH_DIR') or pathlib.Path(
    os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'galen-bench')
DAY = 86400
SERVERS = ('galen', 'victoria-metrics', 'prometheus', 'influxdb')
PROGRAMS = {'victoria-metrics': 'victoria-metrics', 'prometheus': 'prometheus', 'influxdb': 'influxd'}
# name: (what, hosts, connections, rwload options, seconds of samples: full, quick, InfluxDB's, its quick ones)
LOADS = {
    'a16': ('1,000 hosts, 1 sample a request, 16 connections', 1000, 16, ['--hosts', '1000'],
            3600, 300, 600, 60),
    'a2': ('the same, 2 connections', 1000, 2, ['--hosts', '1000'], 3600, 150, 600, 40),
    'b': ('25 hosts, 6 samples a request, 2 connections', 25, 2,
          ['--hosts', '25', '--batch-samples', '6'], DAY, DAY // 4, DAY // 4, DAY // 48),
    'c': ('2 hosts, 20 samples a request, 2 connections', 2, 2,
          ['--hosts', '2', '--interval', '15', '--batch-samples', '20'], 30 * DAY, 10 * DAY, 5 * DAY, DAY),
}
SERIES_PER_HOST = 250
SERIES_THAT_COUNT = 100_000  # with fewer, memory a series says nothing
# figure: what is required of Galen, the aim; by load. More is better only for samples_per_cpu_s.
BARS = {
    'a16': {'samples_per_cpu_s': (1.2e6, 3e6), 'p99_ms': (20, 5), 'kb_per_series': (0.7, 0.5),
            'loading': (6, 3), 'compact': (1.15, 1.0), 'restart_s': (1, 0.3)},
    'a2': {'samples_per_cpu_s': (1e6, 2e6)},
    'b': {'compact': (0.97, 0.94)},
    'c': {'samples_per_cpu_s': (5e6, 15e6), 'compact': (0.97, 0.94)},
}
NEEDS_ALL = ('loading', 'compact', 'restart_s')  # figures that a quick run says little about
COLUMNS = (('samples_per_cpu_s', 'samples per CPU-s', '{:,.0f}'), ('samples_per_s', 'samples/s wall', '{:,.0f}'),
           ('p99_ms', 'p99 ms', '{:.1f}'), ('peak_mb', 'peak MB', '{:.0f}'),
           ('kb_per_series', 'KB/series', '{:.2f}'), ('loading', 'B/sample loading', '{:.2f}'),
           ('compact', 'B/sample compact', '{:.3f}'), ('restart_s', 'restart s', '{:.2f}'))


def installed(server, build):
    if server == 'galen':
        return (build / 'galen-server').exists()
    name = PROGRAMS[server]
    return bool(shutil.which(name)) or (CACHE / 'root/usr/bin' / name).exists()


def figures(line, head, load):
    f = dict(zip(head.lstrip('#').split('\t'), line.split('\t')))
    acked, series = float(f['acked']), load[1] * SERIES_PER_HOST
    return {'samples_per_cpu_s': float(f['samples_per_cpu_s']), 'samples_per_s': float(f['samples_per_s']),
            'p99_ms': float(f['p99_ms']), 'peak_mb': float(f['peak_rss']) / 1e6,
            'kb_per_series': float(f['peak_rss']) / series / 1000 if series >= SERIES_THAT_COUNT else math.nan,
            'loading': float(f['disk_at_end']) / acked, 'compact': float(f['bytes_per_sample']),
            'restart_s': float(f['restart_s']), 'errors': float(f['errors'])}


def run(server, load, seconds, build, rules):
    command = [HERE / 'servers.sh', 'load', 'cmd' if server == 'galen' else server, '-C', load[2]]
    env = dict(os.environ)
    if server == 'galen':
        env.setdefault('GALEN_DEV_TOKEN', 'bench-token')
        command += ['-H', f"Authorization: Bearer {env['GALEN_DEV_TOKEN']}", '-c',
                    f'{build}/galen-server --dev --data {{dir}} --listen 127.0.0.1:{{port}}'
                    f' --rules {rules}']
    command += ['--', *load[3], '--duration', seconds]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) < 2:
        sys.stderr.write(f'{server}: {done.stderr.strip() or done.stdout.strip()}\n')
        return None
    return figures(lines[1], lines[0], load)


def no_rules(folder):
    """A folder of rules with the classifier's features alone."""
    for part in ('advice', 'alerts'):
        (pathlib.Path(folder) / part).mkdir()
    shutil.copy(HERE.parent / 'rules/features.yaml', folder)
    return folder


def median(results, key):
    return statistics.median(r[key] for r in results)


def show(name, load, results, options):
    print(f'\n{name}: {load[0]} (rwload {" ".join(load[3])})')
    print('| server | runs | ' + ' | '.join(c[1] for c in COLUMNS) + ' |')
    print('|' + '---|' * (len(COLUMNS) + 2))
    for server, got in results.items():
        if got:
            cells = (c[2].format(median(got, c[0])) for c in COLUMNS)
            print(f'| {server} | {len(got)} | ' + ' | '.join(cells) + ' |')
    good = True
    for key, (need, aim) in BARS[name].items() if results.get('galen') else ():
        value = median(results['galen'], key)
        more = key == 'samples_per_cpu_s'
        peers = [median(r, key) for s, r in results.items() if s != 'galen' and r]
        best = (max if more else min)(peers) if peers else None
        reached = value >= need if more else value <= need
        aimed = value >= aim if more else value <= aim
        little = options.quick and key in NEEDS_ALL
        good &= reached or little
        print(f"{'aim' if aimed else 'ok' if reached else '(quick)' if little else 'MISSED'}\t{key}"
              f' {value:,.3g}: required {need:,.3g}, aim {aim:,.3g}'
              + (f', best peer {best:,.3g}' if best else ''))
    sys.stdout.flush()
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('build', type=pathlib.Path)
    p.add_argument('--quick', action='store_true')
    p.add_argument('--runs', type=int, default=3)
    p.add_argument('--servers', default=','.join(SERVERS))
    p.add_argument('--loads', help='of a16, a2, b, c; default: all, with --quick not b')
    options = p.parse_args()
    with tempfile.TemporaryDirectory(prefix='galen-compare-') as folder:
        sys.exit(0 if compare(p, options, no_rules(folder)) else 1)


def compare(p, options, rules):
    build, begun, good = options.build.resolve(), time.monotonic(), True
    names = (options.loads or ('a16,a2,c' if options.quick else 'a16,a2,b,c')).split(',')
    wanted = options.servers.split(',')
    if set(names) - set(LOADS) or set(wanted) - set(SERVERS) or options.runs < 1:
        p.error(f'loads are {", ".join(LOADS)}, servers {", ".join(SERVERS)}')
    servers = [s for s in wanted if installed(s, build)]
    for s in set(wanted) - set(servers):
        print(f'{s} is not here' + (f': no {build}/galen-server' if s == 'galen' else ': bench/servers.sh get'))
    print(f'{", ".join(servers)}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs')
    for name in names:
        load = LOADS[name]
        results = {s: [] for s in servers}
        for turn in range(options.runs):
            for s in servers:
                if options.quick and turn and s in ('prometheus', 'influxdb'):
                    continue
                seconds = load[4 + options.quick + 2 * (s == 'influxdb')]
                got = run(s, load, seconds, build, rules)
                results[s] += [got] if got else []
        good &= show(name, load, results, options)
    print(f'\n{(time.monotonic() - begun) / 60:.1f} minutes')
    return good


main()
