"""Durations as people write them."""

from __future__ import annotations

import pytest

from judgefast.costs.durations import duration_words, parse_duration
from judgefast.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28_800),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("2d", 172_800),
        ("45s", 45),
        ("0.5 hours", 1800),
        (" 1D ", 86_400),
    ],
)
def test_a_number_with_its_unit_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "8", "h", "8x", "8h30", "-8h", "0h", "8h tomorrow", "1e3s"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="is no duration") as caught:
        parse_duration(text)
    assert caught.value.hint == "give a number with its unit, as 8h, 90m, 1h30m or 2d"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600, "1.0 h"),
        (43000, "12 h"),
        (172800, "2.0 days"),
        (-5400, "-1.5 h"),
    ],
)
def test_a_duration_is_said_in_its_largest_unit(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
