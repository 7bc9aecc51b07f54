#!/usr/bin/env bash
# train-postcards.sh [FOLDER]: makes the embedded model (models/postcards) again, in FOLDER (runs/postcards): cards,
# vocabulary, random weights, training, examination. What is there already is kept, so a stopped run goes on.
# FOLDER other than runs/postcards needs a recipe that names it. docs/postcards.md says what to expect.
set -euo pipefail
cd "$(dirname "$0")/.."
globe=${GLOBE:-build/globe}
runs=${1:-runs/postcards}
recipe=${RECIPE:-recipes/postcards/sft.yaml}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mkdir -p "$runs"

# draw NAME COUNT SEED [OPTION...]; the rows come last, so their file says that a set is whole.
draw() {
    [ -e "$runs/$1/postcards.jsonl" ] || "$globe" postcards --out "$runs/$1" --count "$2" --seed "$3" "${@:4}"
}
draw naming 190000 1
draw reasoning 60000 2
draw held-out 4000 3
draw exam 2000 4 --split test

if [ ! -e "$runs/vocabulary/tokenizer.json" ]; then
    "$globe" tokenizer train --out "$runs/vocabulary" --size 1856 --chat \
        "$runs/held-out/postcards.jsonl" "$runs/held-out/naming.jsonl"
fi
if [ ! -e "$runs/start/model.safetensors" ]; then # a card has 224 x 168 pixels; larger and smaller pictures become so, too
    "$globe" init --config recipes/postcards/config.json --tokenizer "$runs/vocabulary" --out "$runs/start" \
        --seed 1 --min-pixels 37632 --max-pixels 37632
fi
mpirun --bind-to core -n 2 "$globe" train sft "$recipe" --resume

"$globe" eval "$runs/exam/postcards.jsonl" --model "$runs/sft/last" --by difficulty --sequences 48
"$globe" eval "$runs/exam/postcards.jsonl" --model "$runs/sft/last" --by difficulty --sequences 48 --blind
