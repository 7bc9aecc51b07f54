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
    globe 10 locate harbour.jpg --json --quiet
    [ "$(jq -r '.[0].outcome' <<<"$output")" = out_of_scope ]
}

@test "small copies of cards become as large as a card, and are placed as they are" {
    cd "$BATS_TEST_TMPDIR"
    vips --version >/dev/null || skip "no vips"
    mkdir -p small
    for card in "$cards"/[124].jpg; do vips thumbnail "$card" "small/${card##*/}" 168; done
    globe 0 locate "$cards"/[124].jpg --json --quiet --max-tokens 200
    large=$(jq -c '[sort_by(.photo)[] | .place.country]' <<<"$output")
    globe 0 locate small/*.jpg --json --quiet --max-tokens 200
    same=$(jq --argjson large "$large" '[[sort_by(.photo)[] | .place.country], $large] | transpose | map(select(.[0] == .[1])) | length' <<<"$output")
    above "$same" 3
}

@test "its locatability adapter knows which cards can be placed, also beside the words of another card" {
    cd "$BATS_TEST_TMPDIR"
    globe 0 postcards --out exam --count 16 --seed 98 --split test --quiet
    jq -s -c '. as $a | range(length) as $i | $a[$i] + {completions: [$a[$i, ($i + 7) % length].messages[-1].content]}' \
        exam/postcards.jsonl >exam/both.jsonl
    globe 0 score exam/both.jsonl --reward "$GLOBE_SOURCE_DIR/models/postcards/locatability" --report --json --quiet
    above "$(jq .auc <<<"$output")" 0.75
    above "$(jq .accuracy <<<"$output")" 0.85
    globe 0 locate "$cards/1.jpg" --locatability "$GLOBE_SOURCE_DIR/models/postcards/locatability" --json --quiet
    above "$(jq '.[0].locatability' <<<"$output")" 0.5
    above 10000000 "$(find "$GLOBE_SOURCE_DIR/models/postcards" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')"
}

@test "a picture that is no card is out of scope" {
    cd "$BATS_TEST_TMPDIR"
    vips gaussnoise noise.png 640 480 --mean 128 --sigma 40 || skip "no vips"
    globe 10 locate noise.png --json --quiet
    [ "$(jq -r '.[0].outcome, .[0].place' <<<"$output")" = $'out_of_scope\nnull' ]
    [[ $stderr == *"not made for such a picture"* ]]
    cp "$cards/1.jpg" card.jpg
    globe 0 locate noise.png card.jpg --jsonl
    [ "$(jq -r .outcome <<<"$output" | sort | uniq -c | grep -c out_of_scope)" -eq 1 ]
    [[ $stderr == *", 1 out of scope"* ]]
}

@test "drawings in the manner of cards are out of scope, cards are not, whatever happened to them on the way" {
    cd "$BATS_TEST_TMPDIR"
    cp "$GLOBE_SOURCE_DIR"/examples/{harbour,desert}.jpg .
    vips resize harbour.jpg "small.jpg[Q=80]" 0.35 || skip "no vips"
    vips crop harbour.jpg "piece.jpg[Q=80]" 60 60 480 360
    globe 10 locate ./*.jpg --jsonl
    [ "$(jq -r .outcome <<<"$output" | sort | uniq -c | tr -s ' ')" = " 4 out_of_scope" ]
    globe 0 locate "$cards"/*.jpg --jsonl --quiet
    [ "$(jq -r .outcome <<<"$output" | grep -c out_of_scope)" -eq 0 ]
    mkdir changed
    for i in 1 2 4 6; do
        vips resize "$cards/$i.jpg" "changed/$i-large.jpg[Q=60]" 1.5
        vips linear "$cards/$i.jpg" "changed/$i-dark.jpg[Q=70]" 0.9 0
    done
    globe 0 locate changed --jsonl --quiet
    [ "$(jq -r .outcome <<<"$output" | grep -c out_of_scope)" -eq 0 ]
}

@test "the scope of other weights is named and not used" {
    cd "$BATS_TEST_TMPDIR"
    cp -r "$GLOBE_SOURCE_DIR/models/postcards" model
    sed -i 's/"model":"[0-9a-f]\{16\}"/"model":"0123456789abcdef"/' model/globe_scope.safetensors
    globe 0 locate "$cards/1.jpg" --model model --max-tokens 4
    [[ $stderr == *"model/globe_scope.safetensors is the scope of other weights and is not used"* ]]
}

@test "what votes are worth is known of the embedded model, for runs like those that were measured" {
    globe 0 locate "$cards/2.jpg" --samples 4 --json --quiet
    [ "$(jq '.[0] | .calibrated and .estimated and (.levels.country.confidence >= .levels.city.confidence)' <<<"$output")" = true ]
    [ "$(jq '.[0] | ([.votes[].count] | add // 0) + .declined + .unread' <<<"$output")" -eq 4 ]
    globe 0 locate "$cards/2.jpg" --samples 4 --temperature 0.9
    [[ $output == *"(uncalibrated)"* || $output == *"not locatable"* ]]
    [[ $stderr == *"not calibrated"* ]]
}

@test "a measured position is kept, and none is written over it" {
    cd "$BATS_TEST_TMPDIR"
    cp "$cards/2.jpg" a.jpg
    echo '<x:xmpmeta><r exif:GPSLatitude="38,43.0N" exif:GPSLongitude="9,8.4W"/></x:xmpmeta>' >a.xmp
    globe 0 locate a.jpg --write-xmp --json
    [ ! -e a.jpg.xmp ]
    [[ $stderr == *"a.jpg: it has a measured GPS position"* ]]
    [ "$(jq '.[0] | .gps.longitude < -9 and .gps_distance_km > 100 and .contradicts_gps and (.flags | index("contradicts_gps") != null)' <<<"$output")" = true ]
    globe 0 locate a.jpg --csv --quiet
    [[ $output == *,contradicts_gps,true* ]]
    globe 0 locate a.jpg --write-xmp --over-gps --quiet
    [ -e a.jpg.xmp ]
    rm a.xmp # globe's own sidecar is no measurement
    globe 0 locate a.jpg --json --quiet
    [ "$(jq '.[0].gps' <<<"$output")" = null ]
}

@test "a server is never mixed with it" {
    globe 2 locate "$cards/1.jpg" --endpoint http://127.0.0.1:1/v1
    [[ $stderr == *"an endpoint needs the name"* ]]
}

@test "a position that cannot be read is warned of, and a sidecar in capitals is read" {
    cd "$BATS_TEST_TMPDIR"
    cp "$cards/2.jpg" a.jpg
    echo '<r exif:GPSLatitude="95,0N" exif:GPSLongitude="9,0E"/>' >a.xmp
    cp "$cards/2.jpg" b.JPG
    echo '<r exif:GPSLatitude="38.72" exif:GPSLongitude="-9.14"/>' >b.XMP
    globe 0 locate a.jpg b.JPG --jsonl
    [[ $stderr == *"a.jpg: its metadata hold a position that cannot be read"* ]]
    [[ $stderr != *"b.JPG: its metadata"* ]]
    [ "$(jq -s 'map(.gps.longitude)' -c <<<"$output")" = '[null,-9.14]' ]
}
