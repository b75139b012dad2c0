"""Settings of reading."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from judgefast.config import MAX_ROW_BYTES
from judgefast.datasets.faults import closest, listed
from judgefast.errors import ConfigError

OnBadRow = Literal["error", "skip"]
OnEmpty = Literal["error", "judge", "lose", "skip"]

FIELDS = (
    "id",
    "question",
    "answer",
    "answer_a",
    "answer_b",
    "answers",
    "model",
    "model_a",
    "model_b",
    "reference",
    "gold",
    "cluster",
    "meta",
)
"""Fields of a row that judgefast knows; every other scalar field goes to `meta`."""


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are read. Each field is an option of `judgefast run` of the same name.

    Raises:
        ConfigError: A value that does not exist, with the closest one that does.

    """

    map: dict[str, str] = msgspec.field(default_factory=dict)
    """Field of judgefast -> field of the data; a dotted path reaches into nested objects, an
    empty name says that the data has no such field."""
    on_bad_row: OnBadRow = "error"
    """`skip` leaves bad rows out and counts them by reason."""
    on_empty: OnEmpty = "error"
    """What becomes of an answer that is empty or only white space."""
    max_row_bytes: int = MAX_ROW_BYTES
    """Longest line of a text file. Bytes."""
    texts_required: bool = True
    """False lets rows come without questions and answers: recorded judge outputs are replayed."""
    is_whole: bool = True
    """False for a part of the data, of which no item need be left, nor every mapped field seen."""
    num_answers: int = 2
    """Answers of a row that says nothing of them. Only where `texts_required` is false."""

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        for name in self.map:
            if name not in FIELDS:
                near = closest(name, FIELDS)
                message = f"map: `{name}` is no field of judgefast; known are {listed(FIELDS, 20)}"
                raise ConfigError(message, hint=f"did you mean `{near}`?" if near else None)
        for name, value, known in (
            ("on_bad_row", self.on_bad_row, get_args(OnBadRow)),
            ("on_empty", self.on_empty, get_args(OnEmpty)),
        ):
            if value not in known:
                near = closest(str(value), known)
                message = f"{name}: `{value}` is unknown; known are {listed(known)}"
                raise ConfigError(message, hint=f"did you mean `{near}`?" if near else None)
        for name, number in (
            ("max_row_bytes", self.max_row_bytes),
            ("num_answers", self.num_answers),
        ):
            if number < 1:
                message = f"{name} is {number}; it must be at least 1"
                raise ConfigError(message)
