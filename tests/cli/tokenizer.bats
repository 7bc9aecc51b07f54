#!/usr/bin/env bats
# globe tokenizer train: texts and conversations to a tokenizer that globe tokenize reads.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    rows=$GLOBE_SOURCE_DIR/tests/data/train/rows.jsonl
}

@test "a tokenizer learnt from rows encodes and decodes" {
    globe 0 tokenizer train --out words --size 400 "$rows"
    [[ $stderr == *"words: 400 tokens"* ]]
    [ -z "$output" ]
    text='Where was this photo taken? Ĝis! 東京'
    ids=$("$GLOBE" tokenize --model words <<<"$text")
    [ "$("$GLOBE" tokenize --model words --decode <<<"$ids")" = "$text" ]
    [ "$("$GLOBE" tokenize --model words <<<'<|endoftext|>')" = 378 ]
    jq -e '.model.merges | length == 122' words/tokenizer.json
    jq -e '.chat_template | test("im_start")' words/tokenizer_config.json
}

@test "the same texts give the same files" {
    globe 0 tokenizer train --out one --size 350 "$rows"
    globe 0 tokenizer train --out two --size 350 "$rows"
    cmp one/tokenizer.json two/tokenizer.json
}

@test "standard input is text, or rows when told so" {
    globe 0 tokenizer train --out text --size 300 - <"$rows"
    globe 0 tokenizer train --out rows --size 300 --rows - <"$rows"
    globe 0 tokenizer train --out named --size 300 "$rows"
    run ! cmp text/tokenizer.json rows/tokenizer.json
    cmp rows/tokenizer.json named/tokenizer.json
}

@test "--chat learns the template's words" {
    printf '{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}\n%.0s' 1 2 3 >a.jsonl
    globe 0 tokenizer train --out plain --size 400 a.jsonl
    [[ $stderr == *"only 278 tokens"* ]]
    globe 0 tokenizer train --out chat --size 400 --chat a.jsonl
    jq -e '.model.vocab | has("assistant")' chat/tokenizer.json
}

@test "what will not do is refused, and nothing is written" {
    globe 2 tokenizer train --size 300 "$rows"
    [[ $stderr == *"--out DIR is needed"* ]]
    globe 2 tokenizer train --out none "$rows"
    [[ $stderr == *"--size N is needed"* ]]
    globe 2 tokenizer train --out none --size 277 "$rows"
    [[ $stderr == *"277 is not within 278 to"* ]]
    globe 2 tokenizer train --out none --size 300
    globe 2 tokenizer teach
    globe 3 tokenizer train --out none --size 300 missing.txt
    [[ $stderr == *"missing.txt"* ]]
    globe 3 tokenizer train --out none --size 300 .
    globe 3 tokenizer train --out none --size 300 /dev/null
    [[ $stderr == *"no text to learn"* ]]
    printf '{"messages": [{"role": "user", "content": "x"}]}\n{bad\n' >bad.jsonl
    globe 3 tokenizer train --out none --size 300 bad.jsonl
    [[ $stderr == *"bad.jsonl: line "* ]]
    [ ! -e none ]
}
