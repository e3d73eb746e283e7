#!/bin/bash
# Short outgoing connections to one destination use up the local port range.
# Trap: tcp_fin_timeout does not shorten TIME_WAIT (fixed at 60 s in Linux).
. "$(dirname "$0")/lib.sh"
one() { # parameter, setting, role, label, commands
	unshare -n bash -c 'ip link set lo up; nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.ip_local_port_range "32768 33067"; '"$5"'
	"$LAB" -s ephemeral-ports -p "'"$1"'" -v "'"$2"'" -r '$3' -l '$4' ports mode=timewait n=2500 pace_us=1000'
}
one net.ipv4.ip_local_port_range "32768 33067" before increase :
one net.ipv4.tcp_fin_timeout 2 trap increase 'nset net.ipv4.tcp_fin_timeout 2'
one net.ipv4.ip_local_port_range "1024 65000" after none 'nset net.ipv4.ip_local_port_range "1024 65000"'
one net.ipv4.tcp_tw_reuse 1 after increase 'nset net.ipv4.tcp_tw_reuse 1'
