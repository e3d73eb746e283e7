#!/bin/sh
# ninja.sh DIR: builds, and prints only what went wrong.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
ninja -C "$1" >"$log" 2>&1 && exit 0
grep -vE '^\[|^ninja: Entering' "$log"
exit 1
