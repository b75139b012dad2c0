"""Two records side by side: the interval, the verdict, and what is not compared."""

from __future__ import annotations

import json
import math
import os
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from judgefast.benchmarks import compare as comparing
from judgefast.benchmarks.compare import HEADLINES, Comparison, measured
from judgefast.benchmarks.compare_text import render
from judgefast.benchmarks.figures import FIGURES
from judgefast.benchmarks.records import (
    GpuFacts,
    Machine,
    Raw,
    Record,
    Steady,
    WorkloadFacts,
    read_record,
    read_records,
    write_record,
)
from judgefast.cli.app import app
from judgefast.errors import ConfigError
from tests.benchmarks.made_records import RECORD, SAMPLE, record

if TYPE_CHECKING:
    from collections.abc import Sequence


def matches(seen: str, name: str) -> bool:
    path = Path(__file__).parent / "snapshots" / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    return seen == path.read_text(encoding="utf-8")


def compare(a: Record, b: Record, **options: Any) -> Comparison:
    return comparing.compare([a], [b], **options)


def by_scipy(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """Welch's interval as scipy has it."""
    logs = [[math.log(value) for value in values] for values in (b, a)]
    ends = ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    return math.exp(ends.low), math.exp(ends.high)


rates = st.lists(st.integers(50, 200), min_size=2, max_size=6, unique=True)


@settings(max_examples=60, deadline=None)
@given(rates, rates)
def test_the_interval_is_welchs_and_the_verdict_follows_it(a: list[int], b: list[int]) -> None:
    found = compare(record(a), record(b))
    head = found.headline
    low, high = by_scipy(a, b)
    assert head.figure == "judgments_per_second"
    assert head.low == pytest.approx(low, rel=1e-6)
    assert head.high == pytest.approx(high, rel=1e-6)
    expected = "faster" if low > 1 else "slower" if high < 1 else "can't tell"
    assert found.verdict == expected
    back = compare(record(b), record(a))
    opposite = {"faster": "slower", "slower": "faster", "can't tell": "can't tell"}
    assert back.verdict == opposite[expected]
    assert back.headline.ratio == pytest.approx(1 / head.ratio)


def test_of_equal_speeds_one_in_twenty_at_most_seems_different() -> None:
    draw = random.Random(7)  # noqa: S311 - a simulation
    wrong = 0
    for _ in range(600):
        a, b = ([math.exp(draw.gauss(0, 0.05)) for _ in range(4)] for _ in range(2))
        wrong += compare(record(a), record(b)).verdict != "can't tell"
    assert wrong / 600 < 0.07


def test_a_record_is_as_fast_as_itself() -> None:
    same = compare(record([3.0, 3.1, 3.2]), record([3.0, 3.1, 3.2]))
    assert same.verdict == "can't tell"
    assert same.headline.ratio == pytest.approx(1)
    assert same.differences == []
    assert same.warnings == []


def test_one_repeat_has_no_interval_and_tells_nothing() -> None:
    found = compare(record([1.0]), record([9.0, 9.1]))
    assert (found.verdict, found.headline.low) == ("can't tell", None)
    assert found.warnings[0].startswith("A has one measurement")
    alike = compare(record([1.0, 1.0]), record([9.0, 9.0]))
    assert (alike.verdict, alike.headline.high) == ("can't tell", None)


def test_the_part_in_which_the_engine_was_full_decides_where_both_have_it() -> None:
    steady = Steady(seconds=5.0, judgments=60, tokens=1)
    slow = [msgspec.structs.replace(SAMPLE, steady=steady) for _ in range(2)]
    assert compare(record([1.0], samples=slow), record([2.0])).headline.figure == HEADLINES[2]
    both = compare(record([1.0], samples=slow), record([2.0], samples=slow))
    assert both.headline.figure == "steady_judgments_per_second"
    assert both.headline.a == [12.0, 12.0]


def raw(ours: Sequence[float]) -> Raw:
    blocks = [
        {"raw": is_raw, "computed": 900, "generated": 100, "seconds": 1000 / rate}
        for rate in ours
        for is_raw in (False, True)
    ]
    return Raw(blocks=blocks, ratio=1.0, low=0.99, high=1.01, fed=1.0, limit="the GPU")


def test_blocks_beside_raw_vllm_are_measurements() -> None:
    a = record([], raw=raw([100.0, 101.0, 102.0]))
    b = record([], raw=raw([110.0, 111.0, 112.0]))
    found = compare(a, b)
    assert found.verdict == "faster"
    assert found.headline.a == pytest.approx([100, 101, 102])
    assert [each.figure for each in found.figures] == [
        "block_tokens_per_second",
        "raw_block_tokens_per_second",
    ]
    with pytest.raises(ConfigError, match="no rate in common"):
        compare(a, record([1.0, 2.0]))
    assert found.warnings == ["raw vLLM beside B is faster too, 1.099 times that beside A"]
    calm = [{**block, "seconds": 10.0} if block["raw"] else block for block in b.raw.blocks]  # type: ignore[union-attr]  # it has them
    assert compare(a, record([], raw=msgspec.structs.replace(b.raw, blocks=calm))).warnings == []


def test_of_several_calls_each_is_one_measurement(tmp_path: Path) -> None:
    calls = {"a": [[1.0, 1.1], [1.3, 1.2], [0.8, 0.9]], "b": [[1.2, 1.1], [1.0, 1.0], [1.4, 1.5]]}
    for name, repeats in calls.items():
        (tmp_path / name).mkdir()
        for number, values in enumerate(repeats):
            write_record(record(values), tmp_path / name / f"{number}.json")
    of_a, of_b = (read_records(tmp_path / name) for name in calls)
    found = comparing.compare(of_a, of_b)
    assert found.headline.a == pytest.approx([math.sqrt(x * y) for x, y in calls["a"]])
    assert (found.verdict, found.warnings) == ("can't tell", [])
    assert "A is one call" in comparing.compare(of_a[:1], of_b).warnings[0]
    other = record([1.0], engine="vllm")
    with pytest.raises(ConfigError, match="not of the same engine"):
        comparing.compare([of_a[0], other], of_b, across=["engine"])
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match="holds no record"):
        read_records(tmp_path / "none")


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("machine", {"machine": Machine(cpu="ARM", cores=2, memory_bytes=1, system="s")}, "cpu"),
        ("engine", {"engine": "vllm"}, "embedded and vllm"),
        ("model", {"model": "other"}, "smollm2 and other"),
        (
            "workload",
            {"workload": msgspec.structs.replace(RECORD.workload, orders="one")},
            "workload.orders both and one",
        ),
        (
            "workload",
            {"workload": msgspec.structs.replace(RECORD.workload, source="other.jsonl")},
            "workload.source None and other.jsonl",
        ),
        (
            "workload",
            {"workload": WorkloadFacts(name="x", items=1, orders="one", seed=0, scale=0.5)},
            "; and 1 more",
        ),
    ],
)
def test_what_is_not_alike_is_refused_unless_it_is_what_is_compared(
    part: str, changes: dict[str, Any], words: str
) -> None:
    a, b = record([1.0, 1.1]), record([2.0, 2.1], **changes)
    with pytest.raises(ConfigError, match=f"not of the same {part}") as caught:
        compare(a, b)
    assert words in str(caught.value)
    assert f"--across {part}" in str(caught.value.hint)
    assert any(each.of.startswith(part) for each in compare(a, b, across=[part]).differences)


def test_another_seed_draws_another_rubric_and_is_the_same_workload() -> None:
    drawn = [
        msgspec.structs.replace(RECORD.workload, scale=1.0, seed=seed, prompt_hash=f"{seed}" * 64)
        for seed in (0, 1)
    ]
    a, b = (record([1.0, 1.1], workload=facts) for facts in drawn)
    assert {each.of for each in compare(a, b).differences} == {"workload.seed"}
    own = [msgspec.structs.replace(facts, scale=None) for facts in drawn]
    a, b = (record([1.0, 1.1], workload=facts) for facts in own)
    with pytest.raises(ConfigError, match=r"not of the same workload: workload\.prompt_hash"):
        compare(a, b)


def test_settings_versions_and_more_items_are_told_and_compared() -> None:
    b = record(
        [2.0, 2.1],
        settings={"threads": 4},
        versions={"openvino": "2026.5"},
        commit=None,
        workload=msgspec.structs.replace(RECORD.workload, items=500, seed=1),
    )
    found = compare(record([1.0, 1.1]), b)
    told = {each.of: (each.a, each.b) for each in found.differences}
    assert told == {
        "settings.threads": (2, 4),
        "versions.openvino": ("2026.4", "2026.5"),
        "commit": ("a" * 40, None),
        "workload.items": (50, 500),
        "workload.seed": (0, 1),
    }
    assert found.warnings[0].startswith("they judged 50 to 500 items")
    steady = Steady(seconds=1.0, judgments=9, tokens=1)
    full = [msgspec.structs.replace(SAMPLE, steady=steady)] * 2
    many = msgspec.structs.replace(b, samples=full)
    assert compare(record([1.0], samples=full), many).warnings == []


def test_what_makes_a_comparison_doubtful_is_said() -> None:
    bad = [msgspec.structs.replace(SAMPLE, failed=30, parsed=70) for _ in range(2)]
    found = compare(
        record([1.0, 1.1]), record([], samples=bad, created="2026-11-26T12:00:00+00:00")
    )
    assert [words.split(" ")[0] for words in found.warnings] == ["B", "they"]
    assert "failed 60 of 200 judgments" in found.warnings[0]
    gpu = GpuFacts(name="NVIDIA H200", memory_bytes=1, driver="580.1")
    machine = msgspec.structs.replace(RECORD.machine, gpus=[gpu])
    on_gpu = [
        record([1.0, 1.1], machine=machine, created=f"2026-11-2{n}T00:00:00+00:00") for n in (1, 2)
    ]
    assert compare(*on_gpu).warnings == []


def test_every_figure_has_a_title_and_the_whole_reads_as_it_did() -> None:
    a, b = (
        record(
            [],
            samples=[
                msgspec.structs.replace(
                    sample,
                    steady=Steady(seconds=60 / rate, judgments=63, tokens=1),
                    engine_cpu_seconds=15 + 3 * rate,
                    gpu_busy=0.5,
                    gpu_peak_bytes=1 << 30,
                )
                for sample, rate in zip(record(rates).samples, rates, strict=True)
            ],
        )
        for rates in ([2.0, 2.1, 2.3], [2.6, 2.8, 2.7])
    )
    b = msgspec.structs.replace(b, settings={"threads": 4})
    found = compare(a, b)
    assert {each.figure for each in found.figures} == {*FIGURES, "cpu_seconds_per_judgment"}
    assert matches(render(found), "compare")
    page = (Path(__file__).parents[2] / "docs" / "bench.md").read_text("utf-8")
    shown = page.split("## Compare two records")[1].split("```")[1].splitlines()[1:]
    assert set(shown) - {"..."} <= set(render(found).splitlines())


def test_cpu_is_told_where_it_judges_and_not_beside_a_gpu() -> None:
    found = compare(record([1.0, 1.1]), record([1.0, 1.2]))
    assert found.cpu is not None
    assert found.cpu.a == pytest.approx([(18.0 + 2.6) / 100] * 2)
    machine = msgspec.structs.replace(
        RECORD.machine, gpus=[GpuFacts(name="NVIDIA H200", memory_bytes=1)]
    )
    assert compare(*[record([1.0, 1.1], machine=machine)] * 2).cpu is None


def test_a_figure_that_a_repeat_does_not_know_is_left_out() -> None:
    unknown = msgspec.structs.replace(SAMPLE, cached_tokens=None, latency=None)
    names = measured(record([], samples=[SAMPLE, unknown]))
    assert "judgments_per_second" in names
    assert not {"cached_tokens_per_second", "latency_p50", "gpu_busy"} & set(names)
    assert "cached_tokens_per_second" in measured(record([1.0]))


def test_records_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    before = record([1.0, 2.0], raw=raw([1.0]))
    write_record(before, path)
    assert read_record(path) == before
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"later": 1}))
    assert read_record(path) == before
    path.write_text(json.dumps({"format": 2, "samples": "of another kind"}))
    with pytest.raises(ConfigError, match=r"of format 2; this program reads 1"):
        read_record(path)
    path.write_text("{}")
    with pytest.raises(ConfigError, match="is no record of `judgefast bench`") as caught:
        read_record(path)
    assert "--record" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_record(tmp_path / "none.json")


def test_the_command_says_the_verdict_and_may_gate_by_it(tmp_path: Path) -> None:
    files = []
    for name, values in {
        "a": [1.0, 1.01, 1.02],
        "b": [2.0, 2.02, 2.04],
        "c": [1.0, 1.5, 0.5],
    }.items():
        files.append(tmp_path / f"{name}.json")
        write_record(record(values), files[-1])
    a, b, c = map(str, files)

    def call(*args: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["bench", "compare", *args], standalone_mode=False)
        assert done.exception is None
        return done.return_value or 0, done.stdout

    status, said = call(a, b)
    assert status == 0
    *_, last, cpu = said.splitlines()
    assert re.fullmatch(r"B is faster by judgments/s: 2\.000 times A \[1\.9\d\d, 2\.0\d\d\]", last)
    assert cpu == "  CPU a judgment: 1.000 times A, no interval"
    assert [call(*pair, "--gate")[0] for pair in ((a, b), (b, a), (a, c))] == [0, 1, 3]
    assert "by the interval they are at most" in call(a, c)[1]
    assert json.loads(call(a, b, "--json")[1])["verdict"] == "faster"
    shown = render(compare(read_record(files[0]), read_record(files[1])))
    assert shown.splitlines()[-1] == said.splitlines()[-1]


def test_what_bench_records_can_be_compared(tmp_path: Path) -> None:
    examples = Path(__file__).parents[2] / "examples"
    given = ["--rubric", "pairwise-reasons", "--engine", "replay", "--repeats", "2"]
    given += ["--recorded", str(examples / "recorded.jsonl"), "--no-warm-up"]
    path = str(tmp_path / "now.json")
    args = ["bench", str(examples / "pairs.jsonl"), *given, "--record", path]
    assert CliRunner().invoke(app, args, standalone_mode=False).exception is None
    done = CliRunner().invoke(app, ["bench", "compare", path, path], standalone_mode=False)
    assert "can't tell by judgments/s: 1.000 times A [" in done.stdout
    assert read_record(Path(path)).workload.source == "pairs.jsonl"
