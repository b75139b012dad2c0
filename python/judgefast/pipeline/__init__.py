"""The whole way of the data. The only package that knows all stages.

datasets -> prompts -> batches -> engines -> verdicts -> outcomes -> stats -> reports

`run` tells the story; each other module is one chapter of it: `judge` (rubric, engine, prompts),
`directory` (rows, manifest, resume), `plan`, `ask`, `results`, `stream`. Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.pipeline.finished import Finished
    from judgefast.pipeline.results import Reading, report_of
    from judgefast.pipeline.run import resume, run
    from judgefast.pipeline.stream import stream

__all__ = ["Finished", "Reading", "report_of", "resume", "run", "stream"]

_HOMES = {
    "Finished": "finished",
    "Reading": "results",
    "report_of": "results",
    "resume": "run",
    "run": "run",
    "stream": "stream",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
