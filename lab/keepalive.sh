#!/bin/bash
# Channel slots held by peers that vanished without closing (a cut cable, a
# dropped firewall state).  Times are scaled down: 7200 s -> 300 s is the real
# advice, 7200 s -> 1 s is what a test of ten seconds can show.
. "$(dirname "$0")/lib.sh"
A=labA$$ B=labB$$
ip netns add $A; undo "ip netns del $A"
ip netns add $B; undo "ip netns del $B"
ip link add va$$ netns $A type veth peer name vb$$ netns $B
ip -n $A addr add 10.79.0.1/24 dev va$$; ip -n $B addr add 10.79.0.2/24 dev vb$$
for n in $A $B; do ip -n $n link set lo up; done
ip -n $A link set va$$ up; ip -n $B link set vb$$ up
for s in "7200 75 9 before decrease" "1 1 2 after none"; do
	set -- $s
	rm -f "$T/ready" "$T/cut"
	ip netns exec $B nft flush ruleset
	ip netns exec $A bash -c "nset net.ipv4.tcp_keepalive_time $1; nset net.ipv4.tcp_keepalive_intvl $2; nset net.ipv4.tcp_keepalive_probes $3"
	ip netns exec $B "$LAB" hold n=20 addr=10.79.0.1 ms=20000 & H=$!
	ip netns exec $A "$LAB" -s keepalive -p net.ipv4.tcp_keepalive_time -v "$1" -r "$4" -l "$5" slots slots=20 seconds=10 ready="$T/ready" cut="$T/cut" & S=$!
	for ((i = 0; i < 100; i++)); do [ -e "$T/ready" ] && break; sleep .1; done
	ip netns exec $B nft 'add table ip f; add chain ip f i { type filter hook input priority 0; policy drop; }'
	touch "$T/cut"
	wait $S; kill $H 2>/dev/null; wait $H 2>/dev/null
done
exit 0
