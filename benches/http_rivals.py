"""CPU a judgment of other harnesses over HTTP, asking the server of `bench_http.py`.

Run by `bench_http.py` with a Python that has them; prints JSON. It knows nothing of judgefast. Each
judges the texts of FILE, a JSON list of pairs (question, answer), in the way that its own pages
show, one request a judgment, with as many in flight as the others. What they send is longer than
the text by their own instructions, and they ask for a text, which the server has at hand.

PYTHON benches/http_rivals.py NAME URL FILE IN_FLIGHT
"""

from __future__ import annotations

# ruff: noqa: ANN401, PLC0415 - the rivals' own objects, imported where they are measured
import asyncio
import contextlib
import io
import json
import logging
import os
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

RUBRIC = "Prefer the answer that is correct, does what the question asks, and is clear."
WARM_UP = 20

Pairs = list[tuple[str, str]]


def inspect_ai(url: str, pairs: Pairs, in_flight: int) -> int:
    """`model_graded_qa` over outputs made before, graded by a server of OpenAI's interface."""
    os.environ.update(INSPECT_DISPLAY="none", INSPECT_LOG_LEVEL="error")
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import GenerateConfig, ModelOutput, get_model
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
        Sample(id=number, input=question, target=RUBRIC, metadata={"answer": answer})
        for number, (question, answer) in enumerate(pairs)
    ]
    grader = get_model(
        "openai-api/local/grade",
        base_url=url,
        api_key="none",
        config=GenerateConfig(temperature=0, max_connections=in_flight, max_tokens=64),
    )
    task = Task(
        dataset=MemoryDataset(samples), solver=[preset()], scorer=model_graded_qa(model=grader)
    )
    with tempfile.TemporaryDirectory() as folder:
        (log,) = evaluate(
            task,
            model="mockllm/model",
            display="none",
            log_dir=folder,
            log_realtime=False,
            max_samples=in_flight,
            max_connections=in_flight,
            score_display=False,
        )
    assert log.status == "success", log.error
    return len(samples)


def autorubric(url: str, pairs: Pairs, in_flight: int) -> int:
    """One criterion, graded by litellm."""
    from autorubric import Criterion, LLMConfig, Rubric
    from autorubric.graders import CriterionGrader

    config = LLMConfig(
        model="openai/criterion",
        temperature=0.0,
        max_tokens=64,
        api_base=url,
        api_key="none",
        max_parallel_requests=in_flight,
    )
    rubric = Rubric([Criterion(name="quality", weight=1.0, requirement=RUBRIC)])

    async def grade() -> int:
        grader = CriterionGrader(judge_model_config=config)
        left = iter(pairs)

        async def work() -> int:
            done = 0
            for question, answer in left:
                report = await rubric.grade(to_grade=answer, grader=grader, query=question)
                assert report.score == 1.0, report
                done += 1
            return done

        return sum(await asyncio.gather(*(work() for _ in range(in_flight))))

    return asyncio.run(grade())


def prometheus_eval(url: str, pairs: Pairs, in_flight: int) -> int:
    """Absolute grading of each answer, by litellm."""
    from prometheus_eval import PrometheusEval
    from prometheus_eval.litellm import AsyncLiteLLM
    from prometheus_eval.prompts import ABSOLUTE_PROMPT

    os.environ["OPENAI_API_KEY"] = "none"
    model = AsyncLiteLLM(
        "openai/prometheus", api_base=url, batch_size=in_flight, requests_per_minute=10_000_000
    )
    judge = PrometheusEval(model=model, absolute_grade_template=ABSOLUTE_PROMPT)
    _, scores = judge.absolute_grade(
        instructions=[question for question, _ in pairs],
        responses=[answer for _, answer in pairs],
        rubric=RUBRIC,
        reference_answers=["a reference"] * len(pairs),
    )
    assert scores == [4] * len(pairs)
    return len(pairs)


RIVALS = {
    "inspect_ai": inspect_ai,
    "autorubric": autorubric,
    "prometheus_eval": prometheus_eval,
}


def cpu() -> float:
    """CPU seconds of this process so far, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(name: str, url: str, path: str, in_flight: int) -> None:
    """Measure one of them."""
    os.environ.update(LITELLM_LOG="ERROR", LITELLM_LOCAL_MODEL_COST_MAP="True")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    pairs = [(question, answer) for question, answer in json.loads(Path(path).read_text("utf-8"))]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            RIVALS[name](url, pairs[:WARM_UP], in_flight)
            started = cpu()
            judged = RIVALS[name](url, pairs, in_flight)
            spent = cpu() - started
    except ModuleNotFoundError as error:
        if error.name not in RIVALS:
            raise
        print("null")  # it is not installed
        return
    print(json.dumps({"judgments": judged, "cpu_us": 1e6 * spent / judged}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
