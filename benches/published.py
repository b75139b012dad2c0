"""The tables of `docs/published.md`: published figures, and what judgefast says of the same data.

Every cell is replayed through the whole pipeline: by the source's own rule, which must give the
published figures, and by our strict one. Run it from the root of the repository:

    python -m benches.published            # rewrites the tables
    python -m benches.published --check    # says whether they are what comes out
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from benches.published_tables.judges import judges_rows
from benches.published_tables.orders import llmbar_rows, position_bias_rows
from benches.published_tables.reviews import vicuna_rows
from benches.published_tables.scores import composo_rows, wildbench_rows
from benches.published_tables.slots import fourway_rows

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "published.md"
SHARED = Path(os.environ.get("JUDGEFAST_SHARED", ROOT.parent / "shared"))
TABLES = {
    "llmbar": llmbar_rows,
    "position-bias": position_bias_rows,
    "four-way": fourway_rows,
    "wildbench": wildbench_rows,
    "composo": composo_rows,
    "vicuna": vicuna_rows,
    "judges": judges_rows,
}


def rewritten(page: str, shared: Path) -> str:
    """`page` with the text between the marks of each table made anew."""
    for name, rows in TABLES.items():
        begin, end = f"<!-- {name}: made by benches/published.py -->", f"<!-- end of {name} -->"
        made = "\n".join([begin, "", *rows(shared), "", end])
        page, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _, made=made: made,
            page,
            flags=re.DOTALL,
        )
        if found != 1:
            msg = f"the marks of the table `{name}` stand in the page {found} times"
            raise ValueError(msg)
    return page


def main() -> int:
    """Rewrite the page, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if it would")
    parser.add_argument("--page", type=Path, default=PAGE, help="file that holds the tables")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    given = parser.parse_args()
    page = given.page.read_text(encoding="utf-8")
    made = rewritten(page, given.shared)
    if given.check:
        return int(page != made)
    given.page.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
