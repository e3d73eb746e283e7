#!/bin/bash
# Orphaned sockets in FIN_WAIT2 (the peer never closes) hold local ports for
# tcp_fin_timeout.  Here lowering the parameter is the remedy.
. "$(dirname "$0")/lib.sh"
one() { # scenario, seconds, role, label, range, load
	unshare -n bash -c 'ip link set lo up; nset net.ipv4.ip_local_port_range "'"$5"'"; nset net.ipv4.tcp_fin_timeout '$2'
	"$LAB" -s '$1' -p net.ipv4.tcp_fin_timeout -v '$2' -r '$3' -l '$4' ports mode=finwait2 '"$6"
}
N="32768 33067"
one fin-wait2 60 before decrease "$N" "n=600 pace_us=8000"
one fin-wait2 2 after none "$N" "n=600 pace_us=10000"
one fin-wait2.half-minute 30 before decrease "$N" "n=500 pace_us=6000"
one fin-wait2.half-minute 1 after none "$N" "n=500 pace_us=10000"
W="20000 20999"
one fin-wait2.thousand 60 before decrease "$W" "n=1800 pace_us=2000"
one fin-wait2.thousand 1 after none "$W" "n=1800 pace_us=2500"
one fin-wait2.hours 600 before decrease "$W" "n=1500 pace_us=2000"
one fin-wait2.hours 1 after none "$W" "n=1500 pace_us=2500"
