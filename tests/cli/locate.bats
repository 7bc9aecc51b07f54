#!/usr/bin/env bats
# globe locate, with the test checkpoint. Its weights are random, so it names no place: what is tested here is all
# around the answer. tests/locate and tests/api look at answers.

# shellcheck disable=SC2016,SC2154 # inner shells expand; bats and models.bash set status, stderr, model

load common
load models

images=$GLOBE_SOURCE_DIR/tests/data/images
photo=$images/scene_a.png

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    quick=(--model "$TINY" --no-places -n 3)
    printf 'not a photo' >text.jpg
    : >zero.jpg
    head -c 500 "$GLOBE_SOURCE_DIR/examples/harbour.jpg" >cut.jpg
}

# album N: as many small photos in album/.
album() {
    mkdir -p album
    local i
    for i in $(seq 1 "$1"); do tiff 30 30 >"album/$(printf '%03d' "$i").tif"; done
}

# The lines on stderr that are errors.
errors() {
    grep -c "^globe locate: .*\.\(jpg\|png\|tif\): " <<<"$stderr"
}

@test "one photo: the answer is shown as it is written, then the verdict" {
    globe 0 locate "$photo" "${quick[@]}"
    [[ $output == *"$photo"* ]]
    [[ $output == *"no answer: the model named no place"* ]]
    streamed=${lines[0]}
    globe 0 locate "$photo" "${quick[@]}" --json
    [ "$streamed" = "$(jq -r '.[0].answer' <<<"$output" | head -n 1)" ]
    [ -z "$stderr" ]
}

@test "what a model writes cannot move the cursor" {
    # Half of this vocabulary's characters become an escape.
    copy_model
    edit_json tokenizer.json '.model.vocab |= with_entries(if .value > 300 and .value < 900 then .key |= "ě\(.)" else . end)
        | .model.merges = []'
    esc=$'\e'
    globe 0 locate "$photo" --model "$model" --no-places -n 40 --json
    [[ $(jq -r '.[0].answer' <<<"$output") == *"$esc"* ]]
    globe 0 locate "$photo" --model "$model" --no-places -n 40
    [[ $output != *"$esc"* ]]
}

@test "formats" {
    mixed=("$photo" text.jpg "$images/photo_a.jpg")
    globe 1 locate "${mixed[@]}" "${quick[@]}" --json
    jq -e 'length == 3 and (map(.outcome) | sort) == ["failed", "no_answer", "no_answer"]' <<<"$output"
    globe 1 locate "${mixed[@]}" "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 3 ]
    jq -es 'map(.photo) | contains(["text.jpg"])' <<<"$output"
    globe 1 locate "${mixed[@]}" "${quick[@]}" --csv
    [ "${#lines[@]}" -ge 4 ]
    [[ ${lines[0]} == photo,* ]]
    globe 1 locate "${mixed[@]}" "${quick[@]}" --geojson
    jq -e '.type == "FeatureCollection" and (.features | length) == 3' <<<"$output"
    globe 1 locate "${mixed[@]}" "${quick[@]}" --kml
    if command -v xmllint >/dev/null; then xmllint --noout - <<<"$output"; fi
    globe 1 locate "${mixed[@]}" "${quick[@]}" --format text
    [[ $output == *"photo_a.jpg"* && $output == *"text.jpg"* ]]
    globe 2 locate "${mixed[@]}" "${quick[@]}" --json --kml
    [[ $stderr == "globe locate: only one of --json"* ]]
    globe 2 locate "${mixed[@]}" "${quick[@]}" --format yaml
}

@test "a batch with broken photos: each is named, the rest is done, status 1" {
    globe 1 locate text.jpg "$photo" zero.jpg cut.jpg missing.jpg "$images/photo_b.jpg" "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 6 ]
    jq -es 'map(select(.outcome == "failed")) | length == 4 and all(.error.status == 3)' <<<"$output"
    [ "$(errors)" -eq 4 ]
    [[ $stderr == *"missing.jpg: cannot open: No such file or directory"* ]]
    [[ $stderr == *"6 photos in "*" s: 0 placed, 0 abstained, 0 not locatable, 2 without an answer, 4 failed" ]]
}

@test "a single broken photo: its own status" {
    tiff 20000 10 >wide.tif
    tiff 30000 30000 1 >huge.tif
    tiff 300 300 10 >short.tif
    for broken in zero.jpg text.jpg cut.jpg wide.tif short.tif missing.jpg; do
        globe 3 locate "$broken" "${quick[@]}" --json
        [ "$(wc -l <<<"$stderr")" -eq 1 ]
        [[ $stderr == "globe locate: $broken: "* ]]
        jq -e --arg photo "$broken" '.[0].photo == $photo and .[0].outcome == "failed"' <<<"$output"
    done
    globe 5 locate huge.tif "${quick[@]}" --json
    [[ $stderr == "globe locate: huge.tif: 30000 x 30000 pixels, more than the limit"* ]]
}

@test "odd but good photos" {
    tiff 1 1 >one.tif
    tiff 1990 10 >wide.tif
    globe 0 locate one.tif wide.tif "$GLOBE_SOURCE_DIR/tests/data/image/exif6.jpg" "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 3 ]
}

@test "names of photos with blanks, line ends, escapes and dashes" {
    for name in "a b.png" $'a\nb.png' $'a\eb.png' "'\"&<a>.png" "=1+1.png"; do cp "$photo" "$name"; done
    cp "$photo" ./--help.png
    globe 0 locate "a b.png" $'a\nb.png' $'a\eb.png' "'\"&<a>.png" "=1+1.png" "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 5 ]
    jq -es --arg a $'a\nb.png' --arg b $'a\eb.png' 'map(.photo) | index($a) and index($b)' <<<"$output"
    globe 0 locate "${quick[@]}" --csv -- --help.png "=1+1.png"
    [[ $output != *$'\n'"=1+1"* ]]
    if command -v xmllint >/dev/null; then
        globe 0 locate $'a\eb.png' "'\"&<a>.png" "${quick[@]}" --kml
        xmllint --noout - <<<"$output"
    fi
}

@test "folders and lists" {
    album 3
    mkdir album/below
    tiff 30 30 >album/below/004.tif
    globe 0 locate album "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 3 ]
    globe 0 locate -r album "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 4 ]
    printf 'album/001.tif\r\n\nalbum/002.tif' >list
    globe 0 locate --list list "${quick[@]}" --jsonl
    [ "${#lines[@]}" -eq 2 ]
    run --separate-stderr bash -c '"$GLOBE" locate - "$@" --jsonl <list' _ "${quick[@]}"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    mkdir bare
    globe 3 locate bare "${quick[@]}"
    [[ $stderr == "globe locate: bare: no pictures in this folder"* ]]
    globe 3 locate --list nowhere "${quick[@]}"
    printf 'a\0b\n' >list
    globe 3 locate --list list "${quick[@]}"
    : >list
    globe 2 locate --list list "${quick[@]}"
    [[ $stderr == *"no photos given" ]]
    globe 2 locate "${quick[@]}"
}

@test "options that do not go together, or are out of range" {
    globe 2 locate "$photo" --endpoint http://127.0.0.1:1/v1
    [[ $stderr == *"an endpoint needs the name"* ]]
    globe 2 locate "$photo" "${quick[@]}" --samples 0
    globe 2 locate "$photo" "${quick[@]}" --samples 1.5
    globe 2 locate "$photo" "${quick[@]}" --max-tokens 0
    globe 2 locate "$photo" "${quick[@]}" --abstain-below 1.01
    globe 2 locate "$photo" "${quick[@]}" --temperature nan
    globe 2 locate "$photo" "${quick[@]}" --precision street
    globe 2 locate "$photo" "${quick[@]}" --resume
    [[ $stderr == *"--resume needs --jsonl --output FILE"* ]]
    globe 2 locate "$photo" "${quick[@]}" --resume --csv --output x.csv
    [ ! -e x.csv ]
    globe 3 locate "$photo" "${quick[@]}" --gazetteer /nowhere/gazetteer.sqlite
    [[ $stderr == *"/nowhere/gazetteer.sqlite"* ]]
}

@test "keys and certificates of an endpoint are looked at before anything is sent" {
    local endpoint=(--endpoint https://127.0.0.1:1/v1 --model globe --retries 0 --no-places)
    printf 'one\ntwo\n' >two.key
    printf ' \n' >empty.key
    printf 'sk-secret-key\n' >good.key
    globe 3 locate "$photo" "${endpoint[@]}" --api-key-file nowhere.key
    [[ $stderr == *"nowhere.key: cannot read the key"* ]]
    globe 3 locate "$photo" "${endpoint[@]}" --api-key-file two.key
    [[ $stderr == *"two.key: holds more than one key"* && $stderr != *one[^\ ]* ]]
    globe 3 locate "$photo" "${endpoint[@]}" --api-key-file empty.key
    [[ $stderr == *"empty.key: holds no key"* ]]
    globe 8 locate "$photo" "${endpoint[@]}" --api-key-file good.key --jsonl -v
    [[ $stderr$output != *sk-secret* ]]
    globe 3 locate "$photo" "${endpoint[@]}" --ca-file nowhere.pem
    [[ $stderr == *"--ca-file: nowhere.pem: "* ]]
    export CURL_CA_BUNDLE=
    SSL_CERT_FILE=good.key globe 3 locate "$photo" "${endpoint[@]}"
    [[ $stderr == *"SSL_CERT_FILE: good.key: holds no certificate"* ]]
    globe 2 locate "$photo" "${endpoint[@]}" --ca-file good.key --insecure
    [[ $stderr == *"not both"* ]]
    globe 2 locate "$photo" "${quick[@]}" --insecure
    [[ $stderr == *"--insecure goes with --endpoint URL"* ]]
    globe 8 locate "$photo" "${endpoint[@]}" --insecure
    [[ $stderr == *"its certificate is not verified (--insecure)"* ]]
    GLOBE_API_KEY=$'sk-secret-key\nX: y' globe 2 locate "$photo" "${endpoint[@]}"
    [[ $stderr == *"the API key holds a line break"* && $stderr != *sk-secret* ]]
}

@test "an endpoint that is not there" {
    globe 8 locate "$photo" --endpoint http://127.0.0.1:1/v1 --model globe --retries 0 --jsonl --no-places
    jq -e '.error.status == 8' <<<"$output"
    [[ $stderr == *"127.0.0.1:1"* ]]
}

@test "prompts and hints" {
    echo 'Where is this?' >prompt.txt
    globe 0 locate "$photo" "${quick[@]}" --prompt prompt.txt --json
    first=$(jq -r '.[0].answer' <<<"$output")
    globe 0 locate "$photo" "${quick[@]}" --prompt prompt.txt --hint "a trip to Chile" --json
    [ "$(jq -r '.[0].answer' <<<"$output")" != "$first" ] || skip "a random model may say the same twice"
    globe 3 locate "$photo" "${quick[@]}" --prompt nothing.txt
    [[ $stderr == 'globe locate: prompt "nothing.txt" is neither globe, compat-eval or direct nor a readable file: '* ]]
    : >prompt.txt
    globe 3 locate "$photo" "${quick[@]}" --prompt prompt.txt
    [[ $stderr == *"prompt.txt: the prompt file is empty" ]]
    head -c 20000 /dev/zero | tr '\0' x >prompt.txt
    globe 5 locate "$photo" "${quick[@]}" --prompt prompt.txt --json
    [[ $stderr == *"the model's context is 4096"* ]]
}

@test "samples are reproducible, alone and in a batch" {
    sampling=(--samples 4 --temperature 1 --seed 11 --jsonl)
    globe 0 locate "$photo" "${quick[@]}" "${sampling[@]}"
    alone=$(jq -c '[.answer, .tokens, .samples]' <<<"$output")
    [[ $alone == *",4]" ]]
    globe 0 locate "$images"/scene_{d,a,c,b}.png "${quick[@]}" "${sampling[@]}" --sequences 64
    [ "$(jq -c 'select(.photo | endswith("scene_a.png")) | [.answer, .tokens, .samples]' <<<"$output")" = "$alone" ]
}

@test "coarsened output holds no reasoning" {
    globe 0 locate "$photo" "${quick[@]}" --precision country --json
    jq -e '.[0] | .precision == "country" and .reasoning == null and .answer == null and .clues == []' <<<"$output"
    globe 0 locate "$photo" "${quick[@]}" --json
    answer=$(jq -r '.[0].answer' <<<"$output")
    globe 0 locate "$photo" "${quick[@]}" --precision country
    [[ $output != *"$answer"* ]]
}

@test "--compat asks as the released evaluation does" {
    globe 0 locate "$photo" "${quick[@]}" --compat --json --seed 1
    compat=$(jq -r '.[0].answer' <<<"$output")
    globe 0 locate "$photo" "${quick[@]}" --prompt compat-eval --temperature 0.1 --frequency-penalty 0.7 \
        --presence-penalty 0.7 --json --seed 1
    [ "$(jq -r '.[0].answer' <<<"$output")" = "$compat" ]
}

@test "output files appear whole" {
    globe 0 locate "$photo" "${quick[@]}" --json --output out.json
    [ -z "$output" ]
    jq -e 'length == 1' out.json
    globe 0 locate "$photo" "${quick[@]}" --output out.txt
    grep -q "no answer" out.txt
    globe 0 locate "$photo" "${quick[@]}" --jsonl --output /dev/null
    globe 0 locate "$photo" "${quick[@]}" --json --output /dev/null
    [ "$(find . -name 'out*' | wc -l)" -eq 2 ]
}

@test "output that cannot be written" {
    for format in --json --jsonl; do
        globe 3 locate "$photo" "${quick[@]}" $format --output /nowhere/out
        [[ $stderr == "globe locate: /nowhere/out: cannot write: No such file or directory" ]]
        run ! "$GLOBE" locate "$photo" "${quick[@]}" $format --output "$BATS_TEST_TMPDIR"
        globe 6 locate "$photo" "$photo" "${quick[@]}" $format --output /dev/full
        [[ $stderr == *"No space left on device"* ]]
    done
    run --separate-stderr bash -c '"$GLOBE" locate "$@" >/dev/full' _ "$photo" "${quick[@]}"
    [ "$status" -eq 6 ]
    # A file that is there stays as it is when the model cannot be opened.
    globe 0 locate "$photo" "${quick[@]}" --json --output out.json
    cp out.json before.json
    globe 4 locate "$photo" --model /nowhere --json --output out.json
    cmp out.json before.json
}

@test "--resume goes on after the last whole line" {
    album 4
    batch=(locate album "${quick[@]}" --jsonl --output out.jsonl)
    globe 0 "${batch[@]}" --resume
    [ "$(wc -l <out.jsonl)" -eq 4 ]
    cp out.jsonl whole.jsonl
    { head -n 2 whole.jsonl; sed -n 3p whole.jsonl | head -c 40; } >out.jsonl
    globe 0 "${batch[@]}" --resume
    [[ $stderr == *"2 photos in"*" failed; 2 were done before" ]]
    [ "$(jq -r .photo out.jsonl | sort | uniq | wc -l)" -eq 4 ]
    [ "$(wc -l <out.jsonl)" -eq 4 ]
    cp out.jsonl before
    globe 0 "${batch[@]}" --resume
    [ "$stderr" = "globe locate: all photos were done before" ]
    cmp out.jsonl before
    # Without --resume it begins anew.
    globe 0 "${batch[@]}"
    [ "$(wc -l <out.jsonl)" -eq 4 ]
    # What failed is tried again.
    printf 'x' >album/002.tif
    rm out.jsonl
    globe 1 "${batch[@]}"
    tiff 30 30 >album/002.tif
    globe 0 "${batch[@]}" --resume
    [ "$(wc -l <out.jsonl)" -eq 4 ] # and its failure makes room for the answer
    jq -es 'all(.outcome != "failed")' out.jsonl
    # A file of something else is left alone.
    echo '{"precious": true}' >out.jsonl
    globe 3 "${batch[@]}" --resume
    [[ $stderr == "globe locate: out.jsonl: line 1: not a record of globe locate --jsonl"* ]]
    [ "$(cat out.jsonl)" = '{"precious": true}' ]
}

# interrupt FILE LINES COMMAND...: sends a signal when FILE has so many lines; its status.
interrupt() {
    local file=$1 least=$2 pid
    shift 2
    "$@" 2>interrupted.err &
    pid=$!
    for _ in $(seq 600); do
        if [ -e "$file" ] && [ "$(wc -l <"$file")" -ge "$least" ]; then break; fi
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid"
}

@test "Ctrl-C in the middle of a batch; --resume does the rest" {
    album 60
    slow=(--model "$TINY" --no-places -n 200 --sequences 1 --jsonl --output out.jsonl)
    status=0
    interrupt out.jsonl 3 "$GLOBE" locate album "${slow[@]}" || status=$?
    [ "$status" -eq 130 ]
    tail -n 1 interrupted.err | grep -q "^globe locate: interrupted$"
    done_before=$(wc -l <out.jsonl)
    [ "$done_before" -ge 3 ]
    [ "$done_before" -lt 60 ]
    jq -es 'all(.outcome)' out.jsonl
    globe 3 locate album "${quick[@]}" --jsonl --output out.jsonl --resume # another --max-tokens
    [[ $stderr == *"line 1: was made with other settings (max-tokens 200, now 3)"* ]]
    [ "$(wc -l <out.jsonl)" -eq "$done_before" ]
    globe 0 locate album "${quick[@]}" --jsonl --output out.jsonl --resume --force
    [ "$(wc -l <out.jsonl)" -eq 60 ]
    [ "$(jq -r .photo out.jsonl | sort | uniq | wc -l)" -eq 60 ]
}

@test "Ctrl-C leaves a whole document" {
    album 60
    status=0
    touch stdout
    slow=(--model "$TINY" --no-places -n 200 --sequences 1 --json)
    # shellcheck disable=SC2094 # that is what is waited for
    interrupt stdout 4 "$GLOBE" locate album "${slow[@]}" >stdout || status=$?
    [ "$status" -eq 130 ]
    jq -e 'length > 0 and length < 60' stdout
}

@test "--explain saves a picture for the answer and each clue" {
    globe 0 locate "$photo" "$images/photo_a.jpg" --model "$TINY" --no-places -n 8 --explain maps --jsonl
    [ "$(jq -r '.evidence, .clues[].evidence' <<<"$output" | sort | uniq | wc -l)" -ge 2 ]
    for picture in $(jq -r '.evidence, .clues[].evidence | strings' <<<"$output"); do
        [ "$(head -c 4 "$picture" | tail -c 3)" = PNG ]
    done
    globe 2 locate "$photo" --endpoint http://127.0.0.1:1/v1 --model globe --explain maps
    run ! "$GLOBE" locate "$photo" "${quick[@]}" --explain text.jpg # no folder
    [ "$(cat text.jpg)" = "not a photo" ]
}

@test "sidecars" {
    cp "$photo" a.png
    globe 0 locate a.png "${quick[@]}" --write-xmp
    [ ! -e a.png.xmp ] # no place, no sidecar
    cmp a.png "$photo"
}

@test "without a gazetteer there are names only, and a warning" {
    run --separate-stderr env GLOBE_GAZETTEER=/nowhere "$GLOBE" locate "$photo" --model "$TINY" -n 2 --json
    [ "$status" -eq 0 ]
    [[ $stderr == "globe locate: warning: no coordinates: /nowhere"* ]]
    globe 0 locate "$photo" "${quick[@]}" --json
    [ -z "$stderr" ]
}

@test "a file that is cut short is located when that is allowed, and says so" {
    head -c $(($(stat -c %s "$GLOBE_SOURCE_DIR/examples/harbour.jpg") / 2)) "$GLOBE_SOURCE_DIR/examples/harbour.jpg" >cut.jpg
    cp "$photo" whole.jpg
    globe 1 locate cut.jpg whole.jpg "${quick[@]}" --jsonl -o o.jsonl
    [[ $stderr == *"cut.jpg: truncated JPEG"* ]]
    globe 0 locate cut.jpg whole.jpg "${quick[@]}" --jsonl -o o.jsonl --resume --allow-truncated
    [[ $stderr == *"cut.jpg: the file is cut short; what is there of it is taken"* ]]
    [ "$(jq -rs 'map("\(.photo) \(.flags | index("photo_truncated") != null)") | sort | join(" ")' o.jsonl)" = "cut.jpg true whole.jpg false" ]
    globe 0 report o.jsonl --format text
    [[ $output == *"the file is cut short"* ]]
}
