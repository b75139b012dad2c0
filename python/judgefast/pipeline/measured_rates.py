"""Rates that were calibrated, for a judge on accelerators that need not be here.

Of the judge itself first, as its engine sets itself up; else what a calibration of another judge
shows of the same kind of GPU, by which the roofline's own are changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.rates_store import known, reached_on, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.catalogue.models import Model
    from judgefast.costs.estimate import Setting
    from judgefast.costs.rates_store import Record

ENGINE = "vllm"


def with_measured(
    setting: Setting,
    model: Model,
    *,
    as_usual: bool,
    among: Sequence[Record] | None = None,
) -> Setting:
    """Add the surest that was measured: rates of the judge, else what another one has shown.

    Args:
        setting: How the judge lies on its GPUs.
        model: The judge.
        as_usual: Precision and layout are the engine's own choice: those of a calibration are too.
        among: Records, instead of those of the file: who asks often reads it once.

    """
    found = records() if among is None else among
    if as_usual:
        names = {name.rpartition("/")[2].casefold() for name in (model.key, *model.names)}
        for record in reversed(found):
            one = record.setting
            is_it = record.gpu == setting.gpu.key and (one.engine, one.options) == (ENGINE, "")
            if record.wall and is_it and one.model.rpartition("/")[2].casefold() in names:
                measured = known(one, found)
                rates = None if measured is None else measured.rates()
                return msgspec.structs.replace(setting, rates=rates)
    reached = reached_on(setting.gpu.key, ENGINE, experts=setting.shape.experts > 1, among=found)
    return msgspec.structs.replace(setting, reached=reached)
