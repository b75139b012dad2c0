"""Two runs compared, from Python."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.recorded import always_first, pairs, record

import judgefast
from judgefast.errors import ConfigError, RunDirectoryError

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}
PAIR = "candidate=beacon baseline=atlas"


def test_the_difference_of_two_runs_is_paired(right: judgefast.Run, biased: judgefast.Run) -> None:
    found = right.compare(biased).difference("accuracy")
    mine, theirs = right.estimate("accuracy").value, biased.estimate("accuracy").value
    assert (found.by, found.both, found.only_a, found.only_b) == ("item", 36, 0, 0)
    assert (found.value_a, found.value_b) == (mine, theirs)
    assert mine is not None
    assert theirs is not None
    assert found.value == pytest.approx(mine - theirs)
    assert (found.verdict, found.method) == ("higher", "few-changes")
    back = biased.compare(right).difference("accuracy")
    assert (back.value, back.low, back.high) == (-found.value, -found.high, -found.low)
    assert right.compare(biased).difference("win_rate").value == pytest.approx(23 / 36 - 0.5)


def test_other_runs_are_named_by_path_and_one_rule_is_a_string(
    right: judgefast.Run, biased: judgefast.Run, tmp_path: Path
) -> None:
    assert right.compare(biased.path) == right.compare(str(biased.path)) == right.compare(biased)
    rule = "drop(accuracy) <= 0.02"
    assert right.gate(rule, baseline=biased.path) == right.gate([rule], baseline=biased)
    with pytest.raises(RunDirectoryError, match="is no run directory"):
        right.compare(tmp_path / "nothing")
    words = "takes a `judgefast.Run` or the path of a run directory, not 7"
    with pytest.raises(ConfigError, match=f"`other` {words}"):
        right.compare(7)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ConfigError, match=f"`baseline` {words}"):
        right.gate(rule, baseline=7)  # type: ignore[arg-type]  # what is refused


def test_every_estimate_that_both_have_is_compared(
    right: judgefast.Run, biased: judgefast.Run
) -> None:
    found = right.compare(biased, slices=["topic"])
    whole = {(one.name, one.slice) for one in found.differences if "meta." not in one.slice}
    of_position = {("flip_rate", "all"), ("direction", "all"), ("same_position_rate", "all")}
    assert whole == {(one.name, one.slice) for one in right.estimates} | of_position
    bias = right.report.results.position_bias
    assert bias is not None
    assert found.difference("direction").value_a == bias.direction.value
    assert found.difference("flip_rate").value_a == bias.flip_rate.value
    topics = {row["meta"]["topic"] for row in pairs()}
    assert {one.slice for one in found.differences if one.name == "accuracy"} == {"all"} | {
        f"meta.topic={topic}" for topic in topics
    }
    assert found.unpaired == []
    with pytest.raises(ConfigError, match="no estimate named `accurracy`; there are: win") as e:
        found.difference("accurracy")
    assert e.value.hint == "did you mean `accuracy`?"
    with pytest.raises(ConfigError, match="no meta field `topics` to slice by"):
        right.compare(biased, slices=["topics"])


def test_runs_of_other_ids_are_joined_by_their_questions(
    right: judgefast.Run, tmp_path: Path
) -> None:
    renamed = [row | {"id": f"x-{row['id']}"} for row in pairs()[:20]]
    other = judgefast.run(
        renamed, recorded=record(renamed, always_first), out=tmp_path / "other", **OPTIONS
    )
    found = right.compare(other).difference("accuracy")
    assert (found.by, found.both, found.only_a, found.only_b) == ("cluster", 20, 16, 0)


def test_items_of_one_id_that_ask_something_else_are_not_paired_without_a_word(
    right: judgefast.Run, tmp_path: Path
) -> None:
    rows = [row | {"question": f"Another: {row['question']}"} for row in pairs()[:20]]
    rows += pairs()[20:]
    other = judgefast.run(rows, recorded=record(rows), out=tmp_path / "other", **OPTIONS)
    words = "data: 20 of 36 items of one id have another question (or cluster)"
    with pytest.raises(ConfigError, match=r"are not comparable; what differs:\n  data: 20 of") as e:
        right.compare(other)
    assert str(e.value).endswith(words)
    assert e.value.hint == "if they are the same items, say so: --across data"
    found = right.compare(other, across=["data"])
    assert found.across == [words]
    assert found.difference("accuracy").both == 36
    with pytest.raises(ConfigError, match="data: 20 of 36"):
        right.gate(["drop(accuracy) <= 0"], baseline=other)
    gate = right.gate(["drop(accuracy) <= 0"], baseline=other, across=["data"])
    assert gate.across == [words]


def test_runs_that_share_nothing_are_not_compared(right: judgefast.Run, tmp_path: Path) -> None:
    rows = [
        row | {"id": f"x{number}", "question": f"Other {number}?"}
        for number, row in enumerate(pairs()[:3])
    ]
    other = judgefast.run(rows, recorded=record(rows), out=tmp_path / "other", **OPTIONS)
    words = "have nothing in common: no id of an item, and no question"
    with pytest.raises(ConfigError, match=words) as e:
        right.compare(other)
    assert e.value.hint == "compare runs over the same data"
    with pytest.raises(ConfigError, match=words):
        right.gate("drop(accuracy) <= 0.02", baseline=other)


def test_rows_named_by_their_content_meet_by_question_where_answers_changed(
    right: judgefast.Run, tmp_path: Path
) -> None:
    """Two versions of a model: without ids, only rows with the same answers have the same name."""
    rows = pairs()
    changed = [row | {"id": f"other content of {row['id']}"} for row in rows[6:]]
    rows = rows[:6] + changed
    new = judgefast.run(rows, recorded=record(rows), out=tmp_path / "new", **OPTIONS)
    found = new.compare(right).difference("accuracy")
    assert (found.by, found.both, found.only_a, found.only_b) == ("cluster", 36, 0, 0)


def test_two_pairs_that_share_no_model_do_not_meet(right: judgefast.Run, tmp_path: Path) -> None:
    text = json.dumps(pairs()).replace("beacon", "comet").replace("atlas", "delta")
    renamed = json.loads(text)
    other = judgefast.run(renamed, recorded=record(renamed), out=tmp_path / "other", **OPTIONS)
    found = right.compare(other)
    assert {one.name for one in found.differences}.isdisjoint({"win_rate", "tie_rate"})
    assert f"win_rate {PAIR}" in found.unpaired


def test_names_of_models_with_blanks_meet_on_their_side(tmp_path: Path) -> None:
    """Quoted names, one of which holds what stands between the two."""
    names = {"atlas": "a baseline=b", "beacon": "new beacon"}
    rows = [row | {one: names[row[one]] for one in ("model_a", "model_b")} for row in pairs()]
    run = judgefast.run(rows, recorded=record(rows), out=tmp_path / "run", **OPTIONS)
    named = judgefast.run(
        rows, recorded=run, baseline="new beacon", out=tmp_path / "named", **OPTIONS
    )
    for name in ("win_rate", "tie_rate"):
        found = run.compare(named).difference(name)
        assert (found.value, found.slice_b) == (0, None)


@pytest.mark.parametrize("turned", [False, True])
def test_a_new_version_of_a_model_meets_the_old_one(
    right: judgefast.Run,
    tmp_path: Path,
    turned: bool,  # noqa: FBT001 - a case
) -> None:
    """Each run has one pair; what they share, here atlas, is on the same side in both."""
    text = json.dumps(pairs()).replace("beacon", "comet")
    more = {"baseline": "comet"} if turned else {}
    renamed = json.loads(text)
    other = judgefast.run(
        renamed, recorded=record(renamed), out=tmp_path / "other", **more, **OPTIONS
    )
    found = right.compare(other).difference("win_rate", PAIR)
    assert (found.both, found.value, found.slice_b) == (36, 0, "candidate=comet baseline=atlas")
    assert right.compare(other).unpaired == ["win_rate model=beacon", "win_rate model=comet"]
    in_facts = right.compare(other, slices=["topic"]).difference(
        "win_rate", f"{PAIR} meta.topic=facts"
    )
    assert in_facts.slice_b == "candidate=comet baseline=atlas meta.topic=facts"


def test_a_pair_and_its_models_are_one_number_in_the_band(
    right: judgefast.Run, biased: judgefast.Run
) -> None:
    found = right.compare(biased)
    assert {one.simultaneous_method for one in found.differences} == {None}
    by_topic = right.compare(biased, slices=["topic"])
    of_pair = [one for one in by_topic.differences if one.slice.startswith(PAIR)]
    many = sum(one.name == "win_rate" and one.low is not None for one in of_pair)
    again = right.compare(biased, level=1 - 0.05 / many).difference("win_rate", PAIR)
    in_band = by_topic.difference("win_rate", PAIR)
    assert in_band.simultaneous_method == "bonferroni"
    ends = (in_band.simultaneous_low, in_band.simultaneous_high)
    assert ends == pytest.approx((again.low, again.high))


def test_a_pair_of_models_counts_for_one_side_in_both_runs(
    right: judgefast.Run, biased: judgefast.Run, tmp_path: Path
) -> None:
    other_sides = {"a": "b", "b": "a", "tie": "tie"}
    turned = [
        row
        | {
            f"{name}_{side}": row[f"{name}_{other_sides[side]}"]
            for name in ("answer", "model")
            for side in "ab"
        }
        | {"gold": other_sides[row["gold"]]}
        for row in pairs()
        if row["model_a"] == "atlas"
    ]
    sides = judgefast.run(turned, recorded=record(turned), out=tmp_path / "sides", **OPTIONS)
    named = judgefast.run(
        pairs(), recorded=right, baseline="beacon", out=tmp_path / "named", **OPTIONS
    )
    for name in ("win_rate", "tie_rate"):
        for other in (sides, named):
            found = right.compare(other).difference(name)
            assert (found.value, found.slice_b) == (0, None)
    forward = right.compare(biased).difference("win_rate").value
    assert forward
    assert named.compare(biased).difference("win_rate").value == pytest.approx(-forward)


def test_exchanging_the_names_of_the_models_mirrors_the_difference_and_the_gate(
    right: judgefast.Run, biased: judgefast.Run, tmp_path: Path
) -> None:
    swap = {"atlas": "beacon", "beacon": "atlas"}
    rows = [row | {name: swap[row[name]] for name in ("model_a", "model_b")} for row in pairs()]
    mirrored, mirrored_biased = (
        judgefast.run(rows, recorded=record(rows, *say), out=tmp_path / name, **OPTIONS)
        for name, say in (("right", ()), ("biased", (always_first,)))
    )
    there = right.compare(biased).difference("win_rate", PAIR)
    mirror = mirrored.compare(mirrored_biased).difference("win_rate", PAIR)
    assert (mirror.value, mirror.low, mirror.high) == (-there.value, -there.high, -there.low)
    found = right.gate(["win_rate >= 0.3"]).rules[0]
    back = mirrored.gate(["win_rate <= 0.7"]).rules[0]
    assert found.decision == back.decision == "pass"
    assert (back.low, back.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_each_pair_of_models_meets_its_like(tmp_path: Path) -> None:
    answers = [{"model": model, "text": model} for model in ("k", "l", "m")]
    rows = [{"id": f"i{number}", "question": f"Q{number}", "answers": answers} for number in "12"]
    shown = [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]]
    verdicts = {"low": lambda first, second: first < second, "first": lambda *_: True}
    low, first = (
        judgefast.run(
            rows,
            recorded=[
                {
                    "id": row["id"],
                    "shown": pair,
                    "text": json.dumps({"verdict": "A" if likes_first(*pair) else "B"}),
                }
                for row in rows
                for pair in shown
            ],
            out=tmp_path / name,
            **OPTIONS,
        )
        for name, likes_first in verdicts.items()
    )
    found = [one for one in low.compare(first).differences if one.slice.startswith("candidate=")]
    rates = {one.slice: (one.both, one.value) for one in found if one.name == "win_rate"}
    assert rates == {
        "candidate=l baseline=k": (2, -0.5),
        "candidate=m baseline=k": (2, -0.5),
        "candidate=m baseline=l": (2, -0.5),
    }
    with pytest.raises(ConfigError, match="`win_rate` has several slices and none of them is") as e:
        low.gate(["win_rate >= 0.5"])
    assert e.value.hint == "name one, as in `win_rate[candidate=l baseline=k]`"
    [rule, _] = low.gate(["win_rate[baseline=k candidate=m] >= 0.5"]).rules
    assert rule.slice == "candidate=m baseline=k"


def test_runs_of_two_modes_are_never_compared(right: judgefast.Run, tmp_path: Path) -> None:
    rows = [{"id": "x", "question": "Q?", "answer": "A"}]
    recorded = [{"id": "x", "text": "good"}]
    scored = judgefast.run(
        rows, rubric="few-shot-quality", engine="replay", recorded=recorded, out=tmp_path / "s"
    )
    with pytest.raises(ConfigError, match=r"\n  mode: pairwise -> binary$") as e:
        right.compare(scored, across=["rubric"])
    assert e.value.hint == "compare runs of one mode and one scale"


def test_scales_are_never_compared_across(tmp_path: Path) -> None:
    rows = [{"id": "x", "question": "Q?", "answer": "A"}]
    five = judgefast.load_rubric("scalar-1-5").source
    without = re.sub(r"(?ms)^levels = \{.*?^\}\n|^\[aspects.scale.levels\]\n.*?\n\n", "", five)
    (tmp_path / "nine.toml").write_text(without.replace("high = 5", "high = 9"))
    runs = [
        judgefast.run(
            rows,
            rubric=rubric,
            engine="replay",
            recorded=[{"id": "x", "text": '{"score": 3}'}],
            out=tmp_path / name,
        )
        for name, rubric in (("5", "scalar-1-5"), ("9", tmp_path / "nine.toml"))
    ]
    with pytest.raises(ConfigError, match=r"\n  scale: 1 to 5 -> 1 to 9$"):
        runs[0].compare(runs[1], across=["rubric", "parse"])


@pytest.mark.parametrize(
    ("options", "words", "flags"),
    [
        ({"rule": "games"}, ["rule: strict -> games"], "--across rule"),
        ({"one_failed": "single"}, ["rule: one_failed pair -> single"], "--across rule"),
        ({"orders": "one"}, ["orders: both -> one"], "--across orders"),
        ({"lenient": True}, ["parse: parse_hash "], "--across parse"),
        (
            {"rubric": "pairwise"},
            ["rubric: prompt_hash ", "parse: parse_hash "],
            "--across rubric",
        ),
        ({"recorded": "other judge"}, ["judge: recorded -> gpt-x"], "--across judge"),
        (
            {"recorded": "other judge", "rule": "drop"},
            ["judge: recorded -> gpt-x", "rule: strict -> drop"],
            "--across judge --across rule",
        ),
    ],
)
def test_what_differs_is_named_and_must_be_named(
    right: judgefast.Run, tmp_path: Path, options: dict[str, Any], words: list[str], flags: str
) -> None:
    given = {**OPTIONS, "recorded": record(pairs()), **options}
    if options.get("recorded"):
        given["recorded"] = [row | {"judge": "gpt-x"} for row in record(pairs())]
    if options.get("rubric") == "pairwise":
        given["recorded"] = record(pairs(), lambda *_: "A")
    other = judgefast.run(pairs(), out=tmp_path / "other", **given)
    with pytest.raises(ConfigError, match=r"are not comparable; what differs:\n") as e:
        right.compare(other)
    found = str(e.value).split("\n  ")[1:]
    assert len(found) == len(words)
    assert all(line.startswith(part) for line, part in zip(found, words, strict=True))
    assert e.value.hint == f"if that is what you compare, say so: {flags}"
    across = flags.replace("--across ", "").split()
    assert right.compare(other, across=across).across == found
    with pytest.raises(ConfigError, match="are not comparable"):
        right.gate(["drop(win_rate) <= 0"], baseline=other)
    assert right.gate(["drop(win_rate) <= 0"], baseline=other, across=across).across == found
    with pytest.raises(ConfigError, match="runs cannot be compared across `rulez`") as e:
        other.compare(right, across=["rulez"])
    assert e.value.hint == "did you mean `rule`?"
