#!/bin/sh
# run.sh BUILD [agent|server]: the figures of docs/BENCHMARKS.md, Galen and its peers in one run.
# Needs root (control groups, network namespaces) and, for the peers, Debian's
# prometheus-node-exporter, netdata-core and prometheus; what is missing is left out.
# SECONDS_EACH: the window of each agent (30); ROUNDS: how often each is run, in turn (2): the cheapest
# window counts, since what else runs on the machine only adds.
set -eu
build=$(realpath "$1")
what=${2:-all}
seconds=${SECONDS_EACH:-30}
rounds=${ROUNDS:-2}
cd "$(dirname "$0")"
dir=$(mktemp -d)
trap 'kill $(cat "$dir"/*.pid 2>/dev/null) 2>/dev/null; rm -rf "$dir"' EXIT
export GALEN_DEV_TOKEN=bench-token

# Tabs to columns that stand under each other.
columns() {
    awk -F'\t' '{ for (i = 1; i <= NF; i++) printf i < NF ? "%-14s " : "%s\n", $i }'
}

# Of each agent the row with the least CPU, in the order of the first.
best_of() {
    awk -F'\t' '!($1 in least) { order[++n] = $1 }
        !($1 in least) || $6 < least[$1] { least[$1] = $6; row[$1] = $0 }
        END { for (i = 1; i <= n; i++) print row[order[i]] }' "$1"
}

agents() {
    echo "# Agents: one collection and send each second (bench/agents.sh)"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -keyout "$dir/key.pem" -out "$dir/cert.pem" -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
    printf '%s\n' "$GALEN_DEV_TOKEN" >"$dir/token"
    # A machine with 100 processes, whatever else runs on this one; TRACE covers what is done every 10 s.
    export TRACE=20 OWN_PIDS=1 PROCS=90
    samples=$("$build"/galen-agent --print | grep -vc '^#')
    for round in $(seq "$rounds"); do
        INTERVAL=1 SAMPLES=$samples \
            PEER="exec $build/galen-server --dev --data $dir/server$round --listen 127.0.0.1:5443 \
                  --tls-cert $dir/cert.pem --tls-key $dir/key.pem" \
            ./agents.sh cmd galen-agent "$seconds" "exec $build/galen-agent \
                  --server https://127.0.0.1:5443 --ca $dir/cert.pem --token-file $dir/token \
                  --state $dir/agent$round --interval 1s" >>"$dir/all.tsv"
        if command -v prometheus-node-exporter >/dev/null; then
            ./agents.sh preset node_exporter "$seconds" >>"$dir/all.tsv"
        fi
        if command -v netdata >/dev/null; then # its proc plugin alone, figures kept in memory
            ./agents.sh preset netdata "$seconds" >>"$dir/all.tsv"
        fi
    done
    { ./agents.sh header; best_of "$dir/all.tsv"; } >"$dir/agents.tsv"
    columns <"$dir/agents.tsv"
    echo "## as multiples of galen-agent's (wanted: us_coll of node_exporter >= 7, of netdata >= 2)"
    ./agents.sh ratio "$dir/agents.tsv" | columns
}

server() {
    echo "# Servers: 1,000 hosts x 250 series, one sample a request, every answer awaited (bench/servers.sh)"
    for conns in 2 16; do
        echo "## $conns connections"
        ./servers.sh load cmd -C $conns -H "Authorization: Bearer $GALEN_DEV_TOKEN" \
            -c "$build/galen-server --dev --data {dir} --listen 127.0.0.1:{port}" \
            -- --hosts 1000 --duration 600
        if command -v prometheus >/dev/null; then
            ./servers.sh load prometheus -C $conns -- --hosts 1000 --duration 600
        fi
    done
}

case $what in
agent) agents ;;
server) server ;;
all) agents; server ;;
*) echo "usage: bench/run.sh BUILD [agent|server]" >&2; exit 2 ;;
esac
