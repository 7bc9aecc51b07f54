#!/usr/bin/env bats
# What holds for every command: help, versions, mistakes on the command line, where output goes.

load common

@test "--help lists the commands on stdout" {
    globe 0 --help
    [[ $output == *"Usage: globe COMMAND"* ]]
    [[ $output == *"  version "* ]]
    [ -z "$stderr" ]
    first=$output
    globe 0 -h
    [ "$output" = "$first" ]
    globe 0 help
    [ "$output" = "$first" ]
}

@test "--version and version say the same" {
    globe 0 --version
    [[ ${lines[0]} =~ ^globe\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [[ $output == *"build: "* ]]
    first=$output
    globe 0 version
    [ "$output" = "$first" ]
    globe 0 -V
    [ "$output" = "$first" ]
}

@test "every command has help that names its options" {
    [ "$(commands | wc -l)" -ge 2 ]
    for command in $(commands); do
        globe 0 "$command" --help
        [[ ${lines[0]} == "Usage: globe $command [options]"* ]]
        [[ $output == *"-h, --help"* ]]
        [ -z "$stderr" ]
        first=$output
        globe 0 help "$command"
        [ "$output" = "$first" ]
    done
}

@test "help fits 80 columns and has no trailing blanks" {
    for command in $(commands); do
        globe 0 "$command" --help
        run ! grep -nE '^.{81}|[[:blank:]]$' <<<"$output"
    done
}

@test "every command refuses unknown options with status 2 and nothing on stdout" {
    for command in $(commands); do
        globe 2 "$command" --no-such-option
        [ -z "$output" ]
        [[ $stderr == "globe $command: there is no option '--no-such-option'"* ]]
    done
}

# The page as tools/man.sh would write it now.
@test "the manual page says of every command, action and option what --help says" {
    cp "$GLOBE_SOURCE_DIR/docs/globe.1" "$BATS_TEST_TMPDIR/globe.1"
    bash "$GLOBE_SOURCE_DIR/tools/man.sh" "$GLOBE" "$BATS_TEST_TMPDIR/globe.1"
    [ "$(grep -c '^\.SS globe' "$BATS_TEST_TMPDIR/globe.1")" -ge 15 ]
    [ "$(grep -c '^\.TP' "$BATS_TEST_TMPDIR/globe.1")" -ge 200 ]
    if ! diff "$GLOBE_SOURCE_DIR/docs/globe.1" "$BATS_TEST_TMPDIR/globe.1" >&2; then
        echo "run tools/man.sh build/globe" >&2
        return 1
    fi
}

@test "the manual page names every exit status and every variable" {
    cd "$GLOBE_SOURCE_DIR"
    while read -r status; do
        grep -qx "\.B $status" docs/globe.1
    done < <(sed -n 's/^| \([0-9][0-9]*\) |.*/\1/p' docs/exit-status.md)
    for variable in GLOBE_API_KEY GLOBE_GAZETTEER HF_HUB_CACHE HF_HOME TMPDIR NO_COLOR; do
        grep -q "^\.BR\? .*$variable" "$GLOBE_SOURCE_DIR/docs/globe.1"
    done
}

@test "the manual page names every command" {
    for command in $(commands); do
        grep -q "^\.B $command\$" "$GLOBE_SOURCE_DIR/docs/globe.1"
    done
}

@test "no command at all is a mistake" {
    globe 2
    [ -z "$output" ]
    [[ $stderr == "globe: which command?"* ]]
}

@test "an unknown command gets the nearest one suggested" {
    globe 2 verison
    [ -z "$output" ]
    [ "$stderr" = "globe: there is no command 'verison'; did you mean 'version'?" ]
    globe 2 xyzzy
    [ "$stderr" = "globe: there is no command 'xyzzy'; 'globe --help' lists them" ]
    globe 2 help xyzzy
    [[ $stderr == *"there is no command 'xyzzy'"* ]]
    globe 2 ""
    globe 2 "$(printf 'x%.0s' {1..5000})"
}

@test "terminal escapes in arguments do not reach the terminal" {
    globe 2 $'\e[31mred\nline'
    [ "$stderr" = "globe: there is no command '?[31mred line'; 'globe --help' lists them" ]
}

@test "a misspelt option gets the nearest one suggested" {
    globe 2 version --hlep
    [ "$stderr" = "globe version: there is no option '--hlep'; did you mean '--help'?" ]
    globe 2 version -Z
    [[ $stderr == "globe version: there is no option '-Z'"* ]]
    globe 2 version one
    [ "$stderr" = "globe version: one argument too many: 'one'" ]
}

@test "a full disk on stdout is an error" {
    run bash -c '"$GLOBE" --help 2>&1 >/dev/full'
    [ "$status" -eq 6 ]
    [[ $output == *"cannot write to standard output: No space left on device" ]]
}

@test "a closed stdout is an error" {
    run bash -c '"$GLOBE" --help 2>&1 >&-'
    [ "$status" -eq 6 ]
    [[ $output == *"cannot write to standard output"* ]]
}

@test "closed stdin and stderr do no harm" {
    run bash -c '"$GLOBE" --version <&- 2>&-'
    [ "$status" -eq 0 ]
    run bash -c '"$GLOBE" --nonsense 2>&-'
    [ "$status" -eq 2 ]
    [ -z "$output" ]
}

@test "a reader that goes away ends globe quietly" {
    run bash -c '{ { sleep 0.3; "$GLOBE" --help; } 2>&3 | true; } 3>&1'
    [ -z "$output" ]
    # The same where our parent ignores SIGPIPE:
    run bash -c 'trap "" PIPE; exec 3> >(exec true); sleep 0.3; "$GLOBE" --help >&3'
    [ "$status" -eq 141 ]
    [ -z "$output" ]
}
