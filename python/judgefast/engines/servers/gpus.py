"""What clouds call an accelerator, and how a model is spread over several."""

from __future__ import annotations

from judgefast.catalogue.gpus import find_gpu
from judgefast.errors import ConfigError

MOST = 8
"""Accelerators in a machine."""

FILL = 0.85
"""Share of an accelerator that weights may take: the rest is for the KV cache and vLLM itself."""


def memory_gb(gpu: str) -> float:
    """Memory of an accelerator as sold, by any of its names. GB.

    Raises:
        ConfigError: It is not known, or its memory is not.

    >>> memory_gb("H200"), memory_gb("A100"), memory_gb("A100-80GB")
    (141.0, 40.0, 80.0)

    """
    found = find_gpu(gpu)
    if found.memory_sold is None:
        message = f"how much memory a {found.key} has is not known"
        raise ConfigError(message, hint="add `memory_sold` in a file of your own: docs/costs.md")
    return found.memory_sold / 1e9


def cloud_name(gpu: str) -> str:
    """Name of an accelerator at SkyPilot, as far as it is known, else its key.

    >>> cloud_name("H200-SXM"), cloud_name("NVIDIA L4"), cloud_name("h20")
    ('H200', 'L4', 'H20')
    """
    found = find_gpu(gpu)
    return found.sky or found.key


def least_parts(weight_bytes: float, memory_gb: float) -> int | None:
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
