"""What judgefast spends on a judgment over HTTP, beside bare aiohttp with json.

The server (`instant_server.py`, a process of its own) answers at once in the shape of vLLM's: one
token, the log-probabilities of three labels. The plain alternative posts one prompt a request, as
text, by aiohttp on uvloop, with `json` for bodies and replies, and keeps what it reads in a list.
The engine does what it does in a run: queues, windows, retries, keys, completions. All take turns;
the figure is CPU time of this process, all threads, per thousand judgments.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import uvloop

from judgefast.batches.request import Request
from judgefast.engines.http import HttpEngine
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

VOCABULARY = 151_936
LABELS = (Label("A", 362), Label("B", 425), Label("tie", 18472))
CONNECTIONS = 64
HERE = Path(__file__).resolve().parent


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def prompts(tokens: int, count: int) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
    random = np.random.default_rng(0)
    return [random.integers(100, VOCABULARY, tokens, dtype=np.int32) for _ in range(count)]
