#!/usr/bin/env bats
# LoRA adapters on the command line.

load common

setup() {
    DATA=$GLOBE_SOURCE_DIR/tests/data
    printf '[{"role": "user", "content": "Where is this?"}]' > "$BATS_TEST_TMPDIR/chat.json"
}

inspect() { # STATUS NAME OPTIONS...
    globe "$1" inspect --model "$DATA/qwen2_5_vl_tiny" --messages "$BATS_TEST_TMPDIR/chat.json" \
        --dump "$BATS_TEST_TMPDIR/$2.safetensors" "${@:3}"
}

@test "an adapter changes what the model computes" {
    inspect 0 plain
    inspect 0 adapted --adapter "$DATA/training/lora_adapter"
    run cmp -s "$BATS_TEST_TMPDIR/plain.safetensors" "$BATS_TEST_TMPDIR/adapted.safetensors"
    [ "$status" -eq 1 ]
}

@test "a folder without an adapter is refused" {
    inspect 4 never --adapter "$DATA/images"
    # shellcheck disable=SC2154 # run --separate-stderr sets it, within globe
    [[ $stderr == *adapter_config.json* ]]
    [ ! -e "$BATS_TEST_TMPDIR/never.safetensors" ]
}
