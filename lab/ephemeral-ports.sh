#!/bin/bash
# Short outgoing connections to one destination use up the local port range.
# Trap: tcp_fin_timeout does not shorten TIME_WAIT (fixed at 60 s in Linux).
. "$(dirname "$0")/lib.sh"
one() { # scenario, parameter, setting, role, label, range, commands, load
	unshare -n bash -c 'ip link set lo up; nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.ip_local_port_range "'"$6"'"; '"$7"'
	"$LAB" -s '"$1"' -p "'"$2"'" -v "'"$3"'" -r '"$4"' -l '"$5"' ports mode=timewait '"$8"
}
N="32768 33067" R=net.ipv4.ip_local_port_range L="n=2000 pace_us=1000"
one ephemeral-ports $R "$N" before increase "$N" : "$L"
one ephemeral-ports net.ipv4.tcp_fin_timeout 2 trap increase "$N" 'nset net.ipv4.tcp_fin_timeout 2' "$L"
one ephemeral-ports $R "1024 65000" after none "1024 65000" : "$L"
one ephemeral-ports net.ipv4.tcp_tw_reuse 1 after increase "$N" 'nset net.ipv4.tcp_tw_reuse 1' "$L"
W="20000 21999" M="n=4000 pace_us=600"
one ephemeral-ports.two-thousand $R "$W" before increase "$W" : "$M"
one ephemeral-ports.two-thousand $R "1024 65000" after none "1024 65000" : "$M"
