"""The program `vllm` on this machine, and its release."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from judgefast.errors import ConfigError

_RELEASE = re.compile(r"vllm(?:_cpu)?-(\d+)\.(\d+)[^/]*\.dist-info")


def find_vllm() -> Path:
    """The first `vllm` on PATH, else the one beside this Python, whose environment may be asleep.

    Raises:
        ConfigError: There is none.

    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("vllm", path=os.pathsep.join([os.environ.get("PATH", ""), beside]))
    if found:
        return Path(found)
    message = "`vllm` is neither on PATH nor beside this Python"
    raise ConfigError(
        message, hint="run `pip install 'judgefast[vllm]'`, or see --print for Docker and SkyPilot"
    )


def release_of(program: Path) -> tuple[int, int] | None:
    """Release of the vLLM that a program belongs to, by the packages beside it; None: not seen.

    The program itself takes half a minute to tell.
    """
    packages = program.resolve().parent.parent.glob("lib/python3*/site-packages/vllm*.dist-info")
    found = [match for path in packages if (match := _RELEASE.fullmatch(path.name))]
    return max((int(match[1]), int(match[2])) for match in found) if found else None
