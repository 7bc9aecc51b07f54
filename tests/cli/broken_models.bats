#!/usr/bin/env bats
# Checkpoints that are missing, cut short or wrong: one clear line, status 4, nothing written.

# shellcheck disable=SC2016,SC2154 # inner shells expand; bats and models.bash set status, stderr, model

load common
load models

photo=$GLOBE_SOURCE_DIR/tests/data/images/scene_a.png

# The copy is refused with a message that holds this text.
refused() {
    globe 4 locate "$photo" --model "$model" --no-places -n 2 --jsonl --output "$BATS_TEST_TMPDIR/out.jsonl"
    [ -z "$output" ]
    [ ! -e "$BATS_TEST_TMPDIR/out.jsonl" ]
    if [ "$(wc -l <<<"$stderr")" -ne 1 ] || [[ $stderr != "globe locate: "*"$1"* ]]; then
        printf 'expected "%s", got:\n%s\n' "$1" "$stderr" >&2
        return 1
    fi
}

accepted() {
    globe 0 locate "$photo" --model "$model" --no-places -n 2 --jsonl
    jq -e '.outcome' <<<"$output" >/dev/null
}

@test "folders that are none" {
    model=/nowhere refused "/nowhere: no such folder"
    model=$photo refused "scene_a.png: a file; --model wants the folder around it"
    mkdir "$BATS_TEST_TMPDIR/empty"
    model=$BATS_TEST_TMPDIR/empty refused "empty/config.json: cannot open"
}

@test "copies that are not broken work" {
    copy_model
    accepted
    edit_header .
    accepted
    rm "$model/generation_config.json"
    accepted
    copy_model "$TIED"
    accepted
}

@test "shards" {
    copy_model "$TIED"
    rm "$model/model-00002-of-00002.safetensors"
    refused "model-00002-of-00002.safetensors is missing"
    copy_model "$TIED"
    edit_json model.safetensors.index.json '.weight_map |= map_values("../secret.safetensors")'
    refused 'is "../secret.safetensors", expected a plain file name'
    edit_json model.safetensors.index.json 'del(.weight_map)'
    refused 'has no "weight_map"'
}

@test "safetensors that end too early" {
    copy_model
    : >"$model/model.safetensors"
    refused "model.safetensors: the file is empty"
    for size in 4 8 1000 9200 600000 1332463; do
        copy_model
        truncate -s "$size" "$model/model.safetensors"
        refused "model.safetensors: "
    done
    copy_model
    printf '\377\377\377\377\377\377\377\177' | dd of="$model/model.safetensors" conv=notrunc status=none
    refused "header of 9223372036854775807 bytes in a file of 1332464"
    rm "$model/model.safetensors"
    refused "$model"
}

@test "tensors of the wrong shape or type" {
    copy_model
    edit_header '."lm_head.weight".shape = [64, 1004]'
    refused 'tensor "lm_head.weight" has shape [64, 1004], expected [1004, 64]'
    copy_model
    edit_header '."lm_head.weight".shape = [1003, 64]'
    refused "its shape needs 256768 bytes, but data_offsets give it 257024"
    copy_model
    edit_header '."lm_head.weight".shape = [-1004, -64]'
    refused "something that is not a size"
    copy_model
    edit_header '."lm_head.weight".dtype = "I32"'
    refused "lm_head.weight"
    copy_model
    edit_header '."lm_head.weight".dtype = "X9"'
    refused 'type "X9" is not supported'
    copy_model
    edit_header 'del(."visual.patch_embed.proj.weight")'
    refused "model.safetensors"
}

@test "tensors outside the file" {
    copy_model
    edit_header '."lm_head.weight".data_offsets = [0, 99999999]'
    refused "are not within the 1323264 bytes of data"
    copy_model
    edit_header '."lm_head.weight".data_offsets = [99742976, 100000000]'
    refused "are not within the 1323264 bytes of data"
    copy_model
    edit_header '."lm_head.weight".data_offsets = [257024, 0]'
    refused "are not within"
    copy_model
    edit_header '."lm_head.weight".data_offsets = [18446744073709551615, 4]'
    refused "model.safetensors"
}

@test "absurd settings" {
    while IFS='|' read -r edit text; do
        copy_model
        edit_json config.json "$edit"
        refused "$text"
    done <<'END'
.hidden_size = 0|"hidden_size" is 0
.hidden_size = -64|"hidden_size" is -64
.hidden_size = 1e12|"hidden_size" is 1000000000000
.hidden_size = "64"|"hidden_size" is a string
.num_attention_heads = 3|a multiple of the 3 heads
.num_key_value_heads = 3|"num_key_value_heads" is 3
.num_hidden_layers = 1000000|"num_hidden_layers" is 1000000
.num_hidden_layers = 4|12 tensors are missing
.vocab_size = 10|config.json
.vocab_size = 1e9|"vocab_size" is 1000000000
.rms_norm_eps = -1|"rms_norm_eps" is -1
.rope_theta = 0|"rope_theta" is 0
.rope_scaling.mrope_section = [2, 3, 4]|"mrope_section" sums to 9
.vision_config.patch_size = 0|"patch_size" is 0
.vision_config.fullatt_block_indexes = [77]|holds 77
.model_type = "llama"|model_type is "llama"
.image_token_id = 5000|"image_token_id" is 5000
.max_position_embeddings = 0|"max_position_embeddings" is 0
.intermediate_size = 111|expected [111, 64]
.hidden_act = "relu"|"hidden_act" is "relu"
del(.vision_config)|"vision_config" is missing
[.]|not a JSON object
END
    copy_model
    echo '{' >"$model/config.json"
    refused "config.json: not valid JSON"
}

@test "tokenizers and processors" {
    while IFS='|' read -r file edit text; do
        copy_model
        edit_json "$file" "$edit"
        refused "$text"
    done <<'END'
tokenizer.json|del(.model.merges)|"model.merges" is not a list
tokenizer.json|del(.model.vocab)|"model.vocab" is not an object
tokenizer.json|.model.type = "Unigram"|only BPE is supported
preprocessor_config.json|.patch_size = 0|"patch_size" is 0
preprocessor_config.json|.min_pixels = 99999999|more than "max_pixels"
preprocessor_config.json|.image_std = [0, 0, 0]|"image_std"[0]
generation_config.json|.eos_token_id = 99999|holds 99999
generation_config.json|.repetition_penalty = "x"|"repetition_penalty" is a string
END
    copy_model
    rm "$model/tokenizer.json"
    refused "no tokenizer.json"
}

@test "weights that are no numbers are an error, not an answer" {
    copy_model
    head -c 1323000 /dev/zero | tr '\0' '\377' |
        dd of="$model/model.safetensors" bs=9300 seek=1 conv=notrunc status=none
    run --separate-stderr "$GLOBE" locate "$photo" --model "$model" --no-places -n 2 --jsonl
    [ "$status" -ne 0 ]
    [[ $stderr == *"NaN"* ]]
    jq -e '.outcome == "failed"' <<<"$output"
}

@test "the other commands refuse them, too" {
    copy_model
    truncate -s 1000 "$model/model.safetensors"
    echo '[{"role": "user", "content": "Where?"}]' >"$BATS_TEST_TMPDIR/chat.json"
    globe 4 inspect --model "$model" --messages "$BATS_TEST_TMPDIR/chat.json" --dump "$BATS_TEST_TMPDIR/dump"
    [ ! -e "$BATS_TEST_TMPDIR/dump" ]
    [[ $stderr == "globe inspect: "*"model.safetensors"* ]]
    globe 4 bench --model "$model"
    [ -z "$output" ]
    rm "$model/tokenizer.json"
    globe 4 tokenize --model "$model" </dev/null
    [[ $stderr == "globe tokenize: "*"no tokenizer.json"* ]]
}
