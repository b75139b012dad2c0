"""What a run costs, from its data and its plan, or from its lengths alone.

Where the judge's tokenizer is at hand, the plan is that of `judgefast plan`: the same prompts, the
same tokens to compute, the same digest.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import numpy as np

from judgefast.catalogue.folders import find_folder
from judgefast.catalogue.gpus import parse_gpus
from judgefast.catalogue.models import find_model
from judgefast.costs.estimate import estimate
from judgefast.costs.ranges import Range
from judgefast.costs.shape_given import EXAMPLE, Asking, read_shape, workload_of_shape
from judgefast.costs.workload import Workload
from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.answers import answers_of, given
from judgefast.pipeline.cached import CacheWishes
from judgefast.pipeline.judge import judge_of, rubric_in_force
from judgefast.pipeline.plan_report import plan_report
from judgefast.pipeline.setting import setting_for
from judgefast.pipeline.stand_in import Tokens, tokens_at_hand
from judgefast.pipeline.survey import sent_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model
    from judgefast.config import RunConfig
    from judgefast.costs.estimate import Setting
    from judgefast.costs.estimates import Estimate
    from judgefast.costs.workload import Answers
    from judgefast.pipeline.plan import RunPlan
    from judgefast.pipeline.setting import CostWishes
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.rubric import Rubric
    from judgefast.reports.plan_report import PlanReport

EXAMPLE_COMMAND = (
    f"judgefast estimate {EXAMPLE} --rubric pairwise-reasons --model Qwen2.5-72B-Instruct "
    "--gpu H200"
)


class Estimated(NamedTuple):
    """An estimate, and what it was made of: others like it are made of that."""

    workload: Workload
    setting: Setting
    model: Model
    gpu: Gpu
    wishes: CostWishes
    rubric: Rubric
    plan: PlanReport | None
    """None for a shape."""
    in_orders: Callable[[int], Workload]
    """The same with 1 or 2 orders, counted anew."""
    notes: list[str]

    @property
    def mode(self) -> str:
        """Of the rubric: `pairwise`, `choice`, `scalar` or `binary`."""
        return self.rubric.mode

    def estimate(self) -> Estimate:
        """What it costs as it was asked."""
        made = estimate(self.workload, self.setting)
        is_exact = self.plan is not None and self.workload.basis == "counted"
        digest = self.plan.digest if self.plan is not None and is_exact else None
        return msgspec.structs.replace(made, digest=digest, notes=[*self.notes, *made.notes])


def asked(
    config: RunConfig,
    wishes: CostWishes,
    *,
    shape: str | None = None,
    data: Any = None,  # noqa: ANN401 - whatever `read_items` takes
    say: Callable[[str], None] | None = None,
) -> Estimated:
    """Count what is to be asked, and set the judge up for it.

    Args:
        config: The options of the run.
        wishes: What the user says of the estimate.
        shape: Lengths, in place of data.
        data: Rows in memory, in place of `config.data`.
        say: Told what a person should know.

    Raises:
        ConfigError: Something is missing, with an example; or a name is not known; or the judge
            does not fit.
        JudgefastError: As a run would: it cannot be planned.

    """
    has_data = data is not None or bool(config.data)
    _check_given(config, wishes, has_data=has_data, shape=shape)
    lengths = None if shape is None else read_shape(shape)
    rubric = rubric_in_force(config)
    gpu, gpus = parse_gpus(str(wishes.gpu))
    model = find_model(_path_or_name(str(config.model)))
    counter = _Counter(config, wishes, model, rubric, say)
    if lengths is None:
        counted = counter.plan(data)
        workload, plan = counted.workload, counted.plan

        def in_orders(number: int) -> Workload:
            return _Counter(_ordered(config, number), wishes, model, rubric, None).plan(data)[0]
    else:
        plan = None
        head = counter.head()
        answers = _answers_of_shape(lengths, head.decoding, wishes)
        known = lengths.rubric if lengths.rubric is not None else head.tokens

        def in_orders(number: int) -> Workload:
            asking = _asking(_ordered(config, number), rubric)
            return workload_of_shape(lengths, asking, answers, rubric=known)

        workload = in_orders(2 if config.orders == "both" else 1)
    if not workload.requests:
        msg = "nothing is left to be asked of these data"
        raise DataError(msg, hint="`judgefast plan` says why")
    setting = setting_for(model, gpu, wishes, workload, gpus=gpus)
    notes = counter.notes
    if lengths is not None:
        notes = _notes_of_shape(lengths, head, answers)
    return Estimated(workload, setting, model, gpu, wishes, rubric, plan, in_orders, notes)


def estimate_of(config: RunConfig, wishes: CostWishes, **more: Any) -> Estimate:  # noqa: ANN401 - as `asked`
    """Estimate a run before it is paid for; arguments as for `asked`."""
    return asked(config, wishes, **more).estimate()


def _check_given(
    config: RunConfig, wishes: CostWishes, *, has_data: bool, shape: str | None
) -> None:
    """Ask for everything that is missing at once."""
    missing = []
    if not has_data and shape is None:
        missing.append("what is to be judged (DATA, or --shape where there is none yet)")
    if not config.rubric:
        missing.append("a rubric (--rubric; `judgefast rubrics` lists them)")
    if not config.model:
        missing.append("a judge (--model NAME; `judgefast models` lists them)")
    if not wishes.gpu:
        missing.append("an accelerator (--gpu KIND[:N]; `judgefast gpus` lists them)")
    if missing:
        msg = f"an estimate needs {'; '.join(missing)}"
        raise ConfigError(msg, hint=f"for example: {EXAMPLE_COMMAND}")
    if has_data and shape is not None:
        msg = "both DATA and --shape were given"
        raise ConfigError(msg, hint="leave --shape out: what is counted is better than lengths")


def _path_or_name(model: str) -> str | Path:
    path = Path(model).expanduser()
    return path if path.exists() else model


def _ordered(config: RunConfig, number: int) -> RunConfig:
    return config.replace(orders="one" if number == 1 else "both")


def _asking(config: RunConfig, rubric: Rubric) -> Asking:
    compares = rubric.mode in {"pairwise", "choice"}
    return Asking(
        mode=rubric.mode,
        orders=2 if compares and config.orders == "both" else 1,
        aspects=1 if rubric.together else len(rubric.aspects),
        repeats=config.repeats,
        pairs=config.pairs,
    )


class _Head(NamedTuple):
    """What all prompts of a rubric begin with, and how its answers are decoded."""

    tokens: int
    decoding: Decoding
    words: str


class _Counted(NamedTuple):
    workload: Workload
    plan: PlanReport


class _Counter:
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

    def plan(self, data: Any) -> _Counted:  # noqa: ANN401 - as `asked`
        """Plan the data, and add up."""
        with ExitStack() as stack:
            tokens, config = self._tokens(stack)
            decoding = _decoding_of(config)
            answers = _answers(decoding, self._wishes)
            wishes = CacheWishes(block_tokens=tokens.block_tokens)
            report = plan_report(config, data=data, wishes=wishes, say=self._say)
        self.notes += report.notes if tokens.exact else []
        workload = workload_of(report, answers, each=tokens.each, by=tokens.words)
        return _Counted(workload, report)

    def head(self) -> _Head:
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
        return _Head(max(1, round(counted * tokens.each.likely)), decoding, tokens.words)

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


def _answers_of_shape(lengths: Any, decoding: Decoding, wishes: CostWishes) -> Answers:  # noqa: ANN401 - ShapeGiven
    if lengths.out is None and lengths.think is None:
        return _answers(decoding, wishes)
    if lengths.out is None:
        return _answers(decoding, msgspec.structs.replace(wishes, thinking_tokens=lengths.think))
    return given(lengths.out, lengths.think or 0.0)


def _notes_of_shape(lengths: Any, head: _Head, answers: Answers) -> list[str]:  # noqa: ANN401 - ShapeGiven
    notes = []
    if lengths.rubric is None:
        notes.append(f"the rubric's {head.tokens:,} tokens are counted by {head.words}")
    if head.decoding.probabilities and answers.mean.likely > 1:
        notes.append(
            "this rubric reads the probability of each label, and the judge writes one token: "
            f"{answers.mean.likely:,.0f} are priced because `out` says so"
        )
    return notes


def workload_of(
    report: PlanReport,
    answers: Answers,
    *,
    each: Range | None = None,
    by: str = "the judge's own tokenizer",
) -> Workload:
    """The sums of a plan.

    Args:
        report: What `judgefast plan` says.
        answers: What the judge writes.
        each: Tokens of the judge for each that was counted; None: they are the judge's.
        by: What they were counted by.

    Raises:
        ConfigError: The plan has no tokens.

    """
    prompts, cost = report.prompts, report.cost("plan")
    requests = report.requests.requests
    if requests and (prompts.tokens is None or cost is None):
        _no_tokens()
    counted = prompts.tokens or 0
    exact = Range.exactly(1.0) if each is None else each
    computed = counted * (cost.share if cost is not None else 1.0)
    if cost is not None and report.looked_at == requests:
        computed = cost.computed_tokens
    return Workload(
        items=report.rows.items,
        judgments=report.requests.judgments,
        requests=requests,
        prompt_tokens=round(counted * exact.likely),
        computed_tokens=exact.times(computed),
        longest_prompt=round((prompts.longest_tokens or 0) * exact.high),
        answers=answers,
        orders=report.requests.orders,
        basis="counted" if exact.low == exact.high == 1.0 else "assumed",
        because=f"planned from the data, tokens counted by {by}",
    )


def workload_from_plan(
    plan: RunPlan,
    answers: Answers,
    *,
    orders: int,
    rows: Any = None,  # noqa: ANN401 - an index
) -> Workload:
    """The sums of a plan that a run has made: nothing is planned again.

    Args:
        plan: With tokens; without what its cache will find, all of them are computed.
        answers: What the judge writes.
        orders: In which each pair is shown.
        rows: Of the plan, those that are to be asked; None: all that are sent.

    Raises:
        ConfigError: The plan has no tokens.

    """
    rendered = plan.rendered
    if rendered.prompt_tokens is None:
        _no_tokens()
    asked_rows = np.flatnonzero(sent_rows(plan)) if rows is None else np.asarray(rows)
    tokens = rendered.prompt_tokens[asked_rows].astype(np.int64)
    found = rendered.planned_cached_tokens
    cached = 0 if found is None else int(found[asked_rows].sum(dtype=np.int64))
    whole = int(tokens.sum())
    return Workload(
        items=len(np.unique(plan.columns.item[asked_rows])),
        judgments=len(plan) if rows is None else len(asked_rows),
        requests=len(asked_rows),
        prompt_tokens=whole,
        computed_tokens=Range.exactly(float(whole - cached)),
        longest_prompt=int(tokens.max()) if len(tokens) else 0,
        answers=answers,
        orders=orders,
        basis="counted",
        because="the plan of this run, tokens counted by the judge's own tokenizer",
    )


def _no_tokens() -> NoReturn:
    msg = "the plan has no tokens: this engine takes no token ids"
    raise ConfigError(msg, hint="name the judge's folder, as in --model models/judge")
