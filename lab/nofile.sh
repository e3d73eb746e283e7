#!/bin/bash
# One process needs more descriptors than its RLIMIT_NOFILE (systemd
# LimitNOFILE, limits.d); the system-wide table is far from full.
. "$(dirname "$0")/lib.sh"
for s in "1024 before increase" "4096 after none"; do
	set -- $s
	"$LAB" -s nofile -p rlimit.nofile -v "$1" -r "$2" -l "$3" nofile n=1500 limit="$1"
done
