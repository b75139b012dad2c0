"""Rates that were calibrated, for a judge on accelerators that need not be here.

Of the judge itself first, as its engine sets itself up; else what a calibration of another judge
shows of the same kind of GPU. Where there is neither, the roofline has what was fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.rates_store import known, reached_on, records
from judgefast.costs.roofline import rates_of

if TYPE_CHECKING:
    from judgefast.catalogue.models import Model
    from judgefast.costs.estimate import Setting
    from judgefast.costs.rates import Rates

ENGINE = "vllm"


def measured_rates(model: Model, setting: Setting, *, as_usual: bool) -> Rates | None:
    """The surest rates that were measured; None where nothing was.

    Args:
        model: The judge.
        setting: How it lies on its GPUs.
        as_usual: Precision and layout are the engine's own choice: those of a calibration are too.

    """
    found = records()
    if as_usual:
        names = {name.rpartition("/")[2].casefold() for name in (model.key, *model.names)}
        for record in reversed(found):
            one = record.setting
            is_it = record.gpu == setting.gpu.key and (one.engine, one.options) == (ENGINE, "")
            if record.wall and is_it and one.model.rpartition("/")[2].casefold() in names:
                measured = known(one, found)
                return None if measured is None else measured.rates()
    reached = reached_on(setting.gpu.key, ENGINE, found)
    if reached is None:
        return None
    return rates_of(
        setting.shape,
        setting.gpu,
        efficiencies=reached,
        gpus=setting.gpus_per_copy,
        weights=setting.weights,
        cache=setting.cache,
    )
