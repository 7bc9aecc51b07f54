#!/usr/bin/env bash
# fuzz.sh BUILD SECONDS: runs every fuzz target of BUILD that long, from its seeds in tests/fuzz/corpus/NAME (and what
# earlier runs found, kept in BUILD/corpus). A crash is left in BUILD/crashes and ends with status 1.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=$1 seconds=$2
failed=0
mkdir -p "$build/crashes"
export LSAN_OPTIONS="suppressions=$PWD/tools/leaks.txt:print_suppressions=0"

for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || { echo "no fuzz targets in tests/fuzz"; exit 0; }
    target=$(basename "$source" .c)
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
        tail -n 40 "$log"
        echo "FAILED  $target: see $log and $build/crashes"
        failed=1
    fi
done
exit $failed
