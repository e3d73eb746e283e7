#!/bin/bash
# One memory limit, two kinds of need, with swap:
#  idle-memory idle anonymous memory + a hot file set: more swappiness helps
#  overcommit  hot set larger than memory: no swappiness helps, only memory does
# (A third, where less swappiness should help, showed no repeatable effect and
# was left out.)  The overcommitted trial may be killed for memory;
# then a line with "killed":true stands in its place, never silence.
# cgroup v1 has a swappiness per group; elsewhere vm.swappiness is set.
. "$(dirname "$0")/lib.sh"
[ -d /sys/fs/cgroup/memory ] || exit 77
dd if=/dev/zero of="$T/swap" bs=1M count=400 conv=fsync status=none; chmod 600 "$T/swap"
mkswap -q "$T/swap" 2>/dev/null >/dev/null; swapon "$T/swap" || exit 77; undo "swapoff $T/swap"
dd if=/dev/urandom of="$T/data" bs=1M count=300 conv=fsync status=none
group memory memory.swappiness 60
one() { # scenario parameter setting role label limit_mb swappiness args
	local s=$1 p=$2 v=$3 r=$4 l=$5 lim=$6 sw=$7; shift 7
	echo 1 > /proc/sys/vm/drop_caches
	echo $((lim << 20)) > $G/memory.limit_in_bytes
	echo "$sw" > $G/memory.swappiness
	local k0; k0=$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)
	in_group "$LAB" -s "$s" -p "$p" -v "$v" -r "$r" -l "$l" mem file="$T/data" seconds=4 "$@"
	local rc=$?
	[ $rc = 0 ] || printf '{"scenario":"%s","parameter":"%s","setting":"%s","role":"%s","label":"%s","killed":true,"workload":"mem","workload_result":{"exit":%d},"signals":{"vmstat.oom_kill":[%d,%d]}}\n' \
		"$s" "$p" "$v" "$r" "$l" $rc "$k0" "$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)"
	echo 0 > $G/memory.force_empty 2>/dev/null
}
C="hot_mb=4 cold_mb=90 file_hot_mb=90"
O="hot_mb=170 cold_mb=0 file_hot_mb=0"
one memory-swap.idle-memory vm.swappiness 0 before increase 128 0 $C
one memory-swap.idle-memory vm.swappiness 60 after none 128 60 $C
one memory-swap.overcommit vm.swappiness 60 before upgrade 128 60 $O
one memory-swap.overcommit vm.swappiness 5 trap upgrade 128 5 $O
one memory-swap.overcommit ram 128MiB:256MiB after none 256 60 $O
