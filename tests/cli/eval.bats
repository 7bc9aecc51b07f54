#!/usr/bin/env bats
# globe eval, as its users call it: with the test checkpoint, whose answers are noise but countable.

load common
load models

setup_file() {
    "$GLOBE" postcards --out "$BATS_FILE_TMPDIR/exam" --count 6 --seed 3 --split test --quiet
}

setup() {
    exam=$BATS_FILE_TMPDIR/exam/postcards.jsonl
    quick=(--model "$TINY" --max-tokens 8 --quiet)
}

@test "a report in words and one in JSON" {
    globe 0 eval "$exam" "${quick[@]}"
    [[ $output == "qwen2_5_vl_tiny: 6 pictures"* ]]
    [[ $output == *"well-formed answers               0.0 %"* ]]
    [[ $output == *"chance"* ]]
    globe 0 eval "$exam" "${quick[@]}" --json --by difficulty
    [ "$(jq -r .model <<<"$output")" = qwen2_5_vl_tiny ]
    [ "$(jq '.all.pictures == ([.groups[].pictures] | add)' <<<"$output")" = true ]
    [ "$(jq '.all.well_formed == 0 and .blind == false and .all.failed == 0' <<<"$output")" = true ]
    [ "$(jq '.chance.locatability >= 0.5' <<<"$output")" = true ]
}

@test "the same run gives the same report, and an interrupted one is taken up" {
    globe 0 eval "$exam" "${quick[@]}" --json --answers "$BATS_TEST_TMPDIR/a.jsonl"
    whole=$(jq 'del(.all.seconds, .groups[].seconds)' <<<"$output")
    [ "$(wc -l <"$BATS_TEST_TMPDIR/a.jsonl")" -eq 6 ]
    head -n 2 "$BATS_TEST_TMPDIR/a.jsonl" >"$BATS_TEST_TMPDIR/b.jsonl"
    printf '{"photo": "half a li' >>"$BATS_TEST_TMPDIR/b.jsonl"
    globe 0 eval "$exam" "${quick[@]}" --json --answers "$BATS_TEST_TMPDIR/b.jsonl" --resume
    [ "$(jq 'del(.all.seconds, .groups[].seconds)' <<<"$output")" = "$whole" ]
    [ "$(jq -c '.photo' "$BATS_TEST_TMPDIR/b.jsonl" | sort -u | wc -l)" -eq 6 ]
    before=$(md5sum <"$BATS_TEST_TMPDIR/b.jsonl")
    globe 0 eval "$exam" "${quick[@]}" --json --answers "$BATS_TEST_TMPDIR/b.jsonl" --resume
    [ "$(jq 'del(.all.seconds, .groups[].seconds)' <<<"$output")" = "$whole" ]
    [ "$(md5sum <"$BATS_TEST_TMPDIR/b.jsonl")" = "$before" ]
}

@test "a blind model sees grey, and its answers are not mixed with others" {
    globe 0 eval "$exam" "${quick[@]}" --answers "$BATS_TEST_TMPDIR/blind.jsonl" --blind
    [[ $output == *"Blind: the model saw grey"* ]]
    # Greedy answers to one grey size are all the same.
    [ "$(jq -c .answer "$BATS_TEST_TMPDIR/blind.jsonl" | sort -u | wc -l)" -eq 1 ]
    globe 3 eval "$exam" "${quick[@]}" --answers "$BATS_TEST_TMPDIR/blind.jsonl" --resume
    [[ $stderr == *"blind.jsonl:1: an answer of qwen2_5_vl_tiny (blind), not of qwen2_5_vl_tiny"* ]]
}

@test "a picture that cannot be read counts as wrong, and the rest goes on" {
    cp -r "$BATS_FILE_TMPDIR/exam" "$BATS_TEST_TMPDIR/exam"
    head -c 300 "$BATS_TEST_TMPDIR/exam/cards/000002.jpg" >"$BATS_TEST_TMPDIR/exam/cut"
    mv "$BATS_TEST_TMPDIR/exam/cut" "$BATS_TEST_TMPDIR/exam/cards/000002.jpg"
    globe 1 eval "$BATS_TEST_TMPDIR/exam/postcards.jsonl" "${quick[@]}" --json
    [[ $stderr == *"000002.jpg"* ]]
    [ "$(jq '.all.failed == 1 and .all.pictures == 6' <<<"$output")" = true ]
}

@test "a failure that was mended leaves the answers; what is no record of ours is left alone" {
    cp -r "$BATS_FILE_TMPDIR/exam" "$BATS_TEST_TMPDIR/exam"
    local rows=$BATS_TEST_TMPDIR/exam/postcards.jsonl card=$BATS_TEST_TMPDIR/exam/cards/000002.jpg
    local answers=$BATS_TEST_TMPDIR/mended.jsonl
    cp "$card" "$BATS_TEST_TMPDIR/whole.jpg"
    head -c 300 "$BATS_TEST_TMPDIR/whole.jpg" >"$card"
    globe 1 eval "$rows" "${quick[@]}" --answers "$answers"
    [ "$(jq -r .outcome "$answers" | grep -c failed)" -eq 1 ]
    cp "$BATS_TEST_TMPDIR/whole.jpg" "$card"
    globe 0 eval "$rows" "${quick[@]}" --answers "$answers" --resume
    [ "$(jq -r .outcome "$answers" | grep -c failed)" -eq 0 ]
    [ "$(wc -l <"$answers")" -eq 6 ]
    printf 'my notes' >>"$answers"
    cp "$answers" "$BATS_TEST_TMPDIR/kept"
    globe 3 eval "$rows" "${quick[@]}" --answers "$answers" --resume
    [[ $stderr == *"line 7: not a record"*"left as it is"* ]]
    cmp "$answers" "$BATS_TEST_TMPDIR/kept"
}

@test "--limit takes the first rows" {
    globe 0 eval "$exam" "${quick[@]}" --limit 2 --json
    [ "$(jq .all.pictures <<<"$output")" -eq 2 ]
}

@test "what cannot be used is refused in one line" {
    globe 2 eval
    globe 3 eval "$BATS_TEST_TMPDIR/none.jsonl" "${quick[@]}"
    [[ $stderr == *"none.jsonl: cannot open"* ]]
    : >"$BATS_TEST_TMPDIR/empty.jsonl"
    globe 3 eval "$BATS_TEST_TMPDIR/empty.jsonl" "${quick[@]}"
    [[ $stderr == *"empty.jsonl: no rows"* ]]
    echo '{"images": 3}' >"$BATS_TEST_TMPDIR/bad.jsonl"
    globe 3 eval "$BATS_TEST_TMPDIR/bad.jsonl" "${quick[@]}"
    [[ $stderr == *"bad.jsonl:1:"* ]]
    globe 3 eval "$exam" "${quick[@]}" --by colour
    [[ $stderr == *'no "colour" to group by'* ]]
    globe 2 eval "$exam" "${quick[@]}" --resume
    [[ $stderr == *"--resume goes with --answers FILE"* ]]
    globe 4 eval "$exam" --model "$BATS_TEST_TMPDIR" --quiet
    globe 3 eval "$exam" "${quick[@]}" --answers "$BATS_TEST_TMPDIR/none/a.jsonl"
}

@test "rows in a tar shard are examined like those in a JSONL file" {
    mkdir "$BATS_TEST_TMPDIR/shard" && cd "$BATS_TEST_TMPDIR/shard"
    while read -r row; do
        picture=$(jq -r '.images[0]' <<<"$row")
        key=$(basename "$picture" .jpg)
        cp "$BATS_FILE_TMPDIR/exam/$picture" .
        jq -c 'del(.images)' <<<"$row" >"$key.json"
    done <"$exam"
    find . -type f -printf '%P\n' | sort | tar -cf ../s.tar -T -
    cd ..
    globe 0 eval "$exam" "${quick[@]}" --json
    whole=$(jq 'del(.all.seconds, .groups[].seconds)' <<<"$output")
    globe 0 eval s.tar "${quick[@]}" --json --answers a.jsonl
    [ "$(jq 'del(.all.seconds, .groups[].seconds)' <<<"$output")" = "$whole" ]
    jq -es 'length == 6 and all((.photo | test("^s.tar:[0-9]{6}$")) and (.provenance.photo_sha256 | length) == 64)' a.jsonl
    sed -i 4,6d a.jsonl
    globe 0 eval s.tar "${quick[@]}" --json --answers a.jsonl --resume
    [ "$(jq 'del(.all.seconds, .groups[].seconds)' <<<"$output")" = "$whole" ]
    globe 2 eval s.tar --scope scope.safetensors
    [[ $stderr == *"unpack the shard"* ]]
}
