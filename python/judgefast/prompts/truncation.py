"""Answers that do not fit the judge's context, shortened: all that are shown, by the same share.

The rubric, the question and the reference stay whole. A line of ours says where an answer was cut.
How much of an answer is shown depends on the answers that it is shown with, not on their order, nor
on the aspect: all prompts of one comparison leave room for the longest wording among the aspects.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from judgefast.errors import ConfigError
from judgefast.prompts.pieces import Cut, Piece, count_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.template import Slot

MARK = "[Cut for length: the rest of this answer is not shown.]\n"
"""Behind every answer that is shortened. Its words are a part of `prompt_hash`."""

_KEPT_ENDS = 32
"""Texts whose places of tokens are kept: one is cut for each answer that it is compared with."""


class Truncation:
    """Shortens the answers of prompts that are too long.

    Args:
        model: The judge, whose tokenizer and context are known.
        seal: Encodes a text of theirs.
        mark: `MARK`, encoded.
        answer_tokens: Of each aspect: most tokens that the judge says.
        parts: Of each aspect: the parts of a prompt without a reference, and of one with it.

    """

    def __init__(
        self,
        model: JudgeModel,
        seal: Callable[[str], Piece],
        mark: Piece,
        answer_tokens: Sequence[int],
        parts: Sequence[Sequence[Sequence[Piece | Slot]]],
    ) -> None:
        assert model.tokenizer is not None
        assert model.context_tokens is not None  # as `check_truncation` sees to
        self._seal = seal
        self._ends = lru_cache(_KEPT_ENDS)(model.tokenizer.token_ends)
        self._mark = mark
        ours = np.array(
            [
                [count_ids([part for part in each if isinstance(part, Piece)]) for each in both]
                for both in parts
            ]
        )
        needs = ours + np.array(answer_tokens)[:, None]  # by aspect, without and with a reference
        most = needs.max(axis=0)
        self._room: list[int] = (model.context_tokens - most).tolist()
        self._most: list[list[int]] = (model.context_tokens - most + ours).tolist()
        more = (most - needs).tolist()
        name = f"balanced 1 {model.context_tokens} {MARK}"
        self.names = [f"{name}{each[0]} {each[1]}" if any(each) else name for each in more]
        """How the prompts of each aspect are shortened; a part of its `prompt_hash`. Other aspects
        are in it where they need more than it does, by the tokens that they leave less."""

    def most_tokens(self, aspect: int, has_reference: bool) -> int:  # noqa: FBT001 - an index
        """Tokens above which a prompt is shortened: that of the longest wording would not fit."""
        return self._most[aspect][has_reference]

    def room(self, theirs: Sequence[Piece], has_reference: bool) -> int:  # noqa: FBT001 - an index
        """Tokens that answers may have beside the other texts of an item."""
        return self._room[has_reference] - count_ids(theirs)

    def shorten(self, answers: Mapping[int, list[Piece]], room: int) -> dict[int, Cut]:
        """Shorten answers to the same share of their tokens.

        Args:
            answers: Pieces of the answers that are shown, by index.
            room: Tokens that all of them may have.

        Returns:
            What is shown of each; empty where they fit, or nothing would be left of one of them.

        """
        sizes = {index: count_ids(pieces) for index, pieces in answers.items()}
        whole = sum(sizes.values())
        left = room - count_ids([self._mark]) * sum(size > 0 for size in sizes.values())
        if whole <= room or left <= 0:
            return {}
        cuts: dict[int, Cut] = {}
        for index, pieces in answers.items():
            share = sizes[index] * left // whole
            shown = self._shown(pieces, share) if sizes[index] else Cut(pieces, 0, 0)
            if shown is None:
                return {}
            cuts[index] = shown
        return cuts

    def _shown(self, pieces: list[Piece], most: int) -> Cut | None:
        kept: list[Piece] = []
        room = most
        for piece in pieces:
            assert piece.ids is not None  # whoever truncates has a tokenizer
            if len(piece.ids) <= room:
                kept.append(piece)
                room -= len(piece.ids)
                continue
            if not piece.segment.trusted and (short := self._short(piece, room)):
                kept.append(short)
            break
        while kept and kept[-1].segment.trusted:  # the head of a turn without its text
            kept.pop()
        if not kept:
            return None
        left_out = count_ids(pieces) - count_ids(kept)
        return Cut([*kept, self._mark.within(kept[0].segment.slot)], left_out, most)

    def _short(self, piece: Piece, most: int) -> Piece | None:
        """The beginning of a text, up to the end of a token, in at most so many tokens."""
        text, slot = piece.segment.text, piece.segment.slot
        ends = self._ends(text)
        for count in range(min(most, len(ends)), 0, -1):  # the line feed takes one, mostly
            bare = text[: ends[count - 1]].rstrip()
            if not bare:
                break
            short = self._seal(bare + "\n")
            if short.ids is not None and len(short.ids) <= most:
                return short.within(slot, stripped=piece.stripped)
        return None


def check_truncation(model: JudgeModel | None, capabilities: Capabilities) -> None:
    """Check that prompts can be shortened to a judge's context.

    Raises:
        ConfigError: The engine takes no token ids, or nobody knows how long prompts may be.

    """
    if capabilities.takes != "ids":
        msg = "`truncate` counts the judge's tokens, but this engine takes no token ids"
        raise ConfigError(msg, hint="leave --truncate out: what is too long is counted as failed")
    if model is None or model.context_tokens is None:
        msg = "`truncate` shortens to the judge's context, which is not known"
        raise ConfigError(msg, hint="set the engine's context length, or leave --truncate out")
