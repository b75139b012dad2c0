"""What `judgefast estimate` prints, whole, and how it ends."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.costs.pocket_calculator import redone
from tests.pipeline.model_folder import write_judge

from judgefast.cli.app import app
from judgefast.costs.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOTS = Path(__file__).parent / "snapshots"
WORKED = [
    *("estimate", "--shape", "questions=10000,answer=1000,rubric=500,out=500"),
    *("--orders", "one", "--rubric", "pairwise-reasons"),
    *("--model", "Qwen2.5-72B-Instruct", "--gpu", "H200"),
]
SHAPE = "--shape questions=10000,answers=2,question=100,answer=1000,rubric=500,out=500"
REST = "--rubric pairwise-reasons --model Qwen2.5-72B-Instruct --gpu H200"
AS_SHAPE = f"write it as {SHAPE}"
ALL_MISSING = (
    "an estimate needs what is to be judged (DATA, or --shape where there is none yet); "
    "a rubric (--rubric; `judgefast rubrics` lists them); "
    "a judge (--model NAME; `judgefast models` lists them); "
    "an accelerator (--gpu KIND[:N]; `judgefast gpus` lists them)"
)
TOO_SMALL = (
    "the model does not fit: on 1 x H100-SXM it lacks 0.7 GiB for its weights and one sequence of "
    "3,000 tokens"
)
FITTING = "it fits on 2 x H100-SXM, or 1 x H200-SXM, or 1 x H100-NVL: --gpu H100-SXM:2"
PRICED = [*WORKED, "--price", "1.19"]


@pytest.fixture(autouse=True)
def no_prices_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Catalogue and rates are those of the package."""
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path / "catalogue"))
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))


def matches(seen: str, name: str) -> bool:
    path = SNAPSHOTS / f"{name}.txt"
    seen = re.sub(r"(?m)^(digest +)[0-9a-f]{32}", r"\1...", seen)
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    return seen == path.read_text(encoding="utf-8")


def test_the_guides_question_with_its_arithmetic(judgefast: Callable[..., str]) -> None:
    seen = judgefast(*PRICED, "--cache", "fp8", "--explain")
    assert matches(seen, "estimate")
    printed = seen.split("Arithmetic, of the likely case")[1]
    sums = [each for line in printed.splitlines() for each in redone(line)]
    assert len(sums) >= 15
    for value, shown in sums:
        assert value == pytest.approx(shown, rel=1e-3)


def test_every_price_has_its_date(judgefast: Callable[..., str]) -> None:
    seen = judgefast(*WORKED)
    assert seen.startswith("exit 0\n")
    prices = [line for line in seen.splitlines() if line.startswith(("on demand", "spot,"))]
    assert len(prices) >= 4
    for line in (*prices, seen.split("money ")[1].split("energy")[0].replace("\n", " ")):
        assert re.search(r"\$\d.* 20\d\d-\d\d-\d\d", line), line


def test_data_of_a_folder_on_two_gpus(judgefast: Callable[..., str], folder: Path) -> None:
    heads = {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}
    sizes = {"hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36}
    write_judge(folder / "judge", **heads, **sizes)
    where = ["--model", "judge", "--gpu", "L4:2", "--price", "0.71", "--warm"]
    assert matches(judgefast("estimate", "pairs.jsonl", "--rubric", "pairwise", *where), "of_data")


def test_json_is_the_estimate_and_nothing_else(judgefast: Callable[..., str]) -> None:
    seen = judgefast(*WORKED, "--json")
    status, _, rest = seen.partition("--- stdout\n")
    assert status == "exit 0\n"
    text, _, errors = rest.partition("--- stderr\n")
    assert errors == ""
    assert set(json.loads(text)) >= set(Estimate.__struct_fields__)


@pytest.mark.parametrize(
    ("command", "error", "hint"),
    [
        (["estimate"], ALL_MISSING, f"for example: judgefast estimate {SHAPE} {REST}"),
        ([*WORKED[:2], "questions=5", *WORKED[3:]], "--shape: `answer` is missing", AS_SHAPE),
        ([*WORKED[:-1], "H100"], TOO_SMALL, FITTING),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_what_would_help(
    judgefast: Callable[..., str], command: list[str], error: str, hint: str
) -> None:
    seen = judgefast(*command)
    assert seen == f"exit 2\n--- stdout\n--- stderr\nerror: {error}\n\nhint: {hint}\n"


def test_the_command_is_listed() -> None:
    assert "estimate" in app.list_commands(None)  # type: ignore[arg-type]  # it is not looked at
