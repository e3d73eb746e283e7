#!/usr/bin/env python3
"""Debian's prometheus-node-exporter and galen-agent beside each other on this machine: names,
types, labels and the values that hold still must be the same. What differs is listed here with
its reason; anything else is a failure."""
import math
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'e2e'))
import galen  # noqa: E402  (Tap, wait_for, free_port)

# Families of node_exporter that the agent does not have.
LEFT_OUT = {
    r'node_scrape_collector_.*|node_exporter_build_info|node_textfile_.*':
        "of the exporter itself; ours are galen_agent_*",
    r'node_disk_info': 'identity of disks: inventory, not a measurement',
    r'node_network_(address_assign_type|device_id|dormant|flags|iface_id|iface_link|'
    r'iface_link_mode|name_assign_type|net_dev_group)':
        'constants of an interface that no rule or chart uses, 9 files an interface',
    r'node_timex_(loop_time_constant|pps_.*|tick_seconds)': 'no PPS source on servers; constants',
    r'node_time_zone_offset_seconds': 'constants',
    r'node_selinux_.*|node_(cooling|nvme|power|rapl|cpu_core|cpu_package|ipvs|dmi|'
    r'fibrechannel|bcache|tapestats|network_route|lnstat).*':
        'hardware and subsystems that the tuning rules do not look at yet',
    r'node_mountstats_nfs_(age|event|transport)_.*': 'no rule or chart uses what a mount counts besides its operations',
    r'node_btrfs_device_(errors_total|unused_bytes)': 'told by an ioctl on the mount alone',
}

# Labels of ours that differ.
LABELS = {
    'node_network_info': ({'broadcast', 'ifalias'}, 'two labels that say nothing are left out'),
}

# One is there for devices for which the other is not.
SERIES = {
    'node_network_speed_bytes': 'node_exporter gives -125000 for "not known", we give nothing',
    'node_network_carrier': 'read once a minute by us',
    'node_network_receive_nohandler_total': 'of hardware only, once a minute',
    'node_filesystem_.*': 'a mount of the same device and place twice is one series',
}

# Values that move between two readings, or are measured at another moment.
MOVING = re.compile(r'.*_total|node_(memory|vmstat|netstat|sockstat|load|procs|time_seconds|timex|'
                    r'filefd_allocated|entropy_available|nf_conntrack|arp|filesystem_(avail|free|'
                    r'files_free)|disk_io_now|softnet|pressure|context|intr|forks|tcp).*')
STEADY = re.compile(r'node_memory_(MemTotal|SwapTotal|Hugepagesize|HugePages_Total|VmallocTotal)'
                    r'.*|node_netstat_Ip_Forwarding|node_nf_conntrack_entries_limit')

# Recorded machines, and the collectors of theirs that read such a tree and no kernel.
RECORDED = ('storage', 'debian12', 'hardware', 'cpus128', 'linux310')
READERS = ('arp', 'bonding', 'btrfs', 'conntrack', 'cpu', 'cpufreq', 'diskstats', 'edac', 'entropy', 'filefd',
           'hwmon', 'infiniband', 'loadavg', 'mdadm', 'meminfo', 'mountstats', 'meminfo_numa', 'netdev', 'netstat', 'nfs',
           'nfsd', 'pressure', 'processes', 'schedstat', 'sockstat', 'softnet', 'stat', 'thermal_zone', 'vmstat',
           'xfs', 'zfs')

# Theirs are 0 where the kernel's file has no such line.
ZERO_FOR_MISSING = ('node_nfs_requests_total', 'node_nfsd_requests_total', 'node_processes_threads',
                    *('node_mountstats_nfs_operations_' + n + '_total' for n in (
                        'requests', 'transmissions', 'major_timeouts', 'sent_bytes', 'received_bytes',
                        'queue_time_seconds', 'response_time_seconds', 'request_time_seconds')))

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """{family: type}, {family: {labels: value}}; empty labels are absent labels."""
    types, series = {}, {}
    for line in text.splitlines():
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            types[name] = kind
        elif line and not line.startswith('#'):
            name, labels, value = SAMPLE.match(line).groups()
            key = frozenset((k, v) for k, v in LABEL.findall(labels or '') if v)
            series.setdefault(name, {})[key] = float(value)
    return types, series


def explained(name, table):
    return any(re.fullmatch(pattern, name) for pattern in table)


def exporter_text(tap, *flags):
    binary = shutil.which('prometheus-node-exporter')
    if not binary:
        tap.skip('like node_exporter', 'prometheus-node-exporter is not installed')
        tap.exit()
    port = galen.free_port()
    process = subprocess.Popen([binary, f'--web.listen-address=127.0.0.1:{port}', *flags],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fetch():
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            return None
    try:
        return galen.wait_for(fetch, 20)
    finally:
        process.terminate()
        process.wait()


def compare_families(tap, theirs, ours):
    missing = [n for n in theirs if n.startswith('node_') and n not in ours
               and not explained(n, LEFT_OUT) and not explained(n, SERIES)]
    tap.equal(missing, [], 'every family of theirs is ours, or explained')
    types = [(n, theirs[n], ours[n]) for n in theirs if n in ours and theirs[n] != ours[n]
             and n.startswith('node_')]
    tap.equal(types, [], 'types are the same')
    return [n for n in theirs if n in ours and n.startswith('node_')]


def compare_labels(tap, common, theirs, ours):
    wrong = []
    for name in common:
        dropped = LABELS.get(name, (set(), ''))[0]
        want = {frozenset(p for p in key if p[0] not in dropped) for key in theirs[name]}
        got = set(ours[name])
        if want != got and not explained(name, SERIES):
            wrong.append((name, [dict(k) for k in want ^ got][:4]))
    tap.equal(wrong, [], 'label sets are the same')


def compare_values(tap, common, theirs, ours):
    wrong = []
    for name in common:
        if MOVING.fullmatch(name) and not STEADY.fullmatch(name):
            continue
        for key, value in ours[name].items():
            other = theirs[name].get(key)
            if other is not None and other != value:
                wrong.append((name, dict(key), value, other))
    tap.equal(wrong, [], 'values that hold still are the same')


def compare_counters(tap, common, theirs, ours, later):
    """Read before and after: a counter of theirs lies between two readings of ours."""
    wrong = []
    for name in common:
        if not name.endswith('_total') and not name.startswith(('node_vmstat_pg', 'node_netstat_Tcp_')):
            continue
        if name in ('node_netstat_Tcp_CurrEstab', 'node_procs_running'):
            continue
        for key, value in theirs[name].items():
            before, after = ours[name].get(key), later.get(name, {}).get(key)
            slack = 0.011 if name.endswith('seconds_total') else 0  # theirs may round otherwise
            if before is not None and after is not None \
                    and not before - slack <= value <= after + slack:
                wrong.append((name, dict(key), before, value, after))
    tap.equal(wrong, [], 'counters lie between two readings of ours')


def helps_of(text):
    return dict(line[len('# HELP '):].split(' ', 1) for line in text.splitlines() if line.startswith('# HELP node_'))


def compare_recorded(tap, machine):
    """Both read the same tree: everything of theirs must be there and equal."""
    root = galen.ROOT / 'tests/machines' / machine
    sysfs = root / 'sys' if (root / 'sys').is_dir() else root / 'proc'  # it does not start without one
    their_text = exporter_text(tap, f'--path.procfs={root}/proc', f'--path.sysfs={sysfs}',
                               '--collector.disable-defaults', '--no-collector.netdev.netlink',
                               *('--collector.' + name for name in READERS
                                 if name != 'mountstats' or (root / 'proc/self').exists()))
    our_text = agent_text('--root', root)
    (their_types, theirs), (our_types, ours) = parse(their_text), parse(our_text)
    their_helps, our_helps = helps_of(their_text), helps_of(our_text)
    wrong, n = [], 0
    for name in (name for name in theirs if name.startswith('node_') and not explained(name, LEFT_OUT)):
        for key, value in theirs[name].items():
            n += 1
            own = ours.get(name, {}).get(key)
            if own is None and (value or name not in ZERO_FOR_MISSING) \
                    or own is not None and not math.isclose(own, value, rel_tol=1e-14):
                wrong.append((name, dict(key), value, own))
        if name in ours and (their_types[name], words(their_helps[name])) != (our_types[name], words(our_helps[name])):
            wrong.append((name, their_types[name], their_helps[name], our_types[name], our_helps[name]))
    tap.ok(n > 0 and not wrong, f'{machine}: {n} values of theirs are ours', '\n'.join(map(str, wrong[:12])))


def words(text):
    return re.sub(r'[^a-z0-9]+', ' ', text.lower()).strip()


def compare_documentation(tap):
    """Every difference that is excused here is told to users."""
    page = (galen.ROOT / 'docs/METRICS.md').read_text()
    reasons = [*LEFT_OUT.values(), *SERIES.values(), *(why for _, why in LABELS.values())]
    tap.equal([r for r in reasons if r not in page], [], 'docs/METRICS.md explains each difference')


def agent_text(*more):
    return subprocess.run([galen.BUILD / 'galen-agent', '--print', '--log-level', 'error', *more],
                          check=True, capture_output=True, text=True).stdout


def main():
    tap = galen.Tap()
    first = agent_text()
    time.sleep(0.05)
    text = exporter_text(tap)
    later = agent_text()
    (their_types, theirs), (our_types, ours) = parse(text), parse(first)
    common = compare_families(tap, their_types, our_types)
    tap.ok(len(common) > 180, f'{len(common)} families in common')
    compare_labels(tap, common, theirs, ours)
    compare_documentation(tap)
    compare_values(tap, common, theirs, ours)
    compare_counters(tap, common, theirs, ours, parse(later)[1])
    for machine in RECORDED:
        compare_recorded(tap, machine)
    promtool = shutil.which('promtool')
    if promtool:
        done = subprocess.run([promtool, 'check', 'metrics'], input=first, capture_output=True,
                              text=True)
        ours_alone = [line for line in (done.stdout + done.stderr).splitlines() if 'galen_' in line]
        tap.equal(ours_alone, [], 'promtool finds nothing wrong with galen_*')
    else:
        tap.skip('promtool check metrics', 'promtool is not installed')
    tap.exit()


if __name__ == '__main__':
    main()
