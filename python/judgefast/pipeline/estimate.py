"""What a run costs, from its data and its plan, or from its lengths alone.

Where the judge's tokenizer is at hand, the plan is that of `judgefast plan`: the same prompts, the
same tokens to compute, the same digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.catalogue.gpus import parse_gpus
from judgefast.catalogue.models import find_model
from judgefast.costs.adaptive import with_open
from judgefast.costs.estimate import estimate
from judgefast.costs.ranges import Range
from judgefast.costs.rates_store import records
from judgefast.costs.shape_given import EXAMPLE, Asking, read_shape, workload_of_shape
from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.adaptive import ADAPTIVE
from judgefast.pipeline.adaptive_costs import least_of, notes_of_share, open_share_of
from judgefast.pipeline.counting import Counter, answers_of_shape, notes_of_shape
from judgefast.pipeline.estimate_notes import of_cap, of_context, of_pilot, of_precision
from judgefast.pipeline.judge import rubric_in_force
from judgefast.pipeline.pilot_starts import with_starts_of
from judgefast.pipeline.setting import setting_for, with_engine_args

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model
    from judgefast.config import RunConfig
    from judgefast.costs.adaptive import OpenShare
    from judgefast.costs.estimate import Setting
    from judgefast.costs.estimates import Estimate
    from judgefast.costs.rates_store import Record
    from judgefast.costs.workload import Workload
    from judgefast.pipeline.setting import CostWishes
    from judgefast.prompts.rubric import Rubric
    from judgefast.reports.plan_report import PlanReport

EXACTLY_ONE = Range.exactly(1.0)

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
    open_share: OpenShare | None
    """Of first orders; None where orders cannot be adaptive, since no labels are read."""
    notes: list[str]
    measured: Sequence[Record]
    """On this machine: its file is read once for all that is priced."""

    @property
    def is_adaptive(self) -> bool:
        """Whether second orders are asked only where the first is not sure."""
        return self.workload.asked != EXACTLY_ONE

    @property
    def mode(self) -> str:
        """Of the rubric: `pairwise`, `choice`, `scalar` or `binary`."""
        return self.rubric.mode

    def estimate(self) -> Estimate:
        """What it costs as it was asked."""
        made = estimate(self.workload, self.setting)
        is_exact = self.plan is not None and self.workload.basis == "counted"
        digest = self.plan.digest if self.plan is not None and is_exact else None
        others: list[str] = []
        if self.setting.rates is None:  # what was measured is of the precision that was chosen
            others += of_precision(
                made,
                self.model,
                self.gpu,
                self.wishes,
                is_quantized=self.setting.shape.quantized is not None,
                among=self.measured,
            )
        notes = [*self.notes, *made.notes, *others]
        return msgspec.structs.replace(made, digest=digest, notes=notes)


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
    model = find_model(_path_or_name(str(config.model)))
    wishes = with_starts_of(with_engine_args(wishes, config.engine_args), model)
    data = list(data) if isinstance(data, Iterator) else data  # it may be planned again
    gpu, gpus = parse_gpus(str(wishes.gpu))
    counter = Counter(config, wishes, model, rubric, say)
    if lengths is None:
        counted = counter.plan(data)
        workload, plan, decoding = counted
        least: float | None = plan.requests.least_requests

        def in_orders(number: int) -> Workload:
            if "-" in config.data:
                msg = "stdin is read once, and what is asked for needs it again"
                raise ConfigError(msg, hint="name a file in place of `-`")
            return Counter(_ordered(config, number), wishes, model, rubric, None).plan(data)[0]
    else:
        plan = None
        head = counter.head()
        decoding = head.decoding
        answers = answers_of_shape(lengths, head.decoding, wishes)
        known = lengths.rubric if lengths.rubric is not None else head.tokens

        def in_orders(number: int) -> Workload:
            asking = _asking(_ordered(config, number), rubric, held=head.decoding.is_held)
            return workload_of_shape(lengths, asking, answers, rubric=known)

        workload = in_orders(1 if config.orders == "one" else 2)
        least = least_of(workload, config.audit)
    share = open_share_of(config, wishes, rubric, decoding)
    if config.orders == ADAPTIVE and share is not None and least is not None:
        workload = with_open(workload, least, share)
    if not workload.requests:
        msg = "nothing is left to be asked of these data"
        raise DataError(msg, hint="`judgefast plan` says why")
    known_of = [
        *notes_of_share(workload, share),
        *of_context(model, workload, plan),
        *of_pilot(wishes, model, rubric, workload.answers),
        *of_cap(workload.answers, decoding),
    ]
    measured = records()
    setting = setting_for(model, gpu, wishes, workload, gpus=gpus, among=measured)
    notes = counter.notes
    if lengths is not None:
        notes = notes_of_shape(lengths, head, answers, model)
    return Estimated(
        workload,
        setting,
        model,
        gpu,
        wishes,
        rubric,
        plan,
        in_orders,
        share,
        [*known_of, *notes],
        measured,
    )


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
    if shape is not None and config.limit is not None:
        msg = f"--limit {config.limit} is for DATA, and a shape says how many there are"
        raise ConfigError(msg, hint=f"write questions={config.limit} in --shape")


def _path_or_name(model: str) -> str | Path:
    path = Path(model).expanduser()
    return path if path.exists() else model


def _ordered(config: RunConfig, number: int) -> RunConfig:
    return config.replace(orders="one" if number == 1 else "both")


def _asking(config: RunConfig, rubric: Rubric, *, held: bool) -> Asking:
    compares = rubric.mode in {"pairwise", "choice"}
    return Asking(
        mode=rubric.mode,
        orders=2 if compares and config.orders != "one" else 1,
        aspects=1 if rubric.together else len(rubric.aspects),
        judgments_each=len(rubric.aspects) if rubric.together else 1,
        repeats=config.repeats,
        pairs=config.pairs,
        held=held,
    )
