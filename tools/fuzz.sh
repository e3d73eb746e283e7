#!/bin/sh
# fuzz.sh SECONDS: every fuzzer for that long under address and undefined sanitizers; what it
# finds new is added to a scratch corpus, what breaks is kept and named.
set -eu
seconds=${1:-60}
dir=build-fuzz
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f $dir/build.ninja ]; then
    CC=clang meson setup $dir -Dtests=true -Dfuzz=true -Dconsole=disabled \
        -Db_sanitize=address,undefined -Db_lundef=false >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
tools/ninja.sh $dir
passed=0 failed=0
for program in $dir/fuzz/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=$(basename "$program" | sed 's/^fuzz_//')
    mkdir -p $dir/corpus/"$name"
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix=$dir/corpus/"$name"- $dir/corpus/"$name" fuzz/corpus/"$name" \
        >"$log" 2>&1; then
        echo "ok   $name: $(grep -o 'number_of_executed_units: *[0-9]*' "$log" | grep -o '[0-9]*$') runs"
        passed=$((passed + 1))
    else
        echo "FAIL $name"
        tail -40 "$log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
