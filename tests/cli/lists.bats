#!/usr/bin/env bats
# globe locate: lists of photos, and what the desk's other programs read.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    data=$GLOBE_SOURCE_DIR/tests/data
    model=$data/qwen2_5_vl_tiny
    mkdir -p "odd
folder"
    cp "$data/images/photo_a.jpg" "odd
folder/a.jpg"
    cp "$data/images/photo_a.jpg" b.jpg
}

@test "lists of names that end with a NUL, and folders in lists" {
    find . -name '*.jpg' -print0 >list0
    globe 0 locate --list0 list0 --model "$model" --max-tokens 4 --jsonl
    [ "$(jq -s length <<<"$output")" = 2 ]
    globe 0 locate -0 - --model "$model" --max-tokens 4 --jsonl <list0
    [ "$(jq -s 'map(.photo | contains("\n")) | any' <<<"$output")" = true ]
    mkdir plain && cp b.jpg plain/c.jpg
    printf 'plain\nb.jpg\n' >list
    globe 0 locate -l list --model "$model" --max-tokens 4 --jsonl
    [ "$(jq -rs 'map(.photo) | sort | join(" ")' <<<"$output")" = "b.jpg plain/c.jpg" ]
    globe 3 locate -l list0 --model "$model" --max-tokens 4
    [[ $stderr == *"--list0"* ]]
}

@test "paths come out as they went in" {
    "$GLOBE" locate -q -r . --model "$model" --max-tokens 4 --format paths -0 >out
    find . -name '*.jpg' -print0 | sort -z | cmp - <(sort -z out)
}

@test "CSV begins with a byte order mark when Excel is to read it" {
    "$GLOBE" locate -q b.jpg --model "$model" --max-tokens 4 --csv --bom >out.csv
    [ "$(head -c 3 out.csv | od -An -tx1)" = " ef bb bf" ]
    globe 0 help locate
    [[ $output == *Excel* ]]
}

@test "a hint in a folder reaches the model for its photos, and a broken one is said" {
    mkdir hinted plain2
    cp b.jpg hinted/x.jpg
    cp b.jpg plain2/x.jpg
    echo "A trip to the Balkans" >hinted/globe-hint.txt
    ask() { "$GLOBE" locate -q "$@" --model "$model" --max-tokens 12 --jsonl | jq -r .answer; }
    with=$(ask hinted/x.jpg --hint-file globe-hint.txt)
    [ "$with" = "$(ask plain2/x.jpg --hint "A trip to the Balkans")" ]
    [ "$with" != "$(ask hinted/x.jpg)" ]
    [ "$(ask plain2/x.jpg --hint-file globe-hint.txt)" = "$(ask plain2/x.jpg)" ]
    printf '\377\n' >hinted/globe-hint.txt
    globe 1 locate hinted/x.jpg plain2/x.jpg --hint-file globe-hint.txt --model "$model" --max-tokens 4 --jsonl
    [[ $stderr == *"hinted/globe-hint.txt: the hint is not UTF-8 text"* ]]
    globe 2 locate b.jpg --hint-file a/b --model "$model"
}

@test "a photo is located once, whatever its names" {
    mkdir once
    cp b.jpg once/a.jpg
    cp b.jpg once/b.jpg
    ln -s once also
    printf 'once/b.jpg\n./once/a.jpg\n' >list
    quick=(--model "$model" --max-tokens 4 --jsonl)
    globe 0 locate once/a.jpg ./once/a.jpg also once/b.jpg -l list "${quick[@]}" -o o.jsonl
    [[ $stderr == *"./once/a.jpg: is the same file as once/a.jpg, and located once"* ]]
    [[ $stderr == *"once/b.jpg: is the same file as also/b.jpg"* ]]
    [[ $stderr == *"2 photos in"*"; 5 were named again"* ]]
    [ "$(jq -rs 'map(.photo) | join(" ")' o.jsonl)" = "once/a.jpg also/b.jpg" ]
    # Also when it was another day that named it otherwise.
    globe 0 locate once "$PWD/once/b.jpg" "${quick[@]}" -o o.jsonl --resume
    [ "$(jq -s length o.jsonl)" = 2 ]
    globe 0 locate once/a.jpg "file://$PWD/once/a.jpg" "${quick[@]}"
    [ "$(jq -s length <<<"$output")" = 1 ]
    globe 0 locate b.jpg b.jpg "${quick[@]}"
    [[ $stderr == *"b.jpg: is named twice, and located once"* ]]
    [ "$(jq -s length <<<"$output")" = 1 ]
}

@test "a hint that has changed is another setting" {
    mkdir -p trip/day1 trip/day2
    cp b.jpg trip/day1/a.jpg
    cp b.jpg trip/day2/b.jpg
    echo "A trip to the Balkans" >trip/globe-hint.txt
    go() { globe "$1" locate -r trip --hint-file globe-hint.txt --model "$model" --max-tokens 4 --jsonl -o o.jsonl "${@:2}"; }
    go 0
    jq -es 'all(.provenance.hint_sha256 | length == 64)' o.jsonl
    cp o.jsonl before
    go 0 --resume
    echo "Near Kotor" >trip/day2/globe-hint.txt # nearer than the one above it
    go 3 --resume
    [[ $stderr == *"line 2: was made with other settings (the hint of trip/day2/b.jpg, now another one)"* ]]
    go 0 --resume --force
    rm trip/day2/globe-hint.txt trip/globe-hint.txt
    go 3 --resume
    [[ $stderr == *"(the hint of trip/day1/a.jpg, now none)"* ]]
    cmp o.jsonl before
    go 0
    jq -es 'all(.provenance.hint_sha256 == null)' o.jsonl
    echo "Near Kotor" >trip/day2/globe-hint.txt
    go 3 --resume
    [[ $stderr == *"(the hint of trip/day2/b.jpg, was none)"* ]]
    # Records that do not say it are taken as they are.
    jq -c 'del(.provenance.hint_sha256)' before >o.jsonl
    go 0 --resume
}
