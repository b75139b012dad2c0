"""The vectors of the bootstrap in `docs/statistics.md` are what both programs give."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from tests.stats import poisson_reference as reference

from judgefast.hashes import cluster_id64
from judgefast.stats import Resampling, replicate_means

PAGE = (Path(__file__).resolve().parents[2] / "docs/statistics.md").read_text(encoding="utf-8")
SECTION = PAGE.split("\n## The bootstrap\n")[1].split("\n## ")[0]
SEED = 7


def table(header: str) -> list[list[str]]:
    """Cells of the rows below a header, bare of backticks."""
    rows = SECTION.split(f"\n{header}\n")[1].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


OUTCOMES = [
    (cluster_id64(name), int(value), int(weight), 0)
    for name, value, weight in table("| cluster | value x 2^24 | weight |")
]


def test_the_draws_of_the_page_are_those_of_the_second_program() -> None:
    rows = table("| seed | resampling id | s | replicates 0 to 7 | replicates 4088 to 4095 |")
    assert len(rows) == 4
    for seed, cluster, word, first, last in rows:
        own = int(seed), int(cluster, 16)
        assert reference.cluster_word(*own) == int(word, 16)
        assert [reference.draws(*own, b) for b in range(8)] == [*map(int, first.split())]
        assert [reference.draws(*own, b) for b in range(4088, 4096)] == [*map(int, last.split())]


def test_the_draws_of_the_page_are_those_of_the_kernel() -> None:
    for seed, cluster, _, first, last in table(
        "| seed | resampling id | s | replicates 0 to 7 | replicates 4088 to 4095 |"
    ):
        # Beside a cluster that says 0, the ratio of the means gives the draws of this one away.
        ids = np.array([int(cluster, 16), 2], dtype=np.uint64)
        values, ones = np.array([1 << 24, 0]), np.ones(2, dtype=np.uint8)
        found = replicate_means(
            ids, values, ones, np.zeros(2, dtype=int), 1, resampling=Resampling(int(seed))
        )[0].means
        shown = [*enumerate(map(int, first.split())), *enumerate(map(int, last.split()), 4088)]
        for b, draws in shown:
            other = reference.draws(int(seed), 2, b)
            expected = draws / (draws + other) if draws + other else np.nan
            np.testing.assert_equal(found[b], expected)


def test_thresholds_and_constants_of_the_page_are_those_of_the_second_program() -> None:
    [line] = re.findall(r"^ {4}(\d+(?: \d+){7})$", SECTION, flags=re.MULTILINE)
    assert tuple(map(int, line.split())) == reference.THRESHOLDS
    source = Path(reference.__file__).read_text(encoding="utf-8").upper()
    assert all(constant.upper() in source for constant in re.findall(r"0x[0-9A-F]{16}\b", SECTION))


def test_sums_means_and_ends_of_the_page_are_those_of_both_programs() -> None:
    sums = [reference.sums(OUTCOMES, SEED, b, 0) for b in range(4096)]
    for at, total, weight, mean in table("| replicate | S | W | mean |"):
        assert sums[int(at)] == (int(total), int(weight))
        assert reference.mean(*sums[int(at)]) == float(mean)
    cluster, value, weight, code = zip(*OUTCOMES, strict=True)
    ids, ones = np.array(cluster, dtype=np.uint64), np.array(weight, dtype=np.uint8)
    [found] = replicate_means(
        ids, np.array(value), ones, np.array(code), 1, resampling=Resampling(SEED)
    )
    np.testing.assert_array_equal(found.means, [reference.mean(*one) for one in sums])
    [missing] = re.findall(r"(\d+) without a mean", SECTION)
    assert np.isnan(found.means).sum() == int(missing)
    for level, low, high in table("| level | low | high |"):
        expected = float(low), float(high)
        assert reference.ends(found.means.tolist(), float(level)) == expected
        assert found.ends(float(level)) == expected
