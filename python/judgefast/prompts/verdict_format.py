"""How a rubric wants its verdict written, and hence how it is read.

Settled when the rubric is loaded: defaults are filled in, mistakes are refused. The parser of stage
`verdicts` gets it as a plain dict; the rules of each format are in `docs/verdicts.md`.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, NoReturn

import msgspec

from judgefast.errors import RubricError

FormatName = Literal[
    "json", "label", "bracket", "arena5", "rating", "result", "score-pair", "regex"
]
Which = Literal["listed", "first", "last", "unanimous"]

FORMAT_NAMES: tuple[str, ...] = (
    "json",
    "label",
    "bracket",
    "arena5",
    "rating",
    "result",
    "score-pair",
    "regex",
)
WHICH_NAMES: tuple[str, ...] = ("listed", "first", "last", "unanimous")

MAX_LABELS = 64
"""Labels a format may have."""

MAX_POSITIONS = 254
"""Answers a choice may name; 254 and 255 are codes."""

_KEYS_OF_ONE_FORMAT: tuple[tuple[str, str, object], ...] = (
    ("field", "json", None),
    ("reason_field", "json", None),
    ("member", "json", None),
    ("patterns", "regex", ()),
    ("which", "regex", "listed"),
    ("source_rule", "regex", False),
)
_STRENGTHS = {"first": 1.0, "tie": 0.5, "second": 0.0}


class VerdictLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the few words that may be the verdict, and what it means."""

    text: str
    """What the judge writes. White space around it, as in ` A`, is the prompt's concern."""
    choice: Literal["first", "second", "tie"] | int | None = None
    """Answer it chooses, by the place it was shown in; a number counts from 0."""
    score: float | None = None
    """Score it stands for, on the rubric's scale."""
    strength: float | None = None
    """Preference for the answer shown first; None: 1 for `first`, .5 for `tie`, 0 for `second`."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pattern of the `regex` format, in the syntax of the Rust crate `regex`."""

    regex: str
    verdict: str | None = None
    """Text of the label it stands for; None: group 1 holds a label, or a number of the scale."""


class VerdictFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of a verdict. A format with labels reads labels, one without reads numbers.

    Raises:
        RubricError: A key is missing, does not fit the format, or contradicts another; the message
            names it as `verdict.<key>`.

    >>> VerdictFormat(name="json", low=1, high=5).field
    'score'
    >>> [label.text for label in VerdictFormat(name="bracket").labels]
    ['A', 'B', 'C']

    """

    hashed_where_set: ClassVar[tuple[str, ...]] = ("member",)
    """Fields that came later: they are hashed where they hold anything."""

    name: FormatName
    labels: tuple[VerdictLabel, ...] = ()
    """Default for `bracket`: A first, B second, C tie; for `arena5`: its own five, always."""
    low: float | None = None
    high: float | None = None
    """Ends of the scale, both included. Needed where numbers are read."""
    integer: bool = False
    """Whether only whole numbers are on the scale."""
    field: str | None = None
    """JSON field of the verdict. Default `verdict` with labels, else `score`; None elsewhere."""
    reason_field: str | None = None
    """JSON field of the reason, for the prompt and the schema; the parser does not need it."""
    patterns: tuple[Pattern, ...] = ()
    which: Which = "listed"
    """Which match of `patterns` counts: the first pattern of the list that matches anywhere, the
    first or last match in the text, or any, provided that all say the same."""
    lenient: bool = False
    """Read broken forms too, where they leave one reading; such verdicts are marked `repaired`."""
    source_rule: bool = False
    """The patterns repeat a published program's own rule: reasoning blocks are read as it does."""

    member: str | None = None
    """Member of the JSON object that holds this verdict, as an object; None: the object itself."""

    def __post_init__(self) -> None:
        """Fill in what follows from the name, then refuse what does not fit."""
        if self.name not in FORMAT_NAMES:
            close = get_close_matches(str(self.name), FORMAT_NAMES, n=1)
            message = f"`verdict.name` is `{self.name}`; known: {', '.join(FORMAT_NAMES)}"
            raise RubricError(message, hint=f"did you mean `{close[0]}`?" if close else None)
        if not self.labels and self.name in _DEFAULT_LABELS:
            msgspec.structs.force_setattr(self, "labels", _DEFAULT_LABELS[self.name])
        if self.field is None and self.name == "json":
            default = "verdict" if self.labels else "score"
            msgspec.structs.force_setattr(self, "field", default)
        self._check_keys()
        self._check_labels()
        self._check_scale()
        self._check_patterns()

    def spec(self) -> dict[str, Any]:
        """Return the plain dict that `_native.Parser` is made from."""
        return {
            "name": self.name,
            "labels": [
                {
                    "text": label.text.strip(),
                    "choice": label.choice,
                    "score": label.score,
                    "strength": strength_of(label),
                }
                for label in self.labels
            ],
            "low": self.low,
            "high": self.high,
            "integer": self.integer,
            "field": self.field,
            "reason_field": self.reason_field,
            "member": self.member,
            "patterns": [(pattern.regex, pattern.verdict) for pattern in self.patterns],
            "which": self.which,
            "lenient": self.lenient,
            "source_rule": self.source_rule,
        }

    def _check_keys(self) -> None:
        if self.name == "json":
            if not self.field:
                self._refuse("field", "is empty")
            if self.field == self.reason_field:
                self._refuse("reason_field", f"is `{self.field}`, as is `verdict.field`")
        for key, wanted, blank in _KEYS_OF_ONE_FORMAT:
            if self.name != wanted and getattr(self, key) != blank:
                self._refuse(key, f"is only for the format `{wanted}`")
        if self.name == "regex" and not self.patterns:
            self._refuse("patterns", "is missing; the format `regex` needs at least one")
        if self.which not in WHICH_NAMES:
            self._refuse("which", f"is `{self.which}`; known: {', '.join(WHICH_NAMES)}")

    def _check_labels(self) -> None:
        if self.name == "label" and not self.labels:
            self._refuse("labels", "is missing; the format `label` needs at least two")
        if self.name == "arena5" and self.labels != _ARENA5:
            self._refuse("labels", "is fixed for the format `arena5`; leave it out")
        if self.name in {"rating", "score-pair"} and self.labels:
            self._refuse("labels", f"does not fit the format `{self.name}`, which reads numbers")
        if len(self.labels) == 1 or len(self.labels) > MAX_LABELS:
            self._refuse("labels", f"has {len(self.labels)}; allowed: 2 to {MAX_LABELS}")
        seen: dict[str, int] = {}
        for index, label in enumerate(self.labels):
            self._check_label(index, label)
            text = label.text.strip()
            if text in seen:
                self._refuse(f"labels[{index}].text", f"repeats labels[{seen[text]}]: `{text}`")
            seen[text] = index

    def _check_label(self, index: int, label: VerdictLabel) -> None:
        key = f"labels[{index}]"
        if not label.text.strip():
            self._refuse(f"{key}.text", "is blank")
        if self.name == "bracket" and ("[" in label.text or "]" in label.text):
            self._refuse(f"{key}.text", f"holds a bracket: `{label.text}`; leave out the `[[ ]]`")
        if label.choice is None and label.score is None:
            self._refuse(key, f"(`{label.text}`) needs `choice` or `score`")
        if isinstance(label.choice, int) and not 0 <= label.choice < MAX_POSITIONS:
            self._refuse(f"{key}.choice", f"is {label.choice}; allowed: 0 to {MAX_POSITIONS - 1}")
        if label.score is not None and not math.isfinite(label.score):
            self._refuse(f"{key}.score", f"is {label.score}; it must be finite")
        if label.strength is None:
            return
        if label.choice not in _STRENGTHS:
            self._refuse(f"{key}.strength", "needs a `choice` of first, second or tie")
        if not 0 <= label.strength <= 1:
            self._refuse(f"{key}.strength", f"is {label.strength}; allowed: 0 to 1")
        middle = _STRENGTHS["tie"]
        liked = {1: "first", 0: "tie", -1: "second"}[
            (label.strength > middle) - (label.strength < middle)
        ]
        if liked != label.choice:
            self._refuse(
                f"{key}.strength", f"is {label.strength}, but its choice is `{label.choice}`"
            )

    def _check_scale(self) -> None:
        ends = {"low": self.low, "high": self.high}
        if self.labels:
            for key, value in ends.items():
                if value is not None:
                    self._refuse(key, "does not fit a verdict of labels")
            return
        if self.name == "regex" and all(p.verdict is not None for p in self.patterns):
            self._refuse("labels", "is missing; each pattern's `verdict` names one of them")
        for key, value in ends.items():
            if value is None:
                self._refuse(key, f"is missing; the format `{self.name}` reads numbers of a scale")
            if not math.isfinite(value):
                self._refuse(key, f"is {value}; it must be finite")
        low, high = self.low, self.high
        if low is not None and high is not None and low >= high:
            self._refuse("low", f"is {low:g}, which is not below `verdict.high`, {high:g}")

    def _check_patterns(self) -> None:
        texts = [label.text.strip() for label in self.labels]
        for index, pattern in enumerate(self.patterns):
            if not pattern.regex:
                self._refuse(f"patterns[{index}].regex", "is empty")
            if pattern.verdict is not None and pattern.verdict not in texts:
                known = ", ".join(texts) or "none; give `verdict.labels`"
                self._refuse(
                    f"patterns[{index}].verdict", f"is `{pattern.verdict}`; labels: {known}"
                )

    def _refuse(self, key: str, what: str) -> NoReturn:
        message = f"`verdict.{key}` {what}"
        raise RubricError(message)


def strength_of(label: VerdictLabel) -> float | None:
    """Preference for the answer shown first that `label` stands for; None where it has none.

    >>> strength_of(VerdictLabel(text="B", choice="second"))
    0.0
    """
    if label.strength is not None or not isinstance(label.choice, str):
        return label.strength
    return _STRENGTHS[label.choice]


_ARENA5 = (
    VerdictLabel(text="A>>B", choice="first", strength=1.0),
    VerdictLabel(text="A>B", choice="first", strength=0.75),
    VerdictLabel(text="A=B", choice="tie", strength=0.5),
    VerdictLabel(text="B>A", choice="second", strength=0.25),
    VerdictLabel(text="B>>A", choice="second", strength=0.0),
)
_DEFAULT_LABELS: dict[str, tuple[VerdictLabel, ...]] = {
    "arena5": _ARENA5,
    "bracket": (
        VerdictLabel(text="A", choice="first"),
        VerdictLabel(text="B", choice="second"),
        VerdictLabel(text="C", choice="tie"),
    ),
}
