"""Which interval a run prints, by its seed and by `--interval`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.errors import ConfigError
from judgefast.pipeline.estimates import bias_of, estimates_of
from judgefast.pipeline.headline import Headline
from judgefast.pipeline.results import read_run
from judgefast.stats.replicates import PoissonBootstrap
from tests.pipeline.judging import judge_rows, pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POISSON, HISTOGRAM, NORMAL = "poisson-percentile", "multinomial-histogram", "cluster-normal"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 comparisons; half of the verdicts are even or contradict each other."""
    out = tmp_path_factory.mktemp("judged") / "run"
    judge_rows(out, pairs(60), seed=7)
    return out


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({}, POISSON),
        ({"interval": "auto"}, POISSON),
        ({"interval": "poisson"}, POISSON),
        ({"interval": "histogram"}, HISTOGRAM),
        ({"interval": "cluster"}, NORMAL),
    ],
)
def test_the_option_says_what_rule_four_does(
    judged: Path, given: dict[str, Any], method: str
) -> None:
    reading = read_run(judged, **given)
    estimates = estimates_of(reading)
    drawn = (None, None) if method == NORMAL else (4096, 7)
    rate = next(one for one in estimates if one.name == "win_rate")
    assert (rate.method, rate.replicates, rate.seed) == (method, *drawn)
    direction = bias_of(reading).direction
    assert (direction.method, direction.replicates, direction.seed) == (method, *drawn)
    unreadable = next(one for one in estimates if one.name == "unreadable")
    assert (unreadable.method, unreadable.replicates) == ("clopper-pearson", None)


def test_the_report_takes_the_option_and_says_how_it_was_drawn(
    judged: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    drawn = {}
    for given in ((), ("--interval", "histogram"), ("--interval", "cluster")):
        status, out, _ = cli("report", judged, "--json", *given)
        assert status == 0
        one = json.loads(out)["results"]["estimates"][0]
        drawn[one["method"]] = (one["replicates"], one["seed"])
    assert drawn == {POISSON: (4096, 7), HISTOGRAM: (4096, 7), NORMAL: (None, None)}
    status, _, err = cli("report", judged, "--interval", "bca")
    assert status == 2
    assert "'auto', 'poisson', 'histogram', 'cluster'" in err


def test_a_run_keeps_the_option_it_was_started_with(tmp_path: Path) -> None:
    finished = judge_rows(tmp_path / "run", pairs(60), interval="cluster")
    assert finished.report.results.estimates[0].method == NORMAL
    assert estimates_of(read_run(tmp_path / "run"))[0].method == NORMAL
    with pytest.raises(ConfigError, match="interval"):
        judge_rows(tmp_path / "other", pairs(1), interval="bca")


def test_nothing_is_resampled_while_a_run_goes_on(
    judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(*given: Any, **options: Any) -> Any:
        calls.append(given)
        return PoissonBootstrap(*given, **options)

    monkeypatch.setattr("judgefast.stats.joint.PoissonBootstrap", counted)
    reading = read_run(judged)
    shown = Headline(
        reading.directory,
        reading.config,
        reading.rubric,
        reading.items,
        reading.plan,
        reading.table,
    )()
    assert not calls
    estimates = estimates_of(reading)
    assert len(calls) == 1, "all statistics and slices in one drawing"
    assert (shown.method, estimates[0].method) == (NORMAL, POISSON)
    assert (shown.name, shown.value) == (estimates[0].name, estimates[0].value)
