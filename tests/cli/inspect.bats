#!/usr/bin/env bats
# globe inspect: the stages of one prompt. That they are right is for tests/generate; here: files and mistakes.

# shellcheck disable=SC2016,SC2154 # inner shells expand; bats and models.bash set status, stderr, model

load common
load models

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$GLOBE_SOURCE_DIR/tests/data/images/scene_a.png" .
    echo '[{"role": "user", "content": [{"type": "image", "image": "scene_a.png"}, {"type": "text", "text": "Where?"}]}]' \
        >chat.json
}

@test "stages are written" {
    globe 0 inspect --model "$TINY" --messages chat.json --greedy 5 --dump stages.safetensors
    [ -z "$output" ]
    [ "$stderr" = "globe inspect: wrote stages.safetensors" ]
    header stages.safetensors | jq -e 'has("input_ids") and has("pixel_values") and has("logits")'
    globe 0 inspect --model "$TINY" --messages chat.json --greedy 5 --dump again.safetensors
    cmp stages.safetensors again.safetensors
}

@test "a continuation is scored" {
    echo '[5, 6, 7]' >ids.json
    globe 0 inspect --model "$TINY" --messages chat.json --continuation ids.json --dump stages.safetensors
    for ids in '[-1]' '["x"]' '{}' '['; do
        echo "$ids" >ids.json
        rm -f stages.safetensors
        globe 3 inspect --model "$TINY" --messages chat.json --continuation ids.json --dump stages.safetensors
        [[ $stderr == "globe inspect: "*"ids.json"* ]]
        [ ! -e stages.safetensors ]
    done
    echo '[5, 99999]' >ids.json
    globe 3 inspect --model "$TINY" --messages chat.json --continuation ids.json --dump stages.safetensors
    [[ $stderr == "globe inspect: "*"99999"* ]]
    [ ! -e stages.safetensors ]
}

@test "what is needed" {
    globe 2 inspect --model "$TINY" --messages chat.json
    globe 2 inspect --model "$TINY" --dump x
    globe 2 inspect --messages chat.json --dump x
    [[ $stderr == "globe inspect: --model, --messages and --dump are needed" ]]
}

@test "messages that will not do" {
    while read -r messages; do
        printf '%s' "$messages" >chat.json
        globe 3 inspect --model "$TINY" --messages chat.json --dump stages.safetensors
        [ "$(wc -l <<<"$stderr")" -eq 1 ]
        [ ! -e stages.safetensors ]
    done <<'END'
{
[7]
[{"role": "user", "content": 7}]
[{"role": "user", "content": [{"type": "image", "image": "missing.png"}]}]
[{"role": "user", "content": [{"type": "video", "video": "x.mp4"}]}]
END
    globe 3 inspect --model "$TINY" --messages missing.json --dump stages.safetensors
}

@test "a dump that cannot be written" {
    globe 3 inspect --model "$TINY" --messages chat.json --dump /nowhere/stages
    globe 6 inspect --model "$TINY" --messages chat.json --dump /dev/full
}
