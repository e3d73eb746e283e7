#!/bin/bash
# Large datagrams find no memory to be put together in.
. "$(dirname "$0")/lib.sh"
one() { # high, role, label
	unshare -n bash -c 'ip link set lo mtu 1500 up; nset net.ipv4.ipfrag_low_thresh 8192; nset net.ipv4.ipfrag_high_thresh '$1'
	"$LAB" -s fragments -p net.ipv4.ipfrag_high_thresh -v '$1' -r '$2' -l '$3' udp n=2000 pps=800 size=30000 stall_ms=2 rcvbuf=4194304'
}
gset net.core.rmem_max 4194304 || exit
one 16384 before increase
one 4194304 after none
