"""The process of a replica without vLLM: says that it is ready, with what it was told to load.

Usage: python -m tests.engines.vllm.stand_in PARENT
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from judgefast.engines.child import frames
from judgefast.engines.vllm import wire

DIALECT = msgspec.structs.replace(wire.DIALECT, module="tests.engines.vllm.stand_in")


def main() -> None:
    """Answer `Load` until the input ends."""
    first: list[Any] = []
    while (payload := frames.read(sys.stdin.buffer)) is not None:
        message = wire.to_child.decode(payload)
        first.append(type(message).__name__)
        if isinstance(message, wire.Load):
            facts = {"arguments": message.arguments, "devices": message.devices, "heard": first}
            ready = wire.Ready(pid=os.getpid(), load_seconds=0.0, startup={}, facts=facts)
            frames.write(sys.stdout.buffer, ready)


if __name__ == "__main__":
    main()
