"""llama.cpp's server, out of the wheel of xllamacpp, until its stdin is closed.

Usage: python -m tests.engines.http.llama_server MODEL.gguf KEY

It prints its address. There is no server in the wheel without a key of ours: it would listen for
anybody on this machine.
"""

from __future__ import annotations

import sys

import xllamacpp

from .llama import CONTEXT


def main() -> None:
    """Load the model and serve it."""
    settings = xllamacpp.CommonParams()
    settings.model.path, key = sys.argv[1:]
    settings.api_keys = [key]
    settings.n_ctx = CONTEXT
    settings.n_parallel = 1  # the only slot shares every prefix
    settings.cache_ram_mib = 0
    settings.verbosity = -1
    settings.port = 0
    # Its threads wait in a loop: two of them on a busy machine take a hundred times as long.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
