"""What adaptive orders would have saved of a run in both orders, and what they would have said.

A run whose label probabilities are kept is replayed with adaptive orders, without a judge, under
several thresholds and audits, and several seeds of each: which order is first and who is audited
hang on them. Beside the estimates stands that of the run itself. Run it from the root of the
repository:

    python -m benches.adaptive_what_if DATA RUN [--name accuracy] [--seeds 20]

DATA is what RUN judged, with the rubric `pairwise`, or a part of it. The lines of the table go to
stdout.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import judgefast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast import Estimate

SURES = (0.6, 0.8, 0.9)
AUDITS = (0.1, 0.3)


class Asked(NamedTuple):
    """One replay with adaptive orders."""

    saved: float
    open_share: float
    estimate: Estimate
    alone: float | None
    """The same mean by first orders alone, as `--orders one` would give it."""


def replays(data: str, run: str, name: str, seeds: int) -> Iterator[tuple[float, float, Asked]]:
    """Replay a run under every threshold, audit and seed."""
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            one = judgefast.run(
                data,
                rubric="pairwise",
                engine="replay",
                recorded=run,
                orders="one",
                seed=seed,
                out=out / "one",
            )
            alone = one.estimate(name).value
            for sure in SURES:
                for audit in AUDITS:
                    found = judgefast.run(
                        data,
                        rubric="pairwise",
                        engine="replay",
                        recorded=run,
                        orders="adaptive",
                        sure=sure,
                        audit=audit,
                        seed=seed,
                        out=out / f"{sure}-{audit}",
                    )
                    told = found.report.results.adaptive
                    estimate = found.estimate(name)
                    yield sure, audit, Asked(told.saved, told.open_share, estimate, alone)
        print(f"seed {seed} done", file=sys.stderr)


def lines(found: list[tuple[float, float, Asked]], both: Estimate) -> Iterator[str]:
    """Write the table, of means over the seeds."""
    head = ["`sure`", "`audit`", "open", "requests saved", "first orders alone, off by"]
    head += ["adaptive, off by", "width", "holds that of both"]
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    truth = both.value
    assert truth is not None
    assert both.low is not None
    assert both.high is not None
    for sure, audit in dict.fromkeys((sure, audit) for sure, audit, _ in found):
        cells = [one for s, a, one in found if (s, a) == (sure, audit)]
        ends = [(one.estimate.low, one.estimate.high) for one in cells]
        known = [(low, high) for low, high in ends if low is not None and high is not None]
        held = sum(low <= truth <= high for low, high in known)
        off = [abs(one.estimate.value - truth) for one in cells if one.estimate.value is not None]
        alone = [abs(one.alone - truth) for one in cells if one.alone is not None]
        width = f"{fmean(high - low for low, high in known):.3f}" if known else "-"
        yield (
            f"| {sure} | {audit} | {100 * fmean(one.open_share for one in cells):.0f} % | "
            f"{100 * fmean(one.saved for one in cells):.0f} % | {fmean(alone):.3f} | "
            f"{fmean(off):.3f} | {width} | {held} of {len(known)} |"
        )
    yield f"| both orders | | | 0 % | | | {both.high - both.low:.3f} | {truth:.3f} |"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("run")
    parser.add_argument("--name", default="accuracy", help="the mean")
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole = judgefast.run(
            given.data, rubric="pairwise", engine="replay", recorded=given.run, out=folder
        )
        both = whole.estimate(given.name)
    found = list(replays(given.data, given.run, given.name, given.seeds))
    print("\n".join(lines(found, both)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
