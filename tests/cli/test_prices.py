"""`judgefast gpus` and `judgefast prices`, whole, and how they refuse."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from judgefast.cli.app import app
from judgefast.errors import ConfigError
from judgefast.estimates import estimate

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOTS = Path(__file__).parent / "snapshots"


def call(*args: str) -> str:
    done = CliRunner().invoke(app, args, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def matches(seen: str, name: str) -> bool:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    return seen == path.read_text(encoding="utf-8")


def test_the_guides_table_stands_beside_todays_prices(judgefast: Callable[..., str]) -> None:
    seen = judgefast("prices", "--guide")
    head, rest = seen.split("shared tokens computed once:\n")
    assert matches(head, "prices-guide")
    ours = re.findall(r"(\d) x .*?  (\S+) h \((\S+) to (\S+)\) +\$(\S+) \(2026-04-22\)", rest)
    guides = (6.9, 4.0, 12.0)
    for (gpus, likely, low, high, usd), guide, price in zip(
        ours, guides, (1.19, 0.80, 1.19), strict=True
    ):
        assert float(low) < float(likely) < float(high) < guide
        assert float(usd) == pytest.approx(int(gpus) * price * float(likely), rel=0.06)
    assert "they look like spot prices" in rest


def test_the_lists_print_as_they_did() -> None:
    for name, args in {
        "gpus": ["gpus"],
        "gpus-h200": ["gpus", "h200"],
        "prices": ["prices"],
        "prices-h200-spot": ["prices", "--gpu", "H200", "--kind", "spot"],
        "prices-apis": ["prices", "--apis"],
    }.items():
        assert matches(call(*args), name), name


def test_every_line_with_a_price_has_a_day() -> None:
    for args in (["gpus"], ["prices"], ["prices", "--gpu", "H100"], ["prices", "--guide"]):
        for line in call(*args).splitlines():
            if "$" in line:
                assert re.search(r"2026-\d\d-\d\d", line), line


def test_json_holds_dates_and_sources() -> None:
    offers = json.loads(call("prices", "--gpu", "H200", "--kind", "on-demand", "--json"))
    assert {offer["gpu"] for offer in offers} == {"H200-SXM"}
    assert {offer["kind"] for offer in offers} == {"on_demand"}
    assert all(offer["source"] and (offer["date"] or offer["seen"]) for offer in offers)
    guide = json.loads(call("prices", "--guide", "--json"))
    assert [row["guide"]["usd"] for row in guide["playbook"]] == [8.21, 3.2, 57.12]
    assert all(row["spot"][1]["date"].startswith("2026") for row in guide["playbook"])
    made = estimate(
        shape="questions=10000,answer=1000,rubric=500,out=500",
        orders="one",
        rubric="pairwise-reasons",
        model="Qwen2.5-72B-Instruct",
        gpu="H200",
        warm=True,
    )
    ours = guide["playbook"][0]["ours"]
    assert ours["hours"]["likely"] == pytest.approx(made.judging_seconds.likely / 3600)
    middle = next(m for m in made.money if (m.kind, m.level) == ("on_demand", "middle"))
    assert ours["on_demand"][1]["usd"] == round(
        ours["hours"]["likely"] * middle.usd_per_gpu_hour, 2
    )
    apis = json.loads(call("prices", "--apis", "--provider", "typesafe", "--json"))
    assert [api["usd_input"] for api in apis] == [0.042]
    assert json.loads(call("gpus", "L4", "--json"))["key"] == "L4"
    assert len(json.loads(call("gpus", "--json"))) == 24


def test_a_price_of_ones_own_is_kept_and_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path / "made"))
    add = ["prices", "add", "--provider", "Us", "--gpu", "H200", "--kind", "spot"]
    path = Path(call(*add, "--usd", "2").strip())
    assert path == tmp_path / "made" / "prices.jsonl"
    call(*add, "--usd", "1.5", "--date", "2026-11-25", "--source", "a contract")
    (row,) = map(json.loads, path.read_text().splitlines())
    assert (row["usd"], row["date"], row["source"]) == (1.5, "2026-11-25", "a contract")
    (line,) = [each for each in call("prices").splitlines() if re.match(r"H200-SXM +spot", each)]
    assert line.count("$1.50/h Us 2026-11-25") == 3
    with pytest.raises(ConfigError, match="`usd` is 0"):
        call(*add, "--usd", "0")
    with pytest.raises(ConfigError, match="write a day as"):
        call(*add, "--usd", "1", "--date", "yesterday")
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "words", "hint"),
    [
        (["gpus", "H20O"], "no GPU is named `H20O`", "`H20`"),
        (["prices", "--gpu", "h-100x"], "no GPU is named `h-100x`", "`H100-SXM`"),
        (["prices", "--provider", "nobody"], "no price of any GPU", "Spheron"),
        (["prices", "--provider", "nebus"], "no price of any GPU", "did you mean `Nebius`?"),
        (["prices", "--apis", "--provider", "opnai"], "no API of `opnai`", "`OpenAI`?"),
        (["prices", "--guide", "--gpu", "H200"], "--gpu does not go with --guide", "leave --gpu"),
        (["prices", "--gpu", "L4"], "no price of L4", "see judgefast prices"),
        (["prices", "--apis", "--provider", "no"], "no API of `no`", "TypeSafe"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(args: list[str], words: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        call(*args)
    assert words in str(caught.value)
    assert hint in str(caught.value.hint)
