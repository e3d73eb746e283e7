#!/bin/bash
# Listen queue too short: bursts of connections to a server that stalls.
# Trap: the same drops, but the program asked for a short backlog itself, so
# raising the sysctl changes nothing (only the program's own setting helps).
. "$(dirname "$0")/lib.sh"
one() { # somaxconn, app backlog, role, label
	unshare -n bash -c 'ip link set lo up; nset net.core.somaxconn '$1'
	"$LAB" -s accept-queue -p net.core.somaxconn -v "'$1'" -r '$3' -l '$4' accept backlog='$2' burst=200 rounds=4 stall_ms=150'
}
one 16 4096 before increase
one 64 4096 before increase
one 1024 4096 after none
one 4096 16 trap none
