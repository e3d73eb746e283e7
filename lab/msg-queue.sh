#!/bin/bash
# System V message queues: bytes per queue (msgmnb), bytes per message
# (msgmax), number of queues (msgmni).  In an IPC namespace of its own.
. "$(dirname "$0")/lib.sh"
one() { # scenario parameter setting role label workload...
	local s=$1 p=$2 v=$3 r=$4 l=$5; shift 5
	unshare -i bash -c '[ '$p' = kernel.msgmax ] && nset kernel.msgmnb 131072; nset '$p' '$v'; "$LAB" -s '$s' -p '$p' -v '$v' -r '$r' -l '$l' '"$*"
}
Q="msgq size=512 burst=100 rounds=10 stall_ms=100"
one msg-queue.bytes kernel.msgmnb 16384 before increase $Q
one msg-queue.bytes kernel.msgmnb 131072 after none $Q
K="msgq size=4096 burst=60 rounds=6 stall_ms=200"
one msg-queue.large kernel.msgmnb 65536 before increase $K
one msg-queue.large kernel.msgmnb 524288 after none $K
one msg-queue.size kernel.msgmax 8192 before increase msgq size=12000 burst=1 rounds=10 stall_ms=100
one msg-queue.size kernel.msgmax 65536 after none msgq size=12000 burst=1 rounds=10 stall_ms=100
one msg-queue.number kernel.msgmni 100 before increase ipcids what=msg n=300
one msg-queue.number kernel.msgmni 32000 after none ipcids what=msg n=300
