#!/usr/bin/env bats
# Files as other programs leave them: honoured, or refused by name.

# shellcheck disable=SC2154 # bats and models.bash set status, stderr, model

load common
load models

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$GLOBE_SOURCE_DIR/tests/data/images/scene_a.png" .
    echo '[{"role": "user", "content": "Where?"}]' >chat.json
    unset HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HOME XDG_CACHE_HOME
    export HOME=$BATS_TEST_TMPDIR
}

inspect() { # STATUS MODEL [OPTIONS...]
    globe "$1" inspect --model "$2" --messages chat.json --dump stages.safetensors "${@:3}"
}

grid() { # the shape of the picture as the model sees it
    header stages.safetensors | jq -c '."resized_rgb.0".shape'
}

picture() { # KEYS of the picture in the message
    printf '[{"role": "user", "content": [{"type": "image", "image": "scene_a.png"%s}]}]' "$1" >chat.json
}

@test "a message sizes its picture as qwen_vl_utils does" {
    # scene_a.png is 260 x 180.
    while read -r keys shape; do
        picture "$keys"
        inspect 0 "$TINY"
        echo "$keys"
        [ "$(grid)" = "$shape" ]
    done <<'END'
,"max_pixels":6272 [56,84,3]
,"min_pixels":200704 [392,560,3]
,"resized_height":56,"resized_width":84 [56,84,3]
,"resized_height":50,"resized_width":100 [56,112,3]
,"max_pixels":6272,"fps":null [56,84,3]
END
    picture ',"total_pixels":9999'
    inspect 3 "$TINY"
    [[ $stderr == *'chat.json: messages[0].content[0]: "total_pixels" is not known for an image' ]]
}

@test "pictures by URL" {
    printf '[{"role": "user", "content": [{"image": "file://%s/scene_a.png"}]}]' "$PWD" >chat.json
    inspect 0 "$TINY"
    printf '[{"role": "user", "content": [{"image": "data:image/png;base64,%s"}]}]' "$(base64 -w 0 scene_a.png)" \
        >chat.json
    inspect 0 "$TINY"
    echo '[{"role": "user", "content": [{"image": "https://example.org/a.png"}]}]' >chat.json
    inspect 3 "$TINY"
    [[ $stderr == *'picture 1: https://example.org/a.png: pictures are not fetched from the network'* ]]
}

@test "an error names the picture" {
    printf 'P5 1 1 255 x' >odd.png
    echo '[{"role": "user", "content": [{"image": "scene_a.png"}, {"image": "odd.png"}]}]' >chat.json
    inspect 3 "$TINY"
    [[ $stderr == *"picture 2: "*"odd.png: a PNM picture"* ]]
}

@test "a checkpoint without padding is copied, and computes the same" {
    inspect 0 "$TINY"
    mv stages.safetensors right.safetensors
    copy_model
    local file=$model/model.safetensors size json
    size=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
    json=$(tail -c +9 "$file" | head -c "$size" | jq -c .)
    while [ $((${#json} % 4)) -ne 1 ]; do json+=' '; done
    { le64 ${#json} && printf '%s' "$json" && tail -c +$((9 + size)) "$file"; } >unpadded
    mv unpadded "$file"
    inspect 0 "$model"
    cmp stages.safetensors right.safetensors
    [[ $stderr == *"copied into memory instead of mapped"* ]]
}

@test "what git leaves without git-lfs is named" {
    local pointer='version https://git-lfs.github.com/spec/v1
oid sha256:0000000000000000000000000000000000000000000000000000000000000000
size 1332464'
    for file in model.safetensors tokenizer.json config.json preprocessor_config.json; do
        copy_model
        echo "$pointer" >"$model/$file"
        inspect 4 "$model"
        [[ $stderr == *"$file: a Git LFS pointer, not the file itself: run "* ]]
    done
    echo "$pointer" >photo.jpg
    globe 3 locate --model "$TINY" --no-places -q --jsonl photo.jpg
    [[ $output == *"photo.jpg: a Git LFS pointer"* ]]
    globe 3 locate --model "$TINY" --no-places -q -l photo.jpg
    [[ $stderr == *"photo.jpg: a Git LFS pointer"* ]]
    globe 3 locate --model "$TINY" -q -g photo.jpg scene_a.png
    [[ $stderr == *"photo.jpg: a Git LFS pointer"* ]]
    globe 3 eval photo.jpg --model "$TINY"
    [[ $stderr == *"photo.jpg: a Git LFS pointer"* ]]
}

@test "names of the hub: the cache, or what to do" {
    inspect 4 org/Tiny-Model
    [[ $stderr == *"org/Tiny-Model: no such folder, and not in the Hugging Face cache"*"huggingface-cli download"* ]]
    local cached=.cache/huggingface/hub/models--org--Tiny-Model
    mkdir -p "$cached/snapshots/0123" "$cached/refs"
    cp "$TINY"/*.* "$cached/snapshots/0123"
    printf 0123 >"$cached/refs/main"
    inspect 0 org/Tiny-Model
    [[ $stderr == *"the copy in the Hugging Face cache is used: "*"/snapshots/0123"* ]]
}

@test "weights of other kinds are refused by name" {
    copy_model
    edit_json config.json '.quantization_config = {"quant_method": "awq", "bits": 4}'
    inspect 4 "$model"
    [[ $stderr == *'"quantization_config": quantised weights (awq) are not supported'* ]]
    copy_model
    mv "$model/model.safetensors" "$model/pytorch_model.bin"
    inspect 4 "$model"
    [[ $stderr == *"pytorch_model.bin; PyTorch's pickled weights are not read"* ]]
    touch model.gguf
    inspect 4 model.gguf
    [[ $stderr == *"GGUF is not supported"* ]]
}

@test "another chat template is refused, or told when the built-in one is asked for" {
    copy_model
    echo '{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}' >"$model/chat_template.jinja"
    inspect 4 "$model"
    [[ $stderr == *"chat_template.jinja: this chat template is not Qwen2.5-VL's"*"--chat-template builtin"* ]]
    inspect 0 "$model" --chat-template builtin
    [[ $stderr == *"warning: "*"chat_template.jinja"*"the built-in one is used"* ]]
}

@test "keys that nobody here knows are told" {
    copy_model
    edit_json config.json '.logit_bias_of_tomorrow = 3'
    edit_json generation_config.json '.num_beams = 4'
    inspect 0 "$model"
    [[ $stderr == *'config.json: not known here, and not honoured: "logit_bias_of_tomorrow"'* ]]
    [[ $stderr == *'generation_config.json: not known here, and not honoured: "num_beams"'* ]]
}
