#!/bin/bash
# The reserve holds back much of the memory; lowering it gives it to programs.
. "$(dirname "$0")/lib.sh"
total=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
old=$(cat /proc/sys/vm/min_free_kbytes)
undo "echo $old > /proc/sys/vm/min_free_kbytes"
one() { # scenario KiB role label
	echo "$2" > /proc/sys/vm/min_free_kbytes
	"$LAB" -s "$1" -p vm.min_free_kbytes -v "$2" -r "$3" -l "$4" look seconds=2
}
one min-free $((total / 12)) before decrease
one min-free "$old" after none
one min-free.fifteenth $((total / 15)) before decrease
one min-free.fifteenth "$old" after none
