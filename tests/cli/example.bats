#!/usr/bin/env bats
# The example of the C interface, as docs and header show it.

# shellcheck disable=SC2154 # bats sets status, output and stderr

load common

setup() {
    example=${GLOBE_BUILD_DIR:?}/example_locate
    model=$GLOBE_SOURCE_DIR/tests/data/qwen2_5_vl_tiny
}

@test "the example locates one photo and reports one that is missing" {
    run --separate-stderr "$example" "$model" "$GLOBE_SOURCE_DIR/examples/harbour.jpg" missing.jpg
    [ "$status" -eq 1 ]
    [[ $output == *"/examples/harbour.jpg: "* ]]
    [ "$stderr" = "locate: missing.jpg: cannot open: No such file or directory" ]
}

@test "the example says how it is used and what is wrong with a model" {
    run --separate-stderr "$example"
    [ "$status" -eq 2 ]
    [ "$stderr" = "usage: locate MODEL PHOTO..." ]
    run --separate-stderr "$example" /nowhere photo.jpg
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ $stderr == "locate: /nowhere"* ]]
}

@test "the example in the header's first comment compiles and links as it stands" {
    cd "$BATS_TEST_TMPDIR"
    {
        printf '#include <globe.h>\n#include <stdio.h>\n\nint main(void) {\n'
        sed -n '/^ \*\//q; s/^ \*     //p' "$GLOBE_SOURCE_DIR/include/globe.h"
        printf '    return 0;\n}\n'
    } >example.c
    [ "$(grep -c globe_ example.c)" -ge 5 ]
    cc -std=c17 -Wall -Wextra -Werror -I "$GLOBE_SOURCE_DIR/include" example.c -L "$GLOBE_BUILD_DIR" -lglobe -Wl,--allow-shlib-undefined -o example
}
