#!/usr/bin/env bats
# globe gazetteer: lookup, nearest, info, build.

load common

@test "lookup finds a place, as text and as JSON" {
    globe 0 gazetteer lookup Cologne --country Germany
    [[ $output == "Köln"* || $output == "Cologne"* ]]
    globe 0 gazetteer lookup "Paris, Texas" --json -n 1
    [ "$(jq -r '.outcome' <<<"$output")" = found ]
    [ "$(jq -r '.candidates | length' <<<"$output")" = 1 ]
    [ "$(jq -r '.candidates[0].region' <<<"$output")" = Texas ]
    [ "$(jq -r '.candidates[0].lat | floor' <<<"$output")" = 33 ]
}

@test "lookup says when a city is not in its country, or nowhere" {
    globe 0 gazetteer lookup Toronto -c Germany --json
    [ "$(jq -r '.outcome' <<<"$output")" = conflict ]
    globe 0 gazetteer lookup Qwxyzzy
    [ "$output" = "not found" ]
}

@test "nearest names places around coordinates" {
    globe 0 gazetteer nearest 48.8584 2.2945 -p 1000000
    [[ $output == Paris* ]]
    globe 0 gazetteer nearest -n 3 --json -- -33.857 151.215
    [ "$(jq -r 'length' <<<"$output")" = 3 ]
    [ "$(jq -r '.[0].country_code' <<<"$output")" = AU ]
    globe 3 gazetteer nearest 91 0
    [[ $stderr == *"latitude 91"* ]]
    globe 2 gazetteer nearest north 0
    [[ $stderr == *"north"* ]]
}

@test "info names source and licence" {
    globe 0 gazetteer info --json --check
    [[ $(jq -r '.licence' <<<"$output") == *"CC BY 4.0"* ]]
    [ "$(jq -r '.version' <<<"$output")" = 2 ]
    globe 3 gazetteer info --gazetteer /nonexistent
    [[ $stderr == *"/nonexistent"* ]]
}

@test "build makes a gazetteer from dumps" {
    dump="$BATS_TEST_DIRNAME/../data/geo/dump"
    globe 0 gazetteer build "$dump" --curated "$dump/curated.tsv" -o "$BATS_TEST_TMPDIR/small.sqlite"
    [[ $output == *"7 places, 1 districts, 3 regions, 3 countries"* ]]
    globe 0 gazetteer lookup Westhaven --gazetteer "$BATS_TEST_TMPDIR/small.sqlite"
    [[ $output == "Westhaven, West, Free Belmora"* ]]
    globe 3 gazetteer build "$BATS_TEST_TMPDIR" -o "$BATS_TEST_TMPDIR/none.sqlite"
    [[ $stderr == *"allCountries.txt"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/none.sqlite" ]
}

@test "an unknown action and a missing one are told" {
    globe 2 gazetteer find Paris
    [[ $stderr == *'unknown action "find"'* ]]
    globe 2 gazetteer
}

@test "lookup labels guesses, fallbacks and fuzzy matches" {
    globe 0 gazetteer lookup "possibly Tokyo" -c Japan --json
    [ "$(jq -r '.hedged' <<<"$output")" = true ]
    [ "$(jq -r '.candidates[0].name' <<<"$output")" = Tokyo ]
    globe 0 gazetteer lookup "Old Mill, Bergen, Norway" --json
    [ "$(jq -r '.fallback + " " + .candidates[0].match' <<<"$output")" = "city container" ]
    globe 0 gazetteer lookup Muncih -c Germany --json
    [ "$(jq -r '.candidates[0].match' <<<"$output")" = fuzzy ]
    globe 0 gazetteer lookup Borneo -c Malaysia --json
    [ "$(jq -r '.candidates[0] | .country_code + " " + .kind + " " + .source' <<<"$output")" = "MY area atlas" ]
    globe 0 gazetteer lookup Siberia --json
    [ "$(jq -r '.candidates[0].country_code' <<<"$output")" = RU ]
    globe 0 gazetteer lookup Europe --json
    [ "$(jq -r '.candidates[0] | .kind + .country_code' <<<"$output")" = macro-region ]
}

@test "escapes in a gazetteer do not reach the terminal" {
    dump="$BATS_TEST_DIRNAME/../data/geo/dump"
    printf 'place\t1200000001\tXA\t1\t2\t\033[31mRed\n' >"$BATS_TEST_TMPDIR/curated.tsv"
    globe 0 gazetteer build "$dump" --curated "$BATS_TEST_TMPDIR/curated.tsv" -o "$BATS_TEST_TMPDIR/red.sqlite"
    globe 0 gazetteer lookup 31mRed --gazetteer "$BATS_TEST_TMPDIR/red.sqlite"
    [[ $output == *"[31mRed"* ]]
    [[ $output != *$'\e'* ]]
}
