#!/usr/bin/env bats
# globe bench: that it measures and says so. Never how fast.

# shellcheck disable=SC2016,SC2154 # inner shells expand; bats and models.bash set status, stderr, model

load common
load models

small=(--width 56 --height 56 --tokens 3 --repeats 1)

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR
}

@test "JSON" {
    globe 0 bench --shape tiny "${small[@]}" --sequences 1,3 --json
    jq -e '.model == "tiny" and (.dtype | test("F32|BF16")) and (.device | length > 0)
        and .weight_bytes > 0 and .load_seconds > 0 and .first_token_seconds > 0 and .peak_bytes > .weight_bytes
        and (.machine | .read_bytes_per_second > 0 and .vision_matmul_flops > 0 and .prefill_matmul_flops > 0)
        and (.vision | .patches == 4 * .tokens and .tokens > 0 and .seconds > 0 and .flops > 0)
        and (.prefill | .tokens > 0 and .seconds > 0 and .flops > 0)
        and (.decode | map(select(.prompts == 1) | .sequences) == [1, 3] and all(.tokens_per_second > 0 and .bytes_per_second > 0))' \
        <<<"$output"
    [[ $stderr == *"writing random weights of the tiny shape"* ]]
    [ -z "$(find "$TMPDIR" -name 'globe-bench-*')" ] # and removed again
}

@test "a table" {
    globe 0 bench --model "$TINY" "${small[@]}" --sequences 1 --dtype f32
    [[ ${lines[0]} == "| $TINY, F32, "* ]]
    [[ $output == *"| decode, 1 sequence over one prompt |"* ]]
    run ! grep -Ev '^\|.*\|$' <<<"$output"
    run ! grep -Ei 'nan|inf ' <<<"$output"
}

@test "lists of sequences" {
    for list in "" "," 1,,2 0 -1 x 1x 1025 99999999999999999999 1,2,3,4,5,6,7,8,9; do
        globe 2 bench --model "$TINY" --sequences "$list"
        [[ $stderr == "globe bench: --sequences: \"$list\" is not a list"* ]]
    done
}

@test "more tokens than the context holds" {
    globe 5 bench --model "$TINY" --tokens 4096 --sequences 1 --repeats 1 --width 56 --height 56
    [[ $stderr == *"context of 4096"* ]]
    [ -z "$output" ]
}

@test "weights that a killed run left go with the next one, those of a run that goes on stay" {
    mkdir "$TMPDIR"/globe-bench-{killed,alive,young} "$TMPDIR/globe-benches"
    touch "$TMPDIR"/globe-bench-{killed,alive,young}/model.safetensors
    touch -d "1 hour ago" "$TMPDIR"/globe-bench-{killed,alive} "$TMPDIR/globe-benches"
    exec 7<"$TMPDIR/globe-bench-alive"
    flock 7
    globe 0 bench --shape tiny "${small[@]}" --sequences 1 --json
    exec 7<&-
    [ ! -e "$TMPDIR/globe-bench-killed" ]
    [ -e "$TMPDIR/globe-bench-alive/model.safetensors" ] && [ -e "$TMPDIR/globe-bench-young" ]
    [ -d "$TMPDIR/globe-benches" ]
    [ "$(find "$TMPDIR" -maxdepth 1 -name 'globe-bench-*' | wc -l)" -eq 2 ]
}

@test "Ctrl-C ends it, and its folder goes" {
    "$GLOBE" bench --shape tiny --width 448 --height 448 --repeats 100 2>"$BATS_TEST_TMPDIR/err" &
    pid=$!
    for _ in $(seq 200); do
        if grep -q "photo to first token" "$BATS_TEST_TMPDIR/err"; then break; fi
        sleep 0.05
    done
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    [ -z "$(find "$TMPDIR" -name 'globe-bench-*')" ]
}

@test "a step of GRPO, both ways" {
    globe 0 bench grpo --model "$TINY" --dtype f32 --prompt 60 --completion 6 --group 3 --lora 4 --threads 1 --json
    jq -e '.group == 3 and .completion_tokens == 6 and .shared_rows == .prompt_tokens + 18 and .rows == 3 * (.prompt_tokens + 6)
        and (.shared | .rollout > 0 and .log_probs > 0 and .backward > 0 and .step > 0) and .alone.backward > 0
        and .limit > 1 and .limit_with_head > 1 and .limit_with_head < .limit and .gradients_apart < 1e-5' <<<"$output"
    globe 0 bench grpo --model "$TINY" --dtype f32 --prompt 60 --completion 6 --group 3 --threads 1 --sharing-only
    [[ $output == *"| forward and backward |"* ]]
    run ! grep -Ei 'nan|inf ' <<<"$output"
}

@test "decode: an exact model says the same in drawing and in scoring" {
    globe 0 bench decode --model "$TINY" --prompts 2 --samples 3 --tokens 5 --in-flight 3 --repeats 1 --json
    jq -e '.answer_tokens == 30 and .prompts == 2 and .exact.mean_gap == 0 and .exact.largest_gap == 0
        and (.normal, .exact | .generate_seconds > 0 and .score_seconds > 0) and .normal.mean_gap < 1e-2' <<<"$output"
    globe 0 bench decode --model "$TINY" --prompts 1 --samples 1 --tokens 2 --repeats 1 --dtype bf16
    [[ ${lines[0]} == "| $TINY, BF16, "*"| exact / normal |" ]]
    run ! grep -Ev '^\|.*\|$' <<<"$output"
    globe 5 bench decode --model "$TINY" --tokens 4096 --repeats 1
    [[ $stderr == *"context of 4096"* ]]
}
