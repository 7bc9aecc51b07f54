#!/usr/bin/env bats
# globe postcards, as its users call it.

load common

@test "the same seed gives the same bytes, whatever the threads" {
    globe 0 postcards --out "$BATS_TEST_TMPDIR/a" --count 40 --seed 9 --threads 1 --quiet
    globe 0 postcards --out "$BATS_TEST_TMPDIR/b" --count 40 --seed 9 --threads 3 --quiet
    [ -z "$output" ]
    [ -z "$stderr" ]
    diff -r "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/a/postcards.jsonl")" -eq 40 ]
    globe 0 postcards --out "$BATS_TEST_TMPDIR/c" --count 40 --seed 10 --quiet
    run ! cmp -s "$BATS_TEST_TMPDIR/a/cards/000000.jpg" "$BATS_TEST_TMPDIR/c/cards/000000.jpg"
}

@test "test cards differ from the training cards of the same seed" {
    globe 0 postcards --out "$BATS_TEST_TMPDIR/train" --count 30 --seed 9 --quiet
    globe 0 postcards --out "$BATS_TEST_TMPDIR/test" --count 30 --seed 9 --split test --quiet
    same=$(cat <(cd "$BATS_TEST_TMPDIR/train/cards" && sha256sum -- *.jpg) \
        <(cd "$BATS_TEST_TMPDIR/test/cards" && sha256sum -- *.jpg) | cut -d' ' -f1 | sort | uniq -d | wc -l)
    [ "$same" -eq 0 ]
}

@test "the level asked for is the level drawn" {
    globe 0 postcards --out "$BATS_TEST_TMPDIR/hard" --count 20 --difficulty hard --quiet
    [ "$(grep -c '"difficulty":"hard"' "$BATS_TEST_TMPDIR/hard/postcards.jsonl")" -eq 20 ]
}

@test "bad input: one line, and no rows" {
    globe 2 postcards
    [[ $stderr == *"--out DIR is needed"* ]]
    globe 2 postcards --out "$BATS_TEST_TMPDIR/x" --count 0
    [[ $stderr == *"0 is not within 1 to"* ]]
    globe 2 postcards --out "$BATS_TEST_TMPDIR/x" --difficulty extreme
    [[ $stderr == *"'extreme' is not one of easy, medium, hard, mixed"* ]]
    globe 2 postcards --out "$BATS_TEST_TMPDIR/x" --seed 9007199254740992
    [[ $stderr == *"9007199254740992"* ]]
    globe 2 postcards --out "$BATS_TEST_TMPDIR/x" --seed -1
    globe 2 postcards --out "$BATS_TEST_TMPDIR/x" --size 300
    [[ $stderr == *"multiple of 112"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/x/postcards.jsonl" ]
    touch "$BATS_TEST_TMPDIR/file"
    globe 3 postcards --out "$BATS_TEST_TMPDIR/file"
    [[ $stderr == *"file: is not a folder"* ]]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    globe 3 postcards --out "$BATS_TEST_TMPDIR/no/such"
    [[ $stderr == *"no/such"* ]]
}

@test "a missing font is named with its package" {
    cat >"$BATS_TEST_TMPDIR/fonts.conf" <<CONF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir><cachedir>$BATS_TEST_TMPDIR/cache</cachedir></fontconfig>
CONF
    FONTCONFIG_FILE="$BATS_TEST_TMPDIR/fonts.conf" globe 3 postcards --out "$BATS_TEST_TMPDIR/y" --count 1
    [[ $stderr == *"install the Debian package fonts-"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/y/postcards.jsonl" ]
}

@test "a set that was stopped is gone on with, and is the same in the end" {
    cd "$BATS_TEST_TMPDIR"
    set=(--count 60 --seed 9 --threads 2 --quiet)
    globe 0 postcards --out whole "${set[@]}"
    "$GLOBE" postcards --out cards "${set[@]}" &
    rows() { wc -l 2>/dev/null <cards/.postcards.jsonl.part || echo 0; }
    until [ "$(rows 2>/dev/null)" -ge 5 ] || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
    kill -KILL $! 2>/dev/null || true
    wait $! || true
    if [ ! -e cards/postcards.jsonl ]; then # else it was quicker than the kill
        printf '{"images":["cards/00' >>cards/.postcards.jsonl.part # a row that was being written
        rm cards/cards/000003.jpg                                   # a picture that a power failure took
        globe 0 postcards --out cards "${set[@]:0:6}"
        [[ $stderr == *"goes on after 3 cards"* ]]
    fi
    diff -r whole cards
    globe 3 postcards --out cards "${set[@]}" # it is whole now
    # What was begun otherwise is begun anew.
    "$GLOBE" postcards --out other --count 500 --seed 8 --quiet &
    sleep 0.4
    kill -KILL $! 2>/dev/null || true
    wait $! || true
    globe 0 postcards --out other "${set[@]}"
    diff -r whole other
}
