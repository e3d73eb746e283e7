#!/bin/bash
# rules.sh BUILD [HOSTS] [SECONDS]: what the analysis of a fleet costs: galen-server with HOSTS
# (1,000) agents' worth of series that send every 10 s (rwload --agent), after 20 minutes of them.
# Prints CPU of the server's threads by name over SECONDS (120), as a share of one core: analysis
# (advice), alerts, notify, store, log, query, chores, and galen-server, which answers. Environment: BENCH_DIR,
# BENCH_TMP as servers.sh.
set -eu -o pipefail
[ $# -ge 1 ] || { sed -n '2,/^set -eu/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
build=$(realpath "$1"); hosts=${2:-1000} seconds=${3:-120}
cd "$(dirname "$0")"
bin=${BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/galen-bench}
mkdir -p "$bin"
rwload/build.sh "$bin/rwload"
[ -n "${BENCH_TMP:-}" ] && export TMPDIR=$BENCH_TMP
data=$(mktemp -d -t galen-bench.XXXXXX)
export GALEN_DEV_TOKEN=bench-token
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
"$build/galen-server" --dev --data "$data/d" --listen "127.0.0.1:$port" >"$data/log" 2>&1 &
pid=$! feed=
trap 'kill $pid $feed 2>/dev/null; wait 2>/dev/null; rm -rf "$data"' EXIT
until curl -sf -o "$data/null" "http://127.0.0.1:$port/readyz"; do kill -0 $pid; sleep 0.05; done
load=("$bin/rwload" --url "http://127.0.0.1:$port/api/v1/write" -H "Authorization: Bearer $GALEN_DEV_TOKEN"
    --agent --hosts "$hosts" --connections 2)
now=$(date +%s)
"${load[@]}" --start $((now - 1200)) --duration 1200 --batch-samples 20
now=$((now + 10))
"${load[@]}" --start "$now" --duration $((seconds + 60)) --rate 1 --seed 2 >"$data/feed" 2>&1 &
feed=$!
sleep 30
ticks() { for t in /proc/$pid/task/*; do echo "${t##*/} $(cut -d' ' -f1 "$t/schedstat") $(cat "$t/comm")"; done; }
ticks >"$data/before"
sleep "$seconds"
ticks >"$data/after"
printf '#thread\tcpu_s\tshare_of_core\n'
awk -v s="$seconds" 'NR == FNR { was[$1] = $2; next }
    { cpu = ($2 - was[$1]) / 1e9; all += cpu; of[$3] += cpu }
    END { for (name in of) printf "%s\t%.2f\t%.2f%%\n", name, of[name], of[name] / s * 100
        printf "all\t%.2f\t%.2f%%\n", all, all / s * 100 }' "$data/before" "$data/after"
curl -sf -H "Authorization: Bearer $GALEN_DEV_TOKEN" "http://127.0.0.1:$port/api/galen/v1/hosts" |
    python3 -c 'import json, sys; a = json.load(sys.stdin); h = a if isinstance(a, list) else a.get("hosts", a); print("%d hosts, %d of them analysed" % (len(h), sum("analysis" in x and bool(x["analysis"]) for x in h)))'
