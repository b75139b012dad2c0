"""Accelerators by the names that clouds have for them, and how a model is spread over several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY: Mapping[str, int] = {
    "H200": 141,
    "H100": 80,
    "B200": 180,
    "A100-80GB": 80,
    "A100": 40,
    "L40S": 48,
    "L4": 24,
}
"""GB as sold, by SkyPilot's name."""

MOST = 8
"""Accelerators in a machine."""

FILL = 0.85
"""Share of an accelerator that weights may take: the rest is for the KV cache and vLLM itself."""


def least_parts(weight_bytes: float, memory_gb: int) -> int | None:
    """Accelerators that hold one copy of a model: 1, 2, 4 or 8; None where 8 do not.

    >>> least_parts(75e9, 141), least_parts(75e9, 80), least_parts(2e12, 141)
    (1, 2, None)
    """
    parts = 1
    while parts <= MOST:
        if weight_bytes / parts <= FILL * memory_gb * 1e9:
            return parts
        parts *= 2
    return None


def spread(gpus: int | None, parts: int) -> tuple[int, int]:
    """Tensor and data parallel size for so many accelerators.

    Args:
        gpus: How many there are; None for as many as one copy takes.
        parts: How many one copy takes.

    Raises:
        ConfigError: A copy does not fit, or copies leave some of them over.

    """
    if gpus is None:
        return parts, 1
    if gpus % parts or gpus < 1:
        message = f"--gpus is {gpus}, and a copy of this model takes {parts}"
        raise ConfigError(message, hint=f"say --gpus {parts}, or a multiple of it")
    return parts, gpus // parts
