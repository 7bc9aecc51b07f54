#!/usr/bin/env bats
# globe locate --html: a page beside the other output.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    data=$GLOBE_SOURCE_DIR/tests/data
    model=$data/qwen2_5_vl_tiny
}

@test "--html writes a page beside the other output" {
    globe 0 locate "$data/images/photo_a.jpg" "$data/images/photo_b.jpg" --model "$model" --max-tokens 8 --jsonl --html page.html
    [ "$(jq -s length <<<"$output")" = 2 ]
    xmllint --noout page.html
    [ "$(grep -c '^<article' page.html)" = 2 ]
    [ "$(grep -c 'data:image/jpeg' page.html)" = 2 ]
    run ! grep -E 'https?:|<script' page.html
}

@test "--format html goes to standard output or --output" {
    globe 0 locate "$data/images/photo_a.jpg" --model "$model" --max-tokens 8 --format html
    [[ ${lines[0]} == "<!DOCTYPE html>" ]]
    globe 0 locate "$data/images/photo_a.jpg" --model "$model" --max-tokens 8 --format html --output out.html
    [ -z "$output" ]
    xmllint --noout out.html
}

@test "a photo that fails has its card" {
    globe 1 locate missing.jpg "$data/images/photo_a.jpg" --model "$model" --max-tokens 8 --html page.html
    grep -q 'missing.jpg: ' page.html
    grep -q 'no picture' page.html
    xmllint --noout page.html
}

@test "a page that cannot be written is an error" {
    globe 3 locate "$data/images/photo_a.jpg" --model "$model" --max-tokens 8 --html no/such/page.html
    [[ $stderr == *"no/such/page.html"* ]]
    [ ! -e page.html ]
}
