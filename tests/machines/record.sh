#!/bin/sh
# Records what the agent reads of a machine below DIR, so that it can be looked at elsewhere:
#     tests/machines/record.sh DIR && galen-agent --root DIR --print
# Nothing of processes is taken; addresses, names and the machine-id are replaced. The backlog of
# listeners is not in /proc/net/tcp: it is asked of ss and written where tx_queue stands.
set -eu

out=${1:?usage: record.sh DIR}
mkdir -p "$out"

take() {
    [ -r "$1" ] && [ -f "$1" ] || return 0
    mkdir -p "$out/$(dirname "$1")"
    cat "$1" >"$out/$1" 2>/dev/null || rm -f "$out/$1"
}

cd /
for f in proc/stat proc/loadavg proc/meminfo proc/vmstat proc/diskstats proc/cpuinfo \
    proc/pressure/cpu proc/pressure/memory proc/pressure/io \
    proc/net/dev proc/net/netstat proc/net/snmp proc/net/snmp6 proc/net/sockstat \
    proc/net/sockstat6 proc/net/softnet_stat proc/net/stat/arp_cache proc/net/stat/ndisc_cache \
    proc/net/stat/nf_conntrack proc/sysvipc/msg proc/sysvipc/sem proc/sysvipc/shm \
    proc/sys/kernel/hostname proc/sys/kernel/domainname proc/sys/kernel/osrelease \
    proc/sys/kernel/ostype proc/sys/kernel/version proc/sys/kernel/arch \
    proc/sys/kernel/random/entropy_avail proc/sys/kernel/random/poolsize \
    proc/sys/fs/file-nr proc/sys/fs/aio-nr proc/sys/net/netfilter/nf_conntrack_count \
    sys/kernel/mm/transparent_hugepage/enabled etc/os-release; do
    take "$f"
done
for f in proc/sys/fs/aio-max-nr proc/sys/fs/file-max proc/sys/fs/nr_open proc/sys/fs/inotify/* \
    proc/sys/kernel/msg* proc/sys/kernel/sem proc/sys/kernel/shm* proc/sys/kernel/pid_max \
    proc/sys/kernel/threads-max proc/sys/net/core/*mem_* proc/sys/net/core/netdev_budget* \
    proc/sys/net/core/netdev_max_backlog proc/sys/net/core/somaxconn \
    proc/sys/net/ipv4/ip_local_port_range proc/sys/net/ipv4/ipfrag_*_thresh \
    proc/sys/net/ipv4/neigh/default/gc_thresh* proc/sys/net/ipv4/tcp_* proc/sys/net/ipv4/udp_mem \
    proc/sys/net/netfilter/nf_conntrack_max proc/sys/vm/dirty_* proc/sys/vm/max_map_count \
    proc/sys/vm/min_free_kbytes proc/sys/vm/nr_hugepages proc/sys/vm/overcommit_* \
    proc/sys/vm/swappiness proc/sys/vm/watermark_scale_factor proc/sys/vm/zone_reclaim_mode; do
    take "$f"
done
for dev in sys/class/net/*; do
    for f in address duplex operstate speed carrier carrier_changes mtu tx_queue_len type; do
        take "$dev/$f"
    done
done

echo recorded >"$out/proc/sys/kernel/hostname"
echo 00000000000000000000000000000000 >"$out/etc/machine-id"
sed -i 's/^..:..:..:..:..:../02:00:00:00:00:01/' "$out"/sys/class/net/*/address 2>/dev/null || true
mkdir -p "$out/proc/1"
cp proc/self/mounts "$out/proc/1/mounts"
: >"$out/statvfs"
while read -r device mountpoint fstype rest; do
    case $fstype in ext* | xfs | btrfs | tmpfs | vfat | zfs) ;; *) continue ;; esac
    stat -f -c "$mountpoint %S %b %f %a %c %d" "$(printf '%b' "$mountpoint")" \
        >>"$out/statvfs" 2>/dev/null || true
done <proc/self/mounts
head -1 proc/net/tcp >"$out/proc/net/tcp"
if command -v ss >/dev/null; then
    ss -Hltn | awk '{ n = split($4, a, ":")
        printf "%4d: 00000000:%04X 00000000:0000 0A %08X:%08X 00:00000000 00000000 0 0 0\n",
            NR - 1, a[n], $3, $2 }' >>"$out/proc/net/tcp"
fi
