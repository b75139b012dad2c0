"""`judgefast.estimate`: what a run costs before anything is rented, for programs."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.costs.estimates import Estimate

LOG = logging.getLogger("judgefast")

STARTS = ("warm", "boot_seconds", "download_rate", "load_seconds", "compile_seconds")
WISHES = (
    *("gpus_per_copy", "weights", "cache", "max_num_seqs", "answer_tokens", "thinking_tokens"),
    *("pilot", "preemptions_per_day", "checkpoint_seconds"),
)
"""What an estimate takes beside the options of a run, by the names of the flags."""


def estimate(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    data: Any = None,  # noqa: ANN401 - as described
    *,
    rubric: str | os.PathLike[str],
    model: str | os.PathLike[str],
    gpu: str,
    shape: str | None = None,
    say: Callable[[str], None] = LOG.info,
    **options: Any,  # noqa: ANN401 - as described
) -> Estimate:
    """Say what a run would take and cost on rented accelerators. None is needed for it.

    Args:
        data: As for `judgefast.run`; None where `shape` is given.
        rubric: Name of a built-in rubric, or path of a TOML file.
        model: Name of the catalogue (`judgefast models`), or a folder with config.json and
            tokenizer.json, by which prompt tokens are counted exactly.
        gpu: Kind and number, as `"H200"` or `"H200:2"`.
        shape: Lengths in place of data, as `"questions=10000,answer=1000,rubric=500,out=500"`.
        say: Told what a person should know; by default the logger `judgefast`, at level INFO.
        options: Fields of `RunConfig`, `price` and `provider` among them; and, each named as its
            flag of `judgefast estimate`: `gpus_per_copy`, `weights`, `cache`, `max_num_seqs`,
            `answer_tokens`, `thinking_tokens`, `pilot`, `preemptions_per_day`,
            `checkpoint_seconds`, `warm`, `boot_seconds`, `download_rate`, `load_seconds`,
            `compile_seconds`; and what is to be decided by it, by the flags of the same names:
            `alternatives`, `deadline`, `power` with `against`, `of`, `rate`, `sd`, `discordant`,
            `correlation`, `one_sided`, `power_at`.

    Returns:
        Ranges with their reasons; see `docs/costs.md`. Where something is to be decided, or a
        `budget` is given, it has `decisions`: a `judgefast.costs.decisions.Decided`.

    Raises:
        ConfigError: An option is unknown or out of range, or the judge does not fit: by how much.
        DataError: The data cannot be used; the message names the row.
        RubricError: The rubric has a mistake.
        ModelError: The judge model cannot be used.

    """
    from judgefast.config import config_from  # noqa: PLC0415 - msgspec
    from judgefast.costs.decisions import Decided  # noqa: PLC0415 - as above
    from judgefast.pipeline.decide import NAMES, decide, decision_wishes  # noqa: PLC0415 - heavy
    from judgefast.pipeline.estimate import asked  # noqa: PLC0415 - as above
    from judgefast.pipeline.setting import wishes_from  # noqa: PLC0415 - as above
    from judgefast.runs import split_data  # noqa: PLC0415 - as above

    wished = {name: options.pop(name) for name in (*WISHES, *STARTS) if name in options}
    decisive = {name: options.pop(name) for name in NAMES if name in options}
    named: dict[str, Any] = {"rubric": os.fspath(rubric), "model": os.fspath(model), "gpu": gpu}
    paths, rows = split_data(data)
    if paths:
        named["data"] = paths
    config = config_from(options | named, where="judgefast.estimate")
    wishes = wishes_from(wished, config)
    wanted = decision_wishes(decisive, config, pilot=wishes.pilot)
    found = asked(config, wishes, shape=shape, data=rows, say=say)
    made = found.estimate()
    return made if wanted.are_none else Decided.of(made, decide(found, wanted))
