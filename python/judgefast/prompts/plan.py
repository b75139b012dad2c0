"""From an item to a prompt, with all that can be done once done once.

A plan is made for one rubric, one judge and one engine. Trusted text is laid out and encoded when
it is made; rendering an item strips, seals and joins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from judgefast.errors import DataError, RubricError
from judgefast.hashes import framed
from judgefast.prompts.decide import decide_decoding
from judgefast.prompts.decoding import Label
from judgefast.prompts.layout import LAYOUT, TRUNCATION, lay_out
from judgefast.prompts.questions import question_of
from judgefast.prompts.rubric import framed_value
from judgefast.prompts.seams import SeamDifference, verify_seams
from judgefast.prompts.segments import Prompt, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from judgefast.datasets.items import Item, Text
    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.rubric import Rubric

_ROLES = ("system", "developer", "user", "assistant", "tool")
_SHOWN = {"pairwise": 2, "scalar": 1, "binary": 1}
_CACHED_TEXTS = 64
"""Encodings kept: the question and the answers of an item come again in its other order."""

_Piece = tuple[Segment, "NDArray[np.int32] | None", int]
"""A segment, its ids, and the number of its characters sent as U+FFFD."""


class PromptPlan:
    """Renders the prompts of a run.

    Args:
        rubric: What is asked.
        model: The judge, where it is known; its tokenizer is needed by engines that take ids.
        capabilities: What the engine takes and can do.
        overrides: Settings of `[decoding]` that this run replaces.

    Raises:
        RubricError: The rubric asks for what the engine cannot do, or for several aspects.
        ModelError: The model's template or tokenizer does not fit the rubric.

    """

    def __init__(
        self,
        rubric: Rubric,
        model: JudgeModel | None,
        capabilities: Capabilities,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        self.rubric = rubric
        self.needs_ids = capabilities.takes == "ids"
        self._takes_state = capabilities.takes == "state"
        self.layout = lay_out(rubric, model, capabilities)
        self.decoding = decide_decoding(rubric, capabilities, model, overrides, layout=self.layout)
        self.rule = rubric.rule_in_force(probabilities=self.decoding.probabilities)
        self.questions = (question_of(rubric),)
        self._tokenizer = model.tokenizer if model and self.needs_ids else None
        self._encode_ours = lru_cache(maxsize=None)(self._encode_trusted)
        self._seal = lru_cache(maxsize=_CACHED_TEXTS)(self._seal_text)
        places = (label.choice for label in rubric.verdict.labels)
        by_place = zip(places, rubric.verdict.labels, strict=True)
        self._names = {place: label.text.strip() for place, label in by_place}
        self.prompt_hash = self._hash(model)
        self.shared_tokens = self._count_shared()
        """Tokens at the head of every prompt, before any text of an item."""

    def render(self, item: Item, shown: tuple[int, ...]) -> Prompt:
        """Put the question about `item` with the answers at `shown`, in that order.

        Raises:
            DataError: The item lacks a text that the rubric needs; the message names it.
            RubricError: The rubric cannot show so many answers.
            ModelError: A text cannot be sealed.

        """
        self._check(item, shown)
        has_reference = item.reference is not None and self.rubric.reference != "never"
        parts = self.layout.with_reference if has_reference else self.layout.plain
        pieces: list[_Piece] = []
        stripped = 0
        for part in parts:
            if isinstance(part, str):
                pieces.append(self._encode_ours(part))
                continue
            for piece, lost in self._fill(part.name, item, shown):
                pieces.append(piece)
                stripped += lost
        segments = tuple(segment for segment, _, _ in pieces if segment.text or segment.slot)
        ids = None
        if self.needs_ids:
            ids = np.concatenate([ids for _, ids, _ in pieces if ids is not None])
            digest = framed("judgefast ids 1", [ids.astype("<i4", copy=False).tobytes()])
        else:
            sent = [segment for segment in segments if segment.text]
            fields = [f for s in sent for f in (b"ours" if s.trusted else b"theirs", _raw(s))]
            digest = framed("judgefast segments 1", fields)
        return Prompt(
            segments=segments,
            token_ids=ids,
            ids_hash=digest[:16],
            shared_tokens=self.shared_tokens,
            replaced_characters=sum(replaced for _, _, replaced in pieces),
            stripped_characters=stripped,
            has_system=self.layout.has_system,
        )

    def verify_seams(self, prompt: Prompt) -> SeamDifference | None:
        """Check that the ids of a prompt are those of its text; None if they are."""
        return verify_seams(prompt, self._tokenizer) if self._tokenizer else None

    def _check(self, item: Item, shown: tuple[int, ...]) -> None:
        rubric = self.rubric
        places = {place for place in self._names if isinstance(place, int)}
        wanted = _SHOWN.get(rubric.mode, len(places))
        if len(shown) != wanted:
            message = f"`{rubric.file}` shows {wanted} answers, item `{item.item_id}` {len(shown)}"
            raise RubricError(message, hint="use a rubric made for that number of answers")
        if rubric.reference == "required" and item.reference is None:
            message = f"item `{item.item_id}` has no reference, which `{rubric.file}` needs"
            raise DataError(message, hint="add `reference` to the row, or use another rubric")
        for index in shown:
            if item.answers[index].text is None:
                message = f"answer {index} of item `{item.item_id}` has no text"
                raise DataError(message, hint="give the answers, or replay recorded outputs")

    def _fill(self, name: str, item: Item, shown: tuple[int, ...]) -> Iterator[tuple[_Piece, int]]:
        """Pieces for a slot, each with the number of characters stripped from its ends."""
        if name == "question":
            yield from self._text(item.question, name)
        elif name == "reference":
            yield from self._text(item.reference, name)
        elif name in {"answer", "answer_1"}:
            yield from self._text(item.answers[shown[0]].text, name)
        elif name == "answer_2":
            yield from self._text(item.answers[shown[1]].text, name)
        else:
            for place, index in enumerate(shown):
                label = self._names[place]
                yield self._encode_ours(f"[The Start of Answer {label}]\n"), 0
                yield from self._text(item.answers[index].text, f"answer_{place + 1}")
                yield self._encode_ours(f"[The End of Answer {label}]\n"), 0

    def _text(self, text: Text | None, slot: str) -> Iterator[tuple[_Piece, int]]:
        if text is None:
            return
        if isinstance(text, str):
            yield self._stripped(text, slot, keep_blank=True)
            return
        for turn in text:
            if turn.role in _ROLES:
                yield _within(slot, self._encode_ours(f"[{turn.role}]\n")), 0
            else:
                yield _within(slot, self._encode_ours("[role]\n")), 0
                yield self._stripped(turn.role, slot)
                yield _within(slot, self._encode_ours("[text]\n")), 0
            yield self._stripped(turn.content, slot)

    def _stripped(self, text: str, slot: str, *, keep_blank: bool = False) -> tuple[_Piece, int]:
        """Take white space off both ends, for clean seams; nothing at all is left of a blank."""
        bare = text.strip()
        lost = len(text) - len(bare)
        slot = slot if bare or keep_blank else ""
        # One encoding for all slots: an answer comes again in the other place.
        return _within(slot, self._seal(bare + "\n" if bare else "")), lost

    def _encode_trusted(self, text: str) -> _Piece:
        ids = self._tokenizer.encode_trusted(text) if self._tokenizer else None
        return Segment(text, trusted=True), ids, 0

    def _seal_text(self, text: str) -> _Piece:
        if self._tokenizer is None:
            return Segment(text, trusted=False), None, 0
        sealed = self._tokenizer.seal(text)
        return Segment(sealed.text, trusted=False), sealed.token_ids, sealed.replaced_characters

    def _hash(self, model: JudgeModel | None) -> str:
        rubric = self.rubric
        template = rubric.template
        aspect = rubric.aspects[0]
        is_chat = template.wrap == "chat" and model is not None
        # Token ids are the tokenizer's, which is a part of the judge.
        labels = tuple(Label(label.text) for label in self.decoding.labels)
        is_choice = rubric.mode == "choice"
        seen: list[object] = [
            LAYOUT,
            TRUNCATION,
            template,
            rubric.examples,
            (aspect.criterion, aspect.scale),
            (model.chat_template or "") if is_chat and model else "",
            rubric.date,
            tuple(label.text for label in rubric.verdict.labels) if is_choice else (),
            msgspec.structs.replace(self.decoding, labels=labels),
        ]
        if self._takes_state:
            seen.append(self.questions)
        return framed("judgefast prompt 1", framed_value(seen)).hex()

    def _count_shared(self) -> int:
        heads = [
            self._encode_ours(head)[1]
            for head in (self.layout.plain[0], self.layout.with_reference[0])
            if isinstance(head, str)
        ]
        if self.rubric.reference == "never":
            heads = heads[:1]
        elif self.rubric.reference == "required":
            heads = heads[1:]
        arrays = [ids for ids in heads if ids is not None]
        if not arrays:
            return 0
        size = min(len(ids) for ids in arrays)
        same = np.all([ids[:size] == arrays[0][:size] for ids in arrays], axis=0)
        return int(size if same.all() else same.argmin())


def _within(slot: str, piece: _Piece) -> _Piece:
    segment, ids, replaced = piece
    return Segment(segment.text, segment.trusted, slot), ids, replaced


def _raw(segment: Segment) -> bytes:
    return segment.text.encode("utf-8", "surrogatepass")
