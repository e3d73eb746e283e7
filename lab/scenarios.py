"""What prove.py runs: loads that meet a limit, loads that only look as if, and loads that are well.

where     net, ipc or pid: in a namespace of that kind; host: the whole machine
lane      scenarios of one lane change the same parameters: one after the other
alone     takes all processors, or what all namespaces share: after the others, by itself
setup     shell, inside the namespace, before the server and the agent start
undo      shell for the whole machine whose output puts back what setup changes
load      labload's arguments; it goes on until it is stopped
wrap      what the load is started by (another user, a control group)
expect    (class, parameter, rules): the advice that is right; parameter None: the rule says it
trap      nothing but what is expected may be advised, for as long as `minutes`
remedy    shell, inside, under the load; remedy_load: then the load starts anew, so. What the server
          cannot notice (no parameter, no resource of the machine) is told: POST /findings/ID/applied
verify    minutes that the verdict may take: twice the rule's window and a little
early     True: the load begins before the agent, which looks at its kind of limit every ten minutes
shows     False: the load itself does not fail when its limit is met
excuse    rules that may speak too: true beside the fault, about the same cause
"""
import dataclasses
import re
import typing

SERVER_ARGS = []
AGENT_ARGS = []

# For all commands: nset PARAMETER VALUE sets, gset does so for the whole machine (some of net.* can be
# set nowhere else), grow MB makes the file system anew,
# keep PARAMETER prints the command that puts it back.
HELPERS = r'''
set -eu
nset() { echo "$2" > "/proc/sys/${1//.//}"; }
gset() { nsenter --net="$HOME_NET" sh -c "echo '$2' > /proc/sys/${1//.//}"; }
grow() {
  umount "$T/m"; rm "$T/img"; truncate -s "$1M" "$T/img"
  mkfs.ext4 -q -F -m 0 -O ^has_journal "$T/img"; mount -o loop "$T/img" "$T/m"
}
keep() { echo "echo '$(cat "/proc/sys/${1//.//}")' > /proc/sys/${1//.//}"; }
[ ! -d /sys/class/net/lo ] || ip link set lo up 2>/dev/null || true
'''


@dataclasses.dataclass
class Scenario:
    name: str
    about: str
    where: str
    load: str = ''
    setup: str = ''
    undo: tuple = ()
    wrap: str = ''
    expect: typing.Optional[tuple] = None
    trap: bool = False
    remedy: str = ''
    remedy_load: str = ''
    excuse: tuple = ()
    minutes: float = 10
    verify: float = 5
    shows: bool = True
    early: bool = False
    lane: str = ''
    alone: bool = False
    linger: float = 20  # seconds, after the advice stands, in which nothing wrong may join it

    @property
    def silent(self):
        return self.expect is None

    @property
    def parameter(self):
        return self.expect and self.expect[1]

    @property
    def noticed(self):
        """Does the server see by itself that the remedy was done?"""
        return self.parameter is not None or self.remedy.startswith('grow')

    @property
    def touches(self):
        """Parameters of the whole machine that it changes."""
        return re.findall(r'keep ([\w.-]+)', ' '.join(self.undo).replace('$t', '1'))

    def expects(self, finding):
        if not self.expect:
            return False
        cls, parameter, rules = self.expect
        return (finding['class'] == cls and finding['rule'] in rules
                and (parameter is None or finding.get('parameter') == parameter))

    def excuses(self, finding):
        return finding['rule'] in self.excuse

    def expected_text(self):
        if not self.expect:
            return 'no change'
        cls, parameter, rules = self.expect
        return f"{cls if cls != 'none' else 'no change, but'} {parameter or rules[0]}"


def inc(parameter, *rules):
    return ('increase', parameter, rules)


def dec(parameter, *rules):
    return ('decrease', parameter, rules)


def up(*rules):
    return ('upgrade', None, rules)


def told(*rules):
    return ('none', None, rules)


def fine(name, about, where, load, **more):
    more.setdefault('minutes', 10)
    return Scenario('fine-' + name, about, where, load, trap=True, **more)


ACCEPT = 'accept backlog=4096 burst=200 rounds=4 stall_ms=150'
PORTS = 'ports mode=timewait n=2500 pace_us=2000'
NARROW = 'nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.ip_local_port_range "32768 33067"'

# A path that loses most answers: connections stay half open until they are asked for again.
LOSSY = ('nft -f - <<< "table ip f { chain i { type filter hook input priority 0; tcp sport 7001 '
         'tcp flags & (syn|ack) == (syn|ack) numgen random mod 100 < 70 drop; }; }"; '
         'nset net.ipv4.tcp_no_metrics_save 1; ')
FAR = 'accept backlog={} burst=300 rounds=2 stall_ms=1'

RMEM = 'gset net.core.rmem_max {0}; gset net.core.rmem_default 212992'
KEEP_RMEM = ('keep net.core.rmem_max; keep net.core.rmem_default',)

NETWORK = [
    Scenario('accept-queue', 'bursts of connections overflow a listener whose limit is somaxconn', 'net',
             ACCEPT, 'nset net.core.somaxconn 64', expect=inc('net.core.somaxconn', 'TC1'),
             remedy='nset net.core.somaxconn 1024'),
    Scenario('accept-queue-16', 'the same with a queue of 16', 'net', ACCEPT,
             'nset net.core.somaxconn 16', expect=inc('net.core.somaxconn', 'TC1'),
             remedy='nset net.core.somaxconn 1024'),
    Scenario('accept-own-backlog', 'the program asked for a short queue itself', 'net',
             'accept backlog=16 burst=200 rounds=4 stall_ms=150', 'nset net.core.somaxconn 4096',
             expect=told('TC2'), trap=True, minutes=6, remedy=':',
             remedy_load='accept backlog=4096 burst=200 rounds=4 stall_ms=150'),
    Scenario('syn-backlog', 'too many connections are half open, and there are no cookies', 'net', FAR.format(4096),
             LOSSY + 'nset net.ipv4.tcp_syncookies 0; nset net.ipv4.tcp_max_syn_backlog 128',
             expect=inc('net.ipv4.tcp_max_syn_backlog', 'TC3'), remedy='nset net.ipv4.tcp_max_syn_backlog 4096'),
    Scenario('syn-queue', 'too many connections are half open for somaxconn', 'net', FAR.format(4096),
             LOSSY + 'nset net.core.somaxconn 128', expect=inc('net.core.somaxconn', 'TC3-somaxconn'),
             remedy='nset net.core.somaxconn 4096'),
    Scenario('syn-own-backlog', 'too many are half open for the backlog that the program asked for', 'net',
             FAR.format(128), LOSSY + 'nset net.core.somaxconn 4096', expect=told('TC3-backlog'), trap=True,
             minutes=6, remedy=':', remedy_load=FAR.format(4096)),
    Scenario('ephemeral-ports', 'short connections to one address use up the port range', 'net', PORTS, NARROW,
             expect=inc('net.ipv4.ip_local_port_range', 'TC4'),
             remedy='nset net.ipv4.ip_local_port_range "1024 65000"'),
    Scenario('ports-wide', 'the range is wide already: reuse is what is left', 'net',
             'ports mode=timewait n=50000 pace_us=400 first=10000',
             'nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.ip_local_port_range "1024 61100"',
             shows=False, expect=inc('net.ipv4.tcp_tw_reuse', 'TC5'), remedy='nset net.ipv4.tcp_tw_reuse 1'),
    Scenario('time-wait', 'many sockets in TIME_WAIT, ports enough: tcp_fin_timeout tempts', 'net',
             'ports mode=timewait n=10000 pace_us=4000', 'nset net.ipv4.tcp_tw_reuse 0', trap=True),
    Scenario('fin-wait2', 'orphans in FIN_WAIT2 hold local ports', 'net',
             'ports mode=finwait2 n=3000 pace_us=20000',
             'nset net.ipv4.ip_local_port_range "32768 33067"; nset net.ipv4.tcp_fin_timeout 60',
             expect=dec('net.ipv4.tcp_fin_timeout', 'TC6'), remedy='nset net.ipv4.tcp_fin_timeout 2'),
    Scenario('tw-buckets', 'more TIME_WAIT than the kernel remembers', 'net',
             'ports mode=timewait n=10000 pace_us=4000',
             'nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.tcp_max_tw_buckets 500',
             expect=inc('net.ipv4.tcp_max_tw_buckets', 'TC7'), remedy='nset net.ipv4.tcp_max_tw_buckets 65536',
             verify=13, shows=False),
    Scenario('fragments', 'large datagrams find no memory to be put together', 'net',
             'udp n=8000 pps=800 size=30000 stall_ms=5 rcvbuf=8388608 force=1',
             'ip link set lo mtu 1500; nset net.ipv4.ipfrag_low_thresh 8192; nset net.ipv4.ipfrag_high_thresh 16384',
             expect=inc('net.ipv4.ipfrag_high_thresh', 'IP1'),
             remedy='nset net.ipv4.ipfrag_high_thresh 4194304', verify=13),
    Scenario('udp-default', 'a reader that asks for no buffer loses datagrams', 'net',
             'udp n=15000 pps=5000 size=512 stall_ms=100', RMEM.format(212992), undo=KEEP_RMEM,
             lane='rmem', expect=inc('net.core.rmem_default', 'UD1'), remedy='gset net.core.rmem_default 4194304'),
    Scenario('udp-max', 'a reader that asks for a large buffer gets a small one', 'net',
             'udp n=15000 pps=5000 size=512 stall_ms=100 rcvbuf=2097152', RMEM.format(212992), undo=KEEP_RMEM,
             lane='rmem', expect=inc('net.core.rmem_max', 'UD1-max'), remedy='gset net.core.rmem_max 4194304'),
    Scenario('udp-trap', 'rmem_max is high, the reader asks for nothing: it is rmem_default', 'net',
             'udp n=15000 pps=5000 size=512 stall_ms=100', RMEM.format(4194304), undo=KEEP_RMEM,
             lane='rmem', expect=inc('net.core.rmem_default', 'UD1'), remedy='gset net.core.rmem_default 4194304'),
    Scenario('udp-program', 'the reader itself asks for a small buffer: no parameter reaches it', 'net',
             'udp n=15000 pps=5000 size=512 stall_ms=100 rcvbuf=65536', expect=told('UD1-program'), trap=True,
             minutes=6, remedy=':', remedy_load='udp n=15000 pps=5000 size=512 stall_ms=100 rcvbuf=4194304 force=1'),
    # Its own talk with the server is not tracked: it would be refused, too.
    Scenario('conntrack', 'the table of tracked connections is full', 'net', 'flows n=3000 pace_us=500',
             'nft "add table ip lab; '
             'add chain ip lab a { type filter hook output priority -300; }; '
             'add chain ip lab b { type filter hook prerouting priority -300; }; '
             'add rule ip lab a tcp dport 5999 notrack; add rule ip lab a tcp sport 5999 notrack; '
             'add rule ip lab b tcp dport 5999 notrack; add rule ip lab b tcp sport 5999 notrack; '
             'add chain ip lab o { type filter hook output priority 0; }; '
             'add rule ip lab o ct state new counter accept"; gset net.netfilter.nf_conntrack_max 4096',
             undo=('keep net.netfilter.nf_conntrack_max',),
             expect=inc('net.netfilter.nf_conntrack_max', 'NE5', 'NE5-drops'),
             remedy='gset net.netfilter.nf_conntrack_max 262144', minutes=8),
    Scenario('keepalive', 'a queue manager holds what dead clients had for two hours', 'net', 'nofile n=100 limit=1024',
             'cp "$LAB" "$T/runmqlsr"; nset net.ipv4.tcp_keepalive_time 7200',
             wrap='bash -c \'shift; exec "$T/runmqlsr" "$@"\' -', shows=False,
             expect=dec('net.ipv4.tcp_keepalive_time', 'TC8'), remedy='nset net.ipv4.tcp_keepalive_time 300'),
    fine('accept', 'bursts within the queue', 'net', 'accept backlog=4096 burst=150 rounds=4 stall_ms=100'),
    fine('many-accepts', 'more and larger bursts within the queue', 'net',
         'accept backlog=1024 burst=400 rounds=6 stall_ms=20'),
    fine('ports', 'short connections, ports enough', 'net', 'ports mode=timewait n=1500 pace_us=5000'),
    fine('udp', 'datagrams in time for their reader', 'net', 'udp n=8000 pps=3000 size=256 stall_ms=5'),
    fine('flows', 'many short flows', 'net', 'flows n=3000 pace_us=500'),
    fine('idle', 'no load at all', 'net', ''),
]

IPC = [
    Scenario('msg-bytes', 'a message queue whose reader lags is full', 'ipc',
             'msgq size=512 burst=100 rounds=10 stall_ms=100', 'nset kernel.msgmnb 16384',
             expect=inc('kernel.msgmnb', 'IP2'), remedy='nset kernel.msgmnb 262144'),
    Scenario('msg-queues', 'no further message queue', 'ipc', 'ipcids what=msg n=300', 'nset kernel.msgmni 100',
             expect=inc('kernel.msgmni', 'IP4'), remedy='nset kernel.msgmni 32000'),
    Scenario('msg-queues-near', 'nine tenths of the message queues are used', 'ipc', 'ipcids what=msg n=90',
             'nset kernel.msgmni 100', shows=False, expect=inc('kernel.msgmni', 'IP4'),
             remedy='nset kernel.msgmni 32000'),
    Scenario('msg-size', 'messages larger than msgmax: no counter of the kernel tells', 'ipc',
             'msgq size=12000 burst=1 rounds=10 stall_ms=100', 'nset kernel.msgmax 8192', trap=True, minutes=10),
    Scenario('sem-sets', 'no further set of semaphores', 'ipc', 'ipcids what=sem n=300 per=2',
             'echo 32 32000 32 128 > /proc/sys/kernel/sem', expect=inc('kernel.sem', 'IP5'),
             remedy='echo 250 32000 100 1024 > /proc/sys/kernel/sem'),
    Scenario('sem-total', 'no further semaphore, sets enough', 'ipc', 'ipcids what=sem n=300 per=20',
             'echo 32 4096 32 1024 > /proc/sys/kernel/sem', expect=inc('kernel.sem', 'IP5-total'),
             remedy='echo 250 32000 100 1024 > /proc/sys/kernel/sem'),
    Scenario('shm-segments', 'no further segment of shared memory', 'ipc', 'ipcids what=shm n=300 per=4',
             'nset kernel.shmmni 128', expect=inc('kernel.shmmni', 'IP6'), remedy='nset kernel.shmmni 4096'),
    Scenario('shm-total', 'shared memory in all is at its limit', 'ipc', 'ipcids what=shm n=80 per=64',
             'nset kernel.shmall 1000', expect=inc('kernel.shmall', 'IP6-total'), remedy='nset kernel.shmall 2097152'),
    fine('msgq', 'a queue that is emptied in time', 'ipc', 'msgq size=128 burst=20 rounds=10 stall_ms=20'),
    fine('semaphores', 'some sets of semaphores', 'ipc', 'ipcids what=sem n=60 per=5'),
    fine('queues', 'five hundred queues of 32,000', 'ipc', 'ipcids what=msg n=500'),
    fine('segments', 'some shared memory', 'ipc', 'ipcids what=shm n=100 per=64'),
]

PROCESSES = [
    Scenario('pid-max', 'no further process number', 'pid', 'pids n=900', 'nset kernel.pid_max 600',
             expect=inc('kernel.pid_max', 'PR1'), remedy='nset kernel.pid_max 4096'),
    fine('processes', 'two hundred sleeping processes', 'pid', 'pids n=200'),
    Scenario('nofile', 'a program at its own limit of descriptors', 'host', 'nofile n=1500 limit=1024',
             expect=inc(None, 'FD2'), remedy=':', remedy_load='nofile n=1500 limit=8192'),
    Scenario('map-count', 'a program with very many memory regions', 'host', 'maps n=70000',
             'nset vm.max_map_count 65530', undo=('keep vm.max_map_count',),
             expect=inc('vm.max_map_count', 'ME11'), remedy='nset vm.max_map_count 262144'),
    Scenario('pids-group', 'a control group near its limit of tasks', 'host', 'pids n=120',
             'mkdir -p /sys/fs/cgroup/pids/lab; echo 100 > /sys/fs/cgroup/pids/lab/pids.max',
             undo=('echo "sleep 1; rmdir /sys/fs/cgroup/pids/lab"',),
             wrap='bash -c \'echo $$ > /sys/fs/cgroup/pids/lab/cgroup.procs; exec "$@"\' -',
             expect=inc(None, 'PR3'), remedy='echo 1000 > /sys/fs/cgroup/pids/lab/pids.max'),
    Scenario('file-max', 'no further open file for programs that are not root', 'host', 'filemax kids=4 per=2500',
             'nset fs.file-max $(($(cut -f1 /proc/sys/fs/file-nr) + 7000))', undo=('keep fs.file-max',),
             expect=inc('fs.file-max', 'FD1'), remedy='nset fs.file-max 1000000'),
    Scenario('aio', 'contexts of asynchronous I/O are used up', 'host', 'aio contexts=40 events=4096',
             'nset fs.aio-max-nr 65536', undo=('keep fs.aio-max-nr',),
             expect=inc('fs.aio-max-nr', 'IO4'), remedy='nset fs.aio-max-nr 1048576'),
    Scenario('inotify-watches', 'a user near the limit of inotify watches', 'host',
             'inotify dir="$T/w" n=1000', 'nset fs.inotify.max_user_watches 1024; mkdir -m 777 "$T/w"',
             undo=('keep fs.inotify.max_user_watches',), wrap='setpriv --reuid 65534 --clear-groups',
             expect=inc('fs.inotify.max_user_watches', 'FS1'), remedy='nset fs.inotify.max_user_watches 65536',
             shows=False, early=True, minutes=12),
    Scenario('inotify-instances', 'a user near the limit of inotify instances', 'host',
             'inotify dir="$T/w" n=16 instances=120', 'nset fs.inotify.max_user_instances 128; mkdir -m 777 "$T/w"',
             undo=('keep fs.inotify.max_user_instances',), wrap='setpriv --reuid 65534 --clear-groups',
             expect=inc('fs.inotify.max_user_instances', 'FS2'),
             remedy='nset fs.inotify.max_user_instances 1024', shows=False, early=True, minutes=12),
    fine('aio', 'some asynchronous I/O', 'host', 'aio contexts=4 events=1024'),
    fine('maps', 'twenty thousand memory regions', 'host', 'maps n=20000'),
    fine('descriptors', 'some hundred descriptors', 'host', 'nofile n=400 limit=1024'),
]

DISK = '''mkdir -p "$T/m"; truncate -s {size}M "$T/img"
mkfs.ext4 -q -F -m 0 {inodes} -O ^has_journal "$T/img"; mount -o loop "$T/img" "$T/m"'''
UNMOUNT = ('echo "umount -l $T/m"',)

STORAGE = [
    Scenario('disk-full', 'a file system without space', 'host', 'fill dir="$T/m" n=300 kb=1024',
             DISK.format(size=300, inodes=''), undo=UNMOUNT, expect=up('IO2'), remedy='grow 900',
             remedy_load='fill dir="$T/m" n=300 kb=1024'),
    Scenario('disk-inodes', 'a file system without inodes, space to spare', 'host',
             'fill dir="$T/m" n=400 kb=1', DISK.format(size=64, inodes='-N 128'), undo=UNMOUNT,
             expect=up('IO3'), remedy='grow 640', remedy_load='fill dir="$T/m" n=400 kb=1'),
    fine('files', 'a third of a file system', 'host', 'fill dir="$T/m" n=300 kb=200',
         setup=DISK.format(size=256, inodes=''), undo=UNMOUNT),
    fine('fsync', 'small synchronous writes beside a slow copy', 'host',
         'fsync dir="$T/m" seconds=4 bulk_kb_s=2000 bulk_mb=32', setup=DISK.format(size=256, inodes=''),
         undo=UNMOUNT),
]

GROUP = '/sys/fs/cgroup/memory/lab'
MEMORY_GROUP = 'mkdir -p ' + GROUP + '; echo {mb}M > ' + GROUP + '/memory.limit_in_bytes\n'
IN_GROUP = "bash -c 'echo $$ > " + GROUP + "/cgroup.procs; exec \"$@\"' -"
AGAIN_IN_GROUP = ("bash -c 'echo $$ > " + GROUP +
                  "/cgroup.procs; while [ ! -e \"$T/stop\" ]; do \"$@\" || true; sleep 1; done' -")
DATA = 'dd if=/dev/urandom of="$T/bulk" bs=1M count=300 conv=fsync status=none'
CPU_GROUP = '/sys/fs/cgroup/cpu/lab'

MEMORY = [
    Scenario('oom-in-group', 'killed for memory inside a group, the host has plenty', 'host',
             'mem hot_mb=200 seconds=4', MEMORY_GROUP.format(mb=64), undo=('echo "rmdir ' + GROUP + '"',),
             wrap=AGAIN_IN_GROUP, lane='memory', shows=False, expect=up('ME4-unit', 'ME4-group'), excuse=('ME3-group',)),
    # Now and then a round is killed; then that is what is told.
    Scenario('swap-in-group', 'a group swaps all the time, the host has plenty: swappiness tempts', 'host',
             'mem hot_mb=170 cold_mb=0 seconds=30', MEMORY_GROUP.format(mb=128) +
             'dd if=/dev/zero of="$T/swap" bs=1M count=400 conv=fsync status=none; chmod 600 "$T/swap"; '
             'mkswap -q "$T/swap"; swapon "$T/swap"', undo=('echo "rmdir ' + GROUP + '"', 'echo "swapoff $T/swap"'),
             wrap=AGAIN_IN_GROUP, lane='memory', shows=False, trap=True, minutes=18,
             expect=up('ME3-group', 'ME4-unit', 'ME4-group')),
    fine('page-cache', 'the page cache fills a group: used is high, pressure is not', 'host',
         'mem file="$T/bulk" hot_mb=20 cold_mb=0 file_stream_mb=150 seconds=5',
         setup=MEMORY_GROUP.format(mb=200) + DATA, undo=('echo "rmdir ' + GROUP + '"',), wrap=IN_GROUP, lane='memory'),
    fine('memory', 'programs and files that fit', 'host',
         'mem file="$T/bulk" hot_mb=50 cold_mb=50 file_hot_mb=50 seconds=4', setup=DATA),
    Scenario('min-free', 'the reserve holds back too much memory', 'host', '',
             'nset vm.min_free_kbytes $(($(grep -oP "MemTotal: *\\K\\d+" /proc/meminfo) / 12))',
             undo=('keep vm.min_free_kbytes',), shows=False, expect=dec('vm.min_free_kbytes', 'ME9'),
             remedy='nset vm.min_free_kbytes 67584'),
]

PROCESSORS = [
    Scenario('cpu-quota', 'a group is throttled while the processors are idle', 'host',
             'cpu seconds=5 workers=1', 'mkdir -p ' + CPU_GROUP + '; echo 20000 > ' + CPU_GROUP + '/cpu.cfs_quota_us',
             undo=('echo "rmdir ' + CPU_GROUP + '"',),
             wrap="bash -c 'echo $$ > " + CPU_GROUP + "/cgroup.procs; exec \"$@\"' -",
             # Said on a host that has processors to spare: not beside others.
             expect=inc(None, 'CP4'), minutes=15, verify=7, shows=False, alone=True, lane='processors',
             remedy='echo 200000 > ' + CPU_GROUP + '/cpu.cfs_quota_us'),
    Scenario('cpu-saturation', 'four times more to run than processors', 'host', 'cpu seconds=5 workers=8',
             alone=True, lane='processors', shows=False, expect=up('CP1'), minutes=18),
    fine('cpu', 'one program that is busy half of the time', 'host', 'cpu seconds=5 workers=1 duty_pct=30', minutes=15),
]

RPS = '/sys/class/net/lo/queues/rx-0/rps_cpus'

TABLES = [
    # What all namespaces share: one after the other, not beside others.
    Scenario('netdev-backlog', 'packets wait for another processor, and few may', 'host',
             'udp n=60000 pps=60000 size=256 stall_ms=1 rcvbuf=8388608 force=1',
             'nset net.core.netdev_max_backlog 16; echo 2 > ' + RPS, wrap='taskset -c 0',
             undo=('keep net.core.netdev_max_backlog', 'echo "echo $(cat ' + RPS + ') > ' + RPS + '"'),
             alone=True, lane='shared', expect=inc('net.core.netdev_max_backlog', 'NE1'),
             remedy='nset net.core.netdev_max_backlog 4096'),
    Scenario('tcp-memory', 'what nobody reads fills the memory of TCP', 'host', 'unread n=100',
             'nset net.ipv4.tcp_mem "40000 60000 120000"', undo=('keep net.ipv4.tcp_mem',), alone=True, lane='shared',
             shows=False, expect=inc('net.ipv4.tcp_mem', 'TC9'), remedy='nset net.ipv4.tcp_mem "400000 600000 900000"'),
    Scenario('orphans', 'senders go before their data does', 'host', 'unread n=150 leave=1',
             'nset net.ipv4.tcp_max_orphans 400', undo=('keep net.ipv4.tcp_max_orphans',), alone=True, lane='shared',
             shows=False, expect=inc('net.ipv4.tcp_max_orphans', 'TC12'), remedy='nset net.ipv4.tcp_max_orphans 65536'),
    Scenario('threads', 'nearly as many threads as there may be', 'host', 'pids n=900',
             'nset kernel.threads-max $(($(cut -d/ -f2 /proc/loadavg | cut -d" " -f1) + 1100))',
             undo=('keep kernel.threads-max',), alone=True, lane='shared', shows=False,
             expect=inc('kernel.threads-max', 'PR2'), remedy='nset kernel.threads-max 100000'),
    Scenario('neighbours', 'more neighbours than the table holds', 'host',
             'flows n=2000 peers=500 net=10.77. pace_us=2000',
             'ip link add labn0 type veth peer name labn1; ip addr add 10.77.0.1/16 dev labn0; '
             'ip link set labn0 up; ip link set labn1 up; '
             'for t in 1 2 3; do nset net.ipv4.neigh.default.gc_thresh$t $((32 * t)); done',
             undo=('echo "ip link del labn0"', 'for t in 1 2 3; do keep net.ipv4.neigh.default.gc_thresh$t; done'),
             # A full table stops the neighbours of all namespaces: not beside others.
             alone=True, shows=False, verify=13, expect=inc('net.ipv4.neigh.default.gc_thresh3', 'NE7', 'NE7-level'),
             remedy='for t in 3 2 1; do nset net.ipv4.neigh.default.gc_thresh$t $((1024 * t)); done'),
]

ALL = NETWORK + IPC + PROCESSES + STORAGE + MEMORY + PROCESSORS + TABLES
