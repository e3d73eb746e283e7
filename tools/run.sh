#!/bin/sh
# run.sh BUILD: a server and an agent for this machine, the console's address and password, the
# first recommendation. Ends with Ctrl-C. Data stays in $GALEN_RUN_DATA (default ./run).
set -eu
build=$1
data=${GALEN_RUN_DATA:-$PWD/run}
listen=${GALEN_RUN_LISTEN:-127.0.0.1:5000}
url=http://$listen
server= agent=
mkdir -p "$data"

stop() {
    trap - INT TERM EXIT
    for pid in $agent $server; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    exit "${1:-0}"
}
trap 'echo; stop 0' INT TERM
trap 'stop $?' EXIT

"$build"/galen-server --dev --data "$data/server" --listen "$listen" 2>"$data/server.log" &
server=$!
tries=0
until curl -fs "$url/readyz" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if ! kill -0 $server 2>/dev/null || [ $tries -gt 150 ]; then
        echo "The server did not start:" >&2
        tail -3 "$data/server.log" >&2
        exit 1
    fi
    sleep 0.2
done

"$build"/galen-agent --server "$url" --token-file "$data/server/agent-token" \
    --state "$data/agent" 2>"$data/agent.log" &
agent=$!

echo "This host is reporting; its first recommendation follows within a minute."
echo
if ! "$build"/galen advice --server "$url" --token-file "$data/server/admin-token" --wait 90; then
    echo "No analysis came. The server's and the agent's last words:" >&2
    tail -n 3 "$data/server.log" "$data/agent.log" >&2
    exit 1
fi
echo
echo "Console: $url   Ctrl-C stops; what was measured stays in $data."
wait $server
