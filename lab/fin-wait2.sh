#!/bin/bash
# Orphaned sockets in FIN_WAIT2 (the peer never closes) hold local ports for
# tcp_fin_timeout.  Here lowering the parameter is the remedy.
. "$(dirname "$0")/lib.sh"
for s in "60 before decrease" "2 after none"; do
	set -- $s
	unshare -n bash -c 'ip link set lo up; nset net.ipv4.ip_local_port_range "32768 33067"; nset net.ipv4.tcp_fin_timeout '$1'
	"$LAB" -s fin-wait2 -p net.ipv4.tcp_fin_timeout -v '$1' -r '$2' -l '$3' ports mode=finwait2 n=800 pace_us=10000'
done
