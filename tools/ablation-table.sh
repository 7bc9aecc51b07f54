#!/usr/bin/env bash
# ablation-table.sh RUNS FILE VARIANT...: the table of tools/ablation.sh as Markdown, one line a variant, mean and spread
# (sample deviation) over the seeds whose examination is in RUNS/results/VARIANT-SEED. FILE keeps what stands outside the
# marks <!-- ablation --> and <!-- /ablation -->; without them, or without the file, it becomes the table alone.
set -euo pipefail
runs=$1 file=$2
shift 2

numbers() { # numbers FOLDER: one result as JSON, shares in percent
    jq -n --slurpfile e "$1/eval.json" --slurpfile c "$1/consistency.json" --slurpfile j "$1/judge.json" '
        def share(a; b): if b > 0 then 100 * a / b else null end;
        ($e[0].all) as $a | ($c[0].consistency) as $k | {
            "1 km": (100 * $a.within_1_km), "25 km": (100 * $a.within_25_km), "200 km": (100 * $a.within_200_km),
            "750 km": (100 * $a.within_750_km), "2500 km": (100 * $a.within_2500_km),
            "country": (100 * $a.country), "city": (100 * $a.city), "locatable": (100 * $a.locatability),
            "grounding": (100 * $a.mention_precision),
            "contradictions": share($k.contradictions; $k.reasonings),
            "invalid": share($k.with_invalid; $k.with_clues),
            "signs": share($k.signs_right; $k.signs),
            "AUC": $j[0].auc }'
}

columns=("1 km" "25 km" "200 km" "750 km" "2500 km" country city locatable grounding contradictions invalid signs AUC)

line() { # line VARIANT
    local all=() folder
    for folder in "$runs/results/$1" "$runs/results/$1"-[0-9]*; do
        [ -s "$folder/judge.json" ] && all+=("$(numbers "$folder")")
    done
    [ ${#all[@]} -gt 0 ] || return 0
    printf '%s\n' "${all[@]}" | jq -r -s --arg name "${1//_/ }" --args '
        def mean: add / length;
        def spread: if length < 2 then null else mean as $m | (map((. - $m) * (. - $m)) | add / (length - 1) | sqrt) end;
        def show(digits): pow(10; digits) as $f | (. * $f | round / $f | tostring);
        . as $all | ["| " + $name, ($all | length | tostring)] + [
            $ARGS.positional[] as $key | [$all[][$key] | select(. != null)]
            | (if $key == "AUC" then 3 else 1 end) as $digits
            | if length == 0 then "–" elif length == 1 then (.[0] | show($digits))
              else (mean | show($digits)) + " ± " + (spread | show($digits)) end]
        | join(" | ") + " |"' "${columns[@]}"
}

table() {
    local head='| trained with | seeds |' rule='|---|---:|' column
    for column in "${columns[@]}"; do
        head+=" $column |"
        rule+="---:|"
    done
    printf '%s\n%s\n' "$head" "$rule"
    for variant in "$@"; do line "$variant"; done
}

made=$(table "$@")
lines=$(wc -l <<<"$made")
[ "$lines" -gt 2 ] || { echo "ablation-table.sh: $runs/results holds no examination" >&2; exit 1; }
temporary=$(mktemp "$file.XXXXXX")
if grep -qs '<!-- ablation -->' "$file"; then
    awk -v table="$made" '
        /<!-- \/ablation -->/ { inside = 0 }
        !inside
        /<!-- ablation -->/ { print ""; print table; print ""; inside = 1 }' "$file" >"$temporary"
else
    printf '<!-- ablation -->\n\n%s\n\n<!-- /ablation -->\n' "$made" >"$temporary"
fi
mv "$temporary" "$file"
printf '%s\n' "$made"
