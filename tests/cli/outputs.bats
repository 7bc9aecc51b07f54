#!/usr/bin/env bats
# Nothing is lost: no file of others is replaced, no two runs write one output, what a kill leaves is mended, and one
# bad folder or photo never stops the rest. With the embedded model, which places drawn postcards.

# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets status, output and stderr

load common
load models

setup_file() {
    "$GLOBE" postcards --out "$BATS_FILE_TMPDIR/set" --count 12 --seed 5 --split test --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir p
    cp "$BATS_FILE_TMPDIR"/set/cards/*.jpg p
    batch=(locate p --jsonl -o o.jsonl)
}

# The lines of FILE are whole, and one for each of COUNT photos.
whole() {
    [ "$(jq -r .photo "$1" | sort -u | wc -l)" -eq "$2" ]
    [ "$(wc -l <"$1")" -eq "$2" ]
}

@test "a file that globe did not write is not replaced, by any format" {
    cp p/000000.jpg photo.jpg
    echo "Buy milk" >notes
    for option in --csv --json --jsonl --geojson --kml "--format html" "--format text"; do
        # shellcheck disable=SC2086 # two words
        for there in photo.jpg notes; do
            cp $there before
            globe 3 locate p/000001.jpg $option -o $there
            [[ $stderr == "globe locate: $there: is not "*"--force)" ]]
            cmp $there before
        done
    done
    globe 3 locate p/000001.jpg --csv --html notes
    globe 3 locate p/000001.jpg --jsonl -o notes --resume
    globe 3 locate p/000001.jpg --jsonl -o notes --resume --force
    [ "$(cat notes)" = "Buy milk" ]
    printf 'Buy milk' >notes # without a line end it is no torn record either
    globe 3 locate p/000001.jpg --jsonl -o notes --resume
    [ "$(cat notes)" = "Buy milk" ]
    globe 0 locate p/000001.jpg --csv -o notes --force
    [ "$(wc -l <notes)" -eq 2 ]
    [ -z "$(find . -name '.*.lock' -o -name '*.tmp')" ]
}

@test "its own files it replaces, each format its own" {
    for option in --csv --json --jsonl --geojson --kml "--format html" "--format text"; do
        # shellcheck disable=SC2086 # two words
        {
            rm -f out
            globe 0 locate p/000001.jpg $option -o out
            globe 0 locate p/000002.jpg $option -o out
            grep -q 000002 out
        }
    done
    globe 3 locate p/000001.jpg --csv -o out # which is a report
}

@test "two outputs are never one file, and none is what is read" {
    cp p/000000.jpg a.jpg
    for alias in s ./s "$PWD/s"; do
        globe 2 locate a.jpg --csv -o s --html "$alias"
        [[ $stderr == *"both --output and --html would write it" ]]
    done
    : >s
    ln s hard
    ln -s s soft
    for alias in hard soft; do globe 2 locate a.jpg --csv -o s --html $alias --force; done
    # shellcheck disable=SC2094 # that standard output is one of the outputs is what is tried
    run "$GLOBE" locate a.jpg --json --html s >s
    for same in a.jpg ./a.jpg; do
        cp a.jpg before
        globe 2 locate a.jpg --csv -o $same --force
        [[ $stderr == *"is a photo to be located, and --output would replace it" ]]
        cmp a.jpg before
    done
    echo a.jpg >list
    globe 2 locate -l list --csv -o list --force
    cp -r "$TINY" model
    globe 2 locate a.jpg --model model --no-places --csv -o model/config.json --force
    globe 2 locate a.jpg --csv -o a.jpg.xmp --write-xmp
    [[ $stderr == *"is the sidecar of a photo"* ]]
}

@test "nor is any other input: key, certificates, hints, calibration, a prompt, a model of the hub's cache" {
    cp p/000000.jpg a.jpg
    mkdir sub
    cp p/000000.jpg sub/b.jpg
    server=(--endpoint http://127.0.0.1:9/v1 --retries 0)
    for name in key pem hint.txt sub/hint.txt prompt calibration.json; do echo precious >$name; done
    cp "$GLOBE_SOURCE_DIR/models/postcards/globe_calibration.json" calibration.json
    cp -r p before
    cp key pem hint.txt prompt calibration.json before
    for to in "--csv -o" "--jsonl -o" --html; do
        # shellcheck disable=SC2086 # two words
        {
            globe 2 locate a.jpg "${server[@]}" --api-key-file key $to key --force
            [[ $stderr == *"key: is the endpoint's key, and "*" would replace it" ]]
            globe 2 locate a.jpg "${server[@]}" --ca-file pem $to ./pem --force
            globe 2 locate a.jpg --hint-file hint.txt $to hint.txt --force
            globe 2 locate sub/b.jpg --hint-file hint.txt $to hint.txt --force
            globe 2 locate sub/b.jpg --hint-file hint.txt $to sub/hint.txt --force
            [[ $stderr == *"is a file of hints"* ]]
            globe 2 locate a.jpg --calibration calibration.json $to calibration.json --force
            globe 2 locate a.jpg --prompt prompt $to prompt --force
        }
    done
    # shellcheck disable=SC2030,SC2031 # each test is a shell of its own
    export HF_HUB_CACHE=$PWD/hub
    mkdir -p hub/models--some--model/snapshots/1 hub/models--some--model/refs
    printf 1 >hub/models--some--model/refs/main
    cp "$TINY"/*.* hub/models--some--model/snapshots/1
    globe 2 locate a.jpg --model some/model --csv -o hub/models--some--model/snapshots/1/config.json --force
    [[ $stderr == *"is a file of the model"* ]]
    globe 2 eval "$BATS_FILE_TMPDIR/set/postcards.jsonl" "${server[@]}" --api-key-file key --answers key --force
    globe 2 eval "$BATS_FILE_TMPDIR/set/postcards.jsonl" --prompt prompt --answers prompt --force
    for name in key pem hint.txt prompt calibration.json; do cmp $name before/$name; done
}

@test "a pipe is not gone on with, and nobody waits for one" {
    mkfifo pipe
    run -3 --separate-stderr timeout 20 "$GLOBE" locate p --jsonl -o pipe --resume
    [[ $stderr == *"pipe: not a file that could be gone on with" ]]
}

@test "what eval measures replaces nobody's file, and is claimed before the work" {
    rows=$BATS_FILE_TMPDIR/set/postcards.jsonl
    echo "Buy milk" >notes
    for option in --scope "--answers a.jsonl --calibrate"; do
        # shellcheck disable=SC2086 # two words
        {
            globe 3 eval "$rows" --limit 1 $option notes
            [[ $stderr == *"notes: is not "*"--force)" ]]
            globe 2 eval "$rows" --limit 1 $option "$rows" --force
            [[ $stderr == *"is a file of rows"* ]]
            globe 2 eval "$rows" --limit 1 $option "$BATS_FILE_TMPDIR/set/cards/000000.jpg" --force
            cp -r "$TINY" model
            chmod -R u+w model
            globe 2 eval "$rows" --limit 1 --model model $option model/config.json --force
            rm -r model
            globe 3 eval "$rows" --limit 1 $option .
        }
    done
    globe 2 eval "$rows" --limit 1 --answers same --calibrate same
    [ ! -e a.jsonl ] && [ ! -e same ] # refused before anything was asked
    [ "$(cat notes)" = "Buy milk" ]
    [ -z "$(find . "$BATS_FILE_TMPDIR/set" -name '.*.lock')" ]
}

@test "what a killed run left beside its output goes with the next one, and nothing else does" {
    sleep 0.01 &
    gone=$!
    wait $gone
    touch o.html.$gone-0.tmp o.html.$$-0.tmp o.html.tmp o.html.x-1.tmp o.html.-1.tmp other.html.$gone-0.tmp
    globe 0 locate p/000000.jpg --jsonl -o o.jsonl --html o.html
    [ ! -e o.html.$gone-0.tmp ]
    [ -e o.html.$$-0.tmp ] && [ -e o.html.tmp ] && [ -e o.html.x-1.tmp ] && [ -e o.html.-1.tmp ]
    [ -e other.html.$gone-0.tmp ]
    touch p/000000.jpg.xmp.$gone-0.tmp p/000000.jpg.xmp.$$-0.tmp p/notes.$gone-0.tmp
    globe 0 locate p/000000.jpg --jsonl -o o.jsonl --write-xmp --resume
    [ ! -e p/000000.jpg.xmp.$gone-0.tmp ] && [ -e p/000000.jpg.xmp.$$-0.tmp ] && [ -e p/notes.$gone-0.tmp ]
    mkdir cards
    touch cards/naming.jsonl.$gone-1.tmp cards/mine.jsonl.$gone-1.tmp
    globe 0 postcards --out cards --count 1
    [ ! -e cards/naming.jsonl.$gone-1.tmp ] && [ -e cards/mine.jsonl.$gone-1.tmp ]
    mkdir maps
    touch maps/a.png.$gone-1.tmp maps/a.txt.$gone-1.tmp
    globe 0 locate p/000000.jpg --jsonl -o o.jsonl --explain maps --resume
    [ ! -e maps/a.png.$gone-1.tmp ] && [ -e maps/a.txt.$gone-1.tmp ]
    # A whole folder of a merge that was killed; whether this one can be done is another question.
    mkdir -p merged.$gone-3.tmp/below merged.$$-3.tmp other.$gone-3.tmp
    touch merged.$gone-3.tmp/below/model.safetensors
    globe 4 merge --model "$TINY" --adapter p --out merged/
    [ ! -e merged.$gone-3.tmp ] && [ -e merged.$$-3.tmp ] && [ -e other.$gone-3.tmp ]
    [ ! -e merged ]
}

@test "one run at a time writes an output; the others are told who does" {
    mkdir more
    for i in $(seq 40); do cp p/000000.jpg "more/$i.jpg"; done
    "$GLOBE" locate -q more --jsonl -o o.jsonl -k 8 2>first.err &
    first=$!
    for _ in $(seq 200); do [ -e .o.jsonl.lock ] && break; sleep 0.05; done
    ln -s o.jsonl link
    for name in o.jsonl link; do
        globe 3 locate p --jsonl -o $name
        [[ $stderr == *"another run is writing it: globe locate, process $first on "* ]]
        globe 3 locate p --jsonl -o $name --resume
    done
    kill -9 "$first"
    wait "$first" || true
    globe 0 locate p --jsonl -o o.jsonl # nobody holds it any more
    [ ! -e .o.jsonl.lock ]
}

@test "kill -9 at any moment: records and sidecars are whole after a resume" {
    for delay in 0.3 0.45 0.6 0.75 0.9; do
        "$GLOBE" "${batch[@]}" -q --resume --write-xmp 2>killed.err &
        pid=$!
        sleep $delay
        kill -9 $pid 2>/dev/null || true
        wait $pid || true
        [ ! -e o.jsonl ] || head -c -0 o.jsonl >/dev/null
    done
    globe 0 "${batch[@]}" --resume --write-xmp
    whole o.jsonl 12
    for photo in $(jq -r 'select(.outcome == "placed") | .photo' o.jsonl); do
        [ -s "$photo.xmp" ]
        grep -q "$(jq -r --arg p "$photo" 'select(.photo == $p) | .place.city' o.jsonl)" "$photo.xmp"
    done
    [ "$(find p -name '*.xmp' | wc -l)" -eq "$(jq -r 'select(.outcome == "placed") | .photo' o.jsonl | wc -l)" ]
}

@test "a sidecar that is missing is made from its record; one that was edited is left" {
    globe 0 "${batch[@]}" --write-xmp
    set -- p/*.xmp
    cp "$1" first
    rm "$1"
    echo "<!-- mine -->" >>"$2"
    cp "$2" edited
    globe 0 "${batch[@]}" --resume --write-xmp
    [[ $stderr == *"all photos were done before; 1 sidecar written from its record" ]]
    [ "$(grep -c City "$1")" -eq "$(grep -c City first)" ]
    cmp "$2" edited
    # The record of an edited one is gone: it is not replaced for that.
    photo=${2%.xmp}
    grep -v "\"$photo\"" o.jsonl >left
    cp left o.jsonl
    globe 3 "${batch[@]}" --resume --write-xmp
    [[ $stderr == *"$2: there is a sidecar already"* ]]
    cmp "$2" edited
    whole o.jsonl 12
    # One that nobody touched is.
    grep -v "\"${1%.xmp}\"" o.jsonl >left
    cp left o.jsonl
    globe 0 "${batch[@]}" --resume --write-xmp --quiet
    whole o.jsonl 12
}

@test "a sidecar that a killed run left goes when the photo has no place this time, an edited one stays" {
    globe 0 locate p --jsonl -o o.jsonl --write-xmp
    cp o.jsonl all.jsonl
    mapfile -t placed < <(jq -r 'select(.outcome == "placed") | .photo' o.jsonl)
    jq -c --arg a "${placed[0]}" --arg b "${placed[1]}" 'select(.photo != $a and .photo != $b)' all.jsonl >o.jsonl
    echo "<!-- mine -->" >>"${placed[1]}.xmp"
    globe 0 locate p --jsonl -o o.jsonl --write-xmp --resume --force --abstain-below 1
    jq -es --arg a "${placed[0]}" 'map(select(.photo == $a))[0].outcome == "abstained"' o.jsonl
    [ ! -e "${placed[0]}.xmp" ]
    grep -q mine "${placed[1]}.xmp"
    [ -e "${placed[2]}.xmp" ]
}

@test "two photos of one base name: the sidecar is the first one's, and a resume says so again" {
    photo=$("$GLOBE" locate p --format jsonl -q | jq -rs 'map(select(.outcome == "placed"))[0].photo')
    mkdir two
    cp "$photo" two/a.jpg
    cp "$photo" two/a.jpeg
    globe 1 locate two --jsonl -o o.jsonl --write-xmp --xmp-name base
    owner=$(grep -o '<globe:Photo>[^<]*' two/a.xmp)
    for _ in 1 2; do
        globe 1 locate two --jsonl -o o.jsonl --write-xmp --xmp-name base --resume
        [[ $stderr == *"; 1 sidecar not written" ]]
        [ "$(grep -o '<globe:Photo>[^<]*' two/a.xmp)" = "$owner" ]
    done
}

@test "a sidecar that an editor wrote anew is still the photo's" {
    globe 0 locate p --jsonl -o o.jsonl --write-xmp --xmp-name base
    photo=$(jq -rs 'map(select(.outcome == "placed"))[0].photo' o.jsonl)
    sidecar=${photo%.jpg}.xmp
    # As an element without our indentation, and as an attribute.
    sed -i 's/^ *<globe:Photo>/<globe:Photo>/; s/^ *<globe:Seal>.*//' "$sidecar"
    cp "$sidecar" edited
    globe 0 locate p --jsonl -o o.jsonl --write-xmp --xmp-name base --resume
    cmp "$sidecar" edited
    sed -i 's/<globe:Photo>\(.*\)<\/globe:Photo>//; s/<rdf:Description rdf:about=""/& globe:Photo="'"${photo#p/}"'"/' "$sidecar"
    grep -q 'globe:Photo="' "$sidecar"
    cp "$sidecar" edited
    globe 0 locate p --jsonl -o o.jsonl --write-xmp --xmp-name base --resume
    cmp "$sidecar" edited
    globe 0 locate "$photo" --write-xmp --xmp-name base --replace-xmp
    grep -q '<globe:Photo>' "$sidecar"
}

@test "attention maps: what cannot be written is counted, and made by resume" {
    : >maps # no folder
    globe 1 "${batch[@]}" --explain maps
    whole o.jsonl 12
    [[ $stderr == *"12 photos in "*" 0 failed; 12 without attention maps" ]]
    rm maps
    globe 0 "${batch[@]}" --explain maps --resume
    whole o.jsonl 12
    jq -es 'all(.evidence_error == null)' o.jsonl
    for map in $(jq -r '.evidence // empty' o.jsonl); do [ -s "$map" ]; done
    cp o.jsonl before
    globe 0 "${batch[@]}" --explain maps --resume
    cmp o.jsonl before
    rm "$(jq -r '.evidence // empty' o.jsonl | head -n 1)"
    globe 0 "${batch[@]}" --explain maps --resume
    [[ $stderr == *"1 photo in "* ]]
    whole o.jsonl 12
    # A picture of somebody else's is left, whatever its name.
    map=$(jq -r '.evidence // empty' o.jsonl | head -n 1)
    photo=$(jq -r 'select(.evidence) | .photo' o.jsonl | head -n 1)
    cp p/000000.jpg "$map"
    globe 3 locate "$photo" --explain maps --jsonl
    cmp p/000000.jpg "$map"
}

@test "two photos never share a map" {
    mkdir a
    cp p/000000.jpg a/b.jpg
    cp p/000001.jpg a_b.jpg
    long=$(printf '0%.0s' $(seq 250)).jpg
    cp p/000002.jpg "$long"
    globe 0 locate a/b.jpg a_b.jpg ./a_b.jpg "$long" --explain maps --jsonl
    [ "$(jq -r '.evidence // empty' <<<"$output" | sort -u | wc -l)" -eq "$(jq -r '.evidence // empty' <<<"$output" | wc -l)" ]
}

@test "the page of a resumed run shows all of it" {
    globe 0 locate p/00000[0-4].jpg --jsonl -o o.jsonl
    globe 0 locate p/*.jpg --jsonl -o o.jsonl --resume --html page.html
    for photo in p/*.jpg; do grep -q "${photo#p/}" page.html; done
    globe 0 locate p/*.jpg --jsonl -o o.jsonl --resume --html again.html # nothing is left to ask
    for photo in p/*.jpg; do grep -q "${photo#p/}" again.html; done
}

@test "records say how they were made, and others are not mixed in" {
    globe 0 "${batch[@]}"
    jq -es 'all(.provenance | (.version | type) == "string" and (.model_hash | length) == 64 and (.settings_hash | length) == 64 and .seed == 0 and .settings.samples == 1)' o.jsonl
    jq -es 'map([.photo, .provenance.photo_sha256] | "\(.[1])  \(.[0])") | .[]' -r o.jsonl | sha256sum -c --quiet
    cp o.jsonl before
    globe 3 "${batch[@]}" --resume --samples 2
    [[ $stderr == *"(samples 1, now 2; temperature 0.0, now 1.0)"* ]]
    globe 3 "${batch[@]}" --resume --seed 9
    [[ $stderr == *"(seed 0, now 9)"* ]]
    globe 3 "${batch[@]}" --resume --model "$TINY"
    [[ $stderr == *"(model postcards, now another one)"* ]]
    globe 3 "${batch[@]}" --resume --hint "in the south"
    cmp o.jsonl before
    globe 0 "${batch[@]}" --resume --seed 9 --force
    cmp o.jsonl before
    # Records of a time when nothing was said are gone on with, and that is said.
    jq -c 'del(.provenance)' before >o.jsonl
    globe 0 "${batch[@]}" --resume
    [[ $stderr == *"12 records do not say with which model"* ]]
}

@test "another calibration, gazetteer file or model of the hub's cache is not mixed in either" {
    calibration=$GLOBE_SOURCE_DIR/models/postcards/globe_calibration.json
    places=$GLOBE_SOURCE_DIR/data/gazetteer.sqlite
    [ -e "$places" ] || places=$GLOBE_BUILD_DIR/data/gazetteer.sqlite
    cp "$places" g.sqlite
    chmod u+w g.sqlite
    globe 0 "${batch[@]}" --gazetteer g.sqlite
    globe 0 "${batch[@]}" --gazetteer g.sqlite --resume
    globe 3 "${batch[@]}" --gazetteer g.sqlite --resume --calibration "$calibration"
    [[ $stderr == *"(calibration differs)"* ]]
    python3 -c 'import sqlite3
d = sqlite3.connect("g.sqlite")
d.execute("UPDATE place SET lat = lat + 0.01 WHERE rowid = (SELECT max(rowid) FROM place)")
d.commit()'
    globe 3 "${batch[@]}" --gazetteer g.sqlite --resume
    [[ $stderr == *"(gazetteer-file differs)"* ]]
    # The same for the one that is found without being named.
    globe 0 "${batch[@]}"
    globe 0 "${batch[@]}" --gazetteer "$places" --resume
    GLOBE_GAZETTEER=$PWD/g.sqlite globe 3 "${batch[@]}" --resume
    [[ $stderr == *"(gazetteer-file differs)"* ]]
    # shellcheck disable=SC2030,SC2031 # each test is a shell of its own
    export HF_HUB_CACHE=$PWD/hub
    for name in one two; do
        mkdir -p hub/models--a--$name/snapshots/1 hub/models--a--$name/refs
        printf 1 >hub/models--a--$name/refs/main
        cp "$TINY"/*.* hub/models--a--$name/snapshots/1
    done
    chmod u+w hub/models--a--two/snapshots/1/*
    printf ' ' >>hub/models--a--two/snapshots/1/config.json
    globe 0 locate p/000000.jpg --model a/one --no-places --max-tokens 4 --jsonl -o hub.jsonl
    jq -e '.provenance.model_hash | length == 64' hub.jsonl
    globe 3 locate p --model a/two --no-places --max-tokens 4 --jsonl -o hub.jsonl --resume
    [[ $stderr == *"now another one"* ]]
}

@test "a photo that has changed since is located again; one that was only copied or touched is not" {
    globe 0 "${batch[@]}" --write-xmp
    city() { jq -r --arg p "$1" 'select(.photo == $p) | .place.city' o.jsonl; }
    other=$(jq -rs 'map(select(.outcome == "placed" and .photo != "p/000003.jpg" and .place.city)) | .[-1].photo' o.jsonl)
    wanted=$(city "$other")
    cp "$other" p/000003.jpg # another picture by that name
    cp p/000004.jpg same.jpg
    mv same.jpg p/000004.jpg
    touch p/000006.jpg
    globe 0 "${batch[@]}" --write-xmp --resume --html page.html
    [[ $stderr == *"o.jsonl: 1 photo has changed since it was located, so it is located again"* ]]
    whole o.jsonl 12
    jq -es 'map([.photo, .provenance.photo_sha256] | "\(.[1])  \(.[0])") | .[]' -r o.jsonl | sha256sum -c --quiet
    [ "$(city p/000003.jpg)" = "$wanted" ]
    grep -qF "<photoshop:City>$wanted" p/000003.jpg.xmp
    [ "$(grep -c '<article' page.html)" -eq 12 ]
    globe 0 "${batch[@]}" --write-xmp --resume
    [[ $stderr == *"all photos were done before"* ]]
}

@test "bad folders, lists and files are named and counted; the rest is done" {
    mkdir -p in/empty in/sub
    cp p/000000.jpg in/a.jpg
    cp p/000001.jpg in/sub/b.jpg
    ln -s loop.jpg in/loop.jpg
    ln -s . in/self
    mkfifo in/pipe.jpg
    mkdir in/folder.jpg
    ln -s folder.jpg in/link.jpg
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("in/socket.jpg")'
    globe 1 locate -r in in/empty /nowhere/folder.jpg in/sub --list /nowhere/list --jsonl -o o.jsonl
    jq -es 'map(select(.outcome != "failed").photo) | sort == ["in/a.jpg", "in/sub/b.jpg"]' o.jsonl
    jq -es 'map(select(.outcome == "failed")) | all(.error.status == 3) and length == 5' o.jsonl
    [[ $stderr == *"in/empty: no pictures in this folder"* ]]
    [[ $stderr == *"/nowhere/list: cannot open"* ]]
    [[ $stderr == *"7 photos in "*"; 1 was named again; 2 folders or lists not read" ]]
    globe 3 locate in/empty in/folder.jpg
}

@test "the counts of the summary add up" {
    printf 'x' >p/broken.jpg
    globe 1 locate p --write-xmp --csv -o o.csv
    globe 1 locate p --write-xmp --csv -o o.csv
    line=$(tail -n 1 <<<"$stderr")
    [[ $line =~ ([0-9]+)\ photos\ in\ .*:\ ([0-9]+)\ placed,\ ([0-9]+)\ abstained,\ ([0-9]+)\ not\ locatable,\ ([0-9]+)\ without\ an\ answer,\ ([0-9]+)\ failed ]]
    [ "${BASH_REMATCH[1]}" -eq 13 ]
    [ $((BASH_REMATCH[2] + BASH_REMATCH[3] + BASH_REMATCH[4] + BASH_REMATCH[5] + BASH_REMATCH[6])) -eq 13 ]
    [[ $line == *"; "*" sidecars not written" ]]
}

@test "names in any bytes are done once" {
    names=($'IMG\u200e_1.jpg' $'a\u202eb.jpg' $'latin-\xe4.jpg' $'line\nend.jpg' $'\e[31m.jpg')
    for name in "${names[@]}"; do cp p/000000.jpg "$name"; done
    for _ in 1 2 3; do globe 0 locate "${names[@]}" --jsonl -o o.jsonl --resume --quiet; done
    [ "$(wc -l <o.jsonl)" -eq 5 ]
    run grep -cP '[\x00-\x09\x0b-\x1f\x7f]' o.jsonl
    [ "$output" = 0 ]
    for name in "${names[@]}"; do
        python3 - "$name" <<'END'
import base64, json, os, sys
records = [json.loads(line) for line in open("o.jsonl", "rb")]
keys = [base64.b64decode(r["photo_bytes"]) if "photo_bytes" in r else os.fsencode(r["photo"]) for r in records]
assert os.fsencode(sys.argv[1]) in keys
END
    done
}

@test "sets, tokenizers, dumps, charts and gazetteers of others are left alone" {
    globe 3 postcards --out "$BATS_FILE_TMPDIR/set" --count 2 --seed 9
    [[ $stderr == *"holds a set of postcards already; choose another folder, or --force" ]]
    [ "$(wc -l <"$BATS_FILE_TMPDIR/set/postcards.jsonl")" -eq 12 ]
    mkdir -p mine/cards
    cp p/000000.jpg mine/cards/holiday.jpg
    globe 3 postcards --out mine --count 2
    [ ! -e mine/postcards.jsonl ]
    globe 0 postcards --out forced --count 4 --quiet
    globe 0 postcards --out forced --count 2 --seed 9 --force --quiet
    [ "$(find forced/cards -name '*.jpg' | wc -l)" -eq 2 ]
    echo precious >notes
    echo '{}' >words.json
    mkdir model
    echo '{"precious": 1}' >model/tokenizer.json
    globe 3 tokenizer train --out model --size 400 "$GLOBE_SOURCE_DIR/tests/data/train/rows.jsonl"
    mkdir words
    cp "$GLOBE_SOURCE_DIR/tests/data/train/rows.jsonl" words/tokenizer.json
    globe 2 tokenizer train --out words --size 400 --rows words/../words/tokenizer.json --force
    [[ $stderr == *"is a corpus, and --out would replace it" ]]
    cmp words/tokenizer.json "$GLOBE_SOURCE_DIR/tests/data/train/rows.jsonl"
    globe 3 gazetteer build . -o notes
    globe 3 inspect --model "$TINY" --messages words.json --dump notes
    cp -r "$TINY" copy
    globe 2 inspect --model copy --messages words.json --dump copy/model.safetensors --force
    echo '{"step":1,"loss":2}' >metrics.jsonl
    globe 3 train plot metrics.jsonl -o notes
    globe 0 train plot metrics.jsonl -o a.svg
    globe 0 train plot metrics.jsonl -o a.svg
    globe 0 train plot metrics.jsonl -o a.png
    globe 0 train plot metrics.jsonl -o a.png
    globe 2 train plot metrics.jsonl -o metrics.jsonl --force
    globe 0 locate p/000001.jpg --jsonl -o o.jsonl
    globe 3 report o.jsonl --csv -o notes
    globe 2 report o.jsonl --jsonl -o ./o.jsonl --force
    [ "$(cat notes)" = precious ]
}

@test "answers of an examination: nobody else's file, one run, one model" {
    rows=$BATS_FILE_TMPDIR/set/postcards.jsonl
    cp "$rows" before
    globe 2 eval "$rows" --answers "$rows" --force
    globe 3 eval "$rows" --answers before
    cmp "$rows" before
    globe 0 eval "$rows" --limit 2 --answers a.jsonl
    globe 3 eval "$rows" --limit 2 --answers a.jsonl --resume --seed 5
    [[ $stderr == *"(seed 0, now 5)"* ]]
    printf 'notes' >>a.jsonl
    globe 3 eval "$rows" --limit 2 --answers a.jsonl --resume
    tail -c 5 a.jsonl | grep -q notes
}

@test "temporary weights go when the pipe breaks" {
    mkdir t
    TMPDIR=$PWD/t "$GLOBE" bench --shape tiny -n 4 --repeats 1 2>&1 | head -n 1 >/dev/null
    sleep 0.5
    [ -z "$(ls t)" ]
}
