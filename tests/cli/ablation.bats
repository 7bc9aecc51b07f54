#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets status, output and stderr
# tools/ablation-table.sh: means and spreads of examinations, and where they go.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    table=$GLOBE_SOURCE_DIR/tools/ablation-table.sh
}

result() { # result NAME COUNTRY CONTRADICTIONS AUC
    mkdir -p "runs/results/$1"
    jq -n --argjson country "$2" '{all: {within_1_km: 0.4, within_25_km: 0.5, within_200_km: 0.6, within_750_km: 0.7,
        within_2500_km: 0.8, country: $country, city: 0.75, locatability: 0.99, mention_precision: 0.955}}' >"runs/results/$1/eval.json"
    jq -n --argjson n "$3" '{consistency: {reasonings: 200, contradictions: $n, with_clues: 100, with_invalid: 18, signs: 50, signs_right: 21}}' \
        >"runs/results/$1/consistency.json"
    jq -n --argjson auc "$4" '{auc: $auc}' >"runs/results/$1/judge.json"
}

@test "one line a variant, mean and sample deviation over its seeds" {
    result start 0.9 20 0.9
    result three_rewards-1 0.90 10 0.95
    result three_rewards-2 0.92 14 0.97
    result three_rewards-3 0.94 12 0.99
    result three_rewards_more-1 0.1 1 0.1 # another variant
    run "$table" runs table.txt start three_rewards absent
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "| trained with | seeds | 1 km |"*"| AUC |" ]]
    [ "${#lines[@]}" -eq 4 ]
    [ "${lines[2]}" = "| start | 1 | 40 | 50 | 60 | 70 | 80 | 90 | 75 | 99 | 95.5 | 10 | 18 | 42 | 0.9 |" ]
    [ "${lines[3]}" = "| three rewards | 3 | 40 ± 0 | 50 ± 0 | 60 ± 0 | 70 ± 0 | 80 ± 0 | 92 ± 2 | 75 ± 0 | 99 ± 0 | 95.5 ± 0 | 6 ± 1 | 18 ± 0 | 42 ± 0 | 0.97 ± 0.02 |" ]
    # It goes between the marks; what else is written there stays.
    (cd "$GLOBE_SOURCE_DIR" && cat docs/ablation.md) >page.txt
    "$table" runs page.txt start
    grep -q "^# What each reward does" page.txt
    [ "$(grep -c '^| start |' page.txt)" -eq 1 ]
    "$table" runs page.txt start
    [ "$(grep -c '^| start |' page.txt)" -eq 1 ]
    [ "$(tail -n 1 page.txt)" = "<!-- /ablation -->" ] || grep -q "<!-- /ablation -->" page.txt
}

@test "without examinations nothing is written" {
    mkdir -p runs/results
    run "$table" runs table.txt start
    [ "$status" -eq 1 ]
    [[ $output == *"holds no examination"* ]]
    [ ! -e table.txt ]
}
