"""From an item to a prompt, with all that can be done once done once.

A plan is made for one rubric, one judge and one engine. Trusted text is laid out and encoded when
it is made; rendering an item strips, seals and joins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.errors import DataError, RubricError
from judgefast.prompts.block import block_of
from judgefast.prompts.layout import TRUNCATION
from judgefast.prompts.memo import PieceMemo
from judgefast.prompts.pieces import (
    ItemPieces,
    Piece,
    frame_of,
    lead_of,
    summed,
)
from judgefast.prompts.seams import SeamDifference, verify_seams
from judgefast.prompts.segments import Prompt, Segment
from judgefast.prompts.template import Slot
from judgefast.prompts.token_cache import cache_of
from judgefast.prompts.truncation import MARK, Truncation, check_truncation
from judgefast.prompts.ways import Way, hash_of_all, is_together, ways_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from judgefast.datasets.items import Item, Text
    from judgefast.prompts.block import Asked, PromptBlock
    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.layout import Layout, Parts
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.pieces import Cut, Lead
    from judgefast.prompts.rubric import Rubric

_ROLES = ("system", "developer", "user", "assistant", "tool")
_SHOWN = {"pairwise": 2, "scalar": 1, "binary": 1}


class PromptPlan:
    """Renders the prompts of a run.

    Args:
        rubric: What is asked.
        model: The judge, where it is known; its tokenizer is needed by engines that take ids.
        capabilities: What the engine takes and can do.
        overrides: Settings of `[decoding]` that this run replaces.
        truncate: Whether answers that do not fit the judge's context are shortened.
        token_cache: Folder that keeps token ids of texts between runs.

    Raises:
        ConfigError: Answers cannot be shortened, or no ids be kept, for this engine.
        RubricError: The rubric asks for what the engine cannot do.
        ModelError: The model's template or tokenizer does not fit the rubric.

    """

    def __init__(  # noqa: PLR0913 - a judge, and what a run wants of it
        self,
        rubric: Rubric,
        model: JudgeModel | None,
        capabilities: Capabilities,
        overrides: Mapping[str, Any] | None = None,
        *,
        truncate: bool = False,
        token_cache: Path | None = None,
    ) -> None:
        self.rubric = rubric
        self.needs_ids = capabilities.takes == "ids"
        if truncate:
            check_truncation(model, capabilities)
        self.ways = ways_of(rubric, model, capabilities, overrides)
        """One an aspect; one alone where all are asked together."""
        self.together = is_together(rubric, capabilities)
        """Whether one request asks about all aspects of what is shown."""
        of_aspects = self.ways * len(rubric.aspects) if self.together else self.ways
        self.layout = self.ways[0].layout
        """Of the first aspect."""
        self.decodings = tuple(each for way in self.ways for each in way.decodings)
        """By aspect. They differ in labels and schema alone."""
        self.decoding = self.decodings[0]
        self.rule = rubric.rule_in_force(probabilities=self.decoding.probabilities)
        self.questions = tuple(question for way in self.ways for question in way.questions)
        """By aspect."""
        self.asked = tuple(way.questions for way in of_aspects)
        """By aspect: what the prompt asks that asks it; that aspect alone, or all of them."""
        self._tokenizer = model.tokenizer if model and self.needs_ids else None
        self._cache = cache_of(token_cache, self._tokenizer)
        self._ours = lru_cache(maxsize=None)(self._encode_trusted)
        self._seal = PieceMemo(self._seal_text)
        self._of: Item | None = None
        self._kept = ItemPieces()
        """Of that item: its judgments stand side by side in a plan."""
        places = (label.choice for label in rubric.verdict.labels)
        by_place = zip(places, rubric.verdict.labels, strict=True)
        self._names = {place: label.text.strip() for place, label in by_place}
        places_shown = sum(isinstance(place, int) for place in self._names)
        self._wanted = _SHOWN.get(rubric.mode, places_shown)
        layouts = [(way.layout.plain, way.layout.with_reference) for way in of_aspects]
        self._parts = [tuple(map(self._encoded, both)) for both in layouts]
        """By aspect: of both layouts, ours encoded."""
        self._first_answer = [tuple(map(_first_answer, both)) for both in self._parts]
        self._cutter = None
        names = [TRUNCATION] * len(of_aspects)
        if truncate and model:
            most = [each.most_tokens for each in self.decodings]
            mark = self._ours(MARK)
            self._cutter = Truncation(model, self._seal_text, mark, most, self._parts)
            names = self._cutter.names
        self.prompt_hashes = tuple(map(Way.prompt_hash, of_aspects, names))
        """By aspect."""
        self.prompt_hash = hash_of_all(self.prompt_hashes[: len(self.ways)])
        self.shared_tokens = self._count_shared()
        """Tokens at the head of every prompt, before any text of an item."""

    def render(
        self,
        item: Item,
        shown: tuple[int, ...],
        aspect: int = 0,
        *,
        ids_hash: bytes | None = None,
    ) -> Prompt:
        """Put the question about `item` with the answers at `shown`, in that order.

        Args:
            item: What is judged.
            shown: Index of the answer at each position.
            aspect: Index into the rubric's aspects; where they are asked together, any.
            ids_hash: Of this prompt, where the caller has it from the plan; else it is made from
                what is sent, whatever hashes the item brings.

        Raises:
            DataError: The item lacks a text that the rubric needs; the message names it.
            RubricError: The rubric cannot show so many answers.
            ModelError: A text cannot be sealed.

        """
        lead, rest = self._pieces(item, shown, aspect)
        segments, replaced, stripped = summed(rest)
        ids = None
        if self.needs_ids:
            pieces = [*lead.pieces, *rest]
            ids = np.concatenate([piece.ids for piece in pieces if piece.ids is not None])
        return Prompt(
            segments=(*lead.shown, *segments),
            token_ids=ids,
            ids_hash=lead.hash_anew(rest) if ids_hash is None else ids_hash,
            shared_tokens=self.shared_tokens,
            replaced_characters=lead.replaced + replaced,
            stripped_characters=lead.stripped + stripped,
            has_system=self.layout.has_system,
        )

    def segments_of(self, items: Sequence[Item], asked: Asked, base: int) -> PromptBlock:
        """Put the prompts of a block of rows into segments, none of them together.

        Args:
            items: The items that the rows are about.
            asked: The rows.
            base: Number of the first of `items`.

        Raises:
            JudgefastError: As `render`.

        """
        lengths = np.diff(asked.shown_offsets)
        for row in np.flatnonzero(lengths != self._wanted)[:1].tolist():
            self._check_shown(items[int(asked.item[row]) - base], int(lengths[row]))
        return block_of(self, items, asked, base)

    def parts_of(self, aspect: int, *, with_reference: bool) -> Sequence[Piece | Slot]:
        """Trusted parts and slots of a prompt; each answer has a slot of its own."""
        return self._parts[aspect][with_reference]

    def shows_reference(self, item: Item) -> bool:
        """Whether the reference of an item is shown.

        Raises:
            DataError: It is needed, and not there.

        """
        if self.rubric.reference == "required" and item.reference is None:
            message = f"item `{item.item_id}` has no reference, which `{self.rubric.file}` needs"
            raise DataError(message, hint="add `reference` to the row, or use another rubric")
        return item.reference is not None and self.rubric.reference != "never"

    def pieces_of_answer(self, item: Item, index: int, slot: str = "answer") -> list[Piece]:
        """Cut an answer of an item into pieces.

        Raises:
            DataError: It has no text.

        """
        answer = item.answers[index]
        if answer.text is None:
            message = f"answer {index} of item `{item.item_id}` has no text"
            raise DataError(message, hint="give the answers, or replay recorded outputs")
        return self.pieces_of(answer.text, slot, answer.sha256)

    def most_tokens(self, aspect: int, *, with_reference: bool) -> int | None:
        """Tokens above which the answers of a prompt are shortened; None where they are not."""
        return self._cutter.most_tokens(aspect, with_reference) if self._cutter else None

    def cuts_of(self, item: Item, shown: tuple[int, ...]) -> Mapping[int, Cut]:
        """What is shown of the answers of a comparison, by index; empty where it is all of them."""
        if self._cutter is None:
            return {}
        kept, pair = self._kept_of(item), tuple(sorted(shown))
        if pair not in kept.cuts:
            if kept.room is None:
                has_reference = self.shows_reference(item)
                parts = self._parts[0][has_reference]
                theirs = [each for each in parts if isinstance(each, Slot) and not each.of_answers]
                kept.room = self._cutter.room(self._laid(theirs, item, ()), has_reference)
            answers = {index: self._answer(item, index) for index in pair}
            kept.cuts[pair] = self._cutter.shorten(answers, kept.room)
        return kept.cuts[pair]

    def save_tokens(self) -> list[str]:
        """Keep new ids for other runs, where that was asked for; words for a person."""
        return self._cache.save() if self._cache else []

    @property
    def slow_because(self) -> str:
        """Why much text was encoded the slow way; empty where it was not."""
        return self._tokenizer.slow_because if self._tokenizer else ""

    def verify_seams(self, prompt: Prompt) -> SeamDifference | None:
        """Check that the ids of a prompt are those of its text; None if they are."""
        return verify_seams(prompt, self._tokenizer) if self._tokenizer else None

    def _check_shown(self, item: Item, shown: int) -> None:
        if shown != self._wanted:
            name, wanted = self.rubric.file, self._wanted
            message = f"`{name}` shows {wanted} answers, item `{item.item_id}` {shown}"
            raise RubricError(message, hint="use a rubric made for that number of answers")

    def _pieces(self, item: Item, shown: tuple[int, ...], aspect: int) -> tuple[Lead, list[Piece]]:
        """A prompt in pieces: those up to the first answer, and the rest."""
        self._check_shown(item, len(shown))
        has_reference = self.shows_reference(item)
        parts = self._parts[aspect][has_reference]
        kept = self._kept_of(item)
        first = self._first_answer[aspect][has_reference]
        lead = kept.leads.get(aspect)
        if lead is None:
            lead = lead_of(self._laid(parts[:first], item, shown), needs_ids=self.needs_ids)
            kept.leads[aspect] = lead
        return lead, self._laid(parts[first:], item, shown, self.cuts_of(item, shown))

    def _kept_of(self, item: Item) -> ItemPieces:
        if item is not self._of:
            self._of, self._kept = item, ItemPieces()
        return self._kept

    def _laid(
        self,
        parts: Sequence[Piece | Slot],
        item: Item,
        shown: tuple[int, ...],
        cuts: Mapping[int, Cut] | None = None,
    ) -> list[Piece]:
        pieces: list[Piece] = []
        for part in parts:
            if isinstance(part, Piece):
                pieces.append(part)
                continue
            name = part.name
            if name == "question":
                pieces += self.pieces_of(item.question, name, item.question_sha256)
            elif name == "reference":
                pieces += self.pieces_of(item.reference, name, item.reference_sha256)
            else:
                index = shown[part.place]
                whole = cuts[index].pieces if cuts else self._answer(item, index)
                pieces += [piece.within(name) if piece.segment.slot else piece for piece in whole]
        return pieces

    def _answer(self, item: Item, index: int) -> list[Piece]:
        """One encoding of an answer for all the places that it is shown in."""
        kept = self._kept.answers.get(index)
        if kept is None:
            kept = self._kept.answers[index] = self.pieces_of_answer(item, index)
        return kept

    def pieces_of(self, text: Text | None, slot: str, sha256: bytes) -> list[Piece]:
        """Cut a text of an item into pieces; none where there is no text."""
        if text is None:
            return []
        if isinstance(text, str):
            return [self._stripped(text, slot, keep_blank=True, sha256=sha256)]
        pieces: list[Piece] = []
        for turn in text:
            if turn.role in _ROLES:
                pieces.append(self._ours(f"[{turn.role}]\n").within(slot))
            else:
                pieces.append(self._ours("[role]\n").within(slot))
                pieces.append(self._stripped(turn.role, slot))
                pieces.append(self._ours("[text]\n").within(slot))
            pieces.append(self._stripped(turn.content, slot))
        return pieces

    def _stripped(
        self, text: str, slot: str, *, keep_blank: bool = False, sha256: bytes = b""
    ) -> Piece:
        """Take white space off both ends, for clean seams; nothing at all is left of a blank.

        `sha256` is the hash of the text, where it is known.
        """
        bare = text.strip()
        sent = bare + "\n" if bare else ""
        stripped = len(text) - len(bare)
        # Without a tokenizer there is nothing to keep, and looking a long text up costs more.
        if not bare and not keep_blank:
            slot = ""
        if self._tokenizer:
            return self._seal(sent).within(slot, stripped=stripped)
        frame = frame_of(sent, trusted=False, known=sha256) if sha256 and not stripped else None
        return Piece(Segment(sent, trusted=False, slot=slot), stripped=stripped, frame=frame)

    def _encoded(self, parts: Parts) -> list[Piece | Slot]:
        """Encode ours, and give each answer a slot of its own."""
        encoded: list[Piece | Slot] = []
        for part in parts:
            if isinstance(part, str):
                encoded.append(self._ours(part))
            elif part.name != "answers":
                encoded.append(part)
            else:
                for place in range(self._wanted):
                    label = self._names[place]
                    encoded.append(self._ours(f"[The Start of Answer {label}]\n"))
                    encoded.append(Slot(f"answer_{place + 1}", part.line))
                    encoded.append(self._ours(f"[The End of Answer {label}]\n"))
        return encoded

    def _encode_trusted(self, text: str) -> Piece:
        if self._tokenizer is None:
            return Piece(Segment(text, trusted=True))
        return Piece(Segment(text, trusted=True), self._tokenizer.encode_trusted(text))

    def _seal_text(self, text: str) -> Piece:
        assert self._tokenizer is not None  # the caller has looked
        sealed = (self._cache or self._tokenizer).seal(text)
        segment = Segment(sealed.text, trusted=False)
        return Piece(segment, sealed.token_ids, replaced=sealed.replaced_characters)

    def _count_shared(self) -> int:
        heads = [
            self._ours(head).ids
            for way in self.ways
            for head in _heads(way.layout, self.rubric.reference)
        ]
        arrays = [ids for ids in heads if ids is not None]
        if not arrays:
            return 0
        size = min(len(ids) for ids in arrays)
        same = np.all([ids[:size] == arrays[0][:size] for ids in arrays], axis=0)
        return int(size if same.all() else same.argmin())


def _heads(layout: Layout, reference: str) -> list[str]:
    """Trusted texts that prompts begin with."""
    variants = {"never": (layout.plain,), "required": (layout.with_reference,)}
    both = (layout.plain, layout.with_reference)
    return [str(parts[0]) for parts in variants.get(reference, both)]


def _first_answer(parts: Sequence[Piece | Slot]) -> int:
    """Index of the first part that depends on the answers shown."""
    slots = (at for at, part in enumerate(parts) if isinstance(part, Slot) and part.of_answers)
    return next(slots, len(parts))
