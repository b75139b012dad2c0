"""Read completions: their texts, or the probabilities of the labels.

No verdict is ever a default, a clamp or a guess: what cannot be read has a status that says why.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from judgefast._native import Parser
from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status
from judgefast.errors import ColumnError
from judgefast.prompts.verdict_format import strength_of
from judgefast.verdicts.columns import VerdictColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel

PROBABILITY_SLACK = 1e-6
"""How far above 1 rounding may carry one probability."""

MASS_SLACK = 1e-4
"""How far above 1 rounding may carry the sum over all labels."""

_CHOICES = {None: CHOICE_NONE, "first": 0, "second": 1, "tie": CHOICE_TIE}


def read_texts(
    verdict_format: VerdictFormat, texts: Sequence[str], cut: NDArray[np.uint8]
) -> VerdictColumns:
    """Read one verdict from each text.

    Args:
        verdict_format: The rubric's format.
        texts: Completions as received, length n.
        cut: 1 where the completion ended because its tokens were used up (finish reason `length`),
            else 0. Shape (n,), C-contiguous. Where the engine holds the completion to the labels,
            a text that used up its tokens is whole: pass 0.

    Returns:
        One row a text, in the order of `texts`; no label probabilities.

    Raises:
        ColumnError: `texts` and `cut` differ in length, or `cut` holds another number.
        RubricError: A pattern of the format cannot be used.

    >>> from judgefast.prompts.verdict_format import VerdictFormat
    >>> stars = VerdictFormat(name="rating", low=1, high=10)
    >>> texts = ["A good answer. Rating: [[7]]", "I say [[1", "[[7]], no, [[8]]"]
    >>> columns = read_texts(stars, texts, np.array([0, 1, 0], dtype=np.uint8))
    >>> [Status(code).label for code in columns.status], float(columns.score[0])
    (['parsed', 'truncated', 'conflicting'], 7.0)

    """
    parsed = parser_of(verdict_format).parse(texts, cut)
    unread = empty(len(texts), len(verdict_format.labels), Status.PARSED)
    status, choice, score, strength, span, repaired = parsed
    return unread._replace(
        status=status,
        choice=choice,
        score=score,
        strength=strength,
        span=span,
        repaired=repaired,
    )


def read_labels(verdict_format: VerdictFormat, logprobs: NDArray[np.float64]) -> VerdictColumns:
    """Read one verdict from the log-probabilities of the labels.

    The probabilities are divided by their sum, the `label_mass`, which is kept beside them. The
    choice is that of the most likely label. Two labels that share the first place to the last bit
    and choose different answers are a tie where the format has a tie, else `conflicting`. Labels
    with scores give the expected score; labels with strengths the expected strength, which for
    first, second and tie is P(first) + P(tie) / 2.

    Args:
        verdict_format: A format with labels.
        logprobs: Natural logarithms, one column a label in the format's order. Shape (n, labels).

    Returns:
        One row a row. Minus infinity is a probability of 0. A row with a NaN, a probability above
        1, a sum above 1, or all of them 0 is `malformed`.

    Raises:
        ColumnError: The number of columns is not that of the labels.

    Source:
        Liu et al. 2023, "G-Eval", arXiv:2303.16634, section 2 (expected score). Unlike its
        implementations no label is dropped for being unlikely.

    >>> from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
    >>> labels = (VerdictLabel(text="good", score=1), VerdictLabel(text="bad", score=0))
    >>> columns = read_labels(VerdictFormat(name="label", labels=labels), np.log([[0.6, 0.2]]))
    >>> round(float(columns.score[0]), 6), round(float(columns.label_mass[0]), 6)
    (0.75, 0.8)

    """
    labels = verdict_format.labels
    logprobs = np.asarray(logprobs, dtype=np.float64)
    if logprobs.ndim != 2 or logprobs.shape[1] != len(labels) or not labels:  # noqa: PLR2004 - rows, labels
        message = f"`logprobs` has shape {logprobs.shape}; the format has {len(labels)} labels"
        raise ColumnError(message)
    columns = empty(len(logprobs), len(labels), Status.MALFORMED)
    with np.errstate(over="ignore"):
        likely = np.exp(logprobs)
        good = (likely <= 1 + PROBABILITY_SLACK).all(axis=1)  # false where one is NaN
        good &= likely.sum(axis=1) <= 1 + MASS_SLACK
        good &= np.isfinite(logprobs).any(axis=1)
    rows = logprobs[good]
    best = rows.max(axis=1, keepdims=True)
    parts = np.exp(rows - best)  # so that a mass too small for a double still divides
    shares = parts / parts.sum(axis=1, keepdims=True)
    choice, agrees = _choices(labels, rows == best)
    columns.status[good] = np.where(agrees, Status.PARSED, Status.CONFLICTING)
    columns.choice[good] = choice
    columns.score[good] = np.where(
        agrees, _expected([label.score for label in labels], shares), np.nan
    )
    strengths = [strength_of(label) for label in labels]
    columns.strength[good] = np.where(agrees, _expected(strengths, shares), np.nan)
    columns.p_labels[good] = shares
    columns.label_mass[good] = likely[good].sum(axis=1)
    return columns


def empty(n: int, labels: int, status: Status) -> VerdictColumns:
    """Return `n` judgments of one status without a verdict, for a format of `labels` labels."""
    return VerdictColumns(
        status=np.full(n, status, dtype=np.uint8),
        choice=np.full(n, CHOICE_NONE, dtype=np.uint8),
        score=np.full(n, np.nan),
        strength=np.full(n, np.nan),
        p_labels=np.full((n, labels), np.nan, dtype=np.float32),
        label_mass=np.full(n, np.nan, dtype=np.float32),
        span=np.zeros((n, 2), dtype=np.uint32),
        repaired=np.zeros(n, dtype=np.uint8),
    )


@lru_cache(maxsize=64)
def parser_of(verdict_format: VerdictFormat) -> Parser:
    """Return the native parser of a format; it compiles the patterns.

    Raises:
        RubricError: A pattern cannot be used.

    """
    return Parser(verdict_format.spec())


def _choices(
    labels: tuple[VerdictLabel, ...], is_best: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Choice of each row, and whether its most likely labels leave one."""
    codes = np.array(
        [
            label.choice if isinstance(label.choice, int) else _CHOICES[label.choice]
            for label in labels
        ],
        dtype=np.uint8,
    )
    choice = codes[is_best.argmax(axis=1)]
    differs = (is_best & (codes != choice[:, None])).any(axis=1)
    if CHOICE_TIE in codes:
        return np.where(differs, np.uint8(CHOICE_TIE), choice), np.ones(len(choice), dtype=np.bool_)
    return np.where(differs, np.uint8(CHOICE_NONE), choice), ~differs


def _expected(values: list[float | None], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the labels' values; NaN where a label has none."""
    known = np.array([np.nan if value is None else value for value in values])
    return shares @ known if np.isfinite(known).all() else np.full(len(shares), np.nan)
