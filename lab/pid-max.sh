#!/bin/bash
# Process numbers used up: fork fails with EAGAIN.  Needs a kernel where
# pid_max belongs to the pid namespace (6.14 and later), else skipped.
. "$(dirname "$0")/lib.sh"
one() {
	unshare -p -f --mount-proc bash -c 'old=$(cat /proc/1/root/proc/sys/kernel/pid_max); nset kernel.pid_max '$1'
	"$LAB" -s pid-max -p kernel.pid_max -v '$1' -r '$2' -l '$3' pids n=900; :'
}
g=$(cat /proc/sys/kernel/pid_max)
unshare -p -f --mount-proc bash -c 'echo 1000 > /proc/sys/kernel/pid_max' 2>/dev/null
[ "$(cat /proc/sys/kernel/pid_max)" = "$g" ] || { echo "$g" > /proc/sys/kernel/pid_max; echo "pid_max is global here" >&2; exit 77; }
one 600 before increase
one 4096 after none
