"""`--shape`: what is to be judged, by its lengths alone, where there is no data yet.

What prompts share is reckoned as the plan lays them out: rubric first, then question, then the
answers in the order shown, then what differs between aspects.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

import msgspec

from judgefast.costs.ranges import Range
from judgefast.costs.workload import Workload
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.costs.workload import Answers

EXAMPLE = "--shape questions=10000,answers=2,question=100,answer=1000,rubric=500,out=500"
BLOCK_TOKENS = 16
"""Only whole blocks are found in the cache: as vLLM has them on a GPU."""

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}
_NUMBER = re.compile(r"(?P<digits>[0-9][0-9_]*(?:\.[0-9]+)?)(?P<unit>[km]?)", re.ASCII)
_NEEDED = ("questions", "answer")


class ShapeGiven(msgspec.Struct, frozen=True, kw_only=True):
    """Counts, and lengths in tokens of the judge."""

    questions: int
    answer: int
    """Of each answer."""
    answers: int | None = None
    """To each question; None: 2 where the rubric compares, else 1."""
    question: int = 0
    reference: int = 0
    rubric: int | None = None
    """What all prompts have in common, the chat template's own tokens too; None: the rubric's."""
    aspect: int = 0
    """What is different in each aspect, behind the answers."""
    out: int | None = None
    """That the judge writes, its thinking aside; None: known from elsewhere."""
    think: int | None = None
    """That it thinks before."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What the rubric and the options of a run make of each question."""

    mode: str
    """`pairwise`, `choice`, `scalar` or `binary`."""
    orders: int = 1
    aspects: int = 1
    """That are asked one by one; 1 where all are asked together."""
    judgments_each: int = 1
    """That one request gives: as many as there are aspects where all are asked together."""
    repeats: int = 1
    pairs: str = "all"
    """As the option of a run: `all`, `baseline` or `sparse:K`."""
    held: bool = False
    """Whether answers are held to a grammar."""


def read_shape(text: str) -> ShapeGiven:
    """Read `name=number,...`; a number may end in k or M.

    Raises:
        ConfigError: Names the part that cannot be read, with an example.

    >>> read_shape("questions=10k,answer=1000").questions
    10000

    """
    found: dict[str, int] = {}
    names = ShapeGiven.__struct_fields__
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            _refuse(f"`{part}` is not of the form name=number")
        if name not in names:
            close = get_close_matches(name, names, n=1)
            words = f"; did you mean `{close[0]}`?" if close else f"; it has {', '.join(names)}"
            _refuse(f"a shape has no `{name}`{words}")
        if name in found:
            _refuse(f"`{name}` is given twice")
        found[name] = _number(name, value)
    for name in _NEEDED:
        if name not in found:
            _refuse(f"`{name}` is missing")
    for name in ("questions", "answers", "answer"):
        if found.get(name) == 0:
            _refuse(f"`{name}` is 0; it must be at least 1")
    return ShapeGiven(**found)


def _number(name: str, text: str) -> int:
    read = _NUMBER.fullmatch(text.lower())
    if read is None:
        _refuse(f"`{name}` is `{text}`, which is no number such as 500, 10k or 1.5M")
    number = float(read["digits"].replace("_", "")) * _UNITS[read["unit"]]
    if number != int(number):
        _refuse(f"`{name}` is `{text}`; it must be a whole number")
    return int(number)


def _refuse(words: str) -> NoReturn:
    msg = f"--shape: {words}"
    raise ConfigError(msg, hint=f"write it as {EXAMPLE}")


class _Question(msgspec.Struct, frozen=True):
    """Of one question: what is shown, and how much of it stands behind the same beginning."""

    requests: int
    shown: int
    """Answers in one prompt."""
    firsts: int
    """Different beginnings up to the first answer."""
    layouts: int
    """Different sequences of answers: what repeats and aspects share."""


def workload_of_shape(
    given: ShapeGiven, asking: Asking, answers: Answers, *, rubric: int
) -> Workload:
    """The sums that a plan of such data would come to.

    Args:
        given: Counts and lengths.
        asking: What is asked of each question.
        answers: What the judge writes.
        rubric: Tokens that all prompts share.

    Raises:
        ConfigError: Fewer answers than are to be compared.

    """
    each = _of_question(given, asking)
    prompt = rubric + given.question + given.reference + each.shown * given.answer + given.aspect
    requests = given.questions * each.requests
    shared = given.question + given.reference
    # The tree of beginnings: rubric once, question once, first answers, then what follows them.
    behind_first = (each.shown - 1) * given.answer
    own = shared + each.firsts * given.answer + each.layouts * behind_first
    tails = each.requests * given.aspect
    whole = rubric + given.questions * (own + tails)
    # Behind each beginning that is found a part of a block is computed again: half of one on the
    # average, and at least the last token of every prompt.
    least = max(whole, rubric + requests)
    most = requests * prompt
    return Workload(
        items=given.questions,
        judgments=requests * asking.judgments_each,
        requests=requests,
        prompt_tokens=most,
        computed_tokens=Range(
            min(most, least),
            min(most, least + requests * BLOCK_TOKENS / 2),
            min(most, least + requests * BLOCK_TOKENS),
        ),
        longest_prompt=prompt,
        answers=answers,
        orders=asking.orders,
        held=asking.held,
        basis="given",
        because=(
            f"--shape: {given.questions:,} questions x {each.requests:,} requests x {prompt:,} "
            f"tokens; computed are the rubric's {rubric:,} once, each question once, and answers "
            "once behind what they share"
        ),
    )


def _of_question(given: ShapeGiven, asking: Asking) -> _Question:
    compares = asking.mode in {"pairwise", "choice"}
    many = given.answers or (2 if compares else 1)
    times = asking.aspects * asking.repeats
    if compares and many < 2:  # noqa: PLR2004 - two are compared
        _refuse(f"`answers` is {many}, and a rubric of mode {asking.mode} compares two or more")
    if asking.mode == "choice":
        layouts = asking.orders
        return _Question(layouts * times, many, min(many, layouts), layouts)
    if asking.mode != "pairwise":
        return _Question(many * times, 1, many, many)
    pairs = _pairs(many, asking.pairs)
    layouts = pairs * asking.orders
    # Which answer of a pair comes first in one order is drawn, so that each may.
    firsts = min(layouts, many)
    return _Question(layouts * times, 2, firsts, layouts)


def _pairs(many: int, which: str) -> int:
    if which == "baseline":
        return many - 1
    rounds = int(which.partition(":")[2]) if which.startswith("sparse:") else many
    if rounds < many - 1:  # of a tournament; an odd answer rests
        return rounds * (many // 2)
    return many * (many - 1) // 2
