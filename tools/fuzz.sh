#!/usr/bin/env bash
# fuzz.sh BUILD SECONDS: runs every fuzz target of BUILD that long, as many at a time as there are processors, from its
# seeds in tests/fuzz/corpus/NAME (and what earlier runs found, kept in BUILD/corpus). A crash is left in BUILD/crashes
# and ends with status 1.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
export build=$1 seconds=$2
mkdir -p "$build/crashes"
export LSAN_OPTIONS="suppressions=$PWD/tools/leaks.txt:print_suppressions=0"

fuzz() { # fuzz SOURCE: one line when nothing was found, the end of the log when something was
    local target name seeds found log arguments runs
    target=$(basename "$1" .c)
    name=${target#fuzz_}
    seeds=tests/fuzz/corpus/$name
    found=$build/corpus/$name
    log=$build/$target.log
    mkdir -p "$found"
    arguments=("$found")
    [ -d "$seeds" ] && arguments+=("$seeds")
    [ -f "tests/fuzz/$name.dict" ] && arguments+=("-dict=tests/fuzz/$name.dict")
    if "$build/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$name-" "${arguments[@]}" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok      $target: $runs inputs in $seconds s"
    else
        printf '%s\nFAILED  %s: see %s and %s\n' "$(tail -n 40 "$log")" "$target" "$log" "$build/crashes"
        return 1
    fi
}
export -f fuzz

printf '%s\0' tests/fuzz/fuzz_*.c | xargs -0 -P "$(nproc)" -I{} bash -c 'fuzz {}'
