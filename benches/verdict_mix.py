"""The mix of judge outputs that `bench_verdicts.py` reads, with the truth of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from judgefast.prompts.verdict_format import Pattern, VerdictFormat

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

FORMATS = {
    "json": VerdictFormat(name="json", low=1, high=5, integer=True),
    "score": VerdictFormat(
        name="regex", patterns=(Pattern(r"Score: (\d+)/5"),), which="unanimous", low=1, high=5
    ),
    "bracket": VerdictFormat(name="bracket"),
    "arena5": VerdictFormat(name="arena5"),
}
CITING = 0.03
SENTENCES = (
    "the answer is clear and mostly correct",
    "it omits one detail that the question asks for",
    "the second part follows both sources",
    "it gives a short example of the method in use",
    "the tone fits the reader",
)


class Mixed(NamedTuple):
    """One text of the mix; `truth` is None where a strict reader must find nothing."""

    format: str
    text: str
    cut: bool
    truth: float | str | None
    """What a strict reader must find."""
    meant: float | str | None
    """What the judge meant."""


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
            lambda rng: Mixed(
                "json", f"I'm sorry, 3 issues: {reason(rng)}", cut=False, truth=None, meant=None
            ),
        ),
        (1, lambda rng: broken(rng, '{{"score": 1{}, "reason": "{}"}}', is_off=True)),
    ]
    shares, kinds = zip(*makers, strict=True)
    texts = [
        kind(rng)
        for kind, share in zip(kinds, shares, strict=True)
        for _ in range(rows * share // 100)
    ]
    rng.shuffle(texts)
    return texts


def reason(rng: random.Random) -> str:
    """Write a reason of about 210 characters; 3 % of them cite a source by its number."""
    text = ", ".join(rng.choices(SENTENCES, k=rng.randint(4, 7)))
    return f"{text} [1]" if rng.random() < CITING else text


def clean(rng: random.Random, score: int) -> str:
    """Write the object that was asked for."""
    return json.dumps({"score": score, "reason": reason(rng)})


def whole(rng: random.Random, around: str) -> Mixed:
    """Write clean JSON, alone or fenced."""
    score = rng.randint(1, 5)
    return Mixed(
        "json", around.replace("{}", clean(rng, score)), cut=False, truth=score, meant=score
    )


def truncated(rng: random.Random) -> Mixed:
    """Cut clean JSON anywhere behind its score."""
    score = rng.randint(1, 5)
    text = clean(rng, score)
    return Mixed("json", text[: rng.randint(13, len(text) - 1)], cut=True, truth=score, meant=score)


def broken(rng: random.Random, form: str, *, is_off: bool = False) -> Mixed:
    """Write what a strict reader refuses."""
    score = rng.randint(1, 5)
    text = form.format(score, reason(rng))
    return Mixed("json", text, cut=False, truth=None, meant=None if is_off else score)


def score_line(rng: random.Random) -> Mixed:
    """Write a score after its reason."""
    score = rng.randint(1, 5)
    return Mixed("score", f"{reason(rng)}\nScore: {score}/5", cut=False, truth=score, meant=score)


def marked(rng: random.Random, name: str, labels: tuple[str, ...]) -> Mixed:
    """Write a marker after its reason."""
    label = rng.choice(labels)
    return Mixed(
        name, f"{reason(rng)}\n\nFinal verdict: [[{label}]]", cut=False, truth=label, meant=label
    )


def example_first(rng: random.Random) -> Mixed:
    """Write an example that differs from the verdict."""
    score = rng.randint(2, 5)
    text = f"A bad one would get {clean(rng, 1)}. Mine:\n{clean(rng, score)}"
    return Mixed("json", text, cut=False, truth=None, meant=score)


def reasoning_first(rng: random.Random) -> Mixed:
    """Write a reasoning block that holds another object."""
    score = rng.randint(2, 5)
    nested = json.dumps({"parts": {"score": 1}, "score": score, "reason": reason(rng)})
    text = f"<think>\nMaybe {clean(rng, 1)}?\n</think>\n\n{nested}"
    return Mixed("json", text, cut=False, truth=score, meant=score)
