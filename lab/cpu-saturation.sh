#!/bin/bash
# More runnable work than CPUs; the counterfactual is one more CPU.  A busy
# machine with CPU to spare for whoever wakes is not a case for upgrading.
. "$(dirname "$0")/lib.sh"
one() { # cpus setting role label args
	local c=$1 v=$2 r=$3 l=$4; shift 4
	taskset -c "$c" "$LAB" -s cpu-saturation -p cpus -v "$v" -r "$r" -l "$l" cpu seconds=6 "$@"
}
one 0 1 before upgrade workers=4
one 0-1 2 after upgrade workers=4
one 0-1 2 after none workers=1 duty_pct=70
