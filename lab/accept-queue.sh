#!/bin/bash
# Listen queue too short: bursts of connections to a server that stalls.
# Trap: the same drops, but the program asked for a short backlog itself, so
# raising the sysctl changes nothing (only the program's own setting helps).
. "$(dirname "$0")/lib.sh"
one() { # scenario, somaxconn, app backlog, role, label, load
	local s=$1 max=$2 own=$3 r=$4 l=$5; shift 5
	unshare -n bash -c 'ip link set lo up; nset net.core.somaxconn '"$max"'
	"$LAB" -s '"$s"' -p net.core.somaxconn -v "'"$max"'" -r '"$r"' -l '"$l"' accept backlog='"$own $*"
}
B="burst=200 rounds=3 stall_ms=150"
one accept-queue 16 4096 before increase $B
one accept-queue 64 4096 before increase $B
one accept-queue 1024 4096 after none $B
one accept-queue.own-backlog 4096 16 trap none $B
L="burst=500 rounds=3 stall_ms=80"
one accept-queue.large 128 4096 before increase $L
one accept-queue.large 2048 4096 after none $L
one accept-queue.large 4096 128 trap none $L
