"""An estimate says what does not fit, what never ends, and what another precision would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import judgefast
from judgefast.costs.estimates import Estimate
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.reports.estimate_text import render_estimate
from tests.pipeline.model_folder import write_judge
from tests.recorded import EXAMPLES

WORKED: dict[str, Any] = {
    "shape": "questions=10000,answer=1000,rubric=500,out=500",
    "rubric": "pairwise-reasons",
    "model": "Qwen2.5-72B-Instruct",
    "gpu": "H200",
    "orders": "one",
}


@pytest.fixture(autouse=True)
def nothing_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogue and rates are those of the package."""
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path / "catalogue"))
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))


def worked(**changes: Any) -> Estimate:
    return judgefast.estimate(**WORKED | changes)


def noted(made: Estimate, words: str) -> list[str]:
    return [note for note in made.notes if words in note]


def test_prompts_of_a_shape_that_the_judge_cannot_read_are_refused() -> None:
    words = r"prompts of 40,\d{3} tokens with answers of up to 1 do not fit `prometheus-7b-v2.0`"
    with pytest.raises(ConfigError, match=words + ", which reads 32,768"):
        worked(shape="questions=10k,answer=20k", rubric="pairwise", model="prometheus-7b-v2.0")


def test_answers_count_for_the_context_too() -> None:
    worked(shape="questions=9,answer=10000,rubric=500,out=10000")
    with pytest.raises(ConfigError, match=r"prompts of 20,500 tokens with answers of up to 13,000"):
        worked(shape="questions=9,answer=10000,rubric=500,out=13000", model="prometheus-7b-v2.0")


def test_data_that_are_too_long_are_counted_and_not_priced(tmp_path: Path) -> None:
    shape = {
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
    }
    judge = str(write_judge(tmp_path / "judge", max_position_embeddings=3000, **shape))
    rows = [
        {"question": f"q{at}", "answers": [{"text": f"{at} a"}, {"text": f"{at} b" * long}]}
        for at, long in enumerate((1, 1, 2000))
    ]
    made = judgefast.estimate(rows, rubric="pairwise", model=judge, gpu="H100", orders="one")
    (note,) = noted(made, "too long")
    assert note.startswith("1 judgment of 3 too long for the judge's context of 3,000 tokens")
    assert made.workload.requests == 2


def test_the_other_precision_is_priced_where_nobody_has_chosen() -> None:
    chosen = worked()
    other = worked(cache="fp8")
    assert (chosen.placed.cache, other.placed.cache) == ("16bit", "fp8")
    (note,) = noted(chosen, "--cache fp8:")
    assert f"{other.seconds.likely / 3600:.1f} h, " in note
    assert f"in place of {chosen.seconds.likely / 3600:.1f} h, $" in note
    assert "may change verdicts" in note
    assert not noted(other, "--cache 16bit:")


def test_machines_that_are_taken_before_they_start_are_not_priced_and_it_is_said() -> None:
    made = worked(preemptions_per_day=170)
    (note,) = noted(made, "the run never ends")
    assert "one is taken every 508 s" in note
    assert {one.kind for one in made.money} == {"on_demand"}
    assert made.pre_emptions is None
    told = msgspec.json.decode(msgspec.json.encode(made), type=Estimate)
    assert (told.lines, told.money) == (made.lines, made.money)
    assert "bug" not in render_estimate(made)


def test_pre_emptions_without_an_upper_end_say_the_likely_one() -> None:
    made = worked(download_rate=0.003)
    (note,) = noted(made, "may never end")
    assert "h more)" in note
    assert all(one.kind == "on_demand" for one in made.money)


def test_a_rubric_that_asks_together_makes_as_many_judgments_by_shape_as_by_data(
    tmp_path: Path,
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "rubrics.md").read_text("utf-8")
    text = next(block for block in page.split("```") if 'name = "two-at-once"' in block)
    rubric = tmp_path / "two.toml"
    rubric.write_text(text.partition("\n")[2], "utf-8")
    rows = [{"question": f"q{at}", "answer": f"a{at}"} for at in range(6)]
    how: dict[str, Any] = {"rubric": str(rubric), "model": "Qwen3-8B", "gpu": "H100"}
    counted = judgefast.estimate(rows, **how).workload
    given = judgefast.estimate(shape="questions=6,answer=5", **how).workload
    assert (given.items, given.judgments, given.requests) == (6, 12, 6)
    assert (counted.items, counted.judgments, counted.requests) == (6, 12, 6)
    assert given.held
    assert counted.held


def test_answers_above_the_rubrics_cap_are_priced_and_it_is_said() -> None:
    (note,) = noted(worked(), "the rubric cuts answers at 256 tokens, and 500 are priced")
    assert "`max_tokens`" in note
    assert not noted(worked(shape="questions=9,answer=9,out=200"), "the rubric cuts")


def test_a_limit_of_a_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--limit 10 is for DATA") as refused:
        worked(limit=10)
    assert refused.value.hint == "write questions=10 in --shape"


def piloted(out: Path) -> str:
    """A run of the example, by a recorded judge."""
    judgefast.run(
        str(EXAMPLES / "pairs.jsonl"),
        rubric="pairwise-reasons",
        engine="replay",
        recorded=(str(EXAMPLES / "recorded.jsonl"),),
        out=str(out),
        limit=6,
    )
    return str(out)


def test_a_pilot_is_looked_at_even_where_its_lengths_are_not_used(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError):
        worked(pilot=str(tmp_path / "nowhere"))
    pilot = piloted(tmp_path / "run")
    assert noted(worked(pilot=pilot), "how long the pilot's answers are is not used: a mean of 500")
    used = worked(pilot=pilot, shape="questions=9,answer=9")
    assert noted(used, "the pilot was judged by `")
    label = worked(pilot=pilot, shape="questions=9,answer=9", rubric="pairwise")
    assert label.workload.answers.basis == "counted"


def test_a_pilot_of_another_rubric_is_refused(tmp_path: Path) -> None:
    pilot = piloted(tmp_path / "run")
    with pytest.raises(
        ConfigError, match=r"is of rubric `pairwise-reasons`: its answers say"
    ) as no:
        worked(pilot=pilot, shape="questions=9,answer=9", rubric="pairwise-bracket")
    assert "--answer-tokens N" in str(no.value.hint)
