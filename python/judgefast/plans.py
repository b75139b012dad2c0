"""`judgefast.plan`: what a run would ask and compute, for programs."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.reports.plan_report import PlanReport

LOG = logging.getLogger("judgefast")


def plan(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    data: Any,  # noqa: ANN401 - as described
    *,
    rubric: str | os.PathLike[str],
    model: str | os.PathLike[str] | None = None,
    engine: str | Engine | None = None,
    layouts: bool = False,
    lint: bool = False,
    block_tokens: int | None = None,
    cache_tokens: int | None = None,
    running: int | None = None,
    say: Callable[[str], None] = LOG.info,
    **options: Any,  # noqa: ANN401 - fields of RunConfig
) -> PlanReport:
    """Say what a run would ask, and which of its prompt tokens must be computed.

    No engine is started, and nothing is left behind.

    Args:
        data: As for `judgefast.run`.
        rubric: Name of a built-in rubric, or path of a TOML file.
        model: Folder with config.json and tokenizer.json, without weights; or as the engine takes
            it. None: the engine's default.
        engine: Name of an engine, or an engine, which is closed. None: `vllm` for a folder of
            transformers' layout, else `embedded`.
        layouts: Compare the layouts that the rubric allows.
        lint: Look for what keeps prompts from sharing.
        block_tokens: Of a block of the cache; by default the engine's.
        cache_tokens: That the cache has room for; by default the engine's, else an assumed one.
        running: Requests at work at once; by default the engine's.
        say: Told what a person should know; by default the logger `judgefast`, at level INFO.
        options: Fields of `RunConfig`.

    Raises:
        ConfigError: An option is unknown or out of range.
        DataError: The data cannot be used; the message names the row.
        RubricError: The rubric has a mistake.
        ModelError: The judge model cannot be used.

    """
    from judgefast.config import config_from  # noqa: PLC0415 - msgspec
    from judgefast.pipeline.cached import CacheWishes  # noqa: PLC0415 - numpy
    from judgefast.pipeline.plan_report import plan_report  # noqa: PLC0415 - heavy
    from judgefast.runs import split_data  # noqa: PLC0415 - as above

    options["rubric"] = os.fspath(rubric)
    if model is not None:
        options["model"] = os.fspath(model)
    if isinstance(engine, str):
        options["engine"] = engine
    paths, rows = split_data(data)
    if paths:
        options["data"] = paths
    config = config_from(options, where="judgefast.plan")
    return plan_report(
        planned_by(config) if engine is None else config,
        data=rows,
        engine=None if isinstance(engine, str) else engine,
        wishes=CacheWishes(block_tokens, cache_tokens, running),
        layouts=layouts,
        lint=lint,
        say=say,
    )


def planned_by(config: RunConfig) -> RunConfig:
    """The options with the engine that a model folder is for, where none was named.

    Raises:
        ModelError: The folder is none of a model.

    """
    if not config.model or config.engine != "embedded":
        return config
    folder = Path(config.model).expanduser()
    if (folder / "openvino_model.xml").is_file() or folder.is_file() or folder.suffix == ".gguf":
        return config
    if (folder / "config.json").is_file():
        return config.replace(engine="vllm")
    from judgefast.errors import ModelError  # noqa: PLC0415 - only here

    seen = "holds no config.json" if folder.is_dir() else "does not exist"
    msg = f"model `{config.model}` {seen}"
    raise ModelError(
        msg,
        hint="name a folder with the model's config.json and tokenizer.json; weights need not be "
        "there. For the embedded engine: a GGUF file, a folder with openvino_model.xml, or nothing",
    )
