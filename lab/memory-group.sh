#!/bin/bash
# A program is killed at its group's limit while the host has memory to spare:
# the group needs more.
. "$(dirname "$0")/lib.sh"
group memory memory.limit_in_bytes $((64 << 20))
one() { # scenario MiB role label args
	echo $(($2 << 20)) > "$G/memory.limit_in_bytes"
	"$LAB" -s "$1" -p memory.limit -v "$2MiB" -r "$3" -l "$4" group dir="$G" seconds=3 "${@:5}"
	echo 0 > "$G/memory.force_empty"
}
one memory-group 64 before upgrade hot_mb=200
one memory-group 400 after none hot_mb=200
one memory-group.small 24 before upgrade hot_mb=40
one memory-group.small 96 after none hot_mb=40
one memory-group.near-full 128 trap none hot_mb=100
