#!/bin/bash
# Semaphore sets (semmni, the 4th number) and semaphores (semmns, the 2nd)
# at a message broker's documented minimum, and beyond.
. "$(dirname "$0")/lib.sh"
one() { # value role label
	unshare -i bash -c 'echo "'"$1"'" > /proc/sys/kernel/sem
	"$LAB" -s semaphores -p kernel.sem -v "'"$1"'" -r '$2' -l '$3' ipcids what=sem n=300 per=20'
}
one "32 4096 32 128" before increase
one "32 4096 32 1024" before increase
one "250 32000 100 1024" after none
