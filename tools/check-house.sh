#!/usr/bin/env bash
# check-house.sh: what the house's plan says and no compiler checks. Prints each line that breaks a rule; exits 1 if any does.
#   floors    a room includes only itself and the rooms that CMakeLists.txt lets it use (src/cli/: all of them)
#   private   *_internal.h is included only by its own folder and its tests
#   seam      rooms above model/ include only its public headers, and none of them says which family answers
#   documents every *.md that a source, a test or a script names is there
# shellcheck disable=SC2317 # the rules are functions that the loop calls by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit
failed=0

tracked() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done; }

# Lines "room(NAME ROOMS a b LIBS ...)" -> "NAME a b ...", closed under "may use".
rooms() {
    awk '/^ *room\(/ {
        sub(/^ *room\( */, ""); sub(/\).*/, "")
        count = split($0, word, " "); name = word[1]; list = ""; on = 0
        for (i = 2; i <= count; i++) {
            if (word[i] == "ROOMS") on = 1
            else if (word[i] ~ /^(LIBS|SOURCES_IN)$/) on = 0
            else if (on) list = list " " word[i]
        }
        uses[name] = list
    }
    END {
        do {
            changed = 0
            for (name in uses) {
                count = split(uses[name], direct, " ")
                for (i = 1; i <= count; i++) {
                    more = split(uses[direct[i]], lower, " ")
                    for (j = 1; j <= more; j++)
                        if (index(uses[name] " ", " " lower[j] " ") == 0) { uses[name] = uses[name] " " lower[j]; changed = 1 }
                }
            }
        } while (changed)
        for (name in uses) print name uses[name]
    }' CMakeLists.txt
}

floors() {
    local includes
    includes=$(tracked 'src/*.c' 'src/*.h' | xargs grep -nE '^#include "[a-z_]+/')
    awk -v allowed="$(rooms)" '
        BEGIN {
            count = split(allowed, line, "\n")
            for (i = 1; i <= count; i++) { n = split(line[i], w, " "); for (j = 2; j <= n; j++) may[w[1], w[j]] = 1; known[w[1]] = 1 }
        }
        {
            split($0, part, ":"); split(part[1], path, "/"); room = path[2]
            match($0, /"[a-z_]+\//); used = substr($0, RSTART + 1, RLENGTH - 2)
            if (room == used || room == "cli" || used == "globe") next # include/globe/ is public
            if (!known[room]) { print part[1] ":" part[2] ": the room " room " is not in CMakeLists.txt"; next }
            if (!may[room, used]) print part[1] ":" part[2] ": " room "/ may not use " used "/"
        }' <<<"$includes"
}

private() {
    tracked 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h' 'include/*.h' |
        xargs grep -nE '^#include "[a-z_/0-9]+_internal\.h"' |
        awk -F: '{
            match($3, /"[^"]+"/); header = substr($3, RSTART + 1, RLENGTH - 2)
            folder = header; sub(/\/[^\/]*$/, "", folder)
            at = $1; sub(/^(src|tests)\//, "", at); sub(/\/[^\/]*$/, "", at)
            if (at != folder && index(at "/", folder "/") != 1 && index(folder "/", at "/") != 1)
                print $1 ":" $2 ": " header " is private to " folder "/"
        }'
}

seam() {
    tracked 'src/*.c' 'src/*.h' | grep -v '^src/model/' | xargs grep -nE '^#include "model/' |
        grep -vE '"model/(attention_map|checkpoint_files|config|facts|hub|initialise|kv_cache|lora|model|random_checkpoint|safetensors|score|trace|training)\.h"' |
        sed 's/$/: this header is for model\/ alone/'
    tracked 'src/generate/*' 'src/engine/*' 'src/locate/*' 'src/train/*' 'src/bench/*' 'src/eval/*' |
        xargs grep -niE 'qwen' | grep -vE 'qwen2_5_vl\.md' | sed 's/$/: the family is known in model\/ alone/'
}

documents() {
    tracked 'src/*' 'include/*' 'tests/*.c' 'tests/*.h' 'tests/*.bats' 'tools/*' 'cmake/*' 'examples/*.c' CMakeLists.txt Makefile |
        xargs grep -noE '[A-Za-z0-9_./-]*[A-Za-z0-9_]\.md\b' |
        while IFS=: read -r file line name; do
            name=${name#./}
            case $name in
            */README.md | README.md) [ -n "$(tracked "*README.md")" ] && continue ;;
            esac
            for root in . docs docs/spec "$(dirname "$file")"; do [ -f "$root/$name" ] && continue 2; done
            echo "$file:$line: there is no $name here, in docs/ or in docs/spec/"
        done
}

for rule in floors private seam documents; do
    found=$($rule)
    [ -z "$found" ] || { echo "$found"; failed=1; }
done
exit $failed
