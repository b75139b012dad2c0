"""A run held to rules, from Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.recorded import pairs, record

import judgefast
from judgefast.errors import ConfigError
from judgefast.stats import summary
from judgefast.stats.names import NAMES

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}
PAIR = "candidate=beacon baseline=atlas"


def test_bias_for_a_position_can_be_held_to_a_rule_in_a_part_of_the_data(
    right: judgefast.Run, biased: judgefast.Run
) -> None:
    number = sum(row["meta"]["topic"] == "facts" for row in pairs())
    for run, share in ((right, 0.0), (biased, 1.0)):
        found = run.gate(["flip_rate[meta.topic=facts] <= 0.9", "direction <= 0.1"]).rules[0]
        assert (found.value, found.clusters) == (share, number)
    [none, _] = right.gate(["flip_rate[meta.colour=red] <= 0.9"]).rules
    assert none.reason.startswith("not measured: `flip_rate` has no slice `meta.colour=red`")


def test_a_gate_measures_what_its_rules_are_about_and_nothing_else(
    right: judgefast.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    measure_shards = summary.measure_shards

    def spying(parts_of: Any, *rest: Any) -> Any:
        seen.extend(part.name for part in parts_of(0))
        return measure_shards(parts_of, *rest)

    monkeypatch.setattr(summary, "measure_shards", spying)
    assert right.gate(["accuracy >= 0.1"]).status == 0
    assert seen == ["accuracy"]


def test_the_share_that_could_not_be_read_is_a_number_like_any_other(right: judgefast.Run) -> None:
    unreadable = right.gate(["accuracy >= 0.1"]).rules[-1]
    assert (unreadable.value, unreadable.clusters, unreadable.is_drop) == (0.0, 36, False)
    [drop, *_] = right.gate(["drop(accuracy) <= 0.5"], baseline=right).rules
    assert drop.is_drop


def test_a_drop_is_what_the_run_lost_and_a_rise_is_negative(
    right: judgefast.Run, biased: judgefast.Run
) -> None:
    lost = biased.gate(["drop(accuracy) <= 0.02"], baseline=right)
    found = right.compare(biased).difference("accuracy")
    assert lost.rules[0].value == found.value
    assert (lost.rules[0].low, lost.rules[0].high) == (found.low, found.high)
    assert (lost.decision, lost.status) == ("fail", 1)
    won = right.gate(["drop(accuracy) <= 0.02"], baseline=biased)
    assert won.rules[0].value == -found.value
    assert (won.decision, won.status) == ("pass", 0)


def test_every_name_can_be_asked_and_what_was_not_measured_fails(right: judgefast.Run) -> None:
    found = right.gate([f"{name}.value >= 0" for name in NAMES])
    decisions = {one.name: one.decision for one in found.rules[:-1]}
    measured = {one.name for one in right.estimates} | {
        *("flip_rate", "direction", "same_position_rate")
    }
    assert decisions == {name: "pass" if name in measured else "fail" for name in NAMES}
    reasons = {one.name: one.reason for one in found.rules}
    assert reasons["mean"] == (
        "not measured: there is no `mean`; the run has win_rate, tie_rate, accuracy, unreadable"
    )
    assert reasons["noise_flip_rate"].startswith("not measured: ")
    [lost, _, _] = right.gate(["drop(mean) <= 1"], baseline=right).rules
    assert lost.reason == "not measured: the runs have no `mean` in a slice of the same name"
    bias = right.report.results.position_bias
    assert bias is not None
    [direction] = [one for one in found.rules if one.name == "direction"]
    assert (direction.value, direction.low) == (bias.direction.value, bias.direction.low)


def test_a_slice_that_the_run_lacks_fails_with_the_nearest_one(right: judgefast.Run) -> None:
    found = right.gate(
        ["accuracy[meta.topic=fact] >= 0.5", "win_rate[meta.colour=red] >= 0.5"]
    ).rules
    assert [one.decision for one in found[:2]] == ["fail", "fail"]
    assert found[0].reason == (
        "not measured: `accuracy` has no slice `meta.topic=fact`; did you mean `meta.topic=facts`?"
    )
    asked = {
        "accuracy[topic=facts]": "did you mean `meta.topic=facts`?",
        "accuracy[meta.tpic=facts]": "did you mean `meta.topic=facts`?",
        "flip_rate[topc=facts]": "did you mean `meta.topic=facts`?",
        "drop(accuracy[topic=facts])": "did you mean `meta.topic=facts`?",
        "win_rate[modl=beacon]": "did you mean `model=beacon`?",
        "accuracy[meta.topic=zzz]": "`meta.topic` is one of `",
    }
    rules = [f"{operand} >= 0.5" for operand in asked]
    for one, words in zip(right.gate(rules, baseline=right).rules, asked.values(), strict=False):
        assert (one.decision, words in one.reason) == ("fail", True), one.reason
    assert found[1].reason.startswith(
        f"not measured: `win_rate` has no slice `meta.colour=red`; it has: `{PAIR}`, "
    )
    assert re.search(r"`model=beacon` and \d+ more$", found[1].reason)
    [of_pair, _] = right.gate(["win_rate[meta.topic=facts] >= 0.5"]).rules
    assert of_pair.slice == f"{PAIR} meta.topic=facts"


def test_a_gate_without_rules_or_baseline_is_refused(right: judgefast.Run) -> None:
    with pytest.raises(ConfigError, match="no rule was given"):
        right.gate([])
    with pytest.raises(ConfigError, match=r"`drop\(accuracy\) <= 0` has nothing to drop from") as e:
        right.gate(["drop(accuracy) <= 0"])
    assert e.value.hint == "name the run that it is measured from: --baseline DIR"
    with pytest.raises(ConfigError, match="`level` is 2"):
        right.gate(["accuracy >= 0"], level=2.0)


def test_too_many_unreadable_judgments_fail_whatever_the_rules_say(tmp_path: Path) -> None:
    texts = record(pairs())
    for number, row in enumerate(texts):
        if number % 4 == 0:
            row["text"] = "I cannot say."
    run = judgefast.run(pairs(), recorded=texts, out=tmp_path / "r", max_unreadable=1.0, **OPTIONS)
    assert run.gate(["accuracy.value >= 0.1"]).status == 0
    found = run.gate(["accuracy.value >= 0.1"], max_unreadable=0.2)
    assert found.status == 1
    assert found.rules[-1].reason == ("18 of 72 judgments unparsed or failed: 0.25 is above 0.2")


def test_an_incomplete_run_is_at_best_inconclusive(tmp_path: Path) -> None:
    run = judgefast.run(pairs(), recorded=record(pairs()[:34]), out=tmp_path / "half", **OPTIONS)
    found = run.gate(["accuracy >= 0.1"])
    assert [one.decision for one in found.rules] == ["pass", "pass"]
    assert (found.decision, found.status) == ("inconclusive", 3)
    assert found.run.incomplete == "4 judgments failed"
    assert run.gate(["accuracy <= 0.1"]).status == 1
