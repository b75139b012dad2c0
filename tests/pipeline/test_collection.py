"""Cycles are looked for seldom while runs go on, and as before when the last of them ends."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from judgefast.pipeline.collection import SELDOM, seldom_collected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_the_setting_is_back_when_the_last_of_several_runs_ends_or_fails() -> None:
    first, second = seldom_collected(), seldom_collected()
    first.__enter__()  # runs overlap, and need not end in the order in which they began
    second.__enter__()
    assert gc.get_threshold() == (SELDOM, 10, 10)
    first.__exit__(None, None, None)
    assert gc.get_threshold() == (SELDOM, 10, 10)
    second.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)
    with pytest.raises(ZeroDivisionError), seldom_collected():
        _ = 1 / 0
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [0, SELDOM, 10 * SELDOM])
def test_a_process_that_never_looks_or_more_seldom_keeps_its_own_figure(own: int) -> None:
    gc.set_threshold(own, 5, 6)
    with seldom_collected():
        assert gc.get_threshold() == (own, 5, 6)
    assert gc.get_threshold() == (own, 5, 6)


def test_what_is_set_while_a_run_goes_on_stays() -> None:
    with seldom_collected():
        gc.set_threshold(123, 4, 5)
    assert gc.get_threshold() == (123, 4, 5)
