#!/usr/bin/env bash
# lint.sh BUILD: format, clang-tidy, cppcheck and shellcheck over the whole tree. BUILD holds compile_commands.json.
# Prints what is wrong; exits 1 if anything is.
# shellcheck disable=SC2317 # the checks are functions that run() calls
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=$1
jobs=$(nproc)
failed=0

run() { # run NAME COMMAND...: one line when it is fine, its output when not
    local name=$1 output start=$SECONDS
    shift
    if output=$("$@" 2>&1); then
        echo "ok      $name ($((SECONDS - start)) s)"
    else
        echo "$output"
        echo "FAILED  $name"
        failed=1
    fi
}

sources() { # every C file that git knows or would take
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done
}

format() {
    sources '*.c' '*.h' | xargs -r clang-format --dry-run -Werror
}

tidy() { # only what is compiled: the flags are in compile_commands.json
    sources 'src/*.c' 'tests/*.c' 'bench/*.c' 'examples/*.c' |
        while read -r file; do grep -qF "$PWD/$file" "$build/compile_commands.json" && echo "$file"; done |
        xargs -r -P "$jobs" -n 1 clang-tidy --quiet --warnings-as-errors='*' -p "$build" 2>&1 |
        grep -vE '^[0-9]+ warnings? (generated|treated as errors?)|^Suppressed [0-9]+ warnings|^Use -header-filter'
    [ "${PIPESTATUS[2]}" -eq 0 ]
}

check() {
    mkdir -p "$build/cppcheck"
    cppcheck --quiet --error-exitcode=1 -j "$jobs" --std=c11 --enable=warning,performance,portability \
        --inline-suppr --suppressions-list=tools/cppcheck-suppressions.txt --cppcheck-build-dir="$build/cppcheck" \
        --library=posix -D__linux__ -D__x86_64__ -D__GNUC__=12 -I src -I include src
}

scripts() { # SC2154: bats sets $output, $stderr and $lines
    sources '*.sh' '*.bash' '*.bats' .ci/run | xargs -r shellcheck -e SC2154
}

run clang-format format
run shellcheck scripts
run house tools/check-house.sh
run cppcheck check
run clang-tidy tidy
exit $failed
