#!/usr/bin/env bats
# What `make install` leaves behind works, on its own and for programs that link with it.

load common

setup_file() {
    export TREE="$BATS_FILE_TMPDIR/tree"
    cmake --install "$GLOBE_BUILD_DIR" --prefix "$TREE" >"$BATS_FILE_TMPDIR/log"
    PKG_CONFIG_PATH=$(dirname "$(find "$TREE" -name globe.pc)")
    export PKG_CONFIG_PATH
}

@test "the installed program runs" {
    run -0 "$TREE/bin/globe" --version
    [[ $output == "globe "* ]]
}

@test "pkg-config knows the library, and its folder is the installed one" {
    [ "$(pkg-config --modversion globe)" = "$("$GLOBE" --version | sed -n '1s/globe //p')" ]
    [ "$(realpath "$(pkg-config --variable=prefix globe)")" = "$(realpath "$TREE")" ]
    [[ $(pkg-config --static --libs globe) == *"-lglobe"*"-ljansson"* ]]
}

@test "the library exports globe_* and nothing else" {
    for file in libglobe.so libglobe.a; do
        dynamic=$([ "${file##*.}" = so ] && echo -D || true)
        # shellcheck disable=SC2086
        names=$(nm $dynamic -g --defined-only "$(find "$TREE" -name $file)" | awk 'NF == 3 { print $3 }')
        run awk 'NF && !/^globe_/' <<<"$names"
        [ -z "$output" ]
        [ ! -e "$TREE/include/globe.h" ] || grep -q '^globe_' <<<"$names"
    done
}

@test "the example builds against the installed library, shared and static" {
    [ -e "$GLOBE_SOURCE_DIR/examples/locate.c" ] || skip "there is no example yet"
    if "$GLOBE" --version | grep -q sanitizers; then skip "needs the sanitizers' runtime first"; fi
    # shellcheck disable=SC2046
    cc -std=c17 -Wall -Werror "$GLOBE_SOURCE_DIR/examples/locate.c" $(pkg-config --cflags --libs globe) -o "$BATS_TEST_TMPDIR/shared"
    run -127 env -i "$BATS_TEST_TMPDIR/shared" # the library is not where the loader looks
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir globe) ldd "$BATS_TEST_TMPDIR/shared" | grep -q "libglobe.so.*$TREE"
    # shellcheck disable=SC2046
    cc -std=c17 "$GLOBE_SOURCE_DIR/examples/locate.c" $(pkg-config --cflags globe) \
        "$(find "$TREE" -name libglobe.a)" $(pkg-config --static --libs globe | sed 's/-lglobe//') -o "$BATS_TEST_TMPDIR/static"
    run ldd "$BATS_TEST_TMPDIR/static"
    [[ $output != *libglobe* ]]
}

@test "the installed program brings its model and gazetteer, wherever it is called" {
    cd "$BATS_TEST_TMPDIR"
    run -0 --separate-stderr "$TREE/bin/globe" locate "$GLOBE_SOURCE_DIR/examples/postcards/4.jpg" --json
    [ "$(jq -r '.[0].model' <<<"$output")" = postcards ]
    [ "$(jq '.[0].outcome != "failed"' <<<"$output")" = true ]
    [[ $stderr != *"no coordinates"* ]]
}

# FILE and the relative links in it, one pair a line.
links() {
    find "$1" -name '*.md' -print0 | while IFS= read -r -d '' file; do
        grep -oE '\]\([^)# ]+' "$file" | sed 's/^](//' | grep -vE '^[a-z]+:' | while read -r link; do
            printf '%s\t%s\n' "$file" "$link"
        done
    done
}

@test "the links of the installed documents find what they name" {
    documents=$(dirname "$(find "$TREE" -name README.md -path '*doc*' | awk '{ print length, $0 }' | sort -n | sed -n '1s/^[0-9]* //p')")
    [ "$(links "$documents" | wc -l)" -gt 20 ]
    while IFS=$'\t' read -r file link; do
        [ -e "$(dirname "$file")/$link" ] || { echo "$file: $link" >&2; return 1; }
    done < <(links "$documents")
}

@test "the manual page is installed" {
    [ -s "$(find "$TREE" -name globe.1)" ]
}
