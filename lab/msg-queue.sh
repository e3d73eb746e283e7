#!/bin/bash
# System V message queues: bytes per queue (msgmnb), bytes per message
# (msgmax), number of queues (msgmni).  In an IPC namespace of its own.
. "$(dirname "$0")/lib.sh"
one() { # parameter setting role label workload...
	local p=$1 v=$2 r=$3 l=$4; shift 4
	unshare -i bash -c '[ '$p' = kernel.msgmax ] && nset kernel.msgmnb 131072; nset '$p' '$v'; "$LAB" -s msg-queue -p '$p' -v '$v' -r '$r' -l '$l' '"$*"
}
one kernel.msgmnb 16384 before increase msgq size=512 burst=100 rounds=10 stall_ms=100
one kernel.msgmnb 131072 after none msgq size=512 burst=100 rounds=10 stall_ms=100
one kernel.msgmax 8192 before increase msgq size=12000 burst=1 rounds=10 stall_ms=100
one kernel.msgmax 65536 after none msgq size=12000 burst=1 rounds=10 stall_ms=100
one kernel.msgmni 100 before increase ipcids what=msg n=300
one kernel.msgmni 32000 after none ipcids what=msg n=300
