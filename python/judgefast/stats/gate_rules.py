"""The grammar of a gate's rules: `win_rate.low >= 0.48`, `drop(accuracy[model=x]) <= 0.02`.

rule    = operand comparison number
operand = name [ "[" slice "]" ] [ field ]  |  "drop(" name [ "[" slice "]" ] ")" [ field ]
field   = ".low" | ".high" | ".value"
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, cast, get_args

from judgefast.errors import ConfigError
from judgefast.stats.aspects import overall_scale
from judgefast.stats.names import NAMES, suggestion
from judgefast.stats.slice_names import slice_parts, unread_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.stats.aspects import JudgedAspect

Field = Literal["interval", "low", "high", "value"]
Comparison = Literal[">=", "<=", ">", "<"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SLICE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\]"])*')
_COMPARISON = re.compile("|".join(get_args(Comparison)))
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DROP = "drop"
_SCALES = {"direction": (-0.5, 0.5), "correlation": (-1.0, 1.0)}
"""Where they are not 0 to 1."""
_TO_QUOTE = 'quote what holds a blank, `=`, `"` or `]`, as in accuracy[meta.topic="a ] b"] >= 0.8'


class Rule(NamedTuple):
    """One rule, read."""

    text: str
    name: str
    """Stable identifier of an estimate."""
    slice: str | None
    """None for the headline."""
    is_drop: bool
    """Whether it is about how much lower the mean is than in the baseline."""
    field: Field
    comparison: Comparison
    bound: float

    def holds(self, number: float) -> bool:
        """Whether a number is on the side of the bound that passes."""
        return {
            ">=": number >= self.bound,
            "<=": number <= self.bound,
            ">": number > self.bound,
            "<": number < self.bound,
        }[self.comparison]

    @property
    def fields(self) -> list[str]:
        """Fields of `meta` that the slice is cut by."""
        parts = slice_parts(self.slice or "")
        return [key.removeprefix("meta.") for key in parts if key.startswith("meta.")]


def parse_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        ConfigError: It is none; the message shows the place and what was expected there.

    >>> parse_rule("drop(accuracy) <= 0.02")[1:]
    ('accuracy', None, True, 'interval', '<=', 0.02)

    """
    scanner = _Scanner(text)
    word = scanner.take(_NAME, "the name of an estimate, or `drop(`")
    is_drop = word == _DROP
    if is_drop:
        scanner.want("(", "`(` after `drop`")
        word = scanner.take(_NAME, "the name of an estimate")
    if word not in NAMES:
        scanner.unknown(word)
    part = _slice(scanner)
    if is_drop:
        if scanner.sees("."):
            scanner.refuse("`)`", hint="put `.low`, `.high` or `.value` behind the `)`")
        scanner.want(")", "`)`" if part is not None else "`[` or `)`")
    field = _field(scanner)
    comparison = scanner.take(_COMPARISON, "`>=`, `<=`, `>` or `<`")
    bound = float(scanner.take(_NUMBER, "a number"))
    if not isfinite(bound):
        scanner.refuse("a number that is finite", back=True)
    scanner.end()
    _check_bound(scanner, word, bound, is_drop=is_drop)
    return Rule(text.strip(), word, part, is_drop, field, cast("Comparison", comparison), bound)


_SCALED = frozenset({"mean", "overall"})
"""What has the scale of the rubric."""


def check_mean(rule: Rule, aspects: Sequence[JudgedAspect]) -> None:
    """Refuse a rule about a mean whose number no mean on the rubric's scale can reach.

    Args:
        rule: One about something else is left alone.
        aspects: With the scales of their values.

    Raises:
        ConfigError: The rule would be decided whatever was judged.

    """
    if rule.name not in _SCALED:
        return
    scales = {one.name: one.scale for one in aspects}
    named = scales.get(slice_parts(rule.slice or "").get("aspect", ""))
    scale = overall_scale(aspects)
    if rule.name == "mean":
        lows, highs = zip(*[named] if named else scales.values(), strict=True)
        scale = min(lows), max(highs)
    low, high = _reach(*scale, is_drop=rule.is_drop)
    if not low <= rule.bound <= high:
        kind = "a difference of means" if rule.is_drop else "a mean"
        words = f"on the rubric's scale {kind} is from {low:g} to {high:g}"
        msg = f"`{rule.text}` decides nothing: {words}"
        raise ConfigError(msg, hint="write a number that it can be above and below")


def _check_bound(scanner: _Scanner, name: str, bound: float, *, is_drop: bool) -> None:
    """Refuse a number that no share can reach: 25 for 0.25, say."""
    scale = _SCALES.get(name, (0.0, 1.0))
    low, high = _reach(*scale, is_drop=is_drop)
    if name in _SCALED or low <= bound <= high:  # those are checked once the rubric is known
        return
    hint = f"shares are fractions: for {bound:g} % write {bound / 100:g}"
    if not low <= bound / 100 <= high:
        hint = "shares are fractions, such as 0.25"
    scanner.refuse(f"a fraction from {low:g} to {high:g}", back=True, hint=hint)


def _reach(low: float, high: float, *, is_drop: bool) -> tuple[float, float]:
    """What a mean on a scale may be, or how far two of them may be apart."""
    return (low - high, high - low) if is_drop else (low, high)


def _slice(scanner: _Scanner) -> str | None:
    if not scanner.sees("["):
        return None
    scanner.want("[", "`[`")
    part = scanner.take(_SLICE, "a slice").strip()
    if scanner.sees("]") and part != "all" and (unread := unread_from(part)) is not None:
        scanner.refuse("a slice such as `model=x` or `all`", back=True, skipped=unread)
    scanner.want("]", "`]`")
    return part


def _field(scanner: _Scanner) -> Field:
    if not scanner.sees("."):
        return "interval"
    scanner.want(".", "`.`")
    field = scanner.take(_NAME, "`low`, `high` or `value`")
    if field not in get_args(Field)[1:]:
        scanner.refuse("`low`, `high` or `value`", back=True)
    return cast("Field", field)


class _Scanner:
    """What of a rule has been read, and where."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._before = 0

    def take(self, pattern: re.Pattern[str], expected: str) -> str:
        """Read what `pattern` says; blanks before it are skipped."""
        self._skip()
        found = pattern.match(self._text, self._at)
        if found is None:
            self.refuse(expected)
        self._before, self._at = self._at, found.end()
        return found[0]

    def sees(self, mark: str) -> bool:
        """Whether `mark` comes next."""
        self._skip()
        return self._text.startswith(mark, self._at)

    def want(self, mark: str, expected: str) -> None:
        """Read `mark`."""
        if not self.sees(mark):
            self.refuse(expected)
        self._before, self._at = self._at, self._at + len(mark)

    def end(self) -> None:
        """Nothing may follow."""
        self._skip()
        if self._at < len(self._text):
            hint = "write a share as a fraction: 0.48 for 48 %" if self.sees("%") else None
            self.refuse("the end of the rule", hint=hint)

    def unknown(self, name: str) -> NoReturn:
        """Refuse a name of no estimate, which was read last."""
        hint = suggestion(name, NAMES) or f"estimates: {', '.join(NAMES)}"
        known = f"; estimates: {', '.join(NAMES)}" if suggestion(name, NAMES) else ""
        self._refuse(f"no estimate is named `{name}`{known}", self._before, hint)

    def _hint(self, place: int) -> str:
        """Advice where nothing better is known."""
        opened = self._text.find("[")
        closed = self._text.find("]", place)
        if 0 <= opened < place and closed >= 0 and "=" in self._text[opened : closed + 1]:
            return _TO_QUOTE
        return "see docs/gate.md for the grammar of rules"

    def refuse(
        self, expected: str, *, hint: str | None = None, back: bool = False, skipped: int = 0
    ) -> NoReturn:
        """Say what was expected here, or where the last word began or `skipped` behind that."""
        place = self._before + skipped if back else self._at
        self._refuse(f"expected {expected}", place, hint)

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _refuse(self, what: str, place: int, hint: str | None) -> NoReturn:
        shown = "".join(" " if mark.isspace() else mark for mark in self._text)
        msg = f"a rule cannot be read: {what}\n  {shown}\n  {' ' * place}^"
        raise ConfigError(msg, hint=hint or self._hint(place))
