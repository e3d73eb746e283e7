#!/bin/bash
# Connection-tracking table full: new flows are refused (EPERM when sending).
. "$(dirname "$0")/lib.sh"
[ -w /proc/sys/net/netfilter/nf_conntrack_max ] || exit 77
max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
undo "echo $max > /proc/sys/net/netfilter/nf_conntrack_max"
one() { # scenario, limit, role, label, load
	local s=$1 p=net.netfilter.nf_conntrack_max v=$2 r=$3 l=$4; shift 4
	echo "$v" > /proc/sys/net/netfilter/nf_conntrack_max
	unshare -n bash -c 'ip link set lo up; nft "add table ip f; add chain ip f o { type filter hook output priority 0; }; add rule ip f o ct state new counter accept"
	"$LAB" -s '"$s"' -p '"$p"' -v '"$v"' -r '"$r"' -l '"$l $*"
}
one conntrack 1000 before increase flows n=3000 pace_us=200
one conntrack "$max" after none flows n=3000 pace_us=200
one conntrack.large 8000 before increase flows n=12000 pace_us=100
one conntrack.large "$max" after none flows n=12000 pace_us=100
