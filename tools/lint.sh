#!/bin/sh
# Format, includes, warnings of clang, clang-tidy, shell, the console's types. One line when all
# is well.
set -u
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

step() { # NAME COMMAND...
    name=$1
    shift
    if ! "$@" >"$log" 2>&1; then
        echo "lint: $name"
        grep -v '^\[' "$log" | head -60
        failed=1
    fi
}

clang_build() {
    [ -f build-clang/build.ninja ] ||
        CC=clang meson setup build-clang -Dtests=true -Dconsole=disabled || return 1
    ninja -C build-clang
}

tidy() {
    git ls-files "src/*.c" |
        xargs -P "$(nproc)" -n 4 clang-tidy -p build-clang --quiet --warnings-as-errors='*' 2>/dev/null
}

no_shell() { # no way to run a command line from text
    ! git grep -nE '\b(system|popen|strcpy|strcat|sprintf|strtok|atoi|gets)\(' -- 'src/*.c' 'src/*.h'
}

clean_words() { # nothing names a package registry, nothing outside tests names ../shared
    ! git grep -nIE 'registry\.npmjs|deb\.debian\.org|security\.debian\.org' -- .
}

files_exist() { # every page that a page of docs or the README links to
    tools/links.py
}

console_types() {
    web/install.sh && npm --prefix web run --silent check
}

step format sh -c "git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror"
step includes tools/includes.py
step "calls that must not be used" no_shell
step "words that must not be used" clean_words
step links files_exist
step "types of the console" console_types
step "warnings of clang" clang_build
[ $failed = 0 ] && step clang-tidy tidy
if [ $failed = 0 ]; then
    echo "lint: all is well"
fi
exit $failed
