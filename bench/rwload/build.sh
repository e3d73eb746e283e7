#!/bin/sh
# build.sh PROGRAM: builds rwload unless the program is newer than its source. Needs gcc, libsnappy-dev.
set -eu
out=$(realpath "$1")
cd "$(dirname "$0")"
[ ! -x "$out" ] || [ -n "$(find . -newer "$out" -name '*.[ch]')" ] || exit 0
exec gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -pthread -o "$out" ./*.c -lsnappy -lm
