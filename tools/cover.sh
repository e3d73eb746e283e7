#!/bin/sh
# Line coverage of src/ by the unit tests and fuzz corpora, worst files first.
set -eu
dir=build-cover
tools/build-tests.sh $dir -Db_coverage=true -Dbuildtype=debug -Dwerror=false
find $dir -name '*.gcda' -delete
tests/run.py $dir --suite unit --suite fuzz | tail -1
find $dir/src -name '*.gcda' | xargs gcov -n -r -s "$PWD" 2>/dev/null |
    awk -F"[':%]" '/^File/ {file = $2} /^Lines executed/ {
        split($0, part, /of /); lines = part[2]; share = $3 + 0
        if (file ~ /src\/.*\.c$/ && lines > best[file]) {best[file] = lines; covered[file] = share}
    } END {
        for (f in best) {total += best[f]; sum += best[f] * covered[f] / 100
            printf "%6.1f %% of %5d  %s\n", covered[f], best[f], f}
        printf "%6.1f %% of %5d  in all\n", 100 * sum / total, total
    }' | sort -n
