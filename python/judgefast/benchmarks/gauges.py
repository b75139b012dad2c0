"""What processors, memory and GPUs do meanwhile: CPU seconds by process, share of GPU time."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

SAMPLE_SECONDS = 0.1
MEMORY_SECONDS = 0.5
"""Between two looks at the memory of all processes, which cost more than a counter."""
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Cores:
    """CPU seconds of this process, of those that it has started, and of its parent."""

    def seconds(self) -> tuple[float, float, float]:
        """So far: front end, engine core with its workers, pipeline."""
        return time.process_time(), cpu_below(), _cpu(os.getppid())


class Gpu:
    """Share of the time in which GPUs ran anything, and their memory, by NVML, ten times a second.

    Without NVML there are no samples: nothing is known.
    """

    def __init__(self) -> None:
        self._busy = self._samples = 0.0
        self._most = 0
        self._lock = threading.Lock()
        with suppress(Exception):  # no NVML: there is no GPU of that kind
            nvml = _nvml()
            nvml.nvmlInit()
            handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in _visible(nvml)]
            if handles:
                threading.Thread(target=self._watch, args=(nvml, handles), daemon=True).start()

    def read(self) -> tuple[float, float]:
        """Sum of the shares so far, and how many; none without a GPU."""
        with self._lock:
            return self._busy, self._samples

    @property
    def most_bytes(self) -> int | None:
        """Most memory that was held on all of them together; None without a GPU."""
        with self._lock:
            return self._most or None

    def forget(self) -> None:
        """Let the most begin anew."""
        with self._lock:
            self._most = 0

    def _watch(self, nvml: Any, handles: list[Any]) -> None:  # noqa: ANN401 - NVML's own
        while True:
            try:
                rates = [nvml.nvmlDeviceGetUtilizationRates(handle) for handle in handles]
                held = sum(nvml.nvmlDeviceGetMemoryInfo(handle).used for handle in handles)
            except nvml.NVMLError:  # a part of a GPU (MIG) has no such share
                return
            shares = [each.gpu / 100 for each in rates]
            with self._lock:
                self._busy += sum(shares) / len(shares)
                self._samples += 1
                self._most = max(self._most, held)
            time.sleep(SAMPLE_SECONDS)


class Memory:
    """Most memory that this process and those below it held at once, looked at twice a second."""

    def __init__(self) -> None:
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int | None:
        """Look a last time; returns bytes, None where the system does not say."""
        self._over.set()
        self._thread.join()
        return self._most or None

    def _watch(self) -> None:
        while True:
            pids = [os.getpid(), *_descendants(os.getpid())]
            self._most = max(self._most, sum(_resident(pid) for pid in pids))
            if self._over.wait(MEMORY_SECONDS):
                return


def cpu_below() -> float:
    """CPU seconds so far of the processes below this one that are still there."""
    return sum(_cpu(pid) for pid in _descendants(os.getpid()))


def has_below() -> bool:
    """Whether any process runs below this one."""
    return bool(_descendants(os.getpid()))


def _nvml() -> Any:  # noqa: ANN401 - a module that has no types
    with suppress(ModuleNotFoundError):
        from vllm.third_party import pynvml  # noqa: PLC0415 - it comes with vLLM

        return pynvml
    import pynvml  # noqa: PLC0415 - of nvidia-ml-py, where it is installed

    return pynvml


def _visible(nvml: Any) -> list[int]:  # noqa: ANN401 - as above
    """GPUs that this process may use, by number; one that is named otherwise ends the list."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return list(range(nvml.nvmlDeviceGetCount()))
    found = []
    for name in named.split(","):
        if not name.strip().isdigit():
            break
        found.append(int(name))
    return found


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
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0
