#!/bin/bash
# Connection-tracking table full: new flows are refused (EPERM when sending).
. "$(dirname "$0")/lib.sh"
[ -w /proc/sys/net/netfilter/nf_conntrack_max ] || exit 77
max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
one() {
	unshare -n bash -c 'ip link set lo up; nft "add table ip f; add chain ip f o { type filter hook output priority 0; }; add rule ip f o ct state new counter accept"
	"$LAB" -s conntrack -p net.netfilter.nf_conntrack_max -v '$1' -r '$2' -l '$3' flows n=3000 pace_us=200'
}
gset net.netfilter.nf_conntrack_max 1000 || exit
one 1000 before increase
echo "$max" > /proc/sys/net/netfilter/nf_conntrack_max
one "$max" after none
