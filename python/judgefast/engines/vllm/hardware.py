"""Which GPUs this machine has, asked of its driver: nothing here starts CUDA in this process."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

import msgspec

_MIB = 1 << 20
_SECONDS = 20.0
_FIELDS = ("index", "uuid", "name", "memory.total", "memory.used", "compute_cap")
_WITH_FP8 = (8, 9)
"""Compute capability of Ada, the first whose tensor cores take fp8; Hopper is 9.0."""
_WITH_FP8_ATTENTION = (9, 0)


class Gpu(msgspec.Struct, frozen=True):
    """One GPU that vLLM may use."""

    name: str
    """As `CUDA_VISIBLE_DEVICES` names it: its number, or what the user has named it by."""
    product: str
    total_bytes: int
    """As the driver reports it; CUDA sees about one percent less."""
    used_bytes: int
    """By whoever is on it now."""
    capability: tuple[int, int] | None
    """Compute capability; None where the driver is too old to say."""

    @property
    def takes_fp8(self) -> bool:
        """Whether it multiplies 8-bit numbers faster than 16-bit ones."""
        return self.capability is not None and self.capability >= _WITH_FP8

    @property
    def takes_fp8_cache(self) -> bool:
        """Whether vLLM's attention reads an 8-bit cache on it without a detour."""
        return self.capability is not None and self.capability >= _WITH_FP8_ATTENTION


def find_gpus() -> list[Gpu]:
    """GPUs that this process may use, in the order in which CUDA numbers them; none on a CPU.

    None, too, where vLLM is its CPU build, or no NVIDIA driver answers: then nothing is known, and
    nothing is chosen.
    """
    if is_cpu_build() or shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(  # noqa: S603 - a constant command
            command, capture_output=True, text=True, check=True, timeout=_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return visible(parse(said), os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse(said: str) -> list[tuple[str, Gpu]]:
    """What `nvidia-smi` lists, each with its UUID; a line that is no GPU's is left out."""
    found = []
    for line in said.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != len(_FIELDS) or not fields[3].isdigit():
            continue
        index, uuid, product, total, used, capability = fields
        major, _, minor = capability.partition(".")
        known = major.isdigit() and minor.isdigit()
        found.append(
            (
                uuid,
                Gpu(
                    name=index,
                    product=product,
                    total_bytes=int(total) * _MIB,
                    used_bytes=int(used) * _MIB if used.isdigit() else 0,
                    capability=(int(major), int(minor)) if known else None,
                ),
            )
        )
    return found


def visible(listed: list[tuple[str, Gpu]], named: str | None) -> list[Gpu]:
    """Those that `CUDA_VISIBLE_DEVICES` leaves; None leaves all.

    As CUDA does it: what comes after a name that is no GPU's does not count. A part of a GPU
    (`MIG-...`) is such a name: its memory is not known here.
    """
    if named is None:
        return [gpu for _, gpu in listed]
    found = []
    for name in (part.strip() for part in named.split(",")):
        match = [
            gpu
            for uuid, gpu in listed
            if name == gpu.name or (name.startswith("GPU-") and uuid.startswith(name))
        ]
        if len(match) != 1:
            break
        found.append(msgspec.structs.replace(match[0], name=name))
    return found


def is_cpu_build() -> bool:
    """Whether the vLLM that is installed here is one for the CPU."""
    try:
        return version("vllm").endswith("+cpu")
    except PackageNotFoundError:
        return False
