#!/bin/bash
# The default classifier, from the lab to the file.
#
#   ./make.sh collect [ROUNDS [SCENARIO...]]
#                               runs the lab (root; about 8 minutes a round) and adds its trials to
#                               data.csv
#   LAB_WORK=DIR ./make.sh again
#                               data.csv anew from readings that collect kept in DIR, a folder for
#                               each round: 1, 2, ... or, taken side by side, 1a, 1b, 2a, ...
#   ./make.sh [train]           data.csv -> default.h5 and REPORT.md; the same data give the same
#                               file, bit for bit
#
# BUILD names the folder with galen and galen-agent (default ../build).
set -eu
cd "$(dirname "$0")"
BUILD=$(realpath "${BUILD:-../build}")
work=${LAB_WORK:-} # keeps the readings, for when features.yaml changes
if [ -z "$work" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi

# One round's readings -> rows of data.csv.
rows() {
	local kind round=${1%%[a-z]*}
	for kind in --as-seen ""; do # the last one's rows stay
		./trials.py $kind "$work/$1" "$round" >"$work/trials.csv"
		"$BUILD/galen" features "$work/trials.csv" | cut -d, -f3- >"$work/rows.csv"
		[ -z "$kind" ] || sed '1s/.*/x,x,x,x,x,x,x,x,rules_as_seen/' "$work/rows.csv" | cut -d, -f9 >"$work/seen"
	done
	paste -d, <(cut -d, -f1-8 "$work/rows.csv") "$work/seen" <(cut -d, -f9- "$work/rows.csv") >"$work/joined.csv"
	if [ -s data.csv ]; then tail -n +2 "$work/joined.csv" >>data.csv; else cp "$work/joined.csv" data.csv; fi
}

collect() {
	local rounds=${1:-3} first r
	export GALEN_AGENT=$BUILD/galen-agent LAB_HOOK=$PWD/hook.sh
	shift || true
	first=$(($(tail -n 1 data.csv 2>/dev/null | cut -d, -f6 | grep -E '^[0-9]+$' || echo 0) + 1))
	for ((r = first; r < first + rounds; r++)); do
		export LAB_OUT=$work/$r LAB_VARY=$r
		rm -rf "$LAB_OUT"
		mkdir -p "$LAB_OUT"
		../lab/run.sh 1 "$@" >"$LAB_OUT/trials.jsonl" || echo "some scenarios failed" >&2
		rows $r
		echo "round $r: $(($(wc -l <"$work/rows.csv") - 1)) trials" >&2
	done
}

# After a change of rules or features: data.csv anew from kept readings (LAB_WORK).
again() {
	local r
	rm -f data.csv
	for r in $(cd "$work" && ls -d [0-9]* | sort -n); do rows $r; done
}

train() {
	./widen.py data.csv >"$work/rows.csv"
	inputs=$(./widen.py --inputs data.csv)
	local by
	for by in round scenario kind; do # the last one's file stays; it is the same
		"$BUILD/galen" train --data "$work/rows.csv" --out default.h5 --features "$inputs" \
			--split-by $by --epochs 60 --seed 1 --predictions "$work/$by.csv"
	done
	./report.py "$work" data.csv >REPORT.md
	sha256sum default.h5
}

case ${1:-train} in
collect) collect "${@:2}" ;;
again) again ;;
train) train ;;
*) echo "usage: make.sh [collect [ROUNDS [SCENARIO...]] | again | train]" >&2; exit 2 ;;
esac
