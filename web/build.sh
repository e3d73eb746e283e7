#!/bin/sh
# build.sh OUT.c DEPFILE: builds the console and writes it as a C file, and what it was made of as
# a Makefile rule. Several builds may share this folder: they take turns.
set -eu
out=$(realpath -m "$1")
target=$1
depfile=$(realpath -m "$2")
cd "$(dirname "$0")"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; }

./install.sh
exec 9>.build.lock
flock 9
quietly npm run build
quietly node embed.mjs dist "$out"

# A file that is new is imported by one that changed, so this list is enough for the next time.
{
    printf '%s:' "$target"
    find "$PWD/src" "$PWD/public" "$PWD"/*.html "$PWD"/*.mjs "$PWD"/*.sh "$PWD"/*.json "$PWD"/*.ts \
        -type f -printf ' \\\n %p'
    echo
} >"$depfile"
