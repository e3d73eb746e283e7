#!/bin/bash
# Datagrams arrive while the reader pauses; the receive buffer overflows.
# rmem_default rules a program that asks for nothing, rmem_max caps one that
# asks.  Trap: raising rmem_max alone for a program that never asks.
. "$(dirname "$0")/lib.sh"
[ -w /proc/sys/net/core/rmem_default ] || exit 77
one() { # scenario parameter setting role label default max want
	echo $7 > /proc/sys/net/core/rmem_max; echo $6 > /proc/sys/net/core/rmem_default
	unshare -n bash -c 'ip link set lo up
	"$LAB" -s '$1' -p '$2' -v '$3' -r '$4' -l '$5' udp n=12000 pps=5000 size=512 stall_ms=100 rcvbuf='$8
}
# both are global to the machine, also for other network namespaces
gset net.core.rmem_max 4194304; gset net.core.rmem_default 212992
one udp-rcvbuf.default net.core.rmem_default 212992 before increase 212992 212992 0
one udp-rcvbuf.default net.core.rmem_max 4194304 trap increase 212992 4194304 0
one udp-rcvbuf.default net.core.rmem_default 2097152 after none 2097152 4194304 0
one udp-rcvbuf.asked net.core.rmem_max 212992 before increase 212992 212992 2097152
one udp-rcvbuf.asked net.core.rmem_max 4194304 after none 212992 4194304 2097152
