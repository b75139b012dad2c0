#!/usr/bin/env bash
# The main job on the embedded engine: `make demo` calls this with the command and a folder for runs.
set -euo pipefail
cd "$(dirname "$0")/.."
judgefast=$1
runs=$2

say() {
  if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n\n' "$*"; else printf '\n%s\n\n' "$*"; fi
}

say "1. Pairs, judged in both orders by a small model: examples/pairs.jsonl, rubric pairwise"
"$judgefast" run examples/pairs.jsonl --rubric pairwise --engine embedded --out "$runs/pairwise"

say "2. The same answers one at a time, read by probability: rubric few-shot-quality"
"$judgefast" run examples/pairs.jsonl --rubric few-shot-quality --engine embedded --slice easy \
  --out "$runs/few-shot"

say "What you saw"
cat <<TEXT
Asked which of two answers is better, this model of 135 million parameters picks the one it is shown
first; judged in one order only, that would have looked like a clear winner. Asked about one answer
at a time it does better: \`ranking_accuracy\` at \`meta.easy=true\` is the share of the easy pairs
(marked before any model was run on them) whose better answer got the higher probability.

It proves the path, not the verdicts. For verdicts you can act on, judge with a model of 7 billion
parameters or more, on a GPU of this machine (--engine vllm --model MODEL) or behind any server that
speaks OpenAI's interface (--engine http --base-url URL). What any judge said before can be read the
same way: --engine replay --recorded FILE.

Look closer:
  $judgefast show $runs/pairwise --id facts-cows
  $judgefast export $runs/pairwise --to pairwise.csv
  $judgefast report $runs/pairwise --rule strict
TEXT
