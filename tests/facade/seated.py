"""Judges for panels over the examples: recorded ones, and such that say one thing."""

from __future__ import annotations

import json
from typing import Any

from tests.engines.scripted import ScriptedEngine, answered
from tests.recorded import pairs, record, replayed

from judgefast.errors import EngineError

RUBRIC = "pairwise-reasons"


def says(letter: str, reason: str = "r") -> Any:
    return lambda request: answered(request, json.dumps({"verdict": letter, "reason": reason}))


def replays(**said: Any) -> list[dict[str, Any]]:
    return [replayed(name, record(pairs(), say)) for name, say in said.items()]


class Away(ScriptedEngine):
    """Its server is away: it cannot even say what it can do."""

    @property
    def capabilities(self) -> Any:
        message = "the server is away"
        raise EngineError(message)

    @capabilities.setter
    def capabilities(self, value: object) -> None:
        del value
