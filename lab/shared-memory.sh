#!/bin/bash
# Segments of shared memory: how many (shmmni) and how much in all (shmall).
. "$(dirname "$0")/lib.sh"
one() { # scenario parameter value role label n KiB
	unshare -i bash -c 'nset '$2' '$3'
	"$LAB" -s '$1' -p '$2' -v '$3' -r '$4' -l '$5' ipcids what=shm n='$6' per='$7
}
one shared-memory.segments kernel.shmmni 128 before increase 300 4
one shared-memory.segments kernel.shmmni 4096 after none 300 4
one shared-memory.total kernel.shmall 1000 before increase 80 64
one shared-memory.total kernel.shmall 2097152 after none 80 64
