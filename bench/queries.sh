#!/bin/bash
# queries.sh BUILD [LOAD...]: what queries cost Galen and its peers, in one run. LOAD: a (1,000
# hosts for an hour), b (25 hosts for a day), c (2 hosts for 30 days); all three when none is given.
# Peers that are there take part: prometheus, and victoria-metrics after `servers.sh get`.
# Environment: SERVERS (galen prometheus victoria-metrics), REPEATS (10), BENCH_DIR and BENCH_TMP
# as servers.sh. Needs what servers.sh needs. Prints the table that servers.sh prints, and at the
# end warm CPU side by side.
set -eu -o pipefail
[ $# -ge 1 ] || { sed -n '2,/^set -eu/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
build=$(realpath "$1"); shift
cd "$(dirname "$0")"
export BENCH_DIR="${BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/galen-bench}"
export GALEN_DEV_TOKEN=bench-token
table=$(mktemp)
trap 'rm -f "$table"' EXIT

measure() { # server, load, rwload options...
    local server=$1 load=$2 options=(-C 2 -Q "$2" -n "${REPEATS:-10}")
    shift 2
    case $server in
    galen)
        options+=(-H "Authorization: Bearer $GALEN_DEV_TOKEN"
            -c "$build/galen-server --dev --data {dir} --listen 127.0.0.1:{port}")
        server=cmd ;;
    *) command -v "$server" "$BENCH_DIR/root/usr/bin/$server" >/dev/null || return 0 ;;
    esac
    ./servers.sh load "$server" "${options[@]}" -- "$@" | sed "s/^cmd\t/galen\t/" | tee -a "$table"
}

for load in ${@:-a b c}; do
    case $load in
    a) rwload=(--hosts 1000 --duration 3600) ;;
    b) rwload=(--hosts 25 --duration 86400) ;;
    c) rwload=(--hosts 2 --duration 2592000 --interval 15) ;;
    *) echo "queries.sh: there is no load $load" >&2; exit 2 ;;
    esac
    for server in ${SERVERS:-galen prometheus victoria-metrics}; do
        measure "$server" "$load" "${rwload[@]}" --batch-samples 20
    done
done

echo "# warm CPU, ms"
awk -F'\t' '
    $2 !~ /^[abc]$/ { next }
    !(($2, $3) in seen) { seen[$2, $3] = 1; row[++rows] = $2 SUBSEP $3 }
    !($1 in known) { known[$1] = 1; server[++servers] = $1 }
    { ms[$2, $3, $1] = $9 == "" ? "failed" : $9 }
    END {
        printf "load\tquery"
        for (s = 1; s <= servers; s++) printf "\t%s", server[s]
        print ""
        for (r = 1; r <= rows; r++) {
            split(row[r], part, SUBSEP)
            printf "%s\t%s", part[1], part[2]
            for (s = 1; s <= servers; s++) printf "\t%s", ms[row[r], server[s]]
            print ""
        }
    }' "$table"
