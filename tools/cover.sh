#!/bin/sh
# Line coverage of src/ by the unit tests and fuzz corpora, worst files first.
set -eu
dir=build-cover
tools/build-tests.sh $dir -Db_coverage=true -Dbuildtype=debug -Dwerror=false
find $dir -name '*.gcda' -delete
tests/run.py $dir --suite unit --suite fuzz | tail -1
find $dir/src -name '*.gcda' | xargs gcov -n -r -s "$PWD" 2>/dev/null |
    awk -F"[':%]" '/^File/ {file = $2} /^Lines executed/ {
        split($0, part, /of /)
        if (file ~ /src\/.*\.c$/ && $2 * part[2] >= covered[file] * lines[file]) {
            lines[file] = part[2] + 0
            covered[file] = $2 + 0
        }
        file = ""
    } END {
        for (f in lines) {
            total += lines[f]
            sum += lines[f] * covered[f] / 100
            printf "%6.1f %% of %5d  %s\n", covered[f], lines[f], f | "sort -n"
        }
        close("sort -n")
        printf "%6.1f %% of %5d  in all\n", 100 * sum / total, total
    }'
