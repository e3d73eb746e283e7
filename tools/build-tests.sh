#!/bin/sh
# build-tests.sh DIR [MESON OPTIONS]: a build with the tests, in DIR.
set -eu
dir=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "$dir/build.ninja" ]; then
    meson setup "$dir" -Dtests=true "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
tools/ninja.sh "$dir"
