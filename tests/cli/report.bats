#!/usr/bin/env bats
# globe report: every output from the records of a batch.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    photo=$GLOBE_SOURCE_DIR/tests/data/images/photo_a.jpg
    cp "$photo" a.jpg
    cp "$photo" b.jpg
    place() { # PHOTO CITY CONFIDENCE
        printf '{"photo":"%s","outcome":"placed","place":{"country":"Portugal","country_code":"PT","city":"%s","latitude":38.7,"longitude":-9.1,"radius_km":12.0,"share":%s,"match":"exact"},"confidence":%s,"radius_50_km":20.0,"radius_90_km":300.0,"samples":8,"model":"globe-7b","precision":"full"}\n' "$1" "$2" "$3" "$3"
    }
    {
        place a.jpg Porto 0.5
        printf '{"photo":"b.jpg","outcome":"failed","error":{"status":3,"message":"b.jpg: gone"}}\n'
        place a.jpg Lisbon 0.75
    } >places.jsonl
    place b.jpg Faro 0.9 >later.jsonl
}

@test "repeats are merged: the last record counts, and they are counted" {
    globe 0 report places.jsonl later.jsonl --csv
    [ "$(grep -c '^[ab].jpg' <<<"$output")" = 2 ]
    [[ $output == *"a.jpg,placed,Portugal,PT,,Lisbon,"*"b.jpg,placed,Portugal,PT,,Faro,"* ]]
    [[ $stderr == *"2 photos; 2 earlier records of the same photos left out"* ]]
    globe 0 report later.jsonl places.jsonl --csv
    [[ $output == *"b.jpg,failed,"*"a.jpg,placed,"* ]]
}

@test "standard input is read like a file" {
    globe 0 report --jsonl - <places.jsonl
    [ "$(jq -r '.photo + " " + .outcome' <<<"$output")" = "a.jpg placed
b.jpg failed" ]
}

@test "JSON comes out as it went in, with what this version does not know, and a word about it" {
    printf '{"photo":"c.jpg","outcome":"no_answer","mood":"bright","provenance":{"version":"99.1.0"}}\n' >new.jsonl
    globe 0 report --json new.jsonl
    [ "$(jq -r '.[0].mood' <<<"$output")" = bright ]
    [[ $stderr == *'new.jsonl: line 1: this version does not know "mood"'* ]]
    [[ $stderr == *"globe 99.1.0, which is newer"* ]]
}

@test "broken lines are named, counted and left out, with status 1" {
    printf '{"photo":"x.jpg","outcome":"pla\n\n{"photo":"y.jpg"}\n' >broken.jsonl
    cat places.jsonl >>broken.jsonl
    globe 1 report broken.jsonl --jsonl
    [ "$(wc -l <<<"$output")" = 2 ]
    [[ $stderr == *"broken.jsonl: line 1: not valid JSON"* ]]
    [[ $stderr == *"broken.jsonl: line 3: not a record"* ]]
    [[ $stderr == *"2 broken lines left out"* ]]
}

@test "what holds no record at all makes no output" {
    echo '[1]' >array.json
    globe 3 report array.json --csv -o out.csv
    [[ $stderr == *"--jsonl"* ]]
    [ ! -e out.csv ]
    globe 3 report missing.jsonl
    [[ $stderr == *"missing.jsonl: cannot open"* ]]
    globe 2 report
    : >empty.jsonl
    globe 0 report empty.jsonl --json
    [ "$output" = "[]" ]
}

@test "the records are never replaced by what is made of them" {
    ln places.jsonl link.jsonl
    for target in places.jsonl link.jsonl ./places.jsonl; do
        globe 3 report places.jsonl --csv -o "$target"
        globe 2 report places.jsonl --csv -o "$target" --force
        globe 2 report places.jsonl --html "$target" --force
    done
    globe 2 report places.jsonl --csv -o x --html x
    globe 2 report places.jsonl --csv -o a.jpg --force # nor a photo
    globe 2 report places.jsonl --csv --write-xmp -o a.jpg.xmp
    echo notes >notes.txt
    globe 3 report places.jsonl --csv -o notes.txt # nor what is not ours
    [ "$(cat notes.txt)" = notes ]
    globe 0 report places.jsonl --csv --bom -o table.csv
    globe 0 report places.jsonl --csv -o table.csv
    globe 0 report places.jsonl --csv -o notes.txt --force
    grep -q '"a.jpg"' places.jsonl
}

@test "a page and sidecars, of photos that lie elsewhere" {
    mkdir -p elsewhere
    mv a.jpg b.jpg elsewhere
    globe 0 report places.jsonl later.jsonl --photos elsewhere --html page.html --write-xmp
    [ -z "$output" ]
    [[ $stderr == *"2 sidecars written"* ]]
    xmllint --noout page.html
    [ "$(grep -c 'data:image/jpeg' page.html)" = 2 ]
    [ "$(exiftool -s3 -XMP:City elsewhere/a.jpg.xmp)" = Lisbon ]
    [[ $(exiftool -s3 -Instructions elsewhere/a.jpg.xmp) == *estimated*"not measured"* ]]
    globe 1 report places.jsonl --photos elsewhere --write-xmp
    [[ $stderr == *"there is a sidecar already"* ]]
}

@test "a photo that knows where it was taken gets no sidecar with an estimate, unless asked for" {
    place a.jpg Lisbon 0.75 | jq -c '. + {gps: {latitude: 1.5, longitude: 2}, gps_distance_km: 4300, contradicts_gps: true, flags: ["contradicts_gps"]}' >gps.jsonl
    globe 0 report gps.jsonl --write-xmp
    [ ! -e a.jpg.xmp ]
    [[ $stderr == *"0 sidecars written, none beside 1 photo with a measured position (--over-gps)"* ]]
    globe 0 report gps.jsonl --csv
    [[ $output == *",1.5,2,4300,true,contradicts_gps,"* ]]
    globe 0 report gps.jsonl --write-xmp --over-gps
    [ "$(exiftool -s3 -GpsDistanceKm a.jpg.xmp)" = 4300 ]
}

@test "sidecars are named as Lightroom names them, and never taken from another photo" {
    cp a.jpg a.png
    globe 0 report places.jsonl --write-xmp --xmp-name base
    [ -e a.xmp ] && [ ! -e a.jpg.xmp ]
    globe 0 report places.jsonl --write-xmp --xmp-name base --replace-xmp
    sed 's/a\.jpg/a.png/' places.jsonl >png.jsonl
    globe 1 report png.jsonl --write-xmp --xmp-name base --replace-xmp
    [[ $stderr == *"a.xmp: not the sidecar that was written for a.png"* ]]
    grep -q '<globe:Photo>a.jpg<' a.xmp
}

@test "paths of photos by outcome, with NUL" {
    printf '{"photo":"new\\nline.jpg","outcome":"abstained","withheld":{"country":"Spain"}}\n' >>places.jsonl
    globe 0 report places.jsonl --only placed --only failed --format paths
    [ "$output" = "a.jpg
b.jpg" ]
    "$GLOBE" report -q places.jsonl --only abstained --format paths -0 >listed
    printf 'new\nline.jpg\0' | cmp - listed
    globe 3 report places.jsonl --format paths
    [[ $stderr == *"--null"* ]]
    globe 2 report places.jsonl --only sure
    [[ $stderr == *"abstained"* ]]
}

@test "CSV for Excel, circles for maps" {
    "$GLOBE" report -q places.jsonl --csv --bom >with.csv
    "$GLOBE" report -q places.jsonl --csv >without.csv
    [ "$(head -c 3 with.csv | od -An -tx1)" = " ef bb bf" ]
    tail -c +4 with.csv | cmp - without.csv
    globe 0 report places.jsonl --geojson --uncertainty
    [ "$(jq -c '[.features[].geometry.type]' <<<"$output")" = '["Point","Polygon","Polygon",null]' ]
    [ "$(jq -c '[.features[] | .properties.circle // empty]' <<<"$output")" = '["radius_50_km","radius_90_km"]' ]
    [ "$(jq '[.features[].properties.estimated] | all' <<<"$output")" = true ]
    "$GLOBE" report -q places.jsonl --kml --uncertainty >circles.kml
    xmllint --noout circles.kml
    [ "$(grep -c '<Polygon>' circles.kml)" = 2 ]
}

@test "output is coarsened, and never finer than the records were" {
    globe 0 report places.jsonl --jsonl --precision country
    [[ $output != *Lisbon* ]]
    [ "$(jq -s '.[0].place.latitude > 39 and .[0].precision == "country"' <<<"$output")" = true ]
    "$GLOBE" report -q places.jsonl --jsonl --precision country >coarse.jsonl
    globe 0 report coarse.jsonl --csv
    [[ $output == *",country,"* ]]
    globe 0 report coarse.jsonl --jsonl --precision city
    [ "$(jq -rs '.[0].precision' <<<"$output")" = country ]
}

@test "a page of two thousand photos is light and can be filtered without a script" {
    for i in $(seq 2000); do place "p$i.jpg" "City $((i % 90))" "0.$((i % 90 + 10))"; done |
        sed 's/"PT"/null/' | awk '{ sub("Portugal", "Country " (NR % 40)); print }' >many.jsonl
    globe 0 report many.jsonl --html page.html
    [ "$(grep -c '^<article' page.html)" = 2000 ]
    [ "$(stat -c %s page.html)" -lt 4000000 ]
    run ! grep -qE '<script|https?:' page.html
    run ! grep -q 'body:has' page.html # which asks again for each card
    grep -q '<option value="k39">Country' page.html
    grep -q '<option value="unsure">' page.html
    xmllint --noout --huge page.html
}
