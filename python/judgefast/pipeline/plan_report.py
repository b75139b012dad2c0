"""What a run would ask and what of it must be computed, said before anything is loaded or paid.

Everything comes from the code that a run plans by: the same judge, the same rows, the same plan,
so that its digest is the run's. The engine is built, and never started.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from judgefast.datasets.run_order import snapshot
from judgefast.errors import ConfigError
from judgefast.journal.manifest import NAME
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.adaptive import seconds_in
from judgefast.pipeline.cached import CacheWishes, cache_of
from judgefast.pipeline.directory import reader_of
from judgefast.pipeline.dry_run import Nowhere
from judgefast.pipeline.fit import check_answers, check_fit
from judgefast.pipeline.judge import judge_of
from judgefast.pipeline.meter import check_budget
from judgefast.pipeline.plan import plan_run
from judgefast.pipeline.plan_layouts import compare_layouts
from judgefast.pipeline.plan_lint import Lint
from judgefast.pipeline.survey import Survey, sent_rows
from judgefast.prompts.block import SLOTS
from judgefast.reports.plan_report import (
    LongPrompt,
    OrderCost,
    PlannedCache,
    PlannedMemory,
    PlannedPrompts,
    PlannedRequests,
    PlannedRows,
    PlanReport,
    SharedPart,
    TooLong,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from judgefast.batches.cache import CacheSettings
    from judgefast.config import RunConfig
    from judgefast.datasets.reader import ItemReader
    from judgefast.engines.base import Engine
    from judgefast.pipeline.adaptive import SecondOrders
    from judgefast.pipeline.cached import PlanCache
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import PlannedBlock, RunPlan


def plan_report(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    config: RunConfig,
    *,
    data: Any = None,  # noqa: ANN401 - whatever `read_items` takes
    engine: Engine | None = None,
    wishes: CacheWishes | None = None,
    layouts: bool = False,
    lint: bool = False,
    say: Callable[[str], None] | None = None,
) -> PlanReport:
    """Read, plan, simulate; leave nothing behind.

    Args:
        config: The options of the run; a run that is in its `out` already is only read.
        data: Rows in memory, instead of `config.data`.
        engine: An engine that is there already, instead of `config.engine`. It is closed.
        wishes: Of the cache.
        layouts: Compare the layouts that the rubric allows.
        lint: Look for what keeps prompts from sharing.
        say: Told what a person should know.

    Raises:
        JudgefastError: As `run` would: it cannot be planned.

    """
    check_budget(config)
    wishes = wishes or CacheWishes()
    wishes.check()
    if engine is not None:
        config = config.replace(engine=engine.name)
    if data is None and not config.data:
        msg = "no data was named"
        raise ConfigError(msg, hint="judgefast plan DATA ..., with DATA a file, glob, folder or -")
    with ExitStack() as stack:
        if engine is not None:
            stack.callback(engine.close)
        judge = judge_of(config, engine=engine, is_to_plan=True)
        stack.callback(judge.engine.close)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="judgefast-")))
        reader = reader_of(config, judge, list(config.data) if data is None else data)
        snapshot(reader, scratch, seed=config.seed, limit=config.limit)
        check_answers(judge, is_single=reader.summary.mode == "single")
        check_fit(scratch, config, judge)
        cache = cache_of(judge, wishes)
        settings = None if cache is None else cache.settings
        characters = judge.prompts if judge.rendered and cache is None else None
        survey = Survey(settings, characters_of=characters)
        linter = Lint(judge, config, scratch, settings) if lint else None

        def watch(block: PlannedBlock) -> None:
            survey(block)
            if linter is not None:
                linter(block)

        plan = plan_run(
            _nowhere(config), scratch, judge, config, say or _say_nothing, watch, wishes
        )
        seconds = seconds_in(scratch, config, plan, judge)
        report = _report(judge, config, reader, survey, plan, seconds)
        if cache is not None:
            report = replace(report, **_costs(judge, survey, cache))
            if layouts:
                report = replace(report, layouts=compare_layouts(judge, config, scratch, wishes))
        if linter is not None:
            report = replace(report, lint=linter.findings())
        return report


def _nowhere(config: RunConfig) -> Nowhere:
    """Beside the run that is there, which keeps the requests that it has."""
    path = Path(str(config.out))
    is_run = config.out is not None and (path / NAME).is_file()
    return Nowhere(RunDirectory.open(path, write=False) if is_run else None)


def _say_nothing(words: str) -> None:
    del words


def _report(  # noqa: PLR0913, PLR0917 - what is known of a plan
    judge: Judge,
    config: RunConfig,
    reader: ItemReader,
    survey: Survey,
    plan: RunPlan,
    seconds: SecondOrders | None,
) -> PlanReport:
    """What is known of every plan, whatever the engine takes."""
    summary = reader.summary
    rubric, decoding, model = judge.rubric, judge.prompts.decoding, judge.engine.model
    skipped = dict(summary.skipped)
    if survey.items < summary.items:
        skipped["not_in_sample"] = summary.items - survey.items
    counted = judge.prompts.needs_ids and judge.rendered
    sent = survey.requests
    notes = getattr(judge.engine, "plan_notes", None)
    return PlanReport(
        rubric=rubric.name,
        mode=rubric.mode,
        judge=judge.name,
        engine=judge.engine.name,
        digest=plan.digest,
        prompt_hash=judge.prompts.prompt_hash,
        rows=PlannedRows(
            read=summary.rows,
            items=survey.items,
            skipped=skipped,
            questions=survey.questions,
            answers=survey.answers,
        ),
        requests=PlannedRequests(
            judgments=survey.judgments,
            orders=2 if config.orders != "one" and rubric.mode in _OF_SEVERAL else 1,
            aspects=judge.aspects,
            repeats=config.repeats,
            requests=sent,
            least_requests=None
            if seconds is None
            else int(np.count_nonzero(seconds.needed_anyway & sent_rows(plan))),
            audit=None if seconds is None else seconds.audit_words,
            too_long=survey.too_long,
            not_needed=survey.not_needed,
            truncated=survey.truncated,
            left_out_tokens=survey.left_out_tokens,
        ),
        prompts=PlannedPrompts(
            tokens=survey.prompt_tokens if counted else None,
            mean_tokens=survey.prompt_tokens / sent if counted and sent else None,
            longest_tokens=survey.longest_tokens if counted and sent else None,
            characters=survey.characters if judge.rendered and not counted else None,
            answer_tokens=decoding.most_tokens,
        ),
        longest=[LongPrompt(item_id=item, tokens=many) for many, item in survey.longest],
        too_long=[
            TooLong(
                item_id=one.item_id, requests=one.requests, tokens=one.tokens + decoding.most_tokens
            )
            for one in survey.misfits
        ],
        context_tokens=model.context_tokens,
        notes=[] if notes is None else notes(),
    )


_OF_SEVERAL = {"pairwise", "choice"}


def _costs(judge: Judge, survey: Survey, cache: PlanCache) -> dict[str, Any]:
    """The fields of a report that a cache is simulated for; none where nothing is sent."""
    if not survey.requests or not survey.prompt_tokens:
        return {}
    sample, settings = survey.sample, cache.settings
    whole = sample.prompt_tokens
    computed = {"none": whole, **sample.computed(settings), "plan": sample.computed_tokens}
    cached = int(survey.by_slot.sum())
    return {
        "cache": PlannedCache(
            **cache.sizes,
            window=settings.window,
            given=sorted(cache.given),
            assumed=list(cache.assumed),
        ),
        "looked_at": sample.requests,
        "costs": [
            OrderCost(order=name, computed_tokens=computed[name], share=computed[name] / whole)
            for name in ("none", "random", "natural", "plan", "least")
        ],
        "shared": [
            SharedPart(part=part, cached_tokens=many, share=many / cached)
            for part, many in parts_of(survey.by_slot, judge.rubric.mode)
        ],
        "memory": _memory(judge, survey, settings),
    }


def parts_of(by_slot: NDArray[np.int64], mode: str) -> list[tuple[str, int]]:
    """Names of the parts of prompts that have any of some tokens, with these."""
    found = []
    for code in np.flatnonzero(by_slot).tolist():
        place = code - _ANSWER
        if place >= 0:
            part = "answer" if mode not in _OF_SEVERAL else f"answer_{place + 1}"
        else:
            part = SLOTS[code] or "rubric"
        found.append((part, int(by_slot[code])))
    return found


_ANSWER = SLOTS.index("answer")


def _memory(judge: Judge, survey: Survey, settings: CacheSettings) -> PlannedMemory | None:
    """None where the engine does not know what a token takes."""
    measure = getattr(judge.engine, "cache_memory", None)
    if measure is None:
        return None
    running = min(settings.running, survey.requests)
    longest = survey.longest_tokens + settings.generated_tokens
    total = measure(survey.working_tokens, running)
    if total is None:
        return None
    return PlannedMemory(
        bytes_per_token=measure(1, 1) - measure(0, 1),
        tokens=survey.working_tokens,
        total_bytes=total,
        longest_bytes=measure(longest, 1),
    )
