"""The one way in which OpenVINO is imported, in processes of our own only."""

from __future__ import annotations

import sys
from typing import Any


def load_openvino() -> tuple[Any, Any]:
    """Import `openvino` and `openvino_genai`, without the telemetry.

    As it comes, importing `openvino` reports the import to its makers, from a process that it forks
    off: nobody asked our user, and that process inherits our pipes and may outlive us with them.
    """
    # With no such module it falls back to a stub of its own.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # None stands for a module that is not there
    import openvino  # noqa: PLC0415 - heavy
    import openvino_genai  # noqa: PLC0415 - heavy

    return openvino, openvino_genai
