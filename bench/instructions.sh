#!/bin/bash
# instructions.sh BUILD: instructions for each item of the inner loops of a query, counted by
# callgrind: the same on every run of one build, whatever else the machine does. Needs valgrind
# and `ninja -C BUILD bench/inner_loops`.
set -eu -o pipefail
[ $# -eq 1 ] || { sed -n '2,/^set -eu/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
loops=$1/bench/inner_loops
count() { # loop, repeats: instructions
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$loops" "$@" 2>&1 >/dev/null |
        sed -n 's/.*Collected : //p'
}
printf '#loop\tinstructions_per_item\n'
for loop in decode-packed decode-compact decode-four doubles rate-steps; do
    few=$(count $loop 10) many=$(count $loop 60)
    items=$(($("$loops" $loop 60) - $("$loops" $loop 10)))
    awk -v l=$loop -v i=$((many - few)) -v n=$items 'BEGIN { printf "%s\t%.1f\n", l, i / n }'
done
