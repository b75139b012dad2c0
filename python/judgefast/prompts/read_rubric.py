"""From the TOML text of a rubric to a checked :class:`Rubric`."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from typing import TYPE_CHECKING, Any, cast

import msgspec

from judgefast.codes import ONE_FAILED, RULES
from judgefast.errors import RubricError
from judgefast.prompts.read_template import Asks, read_template
from judgefast.prompts.read_verdict import MAX_SCORE, read_verdict
from judgefast.prompts.rubric import (
    MIN_THINKING_TOKENS,
    THINKING_TOKENS,
    Aspect,
    DecodingWishes,
    Rubric,
    Scale,
)
from judgefast.prompts.source import TomlLines
from judgefast.prompts.table import Table

if TYPE_CHECKING:
    from judgefast.prompts.rubric import Asking, LayoutName, Template
    from judgefast.prompts.verdict_format import VerdictFormat

MODES = ("pairwise", "scalar", "binary", "choice")
_SCORED = ("scalar", "binary")
"""Those in which a lone answer has a score."""

_TOKENS = {"label": 16, "json": 256, "rating": 512, "result": 512}
"""Default of `decoding.max_tokens`, by format; 1024 for those that reason first."""

MAX_WEIGHT = 6

_OVERALL = "overall"
"""What reports and estimates call the weighted mean of several aspects."""


def read_rubric(
    text: str, file: str, *, layout: LayoutName | None = None, aspects: Asking | None = None
) -> Rubric:
    """Read and check a rubric.

    Args:
        text: TOML.
        file: Name of the file, for messages.
        layout: The template's layout, in place of the one written.
        aspects: Whether they are asked together, in place of what is written.

    Raises:
        RubricError: Not TOML, an unknown or missing key, a value of the wrong type or out of
            range, or parts that contradict each other. The message begins with `file:line:` and
            names the key.

    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = f"{file}:{found[1]}" if found else file
        message = f"{place}: not valid TOML: {error}"
        is_twice = any(word in str(error) for word in ("overwrite", "twice", "Duplicate"))
        hint = "texts of several lines need three quotes"
        if is_twice:
            hint = "a key or table stands there a second time: take one of the two out"
        raise RubricError(message, hint=hint) from error
    top = Table(values, (), file, TomlLines(text))
    mode = cast("Any", top.one_of("mode", MODES))
    reference = cast("Any", top.one_of("reference", ("never", "optional", "required"), "never"))
    asked = _aspects(top, mode)
    examples = tuple(_example(table) for table in top.tables("examples"))
    scales = all(aspect.scale for aspect in asked)
    texts = {"criterion": True, "scale": scales, "examples": examples}
    filled = [name for name, text in texts.items() if text]
    asks = Asks(mode, reference, filled, len(asked))
    template = read_template(top.table("template"), asks, layout, aspects)
    verdicts = _verdicts(top, mode, asked, template)
    rubric = Rubric(
        name=top.text("name"),
        mode=mode,
        reference=reference,
        date=_date(top),
        rule=top.one_of("rule", RULES) if "rule" in values else None,
        one_failed=cast("Any", top.one_of("one_failed", ONE_FAILED, "pair")),
        aspects=asked,
        examples=examples,
        template=template,
        verdicts=verdicts,
        gold=_gold(top.table("gold"), mode, asked),
        decoding=_decoding(
            top.table("decoding"), verdicts if template.aspects == "together" else verdicts[:1]
        ),
        source=text,
        file=file,
    )
    top.finish()
    return rubric


def _verdicts(
    top: Table, mode: str, aspects: tuple[Aspect, ...], template: Template
) -> tuple[VerdictFormat, ...]:
    """Read how the verdict of each aspect is written: its scale makes part of that."""
    verdicts: list[VerdictFormat] = []
    for aspect in aspects:
        try:
            verdicts.append(read_verdict(top.table("verdict"), mode, aspect.scale))
        except RubricError as error:
            if not verdicts:
                raise
            message = f"{error}, for the aspect `{aspect.name}`"
            raise RubricError(message, hint=error.hint) from error
    if template.aspects == "one-by-one":
        return tuple(verdicts)
    if verdicts[0].name != "json":
        words = f'is "together", but the verdict is `{verdicts[0].name}`'
        hint = 'only `json` holds several verdicts: set verdict.name = "json"'
        top.table("template").refuse("aspects", words, hint=hint)
    pairs = zip(verdicts, aspects, strict=True)
    return tuple(msgspec.structs.replace(form, member=aspect.name) for form, aspect in pairs)


def _gold(table: Table, mode: str, aspects: tuple[Aspect, ...]) -> tuple[tuple[str, float], ...]:
    """Read the words that stand for scores where people wrote them."""
    if table.values and mode not in _SCORED:
        words = f"is for gold of lone answers, and the mode is `{mode}`"
        table.refuse(None, words, hint="leave [gold] out")
    scales = [(mode == "scalar" and aspect.scale) or Scale(0, 1) for aspect in aspects]
    low, high = max(one.low for one in scales), min(one.high for one in scales)
    found = []
    for word in table.values:
        score = table.number(word, low, high)
        if any(one.integer for one in scales) and not score.is_integer():
            table.refuse(word, f"is {score:g}; it must be a whole number")
        found.append((word.strip(), score))
    table.finish()
    return tuple(found)


def _date(top: Table) -> str:
    found = top.peek("date")
    if found is None:
        return "2026-01-01"
    try:
        if type(found) is not dt.date:
            found = dt.date.fromisoformat(found)
    except (TypeError, ValueError):
        top.refuse("date", f"is `{found}`; it must be a date, as in `date = 2026-01-01`")
    return found.isoformat()


def _aspects(top: Table, mode: str) -> tuple[Aspect, ...]:
    tables = top.tables("aspects")
    if not tables:
        top.refuse(None, "has no [[aspects]]", hint="add [[aspects]] with `name` and `criterion`")
    aspects: list[Aspect] = []
    for table in tables:
        aspect = _aspect(table)
        if aspect.name in [other.name for other in aspects]:
            table.refuse("name", f"is `{aspect.name}`, as is an aspect before it")
        if mode == "scalar" and aspect.scale is None:
            hint = "add [aspects.scale] with `low` and `high`"
            table.refuse("scale", "is missing; the mode `scalar` needs one", hint=hint)
        if len(tables) > 1 and aspect.name.strip().casefold() == _OVERALL:
            words = f"is `{aspect.name}`, as reports call the weighted mean of several aspects"
            table.refuse("name", words, hint="give the aspect another name")
        aspects.append(aspect)
    return tuple(aspects)


def _aspect(table: Table) -> Aspect:
    scale = table.table("scale")
    aspect = Aspect(
        name=table.text("name"),
        criterion=table.text("criterion").strip(),
        scale=_scale(scale) if scale.values else None,
        weight=table.integer("weight", 1, MAX_WEIGHT, 1),
    )
    table.finish()
    return aspect


def _scale(table: Table) -> Scale:
    low = table.number("low", -MAX_SCORE, MAX_SCORE)
    high = table.number("high", -MAX_SCORE, MAX_SCORE)
    integer = table.boolean("integer", default=True)
    if low >= high:
        table.refuse("high", f"is {high:g}; it must be above `low`, which is {low:g}")
    if integer and not (low.is_integer() and high.is_integer()):
        table.refuse("integer", "is true, but `low` or `high` is no integer")
    described = table.table("levels")
    levels: list[tuple[float, str]] = []
    for key in described.values:
        words = described.text(key).strip()
        try:
            level = float(key)
        except ValueError:
            described.refuse(key, "is no level; levels are numbers of the scale")
        if not low <= level <= high or (integer and not level.is_integer()):
            described.refuse(key, f"is not on the scale from {low:g} to {high:g}")
        if level in [other for other, _ in levels]:
            described.refuse(key, f"describes level {level:g} again")
        levels.append((level, " ".join(words.split())))
    if levels and integer and len(levels) != high - low + 1:
        missing = set(range(int(low), int(high) + 1)) - {int(level) for level, _ in levels}
        names = ", ".join(str(level) for level in sorted(missing))
        table.refuse("levels", f"does not describe {names}", hint="describe every level, or none")
    table.finish()
    return Scale(low, high, integer, tuple(sorted(levels)))


def _example(table: Table) -> str:
    text = table.text("text").strip()
    table.finish()
    return text


def _decoding(table: Table, verdicts: tuple[VerdictFormat, ...]) -> DecodingWishes:
    """Read `[decoding]`; `verdicts` are those that one answer holds."""
    verdict = verdicts[0]
    tokens = _TOKENS.get(verdict.name, 1024) * len(verdicts)
    probabilities = table.peek("probabilities")
    if not (probabilities in (None, "auto") or isinstance(probabilities, bool)):
        table.refuse("probabilities", 'must be "auto", true or false')
    thinking = table.peek("thinking")
    if not (thinking in (None, "auto") or isinstance(thinking, bool)):
        table.refuse("thinking", 'must be "auto", true or false')
    wishes = DecodingWishes(
        max_tokens=table.integer("max_tokens", 1, 1 << 20, min(tokens, 1 << 20)),
        temperature=table.number("temperature", 0, 2, 0),
        top_p=table.number("top_p", 1e-6, 1, 1),
        stop=table.texts("stop"),
        structured=cast("Any", table.one_of("structured", ("auto", "none"), "auto")),
        probabilities=None if probabilities == "auto" else probabilities,
        thinking=None if thinking == "auto" else thinking,
        thinking_tokens=table.integer(
            "thinking_tokens", MIN_THINKING_TOKENS, 1 << 20, THINKING_TOKENS
        ),
    )
    if wishes.probabilities and wishes.thinking:
        words = "is true, as is `probabilities`; labels are read by probability without thinking"
        table.refuse("thinking", words)
    if wishes.probabilities and verdict.name != "label":
        words = f"is true, but the format is `{verdict.name}`; only `label` has probabilities"
        table.refuse("probabilities", words)
    table.finish()
    return wishes
