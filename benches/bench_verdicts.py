"""Texts a second of the verdict parser, beside a careful Python cascade and msgspec.

The mix: 30 % clean JSON, 15 % fenced, 10 % truncated, 6 % trailing comma, 5 %
single quotes, 3 % unescaped quotes or new lines, 10 % `Score: 4/5`, 7 % [[A]], 5 % [[A>>B]], 2 % an
example object first, 2 % reasoning first, the rest string scores, refusals, scores off the scale.
Each text goes to the format that its prompt asked for; one format is read in one call.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from judgefast.codes import Status
from judgefast.prompts.verdict_format import Pattern, VerdictFormat
from judgefast.verdicts import read_texts
from measure import new_record, refuse_debug_build, spread, write

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = {
    "json": VerdictFormat(name="json", low=1, high=5, integer=True),
    "score": VerdictFormat(
        name="regex", patterns=(Pattern(r"Score: (\d+)/5"),), which="unanimous", low=1, high=5
    ),
    "bracket": VerdictFormat(name="bracket"),
    "arena5": VerdictFormat(name="arena5"),
}
SENTENCES = (
    "the answer is clear and mostly correct",
    "it omits one detail that the question asks for",
    "the second part follows the source [1]",
    "it gives a short example of the method in use",
    "the tone fits the reader",
)


class Mixed(NamedTuple):
    """One text of the mix; `truth` is None where a strict reader must find nothing."""

    format: str
    text: str
    cut: bool
    truth: float | str | None


def mix(rng: random.Random, rows: int) -> list[Mixed]:
    """Make the texts, shares as above."""
    makers: list[tuple[int, Callable[[random.Random], Mixed]]] = [
        (30, lambda rng: whole(rng, "{}")),
        (15, lambda rng: whole(rng, "```json\n{}\n```")),
        (10, truncated),
        (6, lambda rng: broken(rng, '{{"score": {}, "reason": "{}",}}')),
        (5, lambda rng: broken(rng, "{{'score': {}, 'reason': '{}'}}")),
        (3, lambda rng: broken(rng, '{{"score": {}, "reason": "so "good" \n{}"}}')),
        (10, score_line),
        (7, lambda rng: marked(rng, "bracket", ("A", "B", "C"))),
        (5, lambda rng: marked(rng, "arena5", ("A>>B", "A>B", "A=B", "B>A", "B>>A"))),
        (2, example_first),
        (2, reasoning_first),
        (2, lambda rng: broken(rng, '{{"score": "{}", "reason": "{}"}}')),
        (
            2,
            lambda rng: Mixed("json", f"I'm sorry, 3 issues: {reason(rng)}", cut=False, truth=None),
        ),
        (1, lambda rng: broken(rng, '{{"score": 1{}, "reason": "{}"}}')),
    ]
    shares, kinds = zip(*makers, strict=True)
    return [kind(rng) for kind in rng.choices(kinds, shares, k=rows)]


def reason(rng: random.Random) -> str:
    """Write a reason of about 190 characters."""
    return ", ".join(rng.choices(SENTENCES, k=rng.randint(3, 6)))


def clean(rng: random.Random, score: int) -> str:
    """Write the object that was asked for."""
    return json.dumps({"score": score, "reason": reason(rng)})


def whole(rng: random.Random, around: str) -> Mixed:
    """Write clean JSON, alone or fenced."""
    score = rng.randint(1, 5)
    return Mixed("json", around.replace("{}", clean(rng, score)), cut=False, truth=score)


def truncated(rng: random.Random) -> Mixed:
    """Cut clean JSON anywhere behind its score."""
    score = rng.randint(1, 5)
    text = clean(rng, score)
    return Mixed("json", text[: rng.randint(13, len(text) - 1)], cut=True, truth=score)


def broken(rng: random.Random, form: str) -> Mixed:
    """Write what a strict reader refuses."""
    return Mixed("json", form.format(rng.randint(1, 5), reason(rng)), cut=False, truth=None)


def score_line(rng: random.Random) -> Mixed:
    """Write a score after its reason."""
    score = rng.randint(1, 5)
    return Mixed("score", f"{reason(rng)}\nScore: {score}/5", cut=False, truth=score)


def marked(rng: random.Random, name: str, labels: tuple[str, ...]) -> Mixed:
    """Write a marker after its reason."""
    label = rng.choice(labels)
    return Mixed(name, f"{reason(rng)}\n\nFinal verdict: [[{label}]]", cut=False, truth=label)


def example_first(rng: random.Random) -> Mixed:
    """Write an example that differs from the verdict."""
    text = f"A bad one would get {clean(rng, 1)}. Mine:\n{clean(rng, rng.randint(2, 5))}"
    return Mixed("json", text, cut=False, truth=None)


def reasoning_first(rng: random.Random) -> Mixed:
    """Write a reasoning block that holds another object."""
    score = rng.randint(2, 5)
    text = f"<think>\nMaybe {clean(rng, 1)}?\n</think>\n\n{clean(rng, score)}"
    return Mixed("json", text, cut=False, truth=score)


BLOCK = re.compile(r"<think>.*?</think>", re.DOTALL)
OBJECT = re.compile(r"\{[^{}]*\}")
COMPLETE = re.compile(r'^\s*\{\s*"score"\s*:\s*(-?\d+)\s*[,}]')
SCORE = re.compile(r"Score: (\d+)/5")
MARKER = re.compile(r"\[\[([^\[\]]{1,8})\]\]")


def careful_cascade(row: Mixed) -> float | str | None:
    """Read one text in plain Python, by the same rules as far as this mix needs them."""
    text = BLOCK.sub("", row.text) if "<think>" in row.text else row.text
    if row.format != "json":
        pattern = SCORE if row.format == "score" else MARKER
        found = set(pattern.findall(text))
        value = found.pop() if len(found) == 1 else None
        return int(value) if value is not None and row.format == "score" else value
    scores = set()
    for match in OBJECT.finditer(text):
        try:
            value = json.loads(match.group())
        except ValueError:
            return None
        scores.add(value.get("score"))
    if not scores and row.cut and (found_first := COMPLETE.match(text)):
        scores.add(int(found_first.group(1)))
    value = scores.pop() if len(scores) == 1 else None
    return value if type(value) is int and 1 <= value <= 5 else None  # noqa: PLR2004 - the scale


class Scored(msgspec.Struct):
    """What msgspec decodes clean JSON into."""

    score: int
    reason: str


def native(texts: dict[str, list[str]], cuts: dict[str, np.ndarray]) -> None:
    """Read every text, one call a format."""
    for name, group in texts.items():
        read_texts(FORMATS[name], group, cuts[name])


def check(rows: list[Mixed]) -> None:
    """Compare both readers with the truth; a fast wrong answer is no result."""
    for name, verdict_format in FORMATS.items():
        group = [row for row in rows if row.format == name]
        cut = np.array([row.cut for row in group], dtype=np.uint8)
        columns = read_texts(verdict_format, [row.text for row in group], cut)
        for at, row in enumerate(group):
            is_parsed = columns.status[at] == Status.PARSED
            start, end = columns.span[at]
            seen = row.text.encode()[start:end].decode().strip("[]") if is_parsed else None
            expected = None if row.truth is None else str(row.truth)
            if seen != expected or careful_cascade(row) != row.truth:
                message = f"{row}: {seen} and {careful_cascade(row)}"
                raise SystemExit(message)


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Time `work` `repeats` times after one warm-up. CPU seconds of this process."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return times


def main() -> None:
    """Check, measure, print one line a reader, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.rows, args.repeats = 5_000, 3
    refuse_debug_build(parser)

    rows = mix(random.Random(args.seed), args.rows)  # noqa: S311 - bench data
    check(rows)
    texts = {name: [row.text for row in rows if row.format == name] for name in FORMATS}
    cuts = {
        name: np.array([row.cut for row in rows if row.format == name], dtype=np.uint8)
        for name in FORMATS
    }
    plain = [row.text for row in rows if row.text.startswith("{") and row.text.endswith('"}')]
    plain = [text for text in plain if careful_cascade(Mixed("json", text, cut=False, truth=None))]
    no_cut = np.zeros(len(plain), dtype=np.uint8)
    decoder = msgspec.json.Decoder(Scored)
    work: dict[str, tuple[int, Callable[[], object]]] = {
        "native, mix": (len(rows), lambda: native(texts, cuts)),
        "cascade, mix": (len(rows), lambda: [careful_cascade(row) for row in rows]),
        "native, clean": (len(plain), lambda: read_texts(FORMATS["json"], plain, no_cut)),
        "msgspec, clean": (len(plain), lambda: [decoder.decode(text) for text in plain]),
        "json, clean": (len(plain), lambda: [json.loads(text) for text in plain]),
    }
    record = new_record(
        "verdicts",
        "texts/s of CPU time",
        rows=args.rows,
        mean_chars=statistics.fmean(len(row.text) for row in rows),
        repeats=args.repeats,
        seed=args.seed,
    )
    medians = {}
    for name, (count, run) in work.items():
        record[name] = rates = spread([count / taken for taken in seconds(run, args.repeats)])
        medians[name] = rates["median"]
        print(f"{name:>15}: {rates['median']:.3g} texts/s (p10 {rates['p10']:.3g})")
    for ours, rival in (
        ("native, mix", "cascade, mix"),
        ("native, clean", "msgspec, clean"),
        ("native, clean", "json, clean"),
    ):
        ratio = medians[ours] / medians[rival]
        record[f"ratio {ours} / {rival}"] = ratio
        print(f"{ours} / {rival}: {ratio:.2f}")
    write(record, args.output)


if __name__ == "__main__":
    main()
