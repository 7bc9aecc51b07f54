#!/usr/bin/env bats
# globe init: a configuration and a tokenizer to a model that the other commands open.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    tiny=$GLOBE_SOURCE_DIR/tests/data/qwen2_5_vl_tiny
}

@test "a new model answers, if only nonsense" {
    globe 0 tokenizer train --out words --size 400 "$GLOBE_SOURCE_DIR/tests/data/train/rows.jsonl"
    globe 0 init --config "$tiny/config.json" --tokenizer words --out model --max-pixels 50176
    [[ $output == "model: "*" parameters, "*" MB; 400 tokens in a vocabulary of 400" ]]
    jq -e '.image_token_id == 390 and .vocab_size == 400' model/config.json
    jq -e '.max_pixels == 50176' model/preprocessor_config.json
    globe 0 locate "$GLOBE_SOURCE_DIR/tests/data/images/photo_a.jpg" --model model --no-places --max-tokens 8 --json
    jq -e '.[0].outcome == "no_answer"' <<<"$output"
}

@test "the same seed gives the same bytes, also in another type" {
    globe 0 init --config "$tiny/config.json" --tokenizer "$tiny" --out a --seed 3
    globe 0 init --config "$tiny/config.json" --tokenizer "$tiny" --out b --seed 3
    globe 0 init --config "$tiny/config.json" --tokenizer "$tiny" --out c --seed 4
    globe 0 init --config "$tiny/config.json" --tokenizer "$tiny" --out d --dtype bf16
    cmp a/model.safetensors b/model.safetensors
    run ! cmp a/model.safetensors c/model.safetensors
    jq -e '.torch_dtype == "bfloat16"' d/config.json
}

@test "a folder that is not empty is left alone" {
    mkdir full
    echo mine >full/config.json
    globe 2 init --config "$tiny/config.json" --tokenizer "$tiny" --out full
    [[ $stderr == "globe init: full: the folder is not empty" ]]
    [ "$(cat full/config.json)" = mine ]
}

@test "one run at a time makes a model; Ctrl-C leaves nothing, not even the folder" {
    jq '.num_hidden_layers = 16 | .hidden_size = 1024 | .intermediate_size = 4096 | .num_attention_heads = 8
        | .num_key_value_heads = 4 | .rope_scaling.mrope_section = [16, 24, 24]
        | .vision_config.out_hidden_size = 1024' "$tiny/config.json" >large.json
    "$GLOBE" init --config large.json --tokenizer "$tiny" --out large --dtype bf16 2>err &
    pid=$!
    for _ in $(seq 200); do [ -e large/config.json ] && break; sleep 0.05; done
    globe 3 init --config "$tiny/config.json" --tokenizer "$tiny" --out large/
    [[ $stderr == *"another run is writing it: globe init, process $pid on "* ]]
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    [ -z "$(find . -name 'large*' -not -name large.json -o -name '.*.lock')" ]
}

@test "what is missing is named" {
    globe 2 init --tokenizer "$tiny" --out x
    [[ $stderr == *"--config FILE is needed"* ]]
    globe 2 init --config "$tiny/config.json" --out x
    [[ $stderr == *"--tokenizer DIR is needed"* ]]
    globe 2 init --config "$tiny/config.json" --tokenizer "$tiny"
    [[ $stderr == *"--out DIR is needed"* ]]
    globe 3 init --config none.json --tokenizer "$tiny" --out x
    globe 4 init --config "$tiny/config.json" --tokenizer . --out x
    globe 2 init --config "$tiny/config.json" --tokenizer "$tiny" --out x --dtype f16
    [ ! -e x ]
}
