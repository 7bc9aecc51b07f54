#!/bin/bash
# Makes data/visible-words.txt from WordNet 3.0 (Debian: wordnet-base): words for things that a picture can show, each
# meaning in a line of its own:
#     NUMBER PARENT word word*
# PARENT is the number of the wider meaning (0: none here), words of several parts are joined by _, and * marks those
# that name something visible before all else. Usage: tools/visible-words.sh [FOLDER] >data/visible-words.txt
set -euo pipefail
folder=${1:-/usr/share/wordnet}
{
    echo '# Words for things that can be seen, and which is wider than which. Made by tools/visible-words.sh from WordNet 3.0,'
    echo '# Copyright 2006 by Princeton University, all rights reserved; data/NOTICE.md has its licence.'
    LC_ALL=C awk '
    FNR == 1 { file++ }
    /^  / { next } # the licence
    file == 1 { # lemma%part:..., sense, count: how often a word was met as a noun (1) and as anything else
        split($1, key, /[%:]/)
        if (key[2] == 1) nouns[key[1]] += $3; else others[key[1]] += $3
        next
    }
    file == 2 { # lemma n senses pointers symbols... senses tagged offsets...
        pointers = $4
        first[$1] = $(7 + pointers)
        tagged[$1] = $(6 + pointers)
        senses[$1] = ""
        for (i = 7 + pointers; i <= NF; i++) senses[$1] = senses[$1] " " $i
        next
    }
    {
        id = $1; kind[id] = $2; count = 0
        words = ("0x" $4); n = hex($4)
        for (i = 0; i < n; i++) {
            word = $(5 + 2 * i)
            sub(/\(.*/, "", word)
            parts = gsub(/_/, "_", word)
            if (word ~ /[^a-z_-]/ || parts > 2 || length(word) < 3) continue
            list[id] = list[id] " " word
            if (tagged[word] > 0) common[id] = 1
            if (first[word] == id && tagged[word] > 0) known[id] = 1
            if (word !~ /_/) single[id] = 1
        }
        at = 5 + 2 * n
        for (i = 0; i < $at + 0; i++)
            if ($(at + 1 + 4 * i) ~ /^@/ && !parent[id]) parent[id] = $(at + 2 + 4 * i)
        order[++total] = id
    }
    function hex(text, i, value) {
        for (i = 1; i <= length(text); i++) value = 16 * value + index("0123456789abcdef", substr(text, i, 1)) - 1
        return value
    }
    # Whether the word is used in this meaning: texts that were tagged have it, or it is the first of a visible thing.
    function used(word, id, n, i, offsets, thing) {
        n = split(senses[word], offsets, " ")
        for (i = 1; i <= n; i++) {
            thing = kind[offsets[i]] ~ /^(05|06|17|20)$/
            if (offsets[i] == id) return i <= tagged[word] || thing || keep[id] == 1
            if (thing && i >= tagged[word]) return 0
        }
        return 0
    }
    function below(id, root) {
        for (; id; id = parent[id]) if (id == root) return 1
        return 0
    }
    function wanted(id) {
        if (!list[id]) return 0
        if (kind[id] == "06")
            return known[id] || (common[id] && single[id]) || below(id, structure) || below(id, vehicle) || below(id, way)
        if (kind[id] == "17") return known[id]
        if (kind[id] == "20") return known[id] || (single[id] && below(id, tree))
        if (kind[id] == "05") return known[id]
        if (kind[id] == "19") return id == first["cloud"] || id == first["snow"] || id == first["fog"] || id == first["rain"]
        if (kind[id] == "10") return below(id, sign)
        return index(" person man woman child boy girl pedestrian cyclist people crowd ", " " substr(list[id] " ", 2, index(substr(list[id] " ", 2), " ") - 1) " ") > 0
    }
    END {
        structure = first["structure"]; vehicle = first["vehicle"]; way = "04564698"; tree = first["tree"]
        sign = "06793231"
        # What is said of pictures and places rather than of things, and what is too wide to be one.
        said = " someone somebody individual mortal soul microorganism micro-organism virus bacteria image picture photo photograph view scene side back front place area region world country city town ground point line part detail thing object feature material work product way structure instrumentality instrument device equipment artifact whole unit article building_material surface level top base end edge head center centre middle spot space room_light location land earth universe nature body web base_of_operations home key case head line track_record number letter word name text language type character right left organism living_thing being animate_thing plant_life creation facility system fit order cover covering stop mark "
        for (i = 1; i <= total; i++) if (wanted(order[i])) keep[order[i]] = 1
        for (i = 1; i <= total; i++) # with all that is wider
            if (keep[order[i]])
                for (id = parent[order[i]]; id && !keep[id]; id = parent[id])
                    if (kind[id] != "03") keep[id] = 2
        for (i = 1; i <= total; i++) if (keep[order[i]]) number[order[i]] = ++numbers
        for (i = 1; i <= total; i++) {
            id = order[i]
            if (!keep[id]) continue
            line = ""
            n = split(list[id], words_of, " ")
            for (k = 1; k <= n; k++) {
                plain = words_of[k]
                thing = kind[first[plain]] ~ /^(05|06|17|20)$/ || keep[first[plain]] == 1 || plain == "sign"
                if (others[plain] > nouns[plain]) thing = 0 # "stands", "shows"
                if (keep[id] == 1 && used(plain, id) && index(said, " " plain " ") == 0) line = line " " plain (thing ? "*" : "")
            }
            print number[id], number[parent[id]] + 0 line
        }
    }' "$folder/cntlist.rev" "$folder/index.noun" "$folder/data.noun"
}
