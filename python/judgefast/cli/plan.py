"""`judgefast plan`: what a run would ask and compute, before anything is paid."""

from __future__ import annotations

import sys
from typing import Any

import click

from judgefast.cli.options import config_of, run_options
from judgefast.cli.output import put, say


@click.command()
@click.argument("data", nargs=-1, type=click.Path())
@run_options
@click.option("--layout", "layouts", is_flag=True, help="Compare the layouts the rubric allows.")
@click.option("--lint", is_flag=True, help="Name what keeps prompts from sharing.")
@click.option("--block-tokens", type=int, help="Tokens of a block of the cache.")
@click.option("--cache-tokens", type=int, help="Tokens that the cache has room for.")
@click.option("--running", type=int, help="Requests at work at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(  # noqa: PLR0913 - flags
    data: tuple[str, ...],
    *,
    layouts: bool,
    lint: bool,
    block_tokens: int | None,
    cache_tokens: int | None,
    running: int | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - flags
) -> int:
    """Say what judging DATA would ask and compute (docs/plan.md). No engine is started.

    Takes every flag of `judgefast run`. MODEL may be a folder with config.json and tokenizer.json,
    without weights: it is planned as the engine `vllm` would ask it. Without a model: the embedded
    one.

    Example: judgefast plan answers.jsonl --rubric pairwise --model models/Qwen2.5-72B-Instruct

    Exit status: 0 planned, 2 it cannot be.
    """
    engine = given.get("engine")
    config = config_of(given | {"data": data})
    from judgefast.pipeline.cached import CacheWishes  # noqa: PLC0415 - numpy
    from judgefast.pipeline.plan_report import plan_report  # noqa: PLC0415 - heavy
    from judgefast.plans import planned_by  # noqa: PLC0415 - as above
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - as above
    from judgefast.reports.console import look_of  # noqa: PLC0415 - as above
    from judgefast.reports.plan_text import render_plan  # noqa: PLC0415 - as above

    found = plan_report(
        config if engine else planned_by(config),
        wishes=CacheWishes(block_tokens, cache_tokens, running),
        layouts=layouts,
        lint=lint,
        say=say,
    )
    put((to_json(found) if as_json else render_plan(found, look_of(sys.stdout))).rstrip("\n"))
    return 0
