#!/bin/sh
# install.sh: npm's packages, when the lock file changed since the last time. Several builds and
# tests may share this folder: one installs, the others wait.
set -eu
cd "$(dirname "$0")"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

exec 8>.install.lock
flock 8
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci >"$log" 2>&1 || { cat "$log"; exit 1; }
    cp package-lock.json node_modules/.installed
fi
