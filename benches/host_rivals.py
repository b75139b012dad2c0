"""CPU a judgment of other harnesses on the same rows, with a model that answers at once.

Run by `bench_host.py` with a Python that has them; prints JSON. It knows nothing of judgefast.

PYTHON benches/host_rivals.py NAME ROWS COUNT
"""

from __future__ import annotations

# ruff: noqa: ANN401, PLC0415 - the rivals' own objects, imported where they are measured
import contextlib
import io
import itertools
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RUBRIC = "Prefer the answer that is correct, does what the question asks, and is clear."

Row = dict[str, Any]


def inspect_ai(rows: list[Row]) -> tuple[float, int]:
    """`model_graded_qa` over pre-made outputs, graded by its own mock model."""
    os.environ.update(INSPECT_DISPLAY="none", INSPECT_LOG_LEVEL="error")
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import model_graded_qa
    from inspect_ai.solver import solver

    @solver
    def preset() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            del generate
            state.output = ModelOutput.from_content("preset", state.metadata["answer"])
            return state

        return solve

    samples = [
        Sample(
            id=row["id"],
            input=row["question"],
            target=RUBRIC,
            metadata={"answer": row["answer_a"] + "\n" + row["answer_b"]},
        )
        for row in rows
    ]
    outputs = []
    for number in range(len(rows)):
        output = ModelOutput.from_content("mockllm", f"Reason {number}.\nGRADE: C")
        output.usage = ModelUsage(input_tokens=3000, output_tokens=60, total_tokens=3060)
        outputs.append(output)  # with its usage, which it would count with a tokenizer of the web
    grader = get_model("mockllm/model", custom_outputs=outputs)
    task = Task(
        dataset=MemoryDataset(samples), solver=[preset()], scorer=model_graded_qa(model=grader)
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        (log,) = evaluate(
            task, model="mockllm/model", display="none", log_dir=folder, log_realtime=False
        )
        spent = time.process_time() - started
    assert log.status == "success", log.error
    return spent, len(samples)


def prometheus_eval(rows: list[Row]) -> tuple[float, int]:
    """Relative grading of each pair by a model object that answers at once."""
    from prometheus_eval import PrometheusEval
    from prometheus_eval.mock import MockLLM
    from prometheus_eval.prompts import RELATIVE_PROMPT

    class Judge(MockLLM):
        def completions(self, prompts: list[str], **_: Any) -> list[str]:
            return [f"Reason {number}. [RESULT] A" for number in range(len(prompts))]

    judge = PrometheusEval(model=Judge("relative"), relative_grade_template=RELATIVE_PROMPT)
    started = time.process_time()
    _, verdicts = judge.relative_grade(
        instructions=[row["question"] for row in rows],
        responses_A=[row["answer_a"] for row in rows],
        responses_B=[row["answer_b"] for row in rows],
        rubric=RUBRIC,
    )
    spent = time.process_time() - started
    assert verdicts == ["A"] * len(rows)
    return spent, len(rows)


RIVALS = {"inspect_ai": inspect_ai, "prometheus_eval": prometheus_eval}


def main(name: str, path: str, count: int) -> None:
    """Measure one of them."""
    with Path(path).open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in itertools.islice(file, count)]
    logging.disable(logging.WARNING)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        RIVALS[name](rows[:20])  # warms up
        spent, judged = RIVALS[name](rows)
    print(json.dumps({"judgments": judged, "cpu_us": 1e6 * spent / judged}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
