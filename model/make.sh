#!/bin/bash
# The default classifier, from the lab to the file.
#
#   ./make.sh collect [ROUNDS [SCENARIO...]]
#                               runs the lab (root; about 4 minutes a round) and adds its trials to
#                               data.csv
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

collect() {
	local rounds=${1:-3} first r
	shift || true
	first=$(($(tail -n 1 data.csv 2>/dev/null | cut -d, -f6 | grep -E '^[0-9]+$' || echo 0) + 1))
	for ((r = first; r < first + rounds; r++)); do
		export LAB_OUT=$work/$r GALEN_AGENT=$BUILD/galen-agent LAB_HOOK=$PWD/hook.sh LAB_VARY=$r
		mkdir -p "$LAB_OUT"
		../lab/run.sh 1 "$@" >"$LAB_OUT/trials.jsonl" || echo "some scenarios failed" >&2
		./trials.py "$LAB_OUT" $r >"$work/trials.csv"
		"$BUILD/galen" features "$work/trials.csv" | cut -d, -f3- >"$work/rows.csv"
		if [ -s data.csv ]; then tail -n +2 "$work/rows.csv" >>data.csv; else cp "$work/rows.csv" data.csv; fi
		echo "round $r: $(($(wc -l <"$work/rows.csv") - 1)) trials" >&2
	done
}

train() {
	./widen.py data.csv >"$work/rows.csv"
	inputs=$(./widen.py --inputs data.csv)
	local by
	for by in round scenario; do # the last one's file stays; it is the same
		"$BUILD/galen" train --data "$work/rows.csv" --out default.h5 --features "$inputs" \
			--split-by $by --epochs 60 --seed 1 --predictions "$work/$by.csv"
	done
	./report.py "$work" data.csv >REPORT.md
	sha256sum default.h5
}

case ${1:-train} in
collect) collect "${@:2}" ;;
train) train ;;
*) echo "usage: make.sh [collect [ROUNDS [SCENARIO...]] | train]" >&2; exit 2 ;;
esac
