#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets status, output and stderr
# globe train grpo as users run it: the recipe of the source tree, kills, ranks, the page of a run.

load common

setup() {
    cd "$GLOBE_SOURCE_DIR" || return 1
    recipe=recipes/tiny-grpo.yaml
    run=$BATS_TEST_TMPDIR/run
    quick=(--set run.threads=1 --set run.tensorboard=false)
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_hwloc_base_binding_policy=none
    without_leaks=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # Open MPI has some
}

without_clocks() { # without_clocks RUN: its metrics but for what a clock made
    jq -cS 'del(.step_time, .tokens_per_second) | with_entries(select(.key | startswith("time/") | not))' "$1/metrics.jsonl"
}

@test "the recipe of the source tree learns, and its page shows what was sampled" {
    globe 0 train grpo "$recipe" --set run.folder="$run" "${quick[@]}"
    [ -z "$output" ]
    [[ $stderr == *"6 rows to train, 0 to evaluate, 32 steps"* ]]
    [ "$(jq -s '([.[-4:][].reward] | add / 4) > .[0].reward + 0.3' "$run/metrics.jsonl")" = true ]
    [ "$(jq -s 'length' "$run/completions.jsonl")" -gt 3 ]
    globe 0 train show "$run" -o "$run.html" --last 2
    grep -q 'src="data:image/jpeg;base64,' "$run.html"
    [ "$(grep -c '<summary>Step' "$run.html")" -eq 2 ]
    [ "$(grep -Ec '(src|href)="(http|/)' "$run.html")" -eq 0 ]
    globe 0 train show "$run" -o "$run.html" # its own page is replaced
    echo mine >"$BATS_TEST_TMPDIR/mine.html"
    globe 3 train show "$run" -o "$BATS_TEST_TMPDIR/mine.html"
    globe 3 train show "$BATS_TEST_TMPDIR" -o "$BATS_TEST_TMPDIR/new.html"
    [ ! -e "$BATS_TEST_TMPDIR/new.html" ]
    globe 0 train plot "$run" -o "$run.svg"
    grep -q '>reward<' "$run.svg"
}

@test "kill -9 in any phase: --resume ends bit for bit the same" {
    settings=("${quick[@]}" --set schedule.epochs=6 --set save.every=1 --set grpo.beta=0.04 --set grpo.num_iterations=2)
    globe 0 train grpo "$recipe" --set run.folder="$run-straight" "${settings[@]}"
    for pause in 0.2 0.3 0.25 0.4 0.35; do
        "$GLOBE" train grpo "$recipe" -q --set run.folder="$run" "${settings[@]}" --resume &
        sleep $pause
        kill -KILL $! 2>/dev/null || true
        wait $! || true
    done
    globe 0 train grpo "$recipe" --set run.folder="$run" "${settings[@]}" --resume
    cmp "$run/last/model.safetensors" "$run-straight/last/model.safetensors"
    cmp "$run/last/trainer/optimizer-00001-of-00001.safetensors" "$run-straight/last/trainer/optimizer-00001-of-00001.safetensors"
    cmp "$run/completions.jsonl" "$run-straight/completions.jsonl"
    [ "$(without_clocks "$run")" = "$(without_clocks "$run-straight")" ]
}

@test "ranks sample the same completions and reach the same rewards" {
    command -v mpirun >/dev/null || skip "no mpirun"
    settings=("${quick[@]}" --set schedule.max_steps=3 --set batch.micro_rows=1 --set grpo.scale_rewards=batch)
    globe 0 train grpo "$recipe" --set run.folder="$run-1" "${settings[@]}"
    run --separate-stderr env ASAN_OPTIONS="$without_leaks" mpirun -n 2 "$GLOBE" train grpo "$recipe" --set run.folder="$run-2" "${settings[@]}"
    [ "$status" -eq 0 ]
    jq -r .reward "$run-1/metrics.jsonl" | paste - <(jq -r .reward "$run-2/metrics.jsonl") |
        awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-6) exit 1 }'
    jq -r .grad_norm "$run-1/metrics.jsonl" | paste - <(jq -r .grad_norm "$run-2/metrics.jsonl") |
        awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-3) exit 1 }'
}

@test "what could not be learnt from is refused before anything is loaded" {
    globe 2 train grpo "$recipe" --set run.folder="$run" --set grpo.num_generation=4
    [[ $stderr == *"did you mean grpo.num_generations?"* ]]
    globe 3 train grpo "$recipe" --set run.folder="$run" --set grpo.num_generations=1
    [[ $stderr == *"grpo.num_generations is 1"* ]]
    globe 2 train sft recipes/tiny-sft.yaml --set run.folder="$run" --set grpo.beta=1
    [[ $stderr == *"grpo.beta is nothing that globe train sft reads"* ]]
    echo '{"messages": [{"role": "user", "content": "Where?"}]}' >"$BATS_TEST_TMPDIR/rows.jsonl"
    globe 3 train grpo "$recipe" --set run.folder="$run" --set data.train="$BATS_TEST_TMPDIR/rows.jsonl"
    [[ $stderr == *"rows.jsonl"* ]]
    [ ! -e "$run" ]
}
