#!/usr/bin/env bash
# The main job on the embedded engine: `make demo` calls this with the command and a folder for runs.
set -euo pipefail
judgefast=$1
runs=$2
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m%s\033[0m\n' "$*" | { if [ -t 1 ]; then cat; else sed $'s/\033\\[[0-9]*m//g'; fi; }; }

say "1. Pairs, judged by a small model in both orders: examples/pairs.jsonl, rubric pairwise"
"$judgefast" run examples/pairs.jsonl --rubric pairwise --engine embedded --out "$runs/pairwise"

say "2. The same answers one at a time, read by probability: rubric few-shot-quality"
"$judgefast" run examples/pairs.jsonl --rubric few-shot-quality --engine embedded --slice easy \
  --out "$runs/few-shot-quality"

say "Look closer"
cat <<TEXT
  $judgefast show $runs/pairwise --id capital-of-kenya      one item whole, both orders
  $judgefast export $runs/pairwise --to pairwise.csv        one wide row per outcome
The embedded model has 135 million parameters: it proves the path, not the verdicts. For verdicts
you can act on, use a judge of 7 billion parameters or more on a GPU (engine vllm, from 0.2).
TEXT
