"""What processors and the accelerator do meanwhile: CPU seconds by process, share of GPU time."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

SAMPLE_SECONDS = 0.1
TICK = os.sysconf("SC_CLK_TCK")


class Cores:
    """CPU seconds of this process, of those that it has started, and of its parent."""

    def seconds(self) -> tuple[float, float, float]:
        """So far: front end, engine core with its workers, pipeline."""
        below = sum(_cpu(pid) for pid in _descendants(os.getpid()))
        return time.process_time(), below, _cpu(os.getppid())


class Gpu:
    """Share of the time in which the first GPU ran anything, by NVML, ten times a second."""

    def __init__(self) -> None:
        self._busy = self._samples = 0.0
        self._lock = threading.Lock()
        with suppress(Exception):  # no NVML: there is no GPU of that kind
            from vllm.third_party import pynvml  # noqa: PLC0415 - it comes with vLLM

            pynvml.nvmlInit()
            first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(first or 0))
            threading.Thread(target=self._watch, args=(pynvml, handle), daemon=True).start()

    def read(self) -> tuple[float, float]:
        """Sum of the shares so far, and how many; none without a GPU."""
        with self._lock:
            return self._busy, self._samples

    def _watch(self, pynvml: object, handle: object) -> None:
        while True:
            share = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100  # type: ignore[attr-defined] # NVML's
            with self._lock:
                self._busy += share
                self._samples += 1
            time.sleep(SAMPLE_SECONDS)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, thread.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK
