"""Two runs over the same items, by a judge who agrees with gold and by one who does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.recorded import always_first, pairs, record

import judgefast

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}


@pytest.fixture(scope="session")
def right(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Run:
    out = tmp_path_factory.mktemp("runs") / "right"
    return judgefast.run(pairs(), recorded=record(pairs()), out=out, **OPTIONS)


@pytest.fixture(scope="session")
def biased(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Run:
    out = tmp_path_factory.mktemp("runs") / "biased"
    return judgefast.run(pairs(), recorded=record(pairs(), always_first), out=out, **OPTIONS)
