"""One row, as a dict -> one item.

The layout is fixed by the first row; every later row is read by the same names, so that a row
that lacks one is an error and never silently something else.
"""

from __future__ import annotations

from contextlib import suppress
from math import isfinite, isnan
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.datasets.conversations import is_blank, part_conversations, read_text
from judgefast.datasets.faults import Reason, RowFault, listed, shown
from judgefast.datasets.fields import Fields
from judgefast.datasets.identity import item_hash, question_cluster, row_id
from judgefast.datasets.items import Answer, Item, text_hash
from judgefast.datasets.layouts import letter_gold

if TYPE_CHECKING:
    from judgefast.datasets.items import Text
    from judgefast.datasets.layouts import Layout
    from judgefast.datasets.options import ReadOptions
    from judgefast.datasets.summary import ReadSummary


class Built(NamedTuple):
    """An item, and what the reader needs to know of it."""

    item: Item
    item_hash: bytes
    has_id: bool
    """False where the id is the hash of the row."""


class ItemBuilder:
    """Reads rows of one layout."""

    def __init__(
        self,
        layout: Layout,
        options: ReadOptions,
        summary: ReadSummary,
        first_row: dict[str, Any],
    ) -> None:
        self.fields = Fields(layout, options, first_row)
        self._layout = layout
        self._options = options
        self._summary = summary
        own_gold = options.map.get("gold", layout.fields.get("gold")) != layout.fields.get("gold")
        self._gold = letter_gold if own_gold or layout.gold is None else layout.gold
        # Counted when the whole row is read: a row that has to be mended is built twice.
        self._noted: list[tuple[dict[str, int], str]] = []
        self._fixed_gold = None if "gold" in options.map else layout.fixed_gold

    def build(self, row: dict[str, Any], ordinal: int) -> Built:
        """Make the item of one row.

        Raises:
            RowFault: The row cannot be used.
            UnicodeEncodeError: It holds a lone surrogate: mend it and come again.

        """
        self._noted.clear()
        get = self.fields.get
        question = self._optional_text(get(row, "question"), "question")
        reference = self._optional_text(get(row, "reference"), "reference")
        models, texts, names = self._answers(row)
        if self._layout.parts_conversations and texts[0] is not None and texts[1] is not None:
            question, texts[0], texts[1] = part_conversations(question, texts[0], texts[1])
        answers = tuple(
            Answer(text, model, text_hash(text), empty=loses)
            for text, model, loses in zip(
                texts, models, self._lose(texts, models, names), strict=True
            )
        )
        given = get(row, "id")
        item_id = None if given in (None, "") else _name(given, self.fields.name("id"))
        question_sha256 = text_hash(question)
        reference_sha256 = text_hash(reference)
        has_id = item_id is not None
        if item_id is None:
            item_id = row_id(row)
        cluster = get(row, "cluster")
        if cluster not in (None, ""):
            cluster = _name(cluster, self.fields.name("cluster"))
        elif question_sha256 or reference_sha256:
            cluster = question_cluster(question_sha256, reference_sha256)
        else:
            cluster = item_id
        item = Item(
            item_id,
            cluster,
            question,
            answers,
            reference,
            self._read_gold(row, len(answers)),
            self._meta(row),
            ordinal,
            question_sha256,
            reference_sha256,
        )
        digest = item_hash(item)
        for counts, name in self._noted:
            counts[name] = counts.get(name, 0) + 1
        return Built(item, digest, has_id)

    def _optional_text(self, value: Any, field: str) -> Text | None:  # noqa: ANN401 - of a row
        if value is None or value == "":
            return None
        text = read_text(value, self.fields.name(field))
        if text == ():
            words = "a conversation without turns"
            raise RowFault(Reason.BAD_VALUE, words, field=self.fields.name(field))
        return text

    def _answers(
        self, row: dict[str, Any]
    ) -> tuple[list[str | None], list[Text | None], list[str]]:
        """Models, texts and field names of a row's answers."""
        shape = self.fields.shape
        if shape == "answers":
            return self._answer_list(row)
        if shape == "single":
            names, model_fields = ["answer"], ["model"]
        elif shape == "pair":
            names, model_fields = ["answer_a", "answer_b"], ["model_a", "model_b"]
        else:
            names, model_fields = self._implied(row)
        models = [self._model(self.fields.get(row, field), field) for field in model_fields]
        texts = [self._answer_text(row, name) for name in names]
        return models, texts, names

    def _implied(self, row: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Answers of a row without any: as many as its models say, else as the caller says."""
        if self.fields.present(row, "model_a"):
            count = 2
        elif self.fields.present(row, "model"):
            return ["answer"], ["model"]
        else:
            count = self._options.num_answers
        letters = [chr(ord("a") + place) for place in range(count)]
        return [f"answer_{x}" for x in letters], [f"model_{x}" for x in letters]

    def _answer_text(self, row: dict[str, Any], name: str) -> Text | None:
        if not self.fields.present(row, name):
            if self._options.texts_required or self.fields.shape != "none":
                raise self.fields.missing(row, name)
            return None
        value = self.fields.get(row, name)
        # A null is the answer of a model that gave none.
        return "" if value is None else read_text(value, self.fields.name(name))

    def _answer_list(
        self, row: dict[str, Any]
    ) -> tuple[list[str | None], list[Text | None], list[str]]:
        field = self.fields.name("answers")
        if not self.fields.present(row, "answers"):
            raise self.fields.missing(row, "answers")
        parts = self.fields.get(row, "answers")
        if not isinstance(parts, list | tuple):
            words = f"expected a list of answers, saw {shown(parts)}"
            hint = 'write [{"model": "m1", "text": "..."}, ...]'
            raise RowFault(Reason.WRONG_TYPE, words, field=field, hint=hint)
        if not parts:
            words = "a list without answers"
            raise RowFault(Reason.BAD_VALUE, words, field=field)
        models: list[str | None] = []
        texts: list[Text | None] = []
        names = [f"{field}[{place}]" for place in range(len(parts))]
        for part, name in zip(parts, names, strict=True):
            if not isinstance(part, dict):
                words = f"expected an object with `model` and `text`, saw {shown(part)}"
                hint = 'write [{"model": "m1", "text": "..."}, ...]; `model` may be left out'
                raise RowFault(Reason.WRONG_TYPE, words, field=name, hint=hint)
            if "text" not in part and self._options.texts_required:
                words = f"`text` is missing; there are {listed(part)}"
                raise RowFault(Reason.MISSING_FIELD, words, field=name)
            models.append(self._model(part.get("model"), f"{name}.model"))
            value = part.get("text", "")
            if "text" not in part:
                texts.append(None)
            else:
                texts.append("" if value is None else read_text(value, f"{name}.text"))
        return models, texts, names

    def _model(self, value: Any, field: str) -> str | None:  # noqa: ANN401 - of a row
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        words = f"expected the name of a model, saw {shown(value)}"
        raise RowFault(Reason.WRONG_TYPE, words, field=self.fields.name(field))

    def _lose(
        self, texts: list[Text | None], models: list[str | None], names: list[str]
    ) -> list[bool]:
        """Count the empty answers of a row, and say which answers lose unseen."""
        empty = [text is not None and is_blank(text) for text in texts]
        if not any(empty):
            return empty
        counts = self._summary.empty_answers
        who = [
            name if model is None else model
            for is_empty, model, name in zip(empty, models, names, strict=True)
            if is_empty
        ]
        policy = self._options.on_empty
        if policy in ("error", "skip"):
            for model in who:
                counts[model] = counts.get(model, 0) + 1
            field = self.fields.name(names[empty.index(True)])
            hint = "say what becomes of empty answers: --on-empty judge, lose or skip"
            raise RowFault(Reason.EMPTY_ANSWER, "the answer is empty", field=field, hint=hint)
        self._noted += [(counts, model) for model in who]
        return [is_empty and policy == "lose" for is_empty in empty]

    def _read_gold(self, row: dict[str, Any], num_answers: int) -> str | float | None:
        value = self.fields.get(row, "gold")
        if value is None or value == "":
            return self._fixed_gold
        if isinstance(value, float) and isnan(value):
            return None
        try:
            return _score_or_label(value) if num_answers == 1 else self._gold(value, num_answers)
        except RowFault as fault:
            fault.field = self.fields.name("gold")
            raise

    def _meta(self, row: dict[str, Any]) -> dict[str, Any]:
        meta = {}
        known = self.fields.known
        for name, value in row.items():
            if name in known or value is None:
                continue
            kind = type(value)
            if kind is str or kind is int or kind is bool:
                meta[name] = value
            elif kind is dict or kind is list:
                if name not in self.fields.opened:
                    self._noted.append((self._summary.ignored_fields, name))
            else:
                plain = _plain(value)
                if plain is not None:
                    meta[name] = plain
        given = self.fields.get(row, "meta")
        if given is not None:
            if not isinstance(given, dict):
                words = f"expected an object, saw {shown(given)}"
                hint = "in CSV and Parquet every field that is not known goes to meta by itself"
                raise RowFault(Reason.WRONG_TYPE, words, field=self.fields.name("meta"), hint=hint)
            meta.update(
                (str(name), _plain(value)) for name, value in given.items() if value is not None
            )
        return meta


def _name(value: Any, field: str) -> str:  # noqa: ANN401 - of a row
    """Text of an id or a cluster; a number becomes its decimal text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    words = f"expected text or a number, saw {shown(value)}"
    raise RowFault(Reason.WRONG_TYPE, words, field=field)


def _score_or_label(value: Any) -> str | float:  # noqa: ANN401 - of a row
    """Gold of a single answer: a number, also where it is written as text; else a label."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if isfinite(number) and "_" not in value else value
    if isinstance(value, Real):
        with suppress(OverflowError):
            if isfinite(number := float(value)):
                return number
    words = f"expected a number or a label, saw {shown(value)}"
    raise RowFault(Reason.WRONG_TYPE, words, field="gold")


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value that JSON or Arrow can hold
    """Bring a value of `meta` into a form that JSON holds; None for a missing number."""
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Real):
        number = int(value) if isinstance(value, Integral) else float(value)
        return number if isfinite(number) else None if isnan(number) else str(number)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
