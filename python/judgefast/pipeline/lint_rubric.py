"""What of a rubric keeps prompts from sharing: its order, its dates, where its parts end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from judgefast.pipeline.lint_anew import Saved
from judgefast.pipeline.lint_rewrite import aspects_last, part_first, question_first
from judgefast.pipeline.lint_words import VOLATILE
from judgefast.pipeline.prefixes import lengths_of, shared_with_former, starts_of
from judgefast.prompts.block import SLOTS
from judgefast.prompts.pieces import Piece
from judgefast.reports.plan_report import LintFinding
from judgefast.reports.words import plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.lint_anew import Anew
    from judgefast.pipeline.plan import PlannedBlock
    from judgefast.prompts.rubric import Rubric

LONG_TOKENS = 64
"""Of a part of the rubric behind texts of an item; marks and a closing question are shorter."""
WORTH_A_WORD = 0.01
"""Share of the tokens to compute that parts of varying length may lose at the ends of blocks."""

_A_WORD = 4
"""Characters of a text that is looked for inside a line of the rubric."""
_QUESTION, _ANSWER = SLOTS.index("question"), SLOTS.index("answer")


class Part(NamedTuple):
    """A trusted part of every prompt of an aspect."""

    text: str
    ids: NDArray[np.int32]
    before: int
    """Tokens of the rubric before it."""
    behind: str
    """Texts of the item that stand before it: none, `question` or `answer`."""

    @property
    def tokens(self) -> int:
        """How many it has."""
        return len(self.ids)


class Cut:
    """Prompts whose shared part ends inside a block, and the tokens it has there."""

    def __init__(self) -> None:
        self.tokens = self.prompts = 0

    def __iadd__(self, rest: NDArray[np.int64]) -> Self:
        """Count in the tokens of each prompt; 0 where the part ends with a block."""
        self.tokens += int(rest.sum())
        self.prompts += int(np.count_nonzero(rest))
        return self


class RubricLint:
    """Sums over blocks, for what the order of the rubric's parts costs.

    Args:
        judge: Who judges, by which rubric.
        block_tokens: Of the cache.
        anew: Plans what is advised.

    """

    def __init__(self, judge: Judge, block_tokens: int, anew: Anew) -> None:
        self._judge = judge
        self._anew = anew
        self._block = block_tokens
        self._parts = [
            parts_of(judge, aspect, with_reference=judge.rubric.reference == "required")
            for aspect in range(len(judge.aspects))
        ]
        self._requests = self._groups = self._computed = 0
        self._late_questions = 0
        """Tokens of questions that stand behind answers, but for once each question."""
        self._early_aspects = 0
        """Tokens between an aspect and the end of the answers, but for once each comparison."""
        self._cut_heads = Cut()
        """Where a prompt shares with the one before it the head of the rubric alone."""
        self._cut_others = Cut()

    def add(
        self, block: PlannedBlock, order: NDArray[np.uint32], tokens: NDArray[np.int64]
    ) -> None:
        """Take in the prompts of a block that are sent, in their order."""
        assert block.prompts is not None  # the caller has looked
        segments, slots = block.prompts.segments, block.prompts.slots
        items = block.plan.columns.item
        self._requests += len(order)
        self._groups += len(np.unique(items[order]))
        shared = shared_with_former(segments, order)
        rest = shared % self._block
        self._computed += int((tokens[order] - shared + rest).sum())
        shared_of = np.zeros(len(tokens), np.int64)
        shared_of[order] = shared
        starts, counts = starts_of(segments), np.diff(segments.segment_offsets)
        owner = np.repeat(np.arange(len(counts)), counts)
        rest[shared == tokens[order]] = 0  # all of it: nothing is behind
        is_head = shared == lengths_of(segments)[segments.segment_offsets[:-1][order]]
        self._cut_heads += rest[is_head]
        self._cut_others += rest[~is_head]
        is_sent = np.zeros(len(counts), np.bool_)
        is_sent[order] = True
        is_answer = slots >= _ANSWER
        answers_end = np.zeros(len(counts), np.int64)
        np.maximum.at(answers_end, owner[is_answer], (starts + lengths_of(segments))[is_answer])
        first_answer = np.full(len(counts), np.iinfo(np.int64).max)
        np.minimum.at(first_answer, owner[is_answer], starts[is_answer])
        late = (slots == _QUESTION) & is_sent[owner] & (starts > first_answer[owner])
        late &= starts >= shared_of[owner]
        if late.any():
            every = int(lengths_of(segments)[late].sum())
            once = np.unique(items[owner[late]], return_index=True)[1]
            self._late_questions += every - int(lengths_of(segments)[late][once].sum())
        self._note_aspects(block, order, answers_end, shared_of)

    def findings(self) -> list[LintFinding]:
        """What was found, in no order."""
        if not self._requests:
            return []
        return [
            *self._late_parts(),
            *self._late_question(),
            *self._early_aspect(),
            *self._dated(),
            *self._cut_head(),
            *self._cut_texts(),
        ]

    def _late_question(self) -> list[LintFinding]:
        if not self._late_questions:
            return []
        saved = self._saved(question_first(self._judge.rubric), self._late_questions)
        if not saved.tokens:
            return []
        return [
            LintFinding(
                code="question_late",
                where=self._line_of("{question}"),
                text="{question}",
                lost_tokens=saved.tokens,
                at_least=saved.at_least,
                words="the question stands behind an answer: it is computed anew for each of them",
                advice="put its block before those of the answers; that makes another prompt_hash",
            )
        ]

    def _early_aspect(self) -> list[LintFinding]:
        if not self._early_aspects:
            return []
        rubric = self._judge.rubric
        other = aspects_last(rubric)
        saved = self._saved(other, self._early_aspects)
        if not saved.tokens:
            return []
        own = "" if other else "give `{criterion}` and `{scale}` a block of their own, and "
        return [
            LintFinding(
                code="aspect_early",
                where=f"{rubric.file}: [template]",
                text=rubric.aspects[0].criterion,
                lost_tokens=saved.tokens,
                at_least=saved.at_least,
                words=f"the {len(rubric.aspects)} aspects are asked one by one, and their text "
                "stands before the answers: all that comes behind it is computed anew for each",
                advice=f'{own}set layout = "aspect-last" in [template]; `plan --layout` compares; '
                "that makes another prompt_hash",
            )
        ]

    def _saved(self, other: Rubric | None, seen: int) -> Saved:
        """What another rubric saves; where there is none, at least the tokens that were seen."""
        return Saved(seen, at_least=True) if other is None else self._anew.with_rubric(other)

    def _note_aspects(
        self,
        block: PlannedBlock,
        order: NDArray[np.uint32],
        answers_end: NDArray[np.int64],
        shared: NDArray[np.int64],
    ) -> None:
        parting = _parting(self._parts)
        if parting is None:
            return
        columns = block.plan.columns
        rows = order[columns.aspect[order] > 0]
        known = np.maximum(shared[rows], parting)
        self._early_aspects += int(np.maximum(answers_end[rows] - known, 0).sum())

    def _late_parts(self) -> list[LintFinding]:
        found = []
        for part in self._parts[0]:
            is_common = all(any(part.text == one.text for one in of) for of in self._parts)
            if not part.behind or part.tokens < LONG_TOKENS or not is_common:
                continue
            other = part_first(self._judge.rubric, part.text)
            if other is None or not (saved := self._anew.with_rubric(other)).tokens:
                continue
            times = self._requests if part.behind == "answer" else self._groups
            where = "the answers" if part.behind == "answer" else "the question"
            found.append(
                LintFinding(
                    code="rubric_late",
                    where=self._line_of(part.text),
                    text=part.text.strip(),
                    lost_tokens=saved.tokens,
                    at_least=saved.at_least,
                    words=f"{part.tokens:,} tokens of the rubric stand behind {where}, and are "
                    f"computed {times:,} times instead of once",
                    advice="put it before the question; that makes another prompt_hash",
                )
            )
        return found

    def _dated(self) -> list[LintFinding]:
        for part in self._parts[0]:
            if (seen := VOLATILE.search(part.text)) is None:
                continue
            line = part.text[: seen.start()].rpartition("\n")[2]
            return [
                LintFinding(
                    code="dated_rubric",
                    where=self._line_of(line + seen[0]),
                    text=part.text[max(0, seen.start() - 20) : seen.end() + 20],
                    token=self._count(part.text[: seen.start()]) if not part.before else None,
                    lost_tokens=0,
                    words=f"`{seen[0]}` stands in the rubric: it is the same in all prompts of "
                    "this run, but where it changes from run to run nothing behind it is shared "
                    "with the runs before, and prompt_hash is another each time",
                    advice="take it out, so that tonight's run is comparable with last night's",
                )
            ]
        return []

    def _cut_head(self) -> list[LintFinding]:
        """The head that all prompts share, where it ends inside a block."""
        head = self._judge.prompts.shared_tokens
        whole, lost = head - head % self._block, self._cut_heads.tokens
        if not whole:
            return [
                LintFinding(
                    code="short_head",
                    where=self._line_of(self._parts[0][0].text),
                    text=self._parts[0][0].text.strip(),
                    token=head,
                    lost_tokens=lost,
                    words=f"the {head:,} tokens that all prompts share are less than one block of "
                    f"{self._block}: no block is shared by all",
                    advice="put what is the same in all prompts first; short prompts share little",
                )
            ]
        if head == whole or not lost:
            return []
        part, less, more = self._parts[0][0], head - whole, self._block - head + whole
        return [
            LintFinding(
                code="block_edge",
                where=self._line_of(part.text.rstrip().rpartition("\n")[2]),
                text=self._tail(part.text, less),
                token=whole,
                lost_tokens=lost,
                words=f"the {head:,} tokens that all prompts share end {plural(less, 'token')} "
                f"inside a block of {self._block}: these are computed anew by "
                f"{plural(self._cut_heads.prompts, 'prompt')}",
                advice=f"{plural(less, 'token')} less in the rubric, or {more} more, end it with a "
                "block; worth it only in a rubric that is new anyway",
            )
        ]

    def _cut_texts(self) -> list[LintFinding]:
        """Heads that end with a text of the item, where that costs much."""
        cut = self._cut_others
        if cut.tokens < WORTH_A_WORD * max(1, self._computed):
            return []
        share = "shares" if cut.prompts == 1 else "share"
        return [
            LintFinding(
                code="text_edge",
                where="questions and answers",
                text="",
                lost_tokens=cut.tokens,
                words=f"texts that {plural(cut.prompts, 'prompt')} {share} end inside a block of "
                f"{self._block}, by {cut.tokens / cut.prompts:.1f} tokens on average",
                advice="nothing: their lengths are theirs; smaller blocks would lose less",
            )
        ]

    def _line_of(self, text: str) -> str:
        """File and line of the rubric where a text stands; the file alone where none is its own."""
        rubric = self._judge.rubric
        lines = [line.strip() for line in rubric.source.split("\n")]
        for wanted in text.split("\n"):
            bare = wanted.strip()
            for number, line in enumerate(lines, start=1):
                if bare and (bare == line or (len(bare) >= _A_WORD and bare in line)):
                    return f"{rubric.file}:{number}"
        return rubric.file

    def _count(self, text: str) -> int:
        tokenizer = self._judge.engine.model.tokenizer
        return 0 if tokenizer is None else len(tokenizer.encode_trusted(text))

    def _tail(self, text: str, tokens: int) -> str:
        """The last tokens of a text of ours, as text."""
        tokenizer = self._judge.engine.model.tokenizer
        if tokenizer is None:
            return ""
        return tokenizer.decode(tokenizer.encode_trusted(text)[-tokens:].tolist())


def parts_of(judge: Judge, aspect: int, *, with_reference: bool) -> list[Part]:
    """Trusted parts of the prompts of one aspect, in their order."""
    found, before, behind = [], 0, ""
    for part in judge.prompts.parts_of(aspect, with_reference=with_reference):
        if not isinstance(part, Piece):
            behind = "answer" if part.of_answers or behind == "answer" else "question"
            continue
        ids = np.zeros(0, np.int32) if part.ids is None else part.ids
        found.append(Part(part.segment.text, ids, before, behind))
        before += len(ids)
    return found


def _parting(parts: list[list[Part]]) -> int | None:
    """Tokens of the rubric before the first one that aspects differ in, if answers come later."""
    for of in zip(*parts, strict=False):
        if len({part.text for part in of}) == 1:
            continue
        first: Part = of[0]
        if first.behind == "answer":
            return None
        size: int = min(part.tokens for part in of)
        alike = np.all([part.ids[:size] == first.ids[:size] for part in of], axis=0)
        return first.before + (size if alike.all() else int(alike.argmin()))
    return None
