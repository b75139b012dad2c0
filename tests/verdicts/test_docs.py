"""The examples of `docs/verdicts.md` are true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[2] / "docs/verdicts.md"
ROW = re.compile(r"^\| (\S+) \| `(.*)` \| (yes)? ?\| (\w+) \| (\S+)? ?\|$", re.MULTILINE)
EXAMPLES = ROW.findall(PAGE.read_text(encoding="utf-8").partition("## Examples")[2])


def test_the_page_has_examples_of_most_statuses() -> None:
    assert len(EXAMPLES) > 20
    assert len({status for _, _, _, status, _ in EXAMPLES}) >= 7


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_comes_out_as_the_page_says(
    formats: dict, read: Callable, example: tuple[str, ...]
) -> None:
    name, text, cut, status, verdict = example
    seen = read(formats[name], text, cut=bool(cut))
    shown = f"{seen.verdict:g}" if isinstance(seen.verdict, float) else str(seen.verdict or "")
    assert (seen.status, shown) == (status, verdict)
