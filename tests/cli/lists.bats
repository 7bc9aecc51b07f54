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
