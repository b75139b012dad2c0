"""The lists of the pages are those of the code, read from both."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args, get_type_hints

from judgefast.cli.app import LazyGroup
from judgefast.codes import ONE_FAILED, RULES, OutcomeStatus, Position, Status
from judgefast.config import RunConfig
from judgefast.prompts import read_rubric
from judgefast.prompts.read_verdict import FORMATS
from judgefast.prompts.verdict_format import FORMAT_NAMES, WHICH_NAMES
from judgefast.stats import rules
from judgefast.stats.names import NAMES, OF_AGREEMENT, OF_POSITION, OVERALL
from judgefast.stats.position import PositionBias

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 400


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    return re.split(r"\n##+ ", page(name).split(f"# {title}\n")[1])[0]


def first_cells(text: str) -> list[str]:
    """What stands in code marks in the first cell of each row; heads of tables apart."""
    rows = re.findall(r"^\| `.*(?!\n\|--)$", text, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_statuses_of_judgments() -> None:
    assert first_cells(section("verdicts.md", "Statuses")) == [status.label for status in Status]


def test_statuses_and_positions_of_outcomes() -> None:
    assert first_cells(section("outcomes.md", "Status")) == [one.label for one in OutcomeStatus]
    assert first_cells(section("outcomes.md", "Position")) == [one.label for one in Position]


def test_rules_of_reconciliation() -> None:
    assert first_cells(section("outcomes.md", "Comparisons")) == list(RULES)
    assert first_cells(section("outcomes.md", "One order only")) == list(ONE_FAILED)
    assert read_rubric.RULES == RULES


def test_verdict_formats() -> None:
    assert first_cells(section("verdicts.md", "Formats")) == list(FORMAT_NAMES)
    keys = section("rubrics.md", "`[verdict]`: how the answer is read")
    [row] = [line for line in keys.splitlines() if line.startswith("| `name` |")]
    listed = re.sub(r"\(.*?\)", "", row).split("|")[2]
    assert re.findall(r"`([\w-]+)`", listed) == list(FORMAT_NAMES)
    assert all(f"`{name}`" in keys for name in WHICH_NAMES)
    said = keys.split("Which format fits which mode:")[1]
    for mode, formats in FORMATS.items():
        [fits] = re.findall(rf"`{mode}`(?: and `choice`)?(?: takes)? ([^;.]*)", said) or [""]
        if fits:
            assert re.sub(r"\s", "", fits) == ",".join(formats)


def test_estimates() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in package("stats")}
    made = set(re.findall(r'Statistic\(\s*"(\w+)"', sources["summary"]))
    made |= {"unreadable", "verdict_rate", "correlation", *OVERALL.values()}
    assert made == set(NAMES) - set(OF_POSITION)
    assert set(OF_POSITION) == {
        name
        for name, kind in PositionBias.__annotations__.items()
        if "Estimate" in kind and "list" not in kind
    }
    listed = first_cells(section("statistics.md", "Names"))
    assert list(dict.fromkeys(listed)) == list(NAMES)


def test_estimates_of_several_judges() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in package("stats"))
    assert all(f'"{name}"' in sources for name in OF_AGREEMENT)
    table = section("statistics.md", "Agreement").split("**Chance.**")[0]
    listed = re.findall(r"^\| (`[^|]*`) \|", table, flags=re.MULTILINE)
    assert [name for cell in listed for name in re.findall(r"`(\w+)`", cell)] == list(OF_AGREEMENT)


def test_methods_of_intervals() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in package("stats")}
    source = sources["intervals"] + sources["replicates"]
    table = section("statistics.md", "Which interval")
    rows = [row for row in table.splitlines() if re.match(r"\| \d", row)]
    methods = [name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[-2])]
    assert len(methods) == 5
    assert all(f'"{method}"' in source for method in methods)
    assert f"under {rules.SMALL_COUNT} clusters of either outcome" in table
    assert f"under {rules.FEW_CLUSTERS} clusters" in table
    assert f"2 to {rules.SIGN_MIN_CLUSTERS - 1} clusters all but alike" in table
    assert f"at least {rules.SIGN_MIN_CLUSTERS} clusters" in section("statistics.md", "Sentences")
    choice = section("statistics.md", "Another interval for large runs")
    assert first_cells(choice) == list(get_args(get_type_hints(RunConfig)["interval"]))
    others = re.findall(r"^\| `\w+` \| `([\w-]+)` \|", choice, flags=re.MULTILINE)
    assert len(others) == 3
    assert all(f'"{method}"' in source for method in others)


def test_the_label_of_intervals_that_are_looked_at_too_early() -> None:
    told = re.sub(r"\s+", " ", section("statistics.md", "While a run goes on"))
    assert "`so far (not anytime-valid): …`" in told
    for name in ("progress", "text"):
        source = (ROOT / f"python/judgefast/reports/{name}.py").read_text(encoding="utf-8")
        assert "not anytime-valid" in source


def test_commands() -> None:
    assert all(f"judgefast {name}" in page("shell.md") for name in LazyGroup.COMMANDS)


def test_dependencies_each_have_a_reason() -> None:
    text = page("decisions/0002-dependencies.md")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    crates = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    ours, theirs = text.split("| crate |")
    declared = {re.split(r"[^\w-]", one)[0] for one in project["dependencies"]}
    assert set(first_cells(ours)) == declared
    core = tomllib.loads((ROOT / "rust/core/Cargo.toml").read_text(encoding="utf-8"))
    for_tests = set(core["dev-dependencies"])
    used = crates["dependencies"].keys() - {"judgefast-core"} - for_tests
    assert set(first_cells(theirs)) == used
    assert all(f"`{name}`" in theirs for name in for_tests)
    for extra in project["optional-dependencies"]["embedded"]:
        name = re.split(r"[^\w-]", extra)[0]
        assert f"`{name}`" in text


def package(name: str) -> list[Path]:
    return sorted((ROOT / "python" / "judgefast" / name).glob("*.py"))


def test_every_package_and_its_modules_are_in_the_architecture() -> None:
    house = section("architecture.md", "The house")
    packages = {path.parent.name for path in ROOT.glob("python/judgefast/*/__init__.py")}
    assert packages <= set(first_cells(house))
    text = page("architecture.md")
    modules = [path.name for path in package("pipeline") if path.stem != "__init__"]
    assert set(first_cells(section("architecture.md", "The pipeline"))) == {
        f"pipeline/{name}" for name in modules
    }
    named = set(re.findall(r"`([a-z_]+/(?:\w+/)*\w+\.py)`", text))
    inside = ROOT / "python" / "judgefast"
    assert not [name for name in named if not (inside / name).exists()]


def test_every_thread_is_in_the_architecture() -> None:
    sources = "".join(path.read_text("utf-8") for path in ROOT.glob("python/judgefast/**/*.py"))
    threads = set(re.findall(r'Thread\([^)]*?name=f?"([^"]+)"', sources))
    threads.remove("judgefast-{dialect.engine}")
    threads |= {f"judgefast-{name}" for name in re.findall(r'Dialect\(\s+engine="(\w+)"', sources)}
    assert len(threads) >= 4
    listed = section("architecture.md", "Threads and processes")
    assert not [name for name in threads if f"`{name}`" not in listed]


def test_no_file_has_more_lines_than_the_house_allows() -> None:
    files = [
        path
        for folder in ("python", "rust", "tests", "benches")
        for ending in ("py", "rs", "pyi")
        for path in (ROOT / folder).rglob(f"*.{ending}")
    ]
    assert len(files) > 100
    long = [path for path in files if len(path.read_text("utf-8").splitlines()) > MOST_LINES]
    assert not long


def test_whatever_is_silenced_or_caught_at_large_says_why_on_its_line() -> None:
    silent = [
        re.compile(r"n[o]qa(?!: [A-Z0-9, ]+ - \S)"),
        re.compile(r"# type: i[g]nore(?!\[[a-z, -]+\]\s+# \S)"),
        re.compile(r"^\s*except( [^:#]*\b(Base)?Exception\b[^:#]*)?:(?!.*# \S)"),
    ]
    unsaid = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("python", "tests", "benches")
        for path in (ROOT / folder).rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if any(each.search(line) for each in silent)
    ]
    assert not unsaid
