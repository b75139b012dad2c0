"""The README's costs: a published guide's arithmetic, and our estimates of the same work.

python benches/cost_table.py [--write]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from judgefast.catalogue.models import find_model  # noqa: E402 - the path is set for a start by name
from judgefast.config import RunConfig  # noqa: E402 - as above
from judgefast.costs.alternatives import money_of  # noqa: E402 - as above
from judgefast.costs.reworked import with_labels, with_reasons  # noqa: E402 - as above
from judgefast.pipeline.estimate import asked  # noqa: E402 - as above
from judgefast.pipeline.setting import CostWishes  # noqa: E402 - as above
from judgefast.pipeline.ways import Place, Ways  # noqa: E402 - as above
from judgefast.reports.estimate_text import render_estimate  # noqa: E402 - as above
from judgefast.reports.ranges import dollars, money, within  # noqa: E402 - as above

if TYPE_CHECKING:
    from judgefast.costs.estimates import Estimate
    from judgefast.pipeline.estimate import Estimated

README = ROOT / "README.md"
MADE = re.compile(
    r"(?ms)(?<=<!-- costs: made by benches/cost_table.py -->\n\n).*?(?=\n<!-- end of costs -->)"
)
COMMAND = """\
$ judgefast estimate --shape questions=10000,answer=1000,rubric=500,out=500 --orders one \\
    --rubric pairwise-reasons --model Qwen2.5-72B-Instruct --gpu H200 --cache fp8
"""

SHAPE = "questions=10000,answer=1000,rubric=500,out=500"
"""Of the guide: 10,000 pairs, a rubric of 500 tokens, answers of 1,000, up to 500 written."""
JUDGE, SMALL = "Qwen2.5-72B-Instruct", "Qwen2.5-7B-Instruct"
GUIDE_TOKENS, GUIDE_SPEED, GUIDE_PRICE = 10_000 * 3_000, 1_200.0, 1.19
GUIDE_HOURS = round(GUIDE_TOKENS / GUIDE_SPEED / 3_600, 1)


def made() -> str:
    """What the one command prints first, and the table, from the catalogue as it stands."""
    config = RunConfig(rubric="pairwise-reasons", model=JUDGE, gpu="H200", orders="one")
    found = asked(config, CostWishes(gpu="H200", cache="fp8"), shape=SHAPE)
    head, _, _ = render_estimate(found.estimate()).partition("\n\n")
    return f"```console\n{COMMAND}{head}\n...\n```\n\n{table(found)}"


def table(found: Estimated) -> str:
    """What the guide reckons, and what we estimate of the same and of other ways."""
    ways, work = Ways(found), found.workload
    whole = ways.estimate(work)
    price = money_of(whole)
    assert price is not None
    rows = [
        ("reasons of 500 tokens", whole),
        ("the same, in both orders", ways.estimate(found.in_orders(2))),
        ("reasons of 60 tokens", ways.estimate(with_reasons(work, 60))),
        ("a label, one token", ways.estimate(with_labels(work))),
        ("a label by a judge of 7B", ways.estimate(with_labels(work), Place(find_model(SMALL)))),
    ]
    today = f"{dollars(price.usd_per_gpu_hour)} ({price.provider}, {price.date})"
    heads = ("10,000 pairs on an H200", "GPU-hours", "at the guide's $1.19 (2026-04-22)")
    paid = [dollars(GUIDE_HOURS * usd) for usd in (GUIDE_PRICE, price.usd_per_gpu_hour)]
    guide = ("the guide's arithmetic, one order", f"{GUIDE_HOURS}", *paid)
    lines = [(*heads, f"at {today}"), ("---",) * 4, guide, *(_row(*one) for one in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(name: str, found: Estimate) -> tuple[str, str, str, str]:
    paid = money_of(found)
    at_guide = money(found.gpu_hours.times(GUIDE_PRICE))
    return name, within(found.gpu_hours), at_guide, money(paid.usd) if paid else "-"


def main() -> None:
    """Print it, or write it where it belongs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="into the README")
    costs = made()
    if parser.parse_args().write:
        text = README.read_text("utf-8")
        README.write_text(MADE.sub(lambda _: costs, text), "utf-8")
    print(costs, end="")


if __name__ == "__main__":
    main()
