"""How well the roofline predicts public measurements, each by a fit that has not seen it.

Rows of `catalogue/data/throughput.jsonl`, in five folds by a hash of their key; beside them what
NVIDIA's AIConfigurator predicts (recorded, see record_aiconfigurator.py), and what both say of the
worked example of the guide.

python benches/bench_roofline.py [--rows] [--write] [--cases] [--quick]

--rows prints every row; --write stores the fitted efficiencies in the package and the rows in
docs/roofline-rows.md; --cases prints what AIConfigurator is to be asked.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.catalogue.gpus import read_gpus
from judgefast.catalogue.models import read_models
from judgefast.catalogue.throughput import Measured, read_measured
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.fit import (
    batch_of_case,
    cases_of,
)
from judgefast.costs.fit_table import Predicted, Table, summary, table
from judgefast.costs.ranges import Range
from judgefast.costs.roofline import place, rates_of
from judgefast.costs.timing import time_of
from judgefast.costs.workload import Answers, Workload
from measure import say_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "benches/aiconfigurator.json"
FITTED = ROOT / "python/judgefast/catalogue/data/efficiencies.jsonl"
ROWS = ROOT / "docs/roofline-rows.md"


class Example(NamedTuple):
    """One setting of the guide's worked example: 2,500 tokens in, on one H200."""

    model: str
    cached: int
    answer: int

    @property
    def key(self) -> str:
        """Name of the setting."""
        return f"{self.model}, {self.cached} of 2500 cached, {self.answer} out"


EXAMPLES = (
    Example("Qwen2.5-72B-Instruct", 500, 500),
    Example("Qwen2.5-72B-Instruct", 1500, 500),
    Example("Qwen2.5-72B-Instruct", 500, 60),
    Example("Qwen2.5-72B-Instruct", 500, 1),
    Example("Qwen3-32B", 500, 1),
    Example("Qwen3-8B", 500, 1),
)
PROMPT, JUDGMENTS = 2500, 10_000


def main() -> None:
    """Fit, predict and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--rows", "--write", "--cases", "--quick"):
        parser.add_argument(name, action="store_true")
    given = parser.parse_args()
    cases = cases_of(read_measured().values(), read_models(), read_gpus())
    if given.cases:
        print(json.dumps([*map(_asked, cases), *map(_asked_example, EXAMPLES)]))
        return
    found = table(cases)
    if given.write:
        write(found)
    print("\n".join(summaries(found)))
    print()
    print("\n".join(examples()))
    if given.rows:
        print()
        print("\n".join(rows_of(found)))
    recorded = recorded_rates()
    own = [each for each in found.predicted if each.row.key in recorded]
    ratio, rival = None, "AIConfigurator has predicted none of the rows"
    if own:
        theirs = [Predicted(each.row, "", recorded[each.row.key]) for each in own]
        ratio, rival = summary(theirs).median / summary(own).median, "as near as AIConfigurator"
    say_ratio(f"roofline: median error of {len(own)} rows", ratio, rival)


def write(found: Table) -> None:
    """Store efficiencies in the package, and every row in its page."""
    kept = [msgspec.structs.replace(each, **_rounded(each)) for each in found.fitted.values()]
    FITTED.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in kept))
    head = [
        "# Every row of the roofline",
        "",
        "Written by `python benches/bench_roofline.py --write`; what it means is in",
        "[costs.md](costs.md#the-roofline). Output tokens a second of all GPUs; `-` in the last",
        "column is what AIConfigurator did not predict.",
        "",
    ]
    parts = [*head, *summaries(found), "", *examples(), "", *rows_of(found)]
    ROWS.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _rounded(fitted: object) -> dict[str, float]:
    """Floats of a row, to what means something."""
    found = msgspec.structs.asdict(fitted)  # type: ignore[arg-type]  # a Struct
    return {name: float(f"{value:.4g}") for name, value in found.items() if type(value) is float}


GROUPS: tuple[tuple[str, Callable[[Measured], bool]], ...] = (
    ("70B FP8, one H200", lambda row: "70B" in row.model and _on(row, "H200-SXM", 1)),
    ("70B FP8, two H200", lambda row: "70B" in row.model and _on(row, "H200-SXM", 2)),
    ("70B FP8, two H100", lambda row: "70B" in row.model and _on(row, "H100-SXM", 2)),
    ("Llama-3.1-8B FP8, one H100", lambda row: "8B" in row.model and _on(row, "H100-SXM", 1)),
    ("Llama-3.1-8B FP8, one H200", lambda row: "8B" in row.model and _on(row, "H200-SXM", 1)),
    ("Llama-3.1-8B FP8, two H200", lambda row: "8B" in row.model and _on(row, "H200-SXM", 2)),
    ("Qwen3-32B, one H100", lambda row: "32B" in row.model and row.gpus == 1),
    ("Qwen3-32B, two H100", lambda row: "32B" in row.model and row.gpus > 1),
    ("Qwen2.5-72B FP8, one H200, one token", lambda row: row.model == "Qwen2.5-72B-Instruct"),
    ("Qwen2.5-7B FP8, one H200, one token", lambda row: row.model == "Qwen2.5-7B-Instruct"),
    ("gpt-oss-120b, one H100", lambda row: "oss" in row.model and _on(row, "H100-SXM", 1)),
    ("gpt-oss-120b, one H200", lambda row: "oss" in row.model and _on(row, "H200-SXM", 1)),
    ("gpt-oss-120b, two H100", lambda row: "oss" in row.model and _on(row, "H100-SXM", 2)),
    ("gpt-oss-120b, two H200", lambda row: "oss" in row.model and _on(row, "H200-SXM", 2)),
)


def _on(row: Measured, gpu: str, gpus: int) -> bool:
    return row.gpu == gpu and row.gpus == gpus


def summaries(found: Table) -> Iterator[str]:
    """Errors by group, in or out of a fit, with AIConfigurator's on the same rows."""
    yield (
        "| rows | engine | fit | n | median | 95 of 100 | worst | mean "
        "| AIConfigurator: n | median | worst |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    recorded = recorded_rates()
    for name, is_in in GROUPS:
        own = [each for each in found.predicted if is_in(each.row)]
        seen = [each for each in own if not each.kind.endswith("unseen")]
        if seen and len({each.row.engine for each in seen}) > 1:
            yield _line(name, "both", "out of fold", seen, recorded)
        for engine in ("TensorRT-LLM", "vLLM"):
            for kind in ("out of fold", "unseen"):
                part = [
                    each
                    for each in own
                    if each.row.engine == engine
                    and each.kind.endswith("unseen") == (kind == "unseen")
                ]
                if part:
                    yield _line(name, engine, kind, part, recorded)
    yield ""
    yield from by_kind(found)
    yield ""
    yield (
        f"Excluded: {len(found.excluded)} rows of 70B on one 80 GB H100, whose KV cache has 3 GB: "
        "up to 4 times slower a GPU than two of them, and unpredictable. Take two, or an H200."
    )
    yield ""
    for fitted in found.fitted.values():
        yield (
            f"- {fitted.key}: mfu {fitted.mfu:.3f}, cache {fitted.cache:.3f}, step "
            f"{fitted.step_seconds * 1e3:.2f} ms, sequence {fitted.sequence_seconds * 1e6:.1f} us, "
            f"activations {fitted.activations:.0f} B, "
            f"request {fitted.request_seconds * 1e3:.1f} ms; "
            f"{fitted.parameters} parameters on {fitted.rows} rows"
        )


def by_kind(found: Table) -> Iterator[str]:
    """Errors of each fit by what it has not seen: a fold, a model, all that it leaves out."""
    yield "| fit | left out when a row is predicted | n | median | 95 of 100 | worst | mean |"
    yield "|---|---|---|---|---|---|---|"
    for key, fitted in found.fitted.items():
        factor = ", no factor for October 2025" if fitted.dated else ""
        for words, part in (
            ("its fold", found.predicted),
            ("all rows of its model", found.by_model),
            (f"its fold; all rows, nothing left out{factor}", found.whole),
        ):
            own = [each for each in part if each.kind == key]
            if own:
                errors = summary(own)
                yield (
                    f"| {key} | {words} | {errors.rows} | {errors.median:.1%} | {errors.most:.1%} "
                    f"| {errors.worst:.1%} | {errors.mean:+.1%} |"
                )


def _line(
    name: str, engine: str, kind: str, part: Sequence[Predicted], recorded: dict[str, float]
) -> str:
    errors = summary(part)
    theirs = [
        Predicted(each.row, "", recorded[each.row.key]) for each in part if each.row.key in recorded
    ]
    said = "0 | | |"
    if theirs:
        of_them = summary(theirs)
        said = f"{of_them.rows} | {of_them.median:.1%} | {of_them.worst:.1%} |"
    return (
        f"| {name} | {engine} | {kind} | {errors.rows} | {errors.median:.1%} | {errors.most:.1%} "
        f"| {errors.worst:.1%} | {errors.mean:+.1%} | {said}"
    )


def rows_of(found: Table) -> Iterator[str]:
    """Every row: measured, predicted, error, and AIConfigurator's."""
    yield "| row | fit | measured | predicted | error | AIConfigurator |"
    yield "|---|---|---|---|---|---|"
    recorded = recorded_rates()
    for each in sorted(found.predicted, key=lambda each: (each.kind, each.row.key)):
        theirs = recorded.get(each.row.key)
        error = "-" if theirs is None else f"{theirs / each.row.output_tokens_per_second - 1:+.1%}"
        yield (
            f"| {each.row.key} | {each.kind} | {_rate(each.row.output_tokens_per_second)} "
            f"| {_rate(each.tokens_per_second)} | {each.error:+.1%} | {error} |"
        )


def _rate(tokens_per_second: float) -> str:
    return f"{tokens_per_second:,.{0 if tokens_per_second >= 1000 else 2}f}"  # noqa: PLR2004 - digits


def recorded_rates() -> dict[str, float]:
    """Output tokens a second by row, as AIConfigurator predicted them."""
    if not RECORDED.exists():
        return {}
    predicted = json.loads(RECORDED.read_text(encoding="utf-8"))["predicted"]
    return {
        key: each["tokens_per_second"]
        for key, each in predicted.items()
        if each.get("tokens_per_second")
    }


def example_workload(example: Example) -> Workload:
    """The example's 10,000 judgments, answers all of one length."""
    return Workload(
        items=JUDGMENTS,
        judgments=JUDGMENTS,
        requests=JUDGMENTS,
        prompt_tokens=JUDGMENTS * PROMPT,
        computed_tokens=Range.exactly(JUDGMENTS * (PROMPT - example.cached)),
        longest_prompt=PROMPT,
        answers=Answers(
            mean=Range.exactly(example.answer),
            spread=0.0,
            most=example.answer,
            basis="given",
            because="the example",
        ),
        basis="given",
        because="the example",
    )


def example_hours(example: Example) -> tuple[float, float]:
    """GPU-hours of the example, and the batch."""
    shape, gpu = read_models()[example.model].shape, read_gpus()["H200-SXM"]
    assert shape is not None
    workload = example_workload(example)
    placed = place(shape, gpu, model=example.model, workload=workload, weights="fp8", cache="fp8")
    reached = efficiencies_of(gpu=gpu, shape=shape, weights="fp8", workload=workload)
    rates = rates_of(shape, gpu, efficiencies=reached, weights="fp8", cache="fp8")
    timed = time_of(workload, rates, room_tokens=placed.room_tokens)
    return timed.seconds / 3600, placed.batch


def examples() -> Iterator[str]:
    """GPU-hours for 10,000 judgments of the worked example, ours and AIConfigurator's."""
    yield "| 10,000 judgments, one H200, FP8 weights and cache | GPU-hours | AIConfigurator |"
    yield "|---|---|---|"
    predicted: dict[str, Any] = {}
    if RECORDED.exists():
        predicted = json.loads(RECORDED.read_text(encoding="utf-8"))["predicted"]
    for example in EXAMPLES:
        theirs = predicted.get(example.key, {}).get("requests_per_second")
        said = f"{JUDGMENTS / theirs / 3600:.2f}" if theirs else "-"
        yield f"| {example.key} | {example_hours(example)[0]:.2f} | {said} |"


def _asked(case: Any) -> dict[str, object]:  # noqa: ANN401 - a Case
    row = case.row
    return {
        "key": row.key,
        "engine": row.engine,
        "model": row.model,
        "gpu": row.gpu,
        "gpus": row.gpus,
        "weights": row.weights,
        "cache": row.cache,
        "prompt_tokens": row.prompt_tokens,
        "answer_tokens": row.answer_tokens,
        "experts": case.shape.experts > 1,
        "batch": batch_of_case(case),
        "queued": row.users is None,
    }


def _asked_example(example: Example) -> dict[str, object]:
    return {
        "key": example.key,
        "engine": "vLLM",
        "model": example.model,
        "gpu": "H200-SXM",
        "gpus": 1,
        "weights": "fp8",
        "cache": "fp8",
        "prompt_tokens": PROMPT,
        "shared_tokens": example.cached,
        "answer_tokens": example.answer,
        "experts": False,
        "batch": example_hours(example)[1],
        "queued": True,
    }


if __name__ == "__main__":
    main()
