"""Accelerators: what a datasheet and a driver say of them."""

from __future__ import annotations

import math
import re

import msgspec

from judgefast.catalogue.files import Source, find, read_rows
from judgefast.errors import ConfigError

_COUNTED = re.compile(r"(?P<name>[^:]+)(?::(?P<count>[^:]*))?")
_MOST = 4096
_FIGURES = (
    *("memory_sold", "memory_bytes", "bandwidth", "flops_bf16", "flops_fp8", "flops_fp4"),
    *("ops_int8", "tdp_watts", "link_bytes"),
)


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One accelerator. None is a figure that no source was found for."""

    key: str
    name: str
    """In full, with its memory as sold."""
    aliases: list[str] = []
    """Short names, and what the driver calls it."""
    sky: str | None = None
    """SkyPilot's name."""
    architecture: str | None = None
    memory_sold: int | None = None
    """Bytes as sold, of which less can be used."""
    memory_bytes: int | None = None
    """Bytes that the driver reports, before an engine takes its own 1 to 4 GiB."""
    bandwidth: float | None = None
    """Of its memory. Bytes a second."""
    flops_bf16: float | None = None
    """Dense, as all rates here. Operations a second."""
    flops_fp8: float | None = None
    flops_fp4: float | None = None
    ops_int8: float | None = None
    tdp_watts: float | None = None
    link: str | None = None
    """What joins it to the others of its machine."""
    link_bytes: float | None = None
    """Of that link. Bytes a second and direction."""
    sources: list[Source] = []
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse a figure of 0 or less: what is not known is null."""
        for name in _FIGURES:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                message = f"`{name}` is {value}; it must be above 0, or null where it is not known"
                raise ValueError(message)

    @property
    def names(self) -> list[str]:
        """Other names that it is known by."""
        return [*self.aliases, self.name, *([self.sky] if self.sky else [])]


def read_gpus() -> dict[str, Gpu]:
    """All accelerators by key, the user's own among them.

    Raises:
        ConfigError: A line of the user's file is not a row.

    """
    return read_rows("gpus", Gpu)


def find_gpu(name: str) -> Gpu:
    """Find an accelerator by key, short name, SkyPilot's name or the driver's.

    Raises:
        ConfigError: No accelerator has that name; the message says which are alike.

    >>> find_gpu("h200").key, find_gpu("NVIDIA H100 80GB HBM3").key
    ('H200-SXM', 'H100-SXM')

    """
    return find("GPU", name, read_gpus())


def parse_gpus(text: str) -> tuple[Gpu, int]:
    """Read `--gpu`: a name, and how many after a colon.

    Raises:
        ConfigError: The name is not known, or the number is none from 1 to 4096.

    >>> gpu, count = parse_gpus("H200:2")
    >>> gpu.key, count
    ('H200-SXM', 2)

    """
    match = _COUNTED.fullmatch(text.strip())
    count = match["count"] if match else None
    if match is None or (count is not None and not _is_count(count)):
        message = f"`{text}` is no accelerator with a number of them"
        raise ConfigError(message, hint="write H200, or H200:2 for two of them")
    return find_gpu(match["name"].strip()), int(count or 1)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST
