#!/usr/bin/env bats
# The embedded model: what `globe` says without --model, and that it still locates postcards it has never met.
# The floors lie below what 2,000 cards showed (models/postcards/README.md): these are few cards.

load common

setup() {
    cards=$GLOBE_SOURCE_DIR/examples/postcards
}

# above VALUE FLOOR
above() {
    awk -v value="$1" -v floor="$2" 'BEGIN { exit !(value >= floor) }' || { echo "$1 is below $2" >&2; return 1; }
}

@test "without --model it answers, and says what it is" {
    globe 0 locate "$cards"/*.jpg --json
    [[ $stderr == *"no --model: the embedded one answers. It knows drawn postcards of 48 cities and nothing of real photos"* ]]
    [ "$(jq length <<<"$output")" -eq 6 ]
    [ "$(jq -c '[.[].model] | unique' <<<"$output")" = '["postcards"]' ]
    [ "$(jq '[.[] | select(.reasoning | length > 40)] | length' <<<"$output")" -eq 6 ]
    globe 0 locate "$cards/1.jpg" --quiet
    [ -z "$stderr" ]
}

@test "it locates fresh cards" {
    globe 0 postcards --out "$BATS_TEST_TMPDIR/exam" --count 60 --seed 99 --split test --quiet
    globe 0 eval "$BATS_TEST_TMPDIR/exam/postcards.jsonl" --json --quiet
    [ "$(jq -r .model <<<"$output")" = postcards ]
    above "$(jq .all.well_formed <<<"$output")" 0.95
    above "$(jq .all.locatability <<<"$output")" 0.85
    above "$(jq .all.country <<<"$output")" 0.75
    above "$(jq .all.city <<<"$output")" 0.5
    above "$(jq .all.mention_precision <<<"$output")" 0.75
}

@test "what it cannot see it cannot place" {
    globe 0 postcards --out "$BATS_TEST_TMPDIR/exam" --count 40 --seed 99 --split test --quiet
    globe 0 eval "$BATS_TEST_TMPDIR/exam/postcards.jsonl" --json --quiet --blind
    above 0.25 "$(jq .all.country <<<"$output")"
    above 0.2 "$(jq .all.city <<<"$output")"
}

@test "photos of any size become as small as a card" {
    cd "$BATS_TEST_TMPDIR"
    cp "$GLOBE_SOURCE_DIR/examples/harbour.jpg" .
    jq -n '[{role: "user", content: [{type: "image", image: "harbour.jpg"}, {type: "text", text: "What can be seen?"}]}]' >chat.json
    globe 0 inspect --model "$GLOBE_SOURCE_DIR/models/postcards" --messages chat.json --dump stages.safetensors
    [ "$(header stages.safetensors | jq -c '.["resized_rgb.0"].shape')" = '[168,224,3]' ]
    globe 0 locate harbour.jpg --json --quiet
    [ "$(jq -r '.[0].outcome != "failed"' <<<"$output")" = true ]
}

@test "a server is never mixed with it" {
    globe 2 locate "$cards/1.jpg" --endpoint http://127.0.0.1:1/v1
    [[ $stderr == *"an endpoint needs the name"* ]]
}
