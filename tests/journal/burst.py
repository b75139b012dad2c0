"""A run that writes as fast as it can and prints how much is acknowledged, until it is killed."""

from __future__ import annotations

import os
import sys
from itertools import count

from judgefast.engines.base import Completion
from judgefast.journal import writer
from judgefast.journal.run_directory import RunDirectory


def main(path: str, launch_numbers: int) -> None:
    """Append completions numbered from `launch_numbers` on."""
    # Segments close all the time, so that kills also fall into that.
    writer.SEGMENT_ROWS = 700
    run = RunDirectory.open(path, write=True)
    for start in count(launch_numbers, 50):
        group = [
            Completion(
                request_id=number.to_bytes(16, "little"),
                attempt=1,
                lane=0,
                text=f"answer {number} " * (number % 40),
                finish_reason="stop",
            )
            for number in range(start, start + 50)
        ]
        run.journal.append(group)
        os.write(1, f"{run.journal.written}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
