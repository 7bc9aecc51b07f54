#!/bin/bash
# Writes what `globe COMMAND --help` says into the manual page, between its two marks, so that it names every
# command, action, option and example. Run it after a change of options: tools/man.sh build/globe
set -euo pipefail
globe=${1:?usage: tools/man.sh GLOBE [PAGE]}
page=${2:-$(dirname "$0")/../docs/globe.1}

# The page of one help text.
roff() {
    awk '
    function text(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); if (s ~ /^[.\x27]/) s = "\\&" s; return s }
    function flush() { if (held != "") print text(held); held = "" }
    NR == 1 { sub(/^Usage: /, ""); print ".SS " text($0); part = "description"; next }
    /^Options:$/ { flush(); part = "options"; next }
    /^Examples:$/ { flush(); print ".PP\n.nf"; part = "examples"; next }
    part == "examples" { sub(/^  /, ""); print text($0); next }
    part == "description" && /^$/ { next }
    part == "description" && /^ / { flush(); print ".br"; sub(/^ +/, "") }
    part == "description" { held = held (held == "" ? "" : " ") $0; next }
    part == "options" && /^  (-.,|   ) --/ {
        flush()
        name = substr($0, 3, 23); rest = substr($0, 27)
        if (length($0) < 27 || substr($0, 25, 2) != "  ") { name = substr($0, 3); rest = "" } # a line of its own
        sub(/ +$/, "", name); sub(/^ +/, "", name)
        count = split(name, words, " "); line = ""
        for (i = 1; i <= count; i++)
            line = line (i > 1 ? " " : "") (words[i] ~ /^-/ ? "\\fB" : "\\fI") text(words[i]) "\\fR"
        sub(/,\\fR/, "\\fR,", line)
        print ".TP\n" line
        held = rest; next
    }
    part == "options" { sub(/^ +/, ""); if ($0 != "") held = held (held == "" ? "" : " ") $0 }
    END { flush(); if (part == "examples") print ".fi" }'
}

sections() {
    "$globe" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | while read -r command; do
        help=$("$globe" help "$command")
        roff <<<"$help"
        sed -n '/actions\?\b.*--help:$\|^--help:$/,/^$/s/^ \([a-z-]*\) .*/\1/p' <<<"$help" | while read -r action; do
            "$globe" "$command" "$action" --help </dev/null | roff
        done
    done
}

marked=$(mktemp)
trap 'rm -f "$marked"' EXIT
sections >"$marked"
[ -s "$marked" ]
awk -v file="$marked" '
    /^\.\\" begin of what tools\/man\.sh writes/ { print; while ((getline line < file) > 0) print line; skip = 1; next }
    /^\.\\" end of what tools\/man\.sh writes/ { skip = 0 }
    !skip' "$page" >"$page.new"
mv "$page.new" "$page"
