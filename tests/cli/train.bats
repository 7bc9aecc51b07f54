#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets status, output and stderr
# globe train as users run it: recipes, signals, ranks, curves.

load common

setup() {
    cd "$GLOBE_SOURCE_DIR" || return 1
    recipe=recipes/tiny-sft.yaml
    run=$BATS_TEST_TMPDIR/run
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_hwloc_base_binding_policy=none
    without_leaks=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # Open MPI has some
}

losses() { # losses RUN: step and loss of every step, rounded
    jq -r 'select(.loss) | "\(.step) \(.loss * 1e4 | round)"' "$1/metrics.jsonl"
}

kind_of() { # kind_of RECIPE: what it trains, by a section that only this has
    if grep -q '^grpo:' "$1"; then
        echo grpo
    elif grep -q '^judge:' "$1"; then
        echo reward
    else
        echo sft
    fi
}

wait_for() { # wait_for COMMAND...: until it succeeds, 60 seconds at most
    for _ in {1..3000}; do
        "$@" 2>/dev/null && return
        sleep 0.02
    done
    echo "in vain: $*" >&2
    return 1
}

@test "the recipe of the source tree trains in seconds" {
    globe 0 train sft "$recipe" --set run.folder="$run" --set run.threads=1
    [ -z "$output" ]
    [[ $stderr == *"8 rows to train, 0 to evaluate, 60 steps"* ]]
    [ -f "$run/last/model.safetensors" ]
    [ -f "$run/recipe.yaml" ]
    [ "$(jq -r 'select(.step == 60) | .loss < 1' "$run/metrics.jsonl")" = true ]
    # What it saved can be looked at, and trained further.
    globe 0 train sft "$run/recipe.yaml" --set run.folder="$run-2" --set model.folder="$run/last" --check
}

@test "every recipe is complete and can be printed" {
    for file in recipes/*.yaml recipes/*/*.yaml; do
        kind=$(kind_of "$file")
        globe 0 train "$kind" "$file" --print-recipe
        [[ $output == *"learning_rate: "* ]]
        echo "$output" >"$BATS_TEST_TMPDIR/full.yaml"
        first=$output
        globe 0 train "$kind" "$BATS_TEST_TMPDIR/full.yaml" --print-recipe
        [ "$output" = "$first" ]
    done
    globe 0 train sft "$recipe" --set batch.rows=3 -s optimizer.beta1=0.8 -p
    [[ $output == *"  rows: 3"* && $output == *"  beta1: 0.8"* ]]
}

@test "mistakes name the file, the line and what is allowed" {
    printf 'model:\n  folder: x\n  learning: 3\n' >"$BATS_TEST_TMPDIR/bad.yaml"
    globe 3 train sft "$BATS_TEST_TMPDIR/bad.yaml"
    [[ $stderr == *"bad.yaml:3: there is no key \"model.learning\""*"this section has folder, dtype"* ]]
    globe 2 train sft "$recipe" --set schedule.kind=cosin
    [[ $stderr == *"expected one of constant, linear, cosine"* ]]
    globe 3 train sft absent.yaml
    globe 2 train sft
    globe 2 train stf
    globe 2 train plot
    globe 3 train plot "$BATS_TEST_TMPDIR"
}

@test "a run that exists is not trained over" {
    globe 0 train sft "$recipe" --set run.folder="$run" --set schedule.epochs=1 --set run.threads=1
    globe 2 train sft "$recipe" --set run.folder="$run" --set run.threads=1
    [[ $stderr == *"holds a run of 2 steps: --resume goes on with it"* ]]
}

@test "Ctrl-C finishes the step and saves; --resume ends the same" {
    globe 0 train sft "$recipe" --set run.folder="$run-straight" --set schedule.epochs=200 --set run.threads=1
    "$GLOBE" train sft "$recipe" -q --set run.folder="$run" --set schedule.epochs=200 --set run.threads=1 2>"$run.log" &
    wait_for grep -q "\"step\":5," "$run/metrics.jsonl"
    kill -INT $!
    status=0
    wait $! || status=$?
    if [ "$status" -ne 0 ]; then
        [ "$status" -eq 130 ]
        grep -q "which is saved; --resume goes on" "$run.log"
    fi
    globe 0 train sft "$recipe" --set run.folder="$run" --set schedule.epochs=200 --set run.threads=1 --resume
    cmp "$run/last/model.safetensors" "$run-straight/last/model.safetensors"
}

@test "kill -9 at any moment: --resume ends bit for bit the same" {
    settings=(--set schedule.epochs=30 --set save.every=1 --set run.threads=1)
    globe 0 train sft "$recipe" --set run.folder="$run-straight" "${settings[@]}"
    for pause in 0.15 0.2 0.25 0.3 0.35 0.2 0.3; do
        "$GLOBE" train sft "$recipe" -q --set run.folder="$run" "${settings[@]}" --resume &
        sleep $pause
        kill -KILL $! 2>/dev/null || true
        wait $! || true
    done
    globe 0 train sft "$recipe" --set run.folder="$run" "${settings[@]}" --resume
    cmp "$run/last/model.safetensors" "$run-straight/last/model.safetensors"
    cmp "$run/last/trainer/optimizer-00001-of-00001.safetensors" "$run-straight/last/trainer/optimizer-00001-of-00001.safetensors"
    [ "$(losses "$run")" = "$(losses "$run-straight")" ]
}

@test "ranks give the losses of one process, and only one of them speaks" {
    command -v mpirun >/dev/null || skip "no mpirun"
    settings=(--set schedule.epochs=5 --set run.threads=1 --set batch.micro_rows=1 --set data.eval_share=0.3)
    globe 0 train sft "$recipe" --set run.folder="$run-1" "${settings[@]}"
    for ranks in 2 3; do
        run --separate-stderr env ASAN_OPTIONS="$without_leaks" mpirun -n $ranks "$GLOBE" train sft "$recipe" --set run.folder="$run-$ranks" "${settings[@]}"
        [ "$status" -eq 0 ]
        [ "$(grep -c "to train" <<<"$stderr")" -eq 1 ]
        jq -r .loss "$run-1/metrics.jsonl" | paste - <(jq -r .loss "$run-$ranks/metrics.jsonl") |
            awk '$1 != "null" { d = $1 - $2; if (d < 0) d = -d; if (d > 2e-4) exit 1 }'
        jq -r .eval_loss "$run-1/metrics.jsonl" | paste - <(jq -r .eval_loss "$run-$ranks/metrics.jsonl") |
            awk '$1 != "null" { d = $1 - $2; if (d < 0) d = -d; if (d > 2e-4) exit 1 }'
        [ "$(find "$run-$ranks/last/trainer" -name 'optimizer-*' | wc -l)" -eq $ranks ]
    done
}

@test "a rank's error is everybody's, said once" {
    command -v mpirun >/dev/null || skip "no mpirun"
    run --separate-stderr env ASAN_OPTIONS="$without_leaks" mpirun -n 2 "$GLOBE" train sft "$recipe" --set run.folder="$run" --set model.folder=/nowhere
    [ "$status" -ne 0 ]
    [ "$(grep -c "globe train.*nowhere" <<<"$stderr")" -eq 1 ]
}

@test "a lost rank ends the job and leaves a checkpoint that can be resumed" {
    command -v mpirun >/dev/null || skip "no mpirun"
    settings=(--set schedule.epochs=400 --set save.every=5 --set run.threads=1 --set run.rank_timeout=20)
    ASAN_OPTIONS=$without_leaks mpirun -n 2 "$GLOBE" train sft "$recipe" -q --set run.folder="$run" "${settings[@]}" 2>"$run.log" &
    job=$!
    wait_for [ -e "$run/last" ]
    victim=$(pgrep -P $job | tail -n 1)
    kill -KILL "$victim"
    status=0
    wait $job || status=$?
    [ "$status" -ne 0 ]
    grep -q "signal 9" "$run.log"
    globe 0 train sft "$recipe" --set run.folder="$run" "${settings[@]}" --set schedule.epochs=12 --resume
}

@test "curves are drawn as SVG and PNG" {
    globe 0 train sft "$recipe" --set run.folder="$run" --set data.eval_share=0.3 --set run.eval_every=10 --set run.threads=1
    globe 0 train plot "$run" -o "$run/loss.svg"
    grep -q "running mean" "$run/loss.svg"
    globe 0 train plot "$run" "$run" -o "$run/loss.png" --smooth 0.5
    [ "$(head -c 4 "$run/loss.png" | tail -c 3)" = PNG ]
    globe 6 train plot "$run" -o /dev/full
}

@test "an adapter is trained, gone on from, and merged" {
    settings=(--set lora.rank=4 --set schedule.epochs=4 --set run.threads=1)
    globe 0 train sft "$recipe" --set run.folder="$run" "${settings[@]}"
    # New names of modules, and the old ones for those who need them.
    header "$run/last/adapter_model.safetensors" | grep -q '"base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight":{"dtype":"F32"'
    globe 0 train sft "$recipe" --set run.folder="$run-2" --set run.threads=1 --set schedule.epochs=1 --set lora.folder="$run/last" \
        --set save.adapter_names=old --set save.dtype=bf16
    header "$run-2/last/adapter_model.safetensors" | grep -q '"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight":{"dtype":"BF16"'
    # What contradicts the folder is refused by name.
    for set in lora.rank=8 lora.alpha=16 lora.dropout=0.5 lora.rs=true lora.targets=.*; do
        globe 3 train sft "$recipe" --check --set run.folder="$run-3" --set lora.folder="$run/last" --set "$set"
        [[ $stderr == *"${set%%=*} is "* ]]
    done
    globe 0 train sft "$recipe" --check --set run.folder="$run-3" --set lora.folder="$run/last" --set lora.alpha=32 --set run.threads=1
    [ ! -e "$run-3" ]
    model=tests/data/qwen2_5_vl_tiny
    globe 0 merge --model $model --adapter "$run/last" --out "$run-merged" --dtype f32
    [ ! -e "$run-merged/adapter_config.json" ]
    grep -q float32 "$run-merged/config.json"
    cp "$run-merged/config.json" "$run.before"
    exec 7>"${run%/*}/.${run##*/}-other.lock" # another run has it
    flock 7
    globe 3 merge --model $model --adapter "$run/last" --out "$run-other"
    [[ $stderr == *"-other: another run is writing it"* ]]
    exec 7>&-
    [ ! -e "$run-other" ]
    globe 3 merge --model $model --adapter "$run/last" --out "$run-merged"
    [ -z "$(find "$(dirname "$run")" -name '*.tmp')" ]
    cmp "$run-merged/config.json" "$run.before"
    globe 3 merge --model $model --adapter "$run/last" --out /proc/nowhere/merged
    globe 4 merge --model $model --adapter "$run-merged" --out "$run-none"
    globe 2 merge --model $model --out "$run-none"
    [ -z "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name 'run-none*')" ]
    # The loss on the same rows is that of base and adapter.
    check=(--set data.eval=tests/data/train/rows.jsonl --set schedule.max_steps=1 --set schedule.warmup_ratio=0 --set optimizer.learning_rate=0 --set run.threads=1 --set model.dtype=f32)
    globe 0 train sft "$recipe" --set run.folder="$run-a" "${check[@]}" --set lora.folder="$run/last" --set lora.dropout=0.05
    globe 0 train sft "$recipe" --set run.folder="$run-b" "${check[@]}" --set model.folder="$run-merged"
    a=$(jq -r 'select(.eval_loss) | .eval_loss' "$run-a/metrics.jsonl")
    b=$(jq -r 'select(.eval_loss) | .eval_loss' "$run-b/metrics.jsonl")
    awk -v a="$a" -v b="$b" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 0 && d < 2e-5) }'
}

@test "a run's folder is tried by --check, and nobody else's files are replaced" {
    touch "$BATS_TEST_TMPDIR/file"
    globe 3 train sft "$recipe" --check --set run.folder="$BATS_TEST_TMPDIR/file/run"
    globe 3 train sft "$recipe" --check --set run.folder=/proc/nowhere/run
    globe 0 train sft "$recipe" --check --set run.folder="$run/deep" --set run.threads=1
    [ ! -e "$run" ]
    mkdir "$run"
    echo mine >"$run/metrics.jsonl"
    globe 3 train sft "$recipe" --set run.folder="$run"
    [[ $stderr == *"metrics.jsonl: was not written by a training run"* ]]
    [ "$(cat "$run/metrics.jsonl")" = mine ]
}

@test "a reward model is trained, and tells pictures from pictures" {
    cd "$BATS_TEST_TMPDIR"
    globe 0 postcards --out cards --count 24 --seed 3 --quiet
    cat >reward.yaml <<EOF
model: {folder: $GLOBE_SOURCE_DIR/models/postcards, dtype: f32, gradient_checkpointing: false}
lora: {rank: 2, dropout: 0}
data: {train: cards/postcards.jsonl, eval: cards/postcards.jsonl, eval_rows: 8, bad_rows: stop}
judge: {swapped: 0.5}
batch: {rows: 8, micro_rows: 8}
optimizer: {learning_rate: 5e-3}
schedule: {epochs: 2}
run: {folder: run, threads: 1}
EOF
    globe 0 train reward reward.yaml
    [[ $stderr == *"24 rows to train, 8 to evaluate, 6 steps"* ]]
    jq -e -s '.[0].loss > (map(select(.loss))[-1].loss)' run/metrics.jsonl
    jq -e -s 'map(select(.eval_loss)) | length >= 1 and all(.[]; .eval_accuracy >= 0 and .eval_accuracy <= 1 and .eval_yes < 1)' run/metrics.jsonl
    [ -f run/last/adapter_config.json ]
    header run/last/adapter_model.safetensors | jq -e '.__metadata__.globe_base | test("^[0-9a-f]{16}$")'
    # Rows that say neither.
    jq -c 'del(.locatable)' cards/postcards.jsonl >neither.jsonl
    globe 3 train reward reward.yaml --set run.folder=other --set data.train=neither.jsonl --check
    [[ $stderr == *'neither.jsonl:1: the row has no "locatable" (true or false), and its answer is neither yes nor no'* ]]
    # Keys of others are refused.
    globe 2 train reward reward.yaml --set grpo.beta=1 --check
    globe 3 train sft reward.yaml --check
    [[ $stderr == *"judge.swapped"* ]]
}
