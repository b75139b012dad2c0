"""What the start of a pilot's engine took: the same judge takes that again on such a machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.journal.launches import read_launches

if TYPE_CHECKING:
    from judgefast.catalogue.models import Model
    from judgefast.costs.starting import StartWishes
    from judgefast.pipeline.setting import CostWishes


def with_starts_of(wishes: CostWishes, model: Model) -> CostWishes:
    """Take load and compile seconds from the pilot, where nobody has given either.

    Args:
        wishes: Of the estimate; without a pilot they stay as they are.
        model: The judge; a pilot by another one says nothing of its start.

    """
    told = wishes.starts
    if (
        wishes.pilot is None
        or told.warm
        or (told.load_seconds, told.compile_seconds) != (None,) * 2
    ):
        return wishes
    for facts in reversed(read_launches(Path(wishes.pilot) / "launches")):
        found = _seen(facts.get("engine", {}), told, model)
        if found is not None:
            return msgspec.structs.replace(wishes, starts=found)
    return wishes


def _seen(engine: dict[str, Any], told: StartWishes, model: Model) -> StartWishes | None:
    """None where it is of another judge or engine, or was on a CPU."""
    startup, name = engine.get("startup"), str(engine.get("model", ""))
    names = {each.rpartition("/")[2].casefold() for each in (model.key, *model.names)}
    is_it = engine.get("engine") == "vllm" and name.rpartition("/")[2].casefold() in names
    if not startup or not is_it or engine.get("device") == "cpu":
        return None
    compiling = float(engine.get("compile_seconds") or 0.0)
    return msgspec.structs.replace(
        told,
        load_seconds=max(0.0, float(startup.get("start", 0.0)) - compiling),
        compile_seconds=float(startup.get("import", 0.0)) + compiling,
        measured=f"measured in the pilot, by the start of its engine on {engine.get('device')}",
    )
