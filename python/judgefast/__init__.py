"""Bulk LLM-as-a-judge: both orders, typed verdicts, honest intervals.

    run         judge answers, or go on judging, and return a `Run`
    plan        say what a run would ask and compute, before it is paid
    estimate    say what a run would take and cost on rented accelerators
    stream      judge rows as they come, in bounded memory, without a run directory
    Run         a run directory: report, estimates, tables, single items
    Panel       several judges over one data set: what each says, and where they agree
    agree       join finished runs as a panel
    RunConfig   every option of a run
    Estimate    a number with its interval
    errors      what is raised, in one tree under `JudgefastError`
    load_rubric, builtin_rubrics

Names load on first use: `import judgefast` by itself loads no library.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself would take half the time of this import
if TYPE_CHECKING:
    from judgefast import errors
    from judgefast.config import RunConfig
    from judgefast.estimates import estimate
    from judgefast.panels import Panel, agree, run
    from judgefast.pipeline.stream import stream
    from judgefast.plans import plan
    from judgefast.prompts.builtin import builtin_rubrics, load_rubric
    from judgefast.runs import Run
    from judgefast.stats.estimate import Estimate

    __version__: str

_HOMES = {
    "Estimate": "judgefast.stats.estimate",
    "Panel": "judgefast.panels",
    "Run": "judgefast.runs",
    "RunConfig": "judgefast.config",
    "agree": "judgefast.panels",
    "builtin_rubrics": "judgefast.prompts.builtin",
    "estimate": "judgefast.estimates",
    "load_rubric": "judgefast.prompts.builtin",
    "plan": "judgefast.plans",
    "run": "judgefast.panels",
    "stream": "judgefast.pipeline.stream",
}

__all__ = [
    "Estimate",
    "Panel",
    "Run",
    "RunConfig",
    "__version__",
    "agree",
    "builtin_rubrics",
    "errors",
    "estimate",
    "load_rubric",
    "plan",
    "run",
    "stream",
]


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 - on first use, as all that follows

    if name == "__version__":
        value: object = import_module("judgefast._native").__version__
    elif name == "errors":
        value = import_module("judgefast.errors")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        msg = f"module `judgefast` has no attribute `{name}`"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
