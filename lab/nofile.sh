#!/bin/bash
# One process needs more descriptors than its RLIMIT_NOFILE (systemd
# LimitNOFILE, limits.d); the system-wide table is far from full.
. "$(dirname "$0")/lib.sh"
one() { # scenario limit role label n
	"$LAB" -s "$1" -p rlimit.nofile -v "$2" -r "$3" -l "$4" nofile n="$5" limit="$2"
}
one nofile 1024 before increase 1500
one nofile 8192 after none 1500
one nofile.four-thousand 4096 before increase 6000
one nofile.four-thousand 20000 after none 6000
