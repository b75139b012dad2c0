"""`import judgefast` is cheap, and its names are all there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import judgefast

ALLOWED = {"judgefast", "__future__"}
"""Besides what a bare interpreter has loaded."""


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_package_loads_nothing_else() -> None:
    assert loaded_by("import judgefast") <= ALLOWED


def test_the_names_that_are_looked_up_most_load_no_library() -> None:
    found = loaded_by("import judgefast; judgefast.run; judgefast.Run; judgefast.errors")
    libraries = found - set(sys.stdlib_module_names) - {"judgefast"}
    assert libraries == set()
    assert found.isdisjoint({"asyncio", "multiprocessing", "importlib_metadata", "ctypes"})


@pytest.mark.parametrize("name", judgefast.__all__)
def test_every_name_is_there_and_listed(name: str) -> None:
    assert getattr(judgefast, name) is not None
    assert name in dir(judgefast)


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module `judgefast` has no attribute `judge`"):
        _ = judgefast.judge  # type: ignore[attr-defined]  # what is refused


def test_the_version_is_that_of_the_distribution() -> None:
    assert judgefast.__version__.count(".") == 2
