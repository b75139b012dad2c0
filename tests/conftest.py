"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is measured here is kept nowhere else: finished runs are, wherever they are run from."""
    os.environ["JUDGEFAST_STATE"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real judge data: `JUDGEFAST_SHARED`, else `../shared` beside the checkout."""
    folder = Path(os.environ.get("JUDGEFAST_SHARED", ROOT.parent / "shared"))
    if (folder / "data").is_dir():
        return folder
    message = f"no shared data at `{folder}`; set JUDGEFAST_SHARED to a folder that holds data/"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(autouse=True, scope="session")
def _no_rows_of_whoever_runs_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the catalogue be that of the package, in commands that tests start too."""
    os.environ["JUDGEFAST_CATALOGUE"] = str(tmp_path_factory.mktemp("catalogue"))
