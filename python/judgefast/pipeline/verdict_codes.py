"""Verdicts as small numbers, so that ten million of them can be counted and compared as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status
from judgefast.prompts.verdict_format import strength_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.prompts.verdict_format import VerdictFormat
    from judgefast.verdicts.columns import VerdictColumns

FIRST_VERDICT = 64
"""Codes below are those of `codes.Status`; from here on each is one verdict."""

_CHOICES = {None: CHOICE_NONE, "first": 0, "second": 1, "tie": CHOICE_TIE}
_PLACES = {0: "first", 1: "second", CHOICE_TIE: "tie"}

Meaning = tuple[int, float | None, float | None]
"""Choice, score and strength; None where there is none."""


def pair_counts(one: NDArray[np.int32], other: NDArray[np.int32]) -> dict[tuple[int, int], int]:
    """How often each pair of codes comes in two columns of one length."""
    pairs, counts = np.unique(one.astype(np.int64) << 32 | other, return_counts=True)
    return {
        (pair >> 32, pair & 0xFFFFFFFF): count
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)
    }


class VerdictCodes:
    """Codes of what formats read; they are given out as verdicts come."""

    def __init__(self, *forms: VerdictFormat) -> None:
        """Start with the labels of the formats, in their order; there is at least one."""
        self._code_of: dict[Meaning, int] = {}
        self.meanings: list[Meaning] = []
        """By code, from `FIRST_VERDICT`."""
        self.words: list[str] = []
        """The same, for a person: the label, the number, or the place of the answer chosen."""
        self._is_pair = forms[0].name == "score-pair"
        for label in (label for form in forms for label in form.labels):
            choice = label.choice if isinstance(label.choice, int) else _CHOICES[label.choice]
            self._add((choice, label.score, strength_of(label)), label.text.strip())

    def code(self, verdicts: VerdictColumns) -> NDArray[np.int32]:
        """Code of each verdict, that of its status where there is none."""
        codes = verdicts.status.astype(np.int32)
        rows = np.flatnonzero(verdicts.status == Status.PARSED)
        choice = verdicts.choice[rows]
        strength = verdicts.strength[rows]
        # of a pair of scores the choice alone counts
        score = np.full(len(rows), np.nan) if self._is_pair else verdicts.score[rows]
        table = np.stack([choice.astype(np.float64), score + 0.0, strength], axis=1)
        distinct, inverse = np.unique(table.view("V24").ravel(), return_inverse=True)
        found = [
            self._add((int(one[0]), _known(one[1]), _known(one[2])))
            for one in distinct.view(np.float64).reshape(-1, 3)
        ]
        codes[rows] = np.array(found, np.int32)[inverse] if found else 0
        return codes

    def word(self, code: int) -> str:
        """What a code stands for: the reason, or the verdict."""
        if code < FIRST_VERDICT:
            return Status(code).label
        return self.words[code - FIRST_VERDICT]

    def meaning(self, code: int) -> tuple[int, Meaning | None]:
        """What makes two readings the same: the status, or the verdict whatever it is called."""
        if code < FIRST_VERDICT:
            return code, None
        return Status.PARSED, self.meanings[code - FIRST_VERDICT]

    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
        """Choice, score and strength by code; none below `FIRST_VERDICT`."""
        none: list[Meaning] = [(CHOICE_NONE, None, None)] * FIRST_VERDICT
        choice, score, strength = zip(*none, *self.meanings, strict=True)
        return (
            np.array(choice, np.uint8),
            np.array(score, np.float64),
            np.array(strength, np.float64),
        )

    def _add(self, meaning: Meaning, word: str | None = None) -> int:
        code = self._code_of.get(meaning)
        if code is None:
            code = self._code_of[meaning] = FIRST_VERDICT + len(self.words)
            self.meanings.append(meaning)
            self.words.append(_word(meaning) if word is None else word)
        return code


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _word(meaning: Meaning) -> str:
    choice, score, _ = meaning
    if choice == CHOICE_NONE:
        return f"{score:.12g}"
    return _PLACES.get(choice, str(choice))
