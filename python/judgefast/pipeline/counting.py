"""What is to be asked, counted by the best tokenizer that is at hand."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.catalogue.folders import find_folder
from judgefast.pipeline.answers import answers_of, given
from judgefast.pipeline.cached import CacheWishes
from judgefast.pipeline.judge import judge_of
from judgefast.pipeline.plan_report import plan_report
from judgefast.pipeline.stand_in import Tokens, tokens_at_hand
from judgefast.pipeline.workloads import workload_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.catalogue.models import Model
    from judgefast.config import RunConfig
    from judgefast.costs.shape_given import ShapeGiven
    from judgefast.costs.workload import Answers, Workload
    from judgefast.pipeline.setting import CostWishes
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.rubric import Rubric
    from judgefast.reports.plan_report import PlanReport

THINKERS = {"gpt-oss", "qwen3", "qwen3.5", "qwen3.8", "glm-4.5", "nemotron-3"}
"""Families that think by default where nobody tells them not to."""


class Head(NamedTuple):
    """What all prompts of a rubric begin with, and how its answers are decoded."""

    tokens: int
    decoding: Decoding
    counted_by: Tokens


class Counted(NamedTuple):
    """Data, planned and added up."""

    workload: Workload
    plan: PlanReport
    decoding: Decoding


class Counter:
    """Counts tokens by the best that is at hand."""

    def __init__(
        self,
        config: RunConfig,
        wishes: CostWishes,
        model: Model,
        rubric: Rubric,
        say: Callable[[str], None] | None,
    ) -> None:
        self._config, self._wishes = config, wishes
        self._model, self._rubric, self._say = model, rubric, say
        self.notes: list[str] = []

    def plan(self, data: Any) -> Counted:  # noqa: ANN401 - as `asked`
        """Plan the data, and add up."""
        with ExitStack() as stack:
            tokens, config = self._tokens(stack)
            decoding = _decoding_of(config)
            answers = _answers(decoding, self._wishes)
            wishes = CacheWishes(block_tokens=tokens.block_tokens)
            report = plan_report(config, data=data, wishes=wishes, say=self._say)
        self.notes += report.notes if tokens.exact else _may_think(self._model, answers, tokens)
        workload = workload_of(
            report, answers, each=tokens.each, by=tokens.words, held=decoding.is_held
        )
        return Counted(workload, report, decoding)

    def head(self) -> Head:
        """What the prompts of this rubric have in common, by a prompt with nothing in it."""
        with ExitStack() as stack:
            tokens, config = self._tokens(stack)
            shown = "ab" if self._rubric.mode in {"pairwise", "choice"} else "a"
            row: dict[str, Any] = {"question": "q", "answers": [{"text": each} for each in shown]}
            if self._rubric.reference == "required":
                row["reference"] = "r"
            decoding = _decoding_of(config)
            report = plan_report(config.replace(data=(), map={}, limit=None), data=[row])
        counted = report.prompts.longest_tokens or 0
        return Head(max(1, round(counted * tokens.each.likely)), decoding, tokens)

    def _tokens(self, stack: ExitStack) -> tuple[Tokens, RunConfig]:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="judgefast-")))
        own = find_folder(str(self._config.model)) or self._in_cache()
        tokens = tokens_at_hand(self._config, self._model, self._rubric, scratch, own=own)
        config = self._config.replace(engine="vllm", tokenizer=None, base_url=(), api=None)
        if tokens.folder is not None:
            config = config.replace(model=str(tokens.folder), out=None, engine_args={})
        return tokens, config

    def _in_cache(self) -> Path | None:
        """The judge's folder in the cache of the hub."""
        return find_folder(self._model.hub_id) if self._model.hub_id else None


def _may_think(model: Model, answers: Answers, tokens: Tokens) -> list[str]:
    """Said where the chat template, which shows it, is not at hand."""
    is_label = answers.basis in {"counted", "given", "measured"}
    if tokens.exact or is_label or answers.thinking.high or model.family not in THINKERS:
        return []
    words = f"`{model.name}` may think before it answers, and nothing of that is priced: "
    return [words + "--thinking-tokens N, or a pilot, says how much"]


def _decoding_of(config: RunConfig) -> Decoding:
    judge = judge_of(config, is_to_plan=True)
    judge.engine.close()
    return judge.prompts.decoding


def _answers(decoding: Decoding, wishes: CostWishes) -> Answers:
    return answers_of(
        decoding,
        answer_tokens=wishes.answer_tokens,
        thinking_tokens=wishes.thinking_tokens,
        pilot=wishes.pilot,
    )


def answers_of_shape(lengths: ShapeGiven, decoding: Decoding, wishes: CostWishes) -> Answers:
    """What the judge writes: as the shape says, else as without one."""
    if lengths.out is None and lengths.think is None:
        return _answers(decoding, wishes)
    if lengths.out is None:
        return _answers(decoding, msgspec.structs.replace(wishes, thinking_tokens=lengths.think))
    return given(lengths.out, lengths.think or 0.0)


def notes_of_shape(lengths: ShapeGiven, head: Head, answers: Answers, model: Model) -> list[str]:
    """What a reader should know of an estimate without data."""
    notes = [] if lengths.think is not None else _may_think(model, answers, head.counted_by)
    if lengths.rubric is None:
        words = head.counted_by.words
        notes.append(f"the rubric's {head.tokens:,} tokens are counted by {words}")
    if head.decoding.probabilities and answers.mean.likely > 1:
        notes.append(
            "this rubric reads the probability of each label, and the judge writes one token: "
            f"{answers.mean.likely:,.0f} are priced because `out` says so"
        )
    return notes
