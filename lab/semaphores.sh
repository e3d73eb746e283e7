#!/bin/bash
# Semaphore sets (semmni, the 4th number) and semaphores (semmns, the 2nd)
# at a message broker's documented minimum, and beyond.
. "$(dirname "$0")/lib.sh"
one() { # scenario value role label n per
	unshare -i bash -c 'echo "'"$2"'" > /proc/sys/kernel/sem
	"$LAB" -s '$1' -p kernel.sem -v "'"$2"'" -r '$3' -l '$4' ipcids what=sem n='$5' per='$6
}
one semaphores.sets "32 32000 32 128" before increase 300 20
one semaphores.sets "250 32000 100 1024" after none 300 20
one semaphores.total "32 4096 32 1024" before increase 300 20
one semaphores.total "250 32000 100 1024" after none 300 20
