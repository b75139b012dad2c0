"""The page of data sets beside the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from judgefast.datasets import rows_schema
from judgefast.datasets.faults import Reason
from judgefast.datasets.layouts import LAYOUTS
from judgefast.datasets.options import FIELDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "datasets.md"


def test_the_examples_of_the_page_run() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    test = doctest.DocTestParser().get_doctest(blocks, {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner()
    runner.run(test)
    assert (runner.failures, runner.tries) == (0, 4)


def test_every_reason_layout_field_and_column_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in [*Reason, *FIELDS, *rows_schema().names]:
        assert f"`{name}`" in text, name
    for layout in LAYOUTS:
        assert re.search(rf"\| [^|]*{re.escape(layout.name)}[,| ]", text), layout.name
