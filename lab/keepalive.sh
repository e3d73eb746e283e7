#!/bin/bash
# Channel slots held by peers that vanished without closing (a cut cable, a
# dropped firewall state).  Times are scaled down: 7200 s -> 300 s is the real
# advice, 7200 s -> 1 s is what a test of ten seconds can show.
# keepalive.mq: the server is called as IBM MQ's listener is.
. "$(dirname "$0")/lib.sh"
A=labA$$ B=labB$$
A=$A$RANDOM B=$B$RANDOM
ip netns add $A; undo "ip netns del $A"
ip netns add $B; undo "ip netns del $B"
ip link add va$$ netns $A type veth peer name vb$$ netns $B
ip -n $A addr add 10.79.0.1/24 dev va$$; ip -n $B addr add 10.79.0.2/24 dev vb$$
for n in $A $B; do ip -n $n link set lo up; done
ip -n $A link set va$$ up; ip -n $B link set vb$$ up
cp "$LAB" "$T/amqzxma0"; cp "$LAB" "$T/runmqlsr"
one() { # program scenario keepalive intvl probes role label slots
	rm -f "$T/ready" "$T/cut"
	ip netns exec $B nft flush ruleset
	ip netns exec $A bash -c "nset net.ipv4.tcp_keepalive_time $3; nset net.ipv4.tcp_keepalive_intvl $4; nset net.ipv4.tcp_keepalive_probes $5"
	ip netns exec $B "$LAB" hold peers=$8 addr=10.79.0.1 ms=20000 & H=$!
	ip netns exec $A "$1" -s "$2" -p net.ipv4.tcp_keepalive_time -v "$3" -r "$6" -l "$7" slots slots=$8 seconds=6 ready="$T/ready" cut="$T/cut" & S=$!
	for ((i = 0; i < 100; i++)); do [ -e "$T/ready" ] && break; sleep .1; done
	ip netns exec $B nft 'add table ip f; add chain ip f i { type filter hook input priority 0; policy drop; }'
	touch "$T/cut"
	wait $S; kill $H 2>/dev/null; wait $H 2>/dev/null
}
one "$LAB" keepalive 7200 75 9 before decrease 20
one "$LAB" keepalive 1 1 2 after none 20
one "$T/amqzxma0" keepalive.mq 7200 75 9 before decrease 20
one "$T/amqzxma0" keepalive.mq 1 1 2 after none 20
one "$T/runmqlsr" keepalive.mq-listener 3600 75 9 before decrease 100
one "$T/runmqlsr" keepalive.mq-listener 2 1 2 after none 100
exit 0
