# Models and photos that are broken in chosen ways, made of the test checkpoint with jq, dd and printf.
# shellcheck shell=bash disable=SC2034 # the test files use what is set here

: "${GLOBE_SOURCE_DIR:?}"
TINY=$GLOBE_SOURCE_DIR/tests/data/qwen2_5_vl_tiny
TIED=$GLOBE_SOURCE_DIR/tests/data/qwen2_5_vl_tiny_tied

# A copy to break, in $model.
copy_model() {
    model=$BATS_TEST_TMPDIR/model
    rm -rf "$model"
    mkdir "$model"
    cp "${1:-$TINY}"/*.* "$model"
    chmod u+w "$model"/*
}

# edit_json FILE FILTER: in the copy.
edit_json() {
    jq -c "$2" "$model/$1" >"$model/edited"
    mv "$model/edited" "$model/$1"
}

# Numbers as 4 or 8 bytes, little end first.
le32() {
    local escapes
    escapes=$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))
    # shellcheck disable=SC2059 # the escapes are the format
    printf "$escapes"
}
le64() {
    le32 $(($1 & 0xFFFFFFFF))
    le32 $(($1 >> 32 & 0xFFFFFFFF))
}

# edit_header FILTER: of the copy's model.safetensors; the tensors stay as they are.
edit_header() {
    local file=$model/model.safetensors size header
    size=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
    header=$(tail -c +9 "$file" | head -c "$size" | jq -c "$1")
    while [ $((${#header} % 8)) -ne 0 ]; do header+=' '; done # tensors stay aligned
    {
        le64 ${#header}
        printf '%s' "$header"
        tail -c +$((9 + size)) "$file"
    } >"$file.edited"
    mv "$file.edited" "$file"
}

# tiff WIDTH HEIGHT [BYTES]: a grey TIFF on stdout, with fewer pixels than it promises when BYTES says so.
tiff() {
    printf 'II*\0'
    le32 8
    printf '\11\0' # entries: tag, type (3 short, 4 long), count, value
    while read -r tag type value; do
        le32 $((tag | type << 16))
        le32 1
        le32 "$value"
    done <<END
256 4 $1
257 4 $2
258 3 8
259 3 1
262 3 1
273 4 122
277 3 1
278 4 $2
279 4 $(($1 * $2))
END
    le32 0
    head -c "${3:-$(($1 * $2))}" /dev/zero
}
