#!/usr/bin/env bash
# ablation.sh [FOLDER]: which reward does what (docs/ablation.md). Trains the variants of GLOBE's table 3 on Postcards from
# one start, some seeds each, examines every one on fresh cards, and writes the table and curves.
#
# Every part is a folder or file below FOLDER (runs/ablation); what is finished is skipped, what was stopped goes on, and
# what failed is named at the end. Settings, of the environment:
#   ABLATION_SCALE   1      factor of steps, cards and questions: 0.05 tries all parts in minutes
#   ABLATION_SEEDS   1 2 3  seeds of every variant
#   ABLATION_START          a model to start from; without it a short fine-tuning is made
#   ABLATION_VARIANTS       names of variants below; all without it
#   ABLATION_THREADS 0      of each run; 0: all
#   ABLATION_OUT            folder for ablation.md and plots; FOLDER without it
set -uo pipefail
cd "$(dirname "$0")/.." || exit
globe=${GLOBE:-build/globe}
runs=${1:-runs/ablation}
scale=${ABLATION_SCALE:-1}
threads=${ABLATION_THREADS:-0}
read -ra seeds <<<"${ABLATION_SEEDS:-1 2 3}"
failed=()
mkdir -p "$runs"
"$globe" gazetteer info >/dev/null || exit # accuracy and consistency look places up

# scaled N LEAST: N x ABLATION_SCALE, a whole number, at least LEAST.
scaled() {
    awk -v n="$1" -v least="$2" -v scale="$scale" 'BEGIN { n = int(n * scale + 0.5); print n < least ? least : n }'
}

steps=$(scaled 150 2)      # of GRPO
prompts=8                  # of a step
group=8                    # completions of a prompt
questions=$((steps * prompts))
[ "$questions" -lt 64 ] && questions=64

# part NAME COMMAND...: runs it unless it is done. What it says goes to FOLDER/logs.
mkdir -p "$runs/logs"
part() {
    local name=$1
    shift
    [ -e "$runs/done/$name" ] && return 0
    mkdir -p "$runs/done" "$runs/logs"
    echo "$(date +%H:%M:%S) $name" >&2
    if "$@" >>"$runs/logs/$name.log" 2>&1; then
        touch "$runs/done/$name"
    else
        local status=$?
        [ "$status" -eq 130 ] && exit 130
        failed+=("$name")
        echo "$name failed, see $runs/logs/$name.log: $(tail -n 1 "$runs/logs/$name.log")" >&2
        return 1
    fi
}

draw() { # draw NAME COUNT SEED [OPTION...]
    part "cards-$1" "$globe" postcards --out "$runs/$1" --count "$2" --seed "$3" --force --quiet "${@:4}"
}

draw questions "$questions" 31
draw exam "$(scaled 1000 40)" 32 --split test
draw judge "$(scaled 4000 64)" 5
draw judge-exam "$(scaled 1000 40)" 33 --split test

# ---- the start ----

if [ -n "${ABLATION_START:-}" ]; then
    start=$ABLATION_START
else
    start=$runs/sft/last
    draw naming "$(scaled 90000 200)" 1
    draw reasoning "$(scaled 30000 100)" 2
    draw vocabulary-cards "$(scaled 4000 400)" 3
    part vocabulary "$globe" tokenizer train --out "$runs/vocabulary" --size 1856 --chat \
        "$runs/vocabulary-cards/postcards.jsonl" "$runs/vocabulary-cards/naming.jsonl"
    part weights "$globe" init --config recipes/postcards/config.json --tokenizer "$runs/vocabulary" \
        --out "$runs/start" --seed 1 --min-pixels 37632 --max-pixels 37632
    part start "$globe" train sft recipes/postcards/sft.yaml --resume --set run.folder="$runs/sft" \
        --set model.folder="$runs/start" --set run.threads="$threads" --set data.eval="$runs/vocabulary-cards/postcards.jsonl" \
        --set "data.train=[$runs/naming/naming.jsonl, $runs/reasoning/postcards.jsonl]"
fi
[ -e "$start/config.json" ] || { echo "there is no model to start from: $start" >&2; exit 1; }

part judge "$globe" train reward recipes/postcards/reward.yaml --resume --set run.folder="$runs/judge-run" \
    --set model.folder="$start" --set run.threads="$threads" --set data.train="$runs/judge/postcards.jsonl" \
    --set data.eval="$runs/judge-exam/postcards.jsonl"
judge=$runs/judge-run/last

# ---- the variants ----

# Adapters over the start, all alike. What each learns from; "sft" learns the written answers instead.
names=(sft accuracy accuracy_locatability three_rewards three_consistency string_accuracy distance_accuracy)
declare -A rewards=(
    [accuracy]='"accuracy:weight=1", "format:weight=1"'
    [accuracy_locatability]='"accuracy:weight=1", "locatability:weight=0.5", "format:weight=1"'
    [three_rewards]='"accuracy:weight=1", "locatability:weight=0.5", "grounding:words=postcards,weight=0.5", "format:weight=1"'
    [three_consistency]='"accuracy:weight=1", "locatability:weight=0.5", "grounding:words=postcards,weight=0.5", "consistency:weight=1", "format:weight=1"'
    [string_accuracy]='"accuracy:mode=compat,weight=1", "format:weight=1"'
    [distance_accuracy]='"accuracy:shape=exp,weight=1", "format:weight=1"'
)
read -ra variants <<<"${ABLATION_VARIANTS:-${names[*]}}"

train_variant() { # train_variant NAME SEED: as many answers are learnt from in all of them
    local folder=$runs/$1-$2
    if [ "$1" = sft ]; then
        "$globe" train sft recipes/postcards/sft.yaml --resume --set run.folder="$folder" --set run.seed="$2" \
            --set model.folder="$start" --set run.threads="$threads" \
            --set data.train="$runs/questions/postcards.jsonl" --set data.eval="$runs/judge-exam/postcards.jsonl" \
            --set data.eval_rows=100 --set batch.rows="$prompts" --set batch.micro_rows="$prompts" \
            --set lora.rank=16 --set lora.alpha=32 --set lora.dropout=0 --set model.dtype=f32 \
            --set optimizer.learning_rate=2e-4 --set schedule.kind=constant --set schedule.warmup_ratio=0 \
            --set schedule.epochs="$group" \
            --set schedule.max_steps="$((steps * group))" --set run.eval_every=0 --set save.every=0
        return
    fi
    local judged=()
    [[ ${rewards[$1]} == *locatability* ]] && judged=(--set reward.locatability="$judge")
    "$globe" train grpo recipes/postcards/grpo.yaml --resume --set run.folder="$folder" --set run.seed="$2" \
        --set model.folder="$start" --set run.threads="$threads" --set data.train="$runs/questions/postcards.jsonl" \
        --set data.eval="$runs/judge-exam/postcards.jsonl" --set data.eval_rows=50 \
        --set batch.rows="$prompts" --set batch.micro_rows="$prompts" --set grpo.num_generations="$group" \
        --set schedule.max_steps="$steps" --set "reward.functions=[${rewards[$1]}]" "${judged[@]}" \
        --set run.eval_every="$(scaled 50 1)" --set save.every="$(scaled 50 1)"
}

# ---- examinations ----

join() { # join ROWS ANSWERS: every row with the model's answer as its completion
    jq -c --slurpfile answers "$2" '
        ($answers | map(select(.photo)) | map({key: (.photo | split("/")[-1]), value: .answer}) | from_entries) as $by
        | $by[.images[0] | split("/")[-1]] as $answer | select($answer) | . + {completions: [$answer]}' "$1"
}

examine() { # examine NAME [ADAPTER]
    local folder=$runs/results/$1 rows=$runs/exam/joined-$1.jsonl
    local model=(--model "$start")
    [ $# -gt 1 ] && model+=(--adapter "$2")
    mkdir -p "$folder"
    "$globe" eval "$runs/exam/postcards.jsonl" "${model[@]}" --answers "$folder/answers.jsonl" --resume --force \
        --sequences 32 --threads "$threads" --json >"$folder/eval.json" &&
        join "$runs/exam/postcards.jsonl" "$folder/answers.jsonl" >"$rows" &&
        "$globe" score "$rows" --rewards 'consistency;grounding:mode=paper,words=postcards' --consistency --json \
            >"$folder/consistency.json" &&
        "$globe" score "$rows" --reward "$judge" --model "$start" --threads "$threads" --report --json >"$folder/judge.json"
}

part exam-start examine start
for variant in "${variants[@]}"; do
    [[ " ${names[*]} " == *" $variant "* ]] || { echo "there is no variant $variant; there are ${names[*]}" >&2; exit 2; }
    for seed in "${seeds[@]}"; do
        part "$variant-$seed" train_variant "$variant" "$seed" &&
            part "exam-$variant-$seed" examine "$variant-$seed" "$runs/$variant-$seed/last"
    done
    curves=()
    for seed in "${seeds[@]}"; do
        [ -e "$runs/$variant-$seed/metrics.jsonl" ] && curves+=("$runs/$variant-$seed")
    done
    [ ${#curves[@]} -gt 0 ] && "$globe" train plot "${curves[@]}" -o "$runs/$variant.svg" --force --quiet
done

GLOBE=$globe tools/ablation-table.sh "$runs" "${ABLATION_OUT:-$runs}/ablation.md" start "${variants[@]}" || failed+=(table)
if [ ${#failed[@]} -gt 0 ]; then
    echo "not done: ${failed[*]}; run it again to go on" >&2
    exit 1
fi
