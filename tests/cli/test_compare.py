"""`judgefast compare` and `judgefast gate` as a whole: what they print, and how they end."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.recorded import always_first, pairs, record, write_lines

import judgefast as judgefast_module
from judgefast.cli.options import read_rules
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}
POINTED_AT = (
    "a rule cannot be read: expected `>=`, `<=`, `>` or `<`\n  win_rate => 0.4\n           ^"
)
NO_FRACTION = (
    "a rule cannot be read: expected a fraction from 0 to 1\n"
    "  flip_rate.high <= 25\n                    ^"
)
NO_ACROSS = (
    "Invalid value for '--across': 'judges' is not one of 'judge', 'rubric', 'parse', "
    "'rule', 'orders', 'pairs', 'data'."
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: `new` by a judge who agrees with gold, `old` by one who does not, `half` of `new`."""
    folder = tmp_path_factory.mktemp("stored")
    said = {
        "new": record(pairs()),
        "old": record(pairs(), always_first),
        "half": record(pairs()[:10]),
        "games": record(pairs()),
    }
    for name, recorded in said.items():
        more = {"rule": "games"} if name == "games" else {}
        judgefast_module.run(pairs(), recorded=recorded, out=folder / name, **OPTIONS, **more)
    return folder


@pytest.fixture
def runs(stored: Path, folder: Path) -> None:
    """Put the stored runs where the program is started."""
    shutil.copytree(stored, folder, dirs_exist_ok=True)


@pytest.mark.usefixtures("runs")
def test_two_runs_are_compared_item_by_item(judgefast: Callable[..., str]) -> None:
    assert judgefast("compare", "new", "old") == (
        "exit 0\n"
        "--- stdout\n"
        "A minus B, item by item\n"
        "A             new  36 items\n"
        "B             old  36 items\n"
        "\n"
        "Differences                   A      B   A - B  95 % interval     both  only A/B\n"
        "win_rate\n"
        "  candidate=beacon        0.639  0.500  +0.139  [-0.021, +0.299]    36       0/0\n"
        "  baseline=atlas\n"
        "  model=beacon            0.639  0.500  +0.139  [-0.021, +0.299]    36       0/0\n"
        "  model=atlas             0.361  0.500  -0.139  [-0.299, +0.021]    36       0/0\n"
        "tie_rate\n"
        "  candidate=beacon        0.056  1.000  -0.944  [-1.000, -0.682]    36       0/0\n"
        "  baseline=atlas\n"
        "accuracy                  1.000  0.528  +0.472  [+0.276, +0.521]    36       0/0\n"
        "unreadable                0.000  0.000   0.000  [-0.097, +0.097]    36       0/0\n"
        "flip_rate                 0.000  1.000  -1.000  [-1.000, -0.805]    36       0/0\n"
        "direction                 0.000  0.500  -0.500  [-0.549, -0.354]    36       0/0\n"
        "same_position_rate        0.000  1.000  -1.000  [-1.000, -0.805]    36       0/0\n"
        "\n"
        "win_rate\n"
        "  candidate=beacon baseline=atlas: no difference shown; could have found a\n"
        "  difference of at least 0.227 (80 % power); cluster-t, 36 clusters.\n"
        "  model=beacon: no difference shown; could have found a difference of at least\n"
        "  0.227 (80 % power); cluster-t, 36 clusters.\n"
        "  model=atlas: no difference shown; could have found a difference of at least\n"
        "  0.227 (80 % power); cluster-t, 36 clusters.\n"
        "\n"
        "tie_rate\n"
        "  candidate=beacon baseline=atlas: A is lower by 0.944; few-changes, 36 clusters\n"
        "  (of 36 clusters 2 differ by something else: at most 18.7 % of all would,\n"
        "  either way).\n"
        "\n"
        "accuracy\n"
        "  A is higher by 0.472; few-changes, 36 clusters (of 36 clusters 2 differ by\n"
        "  something else: at most 18.7 % of all would, either way).\n"
        "\n"
        "unreadable\n"
        "  no difference shown; could have found a difference of at least 0.187 (80 %\n"
        "  power); clopper-pearson, 36 clusters (no unit differs: at most 9.74 % of\n"
        "  clusters would).\n"
        "\n"
        "flip_rate\n"
        "  A is lower by 1; clopper-pearson, 36 clusters (all differ by as much: at most\n"
        "  9.74 % of clusters would not).\n"
        "\n"
        "direction\n"
        "  A is lower by 0.5; clopper-pearson, 36 clusters (all differ by as much: at\n"
        "  most 9.74 % of clusters would not).\n"
        "\n"
        "same_position_rate\n"
        "  A is lower by 1; clopper-pearson, 36 clusters (all differ by as much: at most\n"
        "  9.74 % of clusters would not).\n"
        "--- stderr\n"
    )


@pytest.mark.usefixtures("runs")
def test_json_says_the_same_with_every_count(judgefast: Callable[..., str]) -> None:
    seen = judgefast("compare", "new", "old", "--slice", "topic", "--level", "0.9", "--json")
    found = json.loads(seen.split("--- stdout\n")[1].split("--- stderr\n")[0])
    assert (found["format"], found["a"]["path"], found["b"]["items"]) == (1, "new", 36)
    assert {one["level"] for one in found["differences"]} == {0.9}
    of_topics = [one for one in found["differences"] if one["name"] == "accuracy"]
    assert [one["simultaneous_method"] for one in of_topics] == ["bonferroni"] * 7
    assert of_topics[0]["both"] == sum(one["both"] for one in of_topics[1:]) == 36


@pytest.mark.usefixtures("runs")
def test_an_incomplete_run_is_compared_and_said(judgefast: Callable[..., str]) -> None:
    seen = judgefast("compare", "new", "half")
    assert seen.startswith("exit 3\n")
    assert "\nB             half  36 items\n              incomplete: 52 judgments failed\n" in seen
    assert "26 missing: between " in seen


@pytest.mark.usefixtures("runs")
def test_what_is_not_alike_is_refused_unless_it_is_named(judgefast: Callable[..., str]) -> None:
    assert judgefast("compare", "games", "old") == (
        "exit 2\n--- stdout\n--- stderr\n"
        "error: `games` and `old` are not comparable; what differs:\n"
        "  rule: games -> strict\n\n"
        "hint: if that is what you compare, say so: --across rule\n"
    )
    seen = judgefast("compare", "games", "old", "--across", "rule")
    assert seen.startswith("exit 0\n")
    assert "\nacross        rule: games -> strict\n" in seen
    assert judgefast("compare", "new", "none") == (
        "exit 2\n--- stdout\n--- stderr\n"
        "error: `none` is no run directory: it holds no `manifest.json`\n\n"
        "hint: name the folder that was given as `out`\n"
    )


@pytest.mark.usefixtures("runs")
def test_a_gate_that_passes(judgefast: Callable[..., str]) -> None:
    rules = ["--rule", "accuracy >= 0.8", "--rule", "drop(accuracy) <= 0.02"]
    assert judgefast("gate", "new", "--baseline", "old", *rules) == (
        "exit 0\n"
        "--- stdout\n"
        "pass  4 passed at level 95 %\n"
        "run           new\n"
        "baseline      old\n"
        "\n"
        "pass: accuracy >= 0.8\n"
        "  1.000, 97.5 % interval [0.885, 1.000], clopper-pearson, 36 clusters\n"
        "  all of [0.885, 1.000] is at or above 0.8\n"
        "\n"
        "pass: drop(accuracy) <= 0.02\n"
        "  -0.472, 97.5 % interval [-0.530, -0.245], few-changes, 36 clusters\n"
        "  all of [-0.530, -0.245] is at or below 0.02\n"
        "\n"
        "pass: unreadable at most 0.2\n"
        "  0 of 72 judgments unparsed or failed: 0 is not above 0.2\n"
        "\n"
        "pass: unreadable at most 0.2 (baseline)\n"
        "  0 of 72 judgments unparsed or failed: 0 is not above 0.2\n"
        "--- stderr\n"
    )


@pytest.mark.usefixtures("runs")
def test_a_gate_that_fails(judgefast: Callable[..., str]) -> None:
    assert judgefast("gate", "old", "--baseline", "new", "--rule", "drop(accuracy) <= .02") == (
        "exit 1\n"
        "--- stdout\n"
        "fail  2 passed, 1 failed at level 95 %\n"
        "run           old\n"
        "baseline      new\n"
        "\n"
        "fail: drop(accuracy) <= .02\n"
        "  0.472, 95 % interval [0.276, 0.521], few-changes, 36 clusters\n"
        "  nothing of [0.276, 0.521] is at or below 0.02\n"
        "\n"
        "pass: unreadable at most 0.2\n"
        "  0 of 72 judgments unparsed or failed: 0 is not above 0.2\n"
        "\n"
        "pass: unreadable at most 0.2 (baseline)\n"
        "  0 of 72 judgments unparsed or failed: 0 is not above 0.2\n"
        "--- stderr\n"
    )


@pytest.mark.usefixtures("runs")
def test_a_gate_that_cannot_tell(judgefast: Callable[..., str], folder: Path) -> None:
    (folder / "rules.txt").write_text("# what we promise\n\nwin_rate >= 0.6  # by 'beacon'\n")
    assert judgefast("gate", "new", "--rules", "rules.txt", "--level", "0.9") == (
        "exit 3\n"
        "--- stdout\n"
        "inconclusive  1 passed, 1 inconclusive at level 90 %\n"
        "run           new\n"
        "\n"
        "inconclusive: win_rate >= 0.6\n"
        "  0.639 of candidate=beacon baseline=atlas, 90 % interval [0.506, 0.772],\n"
        "  cluster-t, 36 clusters\n"
        "  [0.506, 0.772] is on both sides of 0.6; 353 more clusters would decide it, if\n"
        "  the value stays\n"
        "\n"
        "pass: unreadable at most 0.2\n"
        "  0 of 72 judgments unparsed or failed: 0 is not above 0.2\n"
        "--- stderr\n"
    )


@pytest.mark.usefixtures("runs")
def test_an_incomplete_run_passes_no_gate(judgefast: Callable[..., str]) -> None:
    seen = judgefast("gate", "half", "--rule", "accuracy.value >= 0.5", "--max-unreadable", "0.9")
    assert seen.startswith("exit 3\n--- stdout\ninconclusive  2 passed at level 95 %\n")
    assert "incomplete: 52 judgments failed; so the gate cannot pass\n" in seen
    seen = judgefast("gate", "half", "--rule", "accuracy.value >= 0.5")
    assert seen.startswith("exit 1\n--- stdout\nfail  1 passed, 1 failed at level 95 %\n")
    assert "52 of 72 judgments unparsed or failed: 0.7222 is above 0.2\n" in seen


@pytest.mark.usefixtures("runs")
def test_the_json_of_a_gate_holds_every_rule(judgefast: Callable[..., str]) -> None:
    line = ["gate", "new", "--rule", "mean >= 3", "--rule", "accuracy.low > 0", "--json"]
    seen = judgefast(*line)
    assert seen.startswith("exit 1\n")
    found = json.loads(seen.split("--- stdout\n")[1].split("--- stderr\n")[0])
    assert (found["decision"], found["format"], found["baseline"]) == ("fail", 1, None)
    assert [rule["decision"] for rule in found["rules"]] == ["fail", "pass", "pass"]
    assert found["rules"][0]["reason"].startswith("not measured: there is no `mean`")


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("rest", "error", "hint"),
    [
        ([], "no rule was given", "add --rule, as in --rule 'win_rate.low >= 0.48'"),
        (
            ["--rule", "win_rate => 0.4"],
            POINTED_AT,
            "see docs/gate.md for the grammar of rules",
        ),
        (
            ["--rule", "drop(accuracy) <= 0.02"],
            "`drop(accuracy) <= 0.02` has nothing to drop from",
            "name the run that it is measured from: --baseline DIR",
        ),
        (
            ["--rules", "none.txt"],
            "the file of rules `none.txt` cannot be read: No such file or directory",
            "name a text file with one rule a line",
        ),
        (
            ["--rules", "rules.txt"],
            f"`rules.txt`, line 3: {NO_FRACTION}",
            "shares are fractions: for 25 % write 0.25",
        ),
        (
            ["--rule", "accuracy >= 0", "--level", "1.5"],
            "`level` is 1.5; it must be above 0 and below 1",
            None,
        ),
        (
            ["--rule", "accuracy >= 0", "--across", "judges"],
            NO_ACROSS,
            "see `judgefast gate --help`",
        ),
    ],
)
def test_a_mistake_in_the_call_is_named(
    judgefast: Callable[..., str], folder: Path, rest: list[str], error: str, hint: str | None
) -> None:
    (folder / "rules.txt").write_text("accuracy >= 0.1\n# shares\nflip_rate.high <= 25  # no\n")
    more = "" if hint is None else f"\nhint: {hint}\n"
    assert judgefast("gate", "new", *rest) == (
        f"exit 2\n--- stdout\n--- stderr\nerror: {error}\n{more}"
    )


@pytest.mark.usefixtures("runs")
def test_a_baseline_that_no_rule_is_about_is_pointed_out(judgefast: Callable[..., str]) -> None:
    seen = judgefast("gate", "new", "--baseline", "old", "--rule", "accuracy >= 0.8")
    assert seen.startswith("exit 0\n")
    assert seen.endswith("--- stderr\nno rule is about the baseline: `drop(NAME)` would be\n")


def test_names_of_models_cannot_move_the_terminal(
    judgefast: Callable[..., str], folder: Path
) -> None:
    rows = [
        {
            "id": f"i{number}",
            "question": f"Q{number}",
            "answer_a": "x",
            "answer_b": "y",
            "model_a": "\x1b[31mred",
            "model_b": "b",
        }
        for number in range(3)
    ]
    write_lines(folder / "red.jsonl", rows)
    write_lines(
        folder / "said.jsonl",
        [
            {"id": row["id"], "order": o, "text": '{"verdict": "A"}'}
            for row in rows
            for o in ("ab", "ba")
        ],
    )
    line = "run red.jsonl --rubric pairwise-reasons --engine replay --recorded said.jsonl --out red"
    judgefast(*line.split())
    for command in (["compare", "red", "red"], ["gate", "red", "--rule", "win_rate >= 0.1"]):
        seen = judgefast(*command)
        assert "[31mred" in seen
        assert "\x1b" not in seen


def test_a_comment_follows_a_blank_and_is_in_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(
        'mean[model="a # b"] >= 1 # why\n  # all of it\nmean[model=a#b] >= 2\nmean >= 1\t#\n'
    )
    assert read_rules(tmp_path / "rules") == [
        'mean[model="a # b"] >= 1',
        "mean[model=a#b] >= 2",
        "mean >= 1",
    ]
    (tmp_path / "rules").write_text("\nmean >= 2#3\n")
    with pytest.raises(ConfigError, match=r"rules`, line 2: .* expected the end of the rule"):
        read_rules(tmp_path / "rules")
