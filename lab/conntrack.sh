#!/bin/bash
# Connection-tracking table full: new flows are refused (EPERM when sending).
# conntrack.idle: connections that vanished stay for days; there the timeout is
# the remedy, and a larger table only helps for a while.
. "$(dirname "$0")/lib.sh"
[ -w /proc/sys/net/netfilter/nf_conntrack_max ] || exit 77
max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
undo "echo $max > /proc/sys/net/netfilter/nf_conntrack_max"
T5=net.netfilter.nf_conntrack_tcp_timeout_established
one() { # scenario, parameter, limit, timeout, role, label, load
	local s=$1 p=$2 v=$3 to=$4 r=$5 l=$6 set; shift 6
	set=$v; [ $p = $T5 ] && set=$to
	echo "$v" > /proc/sys/net/netfilter/nf_conntrack_max
	unshare -n bash -c 'ip link set lo up; nft "add table ip f; add chain ip f o { type filter hook output priority 0; }; add rule ip f o ct state new counter accept"
	nset '$T5' '"$to"'; "$LAB" -s '"$s"' -p '"$p"' -v '"$set"' -r '"$r"' -l '"$l $*"
}
M=net.netfilter.nf_conntrack_max
one conntrack $M 1000 432000 before increase flows n=3000 pace_us=200
one conntrack $M "$max" 432000 after none flows n=3000 pace_us=200
one conntrack.large $M 8000 432000 before increase flows n=12000 pace_us=100
one conntrack.large $M "$max" 432000 after none flows n=12000 pace_us=100
one conntrack.idle $T5 1000 432000 before decrease vanish n=1600 pace_us=8000
one conntrack.idle $T5 1000 1 after none vanish n=1600 pace_us=8000
