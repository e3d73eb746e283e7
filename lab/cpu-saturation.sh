#!/bin/bash
# More runnable work than CPUs; the counterfactual is one more CPU, or as much
# work less. A busy machine with CPU to spare for whoever wakes is not a case
# for upgrading.
. "$(dirname "$0")/lib.sh"
one() { # scenario cpus setting role label args
	local s=$1 c=$2 v=$3 r=$4 l=$5; shift 5
	taskset -c "$c" "$LAB" -s "$s" -p cpus -v "$v" -r "$r" -l "$l" cpu seconds=5 "$@"
}
last=$(($(nproc --all) - 1))
one cpu-saturation 0-$last $((last + 1)) before upgrade workers=$((4 * (last + 1)))
one cpu-saturation 0-$last $((4 * (last + 1))) after none workers=1
one cpu-saturation.eight 0-$last $((last + 1)) before upgrade workers=$((8 * (last + 1)))
one cpu-saturation.eight 0-$last $((8 * (last + 1))) after none workers=1 duty_pct=80
one cpu-saturation.busy-but-fine 0-$last $((last + 1)) trap none workers=1 duty_pct=70
