#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets status, output and stderr
# The reward model of locatability as users meet it: globe score --reward and --report, globe locate --locatability.

load common

# An adapter after two steps: it says something, if little.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    "$GLOBE" postcards --out cards --count 12 --seed 3 --quiet
    cat >reward.yaml <<EOF
model: {folder: $GLOBE_SOURCE_DIR/models/postcards, dtype: f32, gradient_checkpointing: false}
lora: {rank: 2, dropout: 0}
data: {train: cards/postcards.jsonl, eval_share: 0, bad_rows: stop}
judge: {swapped: 0.5, learn: score}
batch: {rows: 6, micro_rows: 6}
optimizer: {learning_rate: 1e-2}
schedule: {epochs: 1}
run: {folder: run, threads: 1, tensorboard: false}
EOF
    "$GLOBE" train reward reward.yaml --quiet
}

setup() {
    cd "$BATS_FILE_TMPDIR" || return 1
    adapter=run/last
    postcards=$GLOBE_SOURCE_DIR/models/postcards
}

@test "score asks the reward model, and reports on it" {
    globe 0 score cards/postcards.jsonl --reward "$adapter" --each -t 1
    [ "$(jq -s length <<<"$output")" -eq 12 ]
    jq -e -s 'all(.[]; .rewards.locatability > 0 and .rewards.locatability < 1)' <<<"$output"
    each=$(jq -s -c '[.[].rewards.locatability]' <<<"$output")
    # As a reward among others it is the same number.
    globe 0 score cards/postcards.jsonl --reward "$adapter" --rewards 'format;locatability:mode=paper' --each -t 1
    [ "$(jq -s -c '[.[].rewards.locatability]' <<<"$output")" = "$each" ]
    globe 0 score cards/postcards.jsonl --reward "$adapter" --report -t 1
    [[ $output == "12 completions, "*"area under the ROC curve"*"threshold"* ]]
    globe 0 score cards/postcards.jsonl --reward "$adapter" --report --json -t 1
    yes=$(jq -s '[.[] | select(.locatable)] | length' cards/postcards.jsonl)
    jq -e --argjson yes "$yes" '.completions == 12 and .yes == $yes and .ece >= 0 and (.bins | length) == 10' <<<"$output"
}

@test "score says what is missing" {
    globe 2 score cards/postcards.jsonl --report
    [[ $stderr == *"--report goes with --reward DIR"* ]]
    globe 2 score cards/postcards.jsonl --reward http://127.0.0.1:9/v1
    [[ $stderr == *"--reward-model NAME"* ]]
    globe 2 score cards/postcards.jsonl --reward "$adapter" --reward-model x
    jq -c 'select(.locatable) | del(.locatable)' cards/postcards.jsonl >cards/unknown.jsonl
    globe 3 score cards/unknown.jsonl --reward "$adapter" --report -t 1
    [[ $stderr == *"no row says whether its picture can be placed"* ]]
    jq -c '.images += .images' cards/postcards.jsonl | head -1 >cards/two.jsonl
    globe 3 score cards/two.jsonl --reward "$adapter" -t 1
    [[ $stderr == *"two.jsonl:1: 2 images, but places for 1"* ]]
    # Without a reward model its reward fails.
    globe 3 score cards/postcards.jsonl --rewards locatability
    [[ $stderr == *"name one"* ]]
}

@test "an adapter of other weights is refused by name" {
    mkdir -p other
    cp "$postcards"/* other/ 2>/dev/null || true
    size=$(stat -c %s other/model.safetensors)
    printf '\x11\x3f' | dd of=other/model.safetensors bs=1 seek=$((size - 2)) conv=notrunc 2>/dev/null
    globe 4 score cards/postcards.jsonl --model other --reward "$adapter" -t 1
    [[ $stderr == *"run/last: made over other weights than those of other (its base is called"* ]]
    globe 4 locate cards/cards/000000.jpg --model other --locatability "$adapter" -t 1
    [[ $stderr == *"made over other weights than those of other"* ]]
}

@test "locate says how sure the reward model is, and gives no place below a threshold" {
    globe 0 locate cards/cards/00000[0-5].jpg --locatability "$adapter" --locatability-below 0 --json -t 1
    placed=$(jq -c '[.[] | select(.outcome == "placed") | .place.country] | sort' <<<"$output")
    [ "$(jq length <<<"$placed")" -ge 2 ]
    jq -e 'all(.[]; .locatability >= 0 and .locatability <= 1 and (.flags | index("locatability_low") | not))' <<<"$output"
    jq -e '.[0].provenance.settings | has("locatability") and has("locatability-below")' <<<"$output"
    globe 0 locate cards/cards/00000[0-5].jpg --locatability "$adapter" --locatability-below 1 --json -t 1
    [ "$(jq '[.[] | select(.outcome == "placed")] | length' <<<"$output")" -eq 0 ]
    [ "$(jq -c '[.[] | select(.flags | index("locatability_low")) | .most_likely.country] | sort' <<<"$output")" = "$placed" ]
    # Nobody asked, nobody told.
    globe 0 locate cards/cards/000000.jpg --json -t 1
    jq -e '.[0] | has("locatability") | not' <<<"$output"
    globe 0 locate cards/cards/000000.jpg --locatability "$adapter" -t 1
    [[ $output == *"Locatable"*"sure, says the reward model"* ]]
}

@test "records keep what the reward model said" {
    globe 0 locate cards/cards/00000[0-2].jpg --locatability "$adapter" --locatability-below 1 --jsonl -o records.jsonl -t 1
    globe 0 report records.jsonl --format json
    [ "$(jq -c '[.[].locatability] | sort' <<<"$output")" = "$(jq -s -c '[.[].locatability] | sort' records.jsonl)" ]
    jq -e 'any(.[]; .flags | index("locatability_low"))' <<<"$output"
    globe 2 locate cards/cards/000000.jpg --locatability https://127.0.0.1:9/v1
    [[ $stderr == *"--reward-model NAME"* ]]
    globe 2 locate cards/cards/000000.jpg --locatability-below 0.9
    [[ $stderr == *"goes with --locatability"* ]]
    globe 8 locate cards/cards/000000.jpg --locatability http://127.0.0.1:9/v1 --reward-model judge --patience 0 --retries 0 -t 1
    [[ $stderr == *"--locatability"* ]]
}
