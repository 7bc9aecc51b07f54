# For every .bats file: GLOBE is the program under test, given by CTest.
# shellcheck shell=bash disable=SC2154 # bats sets status, output and stderr

bats_require_minimum_version 1.5.0
: "${GLOBE:?run these tests through ctest, or set GLOBE to the program}"

# Runs globe with stdout in $output and stderr in $stderr, and expects this exit status.
globe() {
    local status_expected=$1
    shift
    run --separate-stderr "$GLOBE" "$@"
    if [ "$status" -ne "$status_expected" ]; then
        echo "globe $*: status $status, expected $status_expected" >&2
        printf '%s\n%s\n' "$output" "$stderr" >&2
        return 1
    fi
}

# The header of a safetensors file, as JSON.
header() {
    tail -c +9 "$1" | head -c "$(od -An -t u8 -N 8 "$1" | tr -d ' ')"
}

# The words of the commands, from `globe --help`.
commands() {
    "$GLOBE" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}
