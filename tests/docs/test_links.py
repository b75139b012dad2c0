"""Every link, path and flag that the pages name exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from judgefast.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
TOP = {"python", "rust", "tests", "docs", "examples", "benches", ".ci"}
SOURCES = (".py", ".rs", ".pyi", ".md", ".sh")
PLACEHOLDER = re.compile(r"NAME|STAGE|<|X\b|__")
OTHER_PROGRAMS = {
    "--find-links": "pip",
    "--locked": "cargo",
    "--output": "benches",
    "--quick": "benches",
    "--rows": "benches",
    "--write": "benches",
    "--rubrik": "a slip, to show what is suggested",
    **dict.fromkeys(
        (
            *("--dtype", "--guided-json", "--guided-regex", "--guided-choice", "--swap-space"),
            *("--guided-decoding-backend", "--disable-log-requests", "--num-scheduler-steps"),
            *("--enable-reasoning", "--speculative-model", "--rope-scaling", "--worker-use-ray"),
        ),
        "vllm, in older guides",
    ),
}
"""Flags in the pages that are not ours."""
OTHER_SOURCES = {"llm_judge/show_result.py", "metrics.py", "show_result.py"}
"""Files of published programs that a rule is taken from."""


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"\w+://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def paths_in(page: Path) -> Iterator[str]:
    for span in re.findall(r"`([^`\n]+)`", text_of(page)):
        is_path = re.fullmatch(r"[\w./*-]+", span) and not PLACEHOLDER.search(span)
        if is_path and ("/" in span or span.endswith(SOURCES)):
            yield span


def exists(span: str, page: Path) -> bool:
    homes = [ROOT, page.parent, ROOT / "python/judgefast", ROOT / "rust/core", ROOT / "rust/py"]
    return any(any(home.glob(span.rstrip("/"))) for home in homes)


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_source_that_is_named_exists(page: Path) -> None:
    package = re.compile(r"^\| `(\w+)` \| (.*) \| ", re.MULTILINE)
    in_packages = {
        f"{home}/{file}"
        for home, files in package.findall(text_of(page))
        if (ROOT / "python/judgefast" / home).is_dir()
        for file in re.findall(r"`(\w+\.py)`", files)
    }
    for path in in_packages:
        assert exists(path, page), path
    bare = {path.partition("/")[2] for path in in_packages}
    beside = {"choose.rs", "score.rs"}  # "beside it", the path stands in the same sentence
    for span in paths_in(page):
        if span.startswith("/") or span in bare | beside | OTHER_SOURCES:
            continue
        if span.split("/")[0] in TOP or span.endswith(SOURCES):
            assert exists(span, page), span


@cache
def our_flags() -> set[str]:
    found = {"--help", "--version"}
    groups: list[tuple[click.Group, click.Context]] = [(app, click.Context(app))]
    for group, context in groups:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            found |= {flag for option in command.params for flag in option.opts}
            if isinstance(command, click.Group):
                groups.append((command, click.Context(command)))
    return found


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_flag_that_is_named_exists(page: Path) -> None:
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text_of(page)):
        assert flag in our_flags() or flag in OTHER_PROGRAMS, flag


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in re.findall(r"\]\(([^)]+)\)", text_of(index))
    }
    assert set(ROOT.glob("docs/**/*.md")) - {index} <= linked


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_no_page_names_a_path_of_somebody_s_machine(page: Path) -> None:
    assert not re.search(r"(/home/|/root/|/Users/|/work/|C:\\)", text_of(page))
