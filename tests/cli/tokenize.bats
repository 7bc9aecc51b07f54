#!/usr/bin/env bats
# globe tokenize: text to ids and back.

# shellcheck disable=SC2016,SC2154 # inner shells expand; bats and models.bash set status, stderr, model

load common
load models

# tokens STATUS INPUT OPTION...
tokens() {
    local input=$2 expected=$1
    shift 2
    run --separate-stderr bash -c 'printf "%b" "$1" | "$GLOBE" tokenize --model "$2" "${@:3}"' _ "$input" "$TINY" "$@"
    [ "$status" -eq "$expected" ] || { printf '%s\n' "$output" "$stderr" >&2; return 1; }
}

@test "every line comes back" {
    tokens 0 'Hello world\n\n  two  blanks\nK\0303\0266ln \0360\0237\0214\0215'
    [ "$(wc -l <<<"$output")" -eq 4 ]
    ids=$output
    tokens 0 "$ids\n" --decode
    [ "$output" = $'Hello world\n\n  two  blanks\nKöln 🌍' ]
    tokens 0 '"a\\nb"\n""\n' --json
    jq -es 'length == 2 and .[1] == [] and (.[0] | length > 1)' <<<"$output"
    tokens 0 "$output\n" --json --decode
    [ "$output" = $'"a\\nb"\n""' ]
}

@test "special tokens" {
    tokens 0 '<|im_end|>\n'
    [[ $output =~ ^[0-9]+$ ]]
    id=$output
    tokens 0 '<|im_end|>\n' --plain
    [[ $output == *" "* ]]
    tokens 0 "$id\n" --decode
    [ "$output" = "<|im_end|>" ]
    tokens 0 "$id\n" --decode --skip-special
    [ -z "$output" ]
}

@test "ids may stand between blanks, commas and brackets" {
    tokens 0 'Paris\n'
    tokens 0 "[$(tr ' ' ',' <<<"$output")]\r\n" --decode
    [ "$output" = Paris ]
}

@test "input that will not do" {
    tokens 3 '12 x\n' --decode
    [[ $stderr == 'globe tokenize: standard input: "x" is not a token id of this tokenizer (0 to '* ]]
    tokens 3 '-1\n' --decode
    tokens 3 '999999\n' --decode
    tokens 3 '99999999999999999999\n' --decode
    tokens 3 'no JSON\n' --json
    tokens 3 '7\n' --json
    [[ $stderr == *"expected a JSON string on every line" ]]
    tokens 3 '"\\ud800"\n' --json
    globe 2 tokenize
    [[ $stderr == "globe tokenize: --model is needed" ]]
    globe 4 tokenize --model /nowhere
    run --separate-stderr bash -c '"$GLOBE" tokenize --model "$1" <"$1"' _ "$TINY" # a folder
    [ "$status" -eq 3 ]
    [[ $stderr == "globe tokenize: standard input: cannot read: Is a directory" ]]
}

@test "hostile bytes are U+FFFD, not a crash" {
    run --separate-stderr bash -c 'printf "\377\376 a\0b \355\240\200\n" | "$GLOBE" tokenize --model "$1" |
        "$GLOBE" tokenize --model "$1" --decode --json | jq -r .' _ "$TINY"
    [ "$status" -eq 0 ]
    [[ $output == *"�"* ]]
    run bash -c 'head -c 300000 /dev/zero | tr "\0" a | "$GLOBE" tokenize --model "$1" | wc -w' _ "$TINY"
    [ "$status" -eq 0 ]
    [ "$output" -gt 1000 ]
}
