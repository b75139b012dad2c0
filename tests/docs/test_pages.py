"""The pages for the shell and for Python are true: every block runs and prints what it shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.program import program
from tests.recorded import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

DOCS = EXAMPLES.parent / "docs"
FENCE = re.compile(r"(?ms)^(<!-- embedded -->\n)?```(console|python|text)\n(.*?)^```$")


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    needs_model: bool
    line: int


def blocks(page: str) -> list[Block]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(match[2], match[3], bool(match[1]), text.count("\n", 0, match.start(2)) + 1)
        for match in FENCE.finditer(text)
    ]


def matches(shown: str, printed: str) -> bool:
    """Whether `printed` is what a page shows; `...` stands for lines, or for part of one."""
    pattern = ""
    for line in shown.splitlines():
        inner = ".*?".join(re.escape(part) for part in line.split("..."))
        pattern += r"(?:.*\n)*?" if line == "..." else inner + r"\n"
    return re.fullmatch(pattern, printed) is not None


def commands(text: str) -> list[tuple[str, str]]:
    """Each command of a console block with the output that is shown for it."""
    found: list[list[str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif _goes_on(found[-1]):
            found[-1][0] += line
        else:
            found[-1][1] += line
    return [(command, shown) for command, shown in found]


def _goes_on(entry: list[str]) -> bool:
    """Whether the next line belongs to the command: after a backslash, or in a here-document."""
    command, shown = entry
    if shown:
        return False
    here = re.search(r"<<'(\w+)'", command)
    return command.endswith("\\\n") or (here is not None and not command.endswith(f"\n{here[1]}\n"))


def run_console(block: Block, page: str, folder: Path) -> None:
    status = 0
    setup = f'judgefast() {{ {shlex.join(program())} "$@"; }}\n'
    setup += f'python() {{ "{sys.executable}" "$@"; }}\n'
    for command, shown in commands(block.text):
        done = subprocess.run(
            ["bash", "-c", f"{setup}(exit {status})\n{command}"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=240,
        )
        status = done.returncode
        assert status in {0, 1, 2, 3}, f"{page}:{block.line}: $ {command}{done.stdout}"
        assert matches(shown, done.stdout), f"{page}:{block.line}: $ {command}{done.stdout}"


def run_python(block: Block, shown: str | None, page: str, names: dict[str, object]) -> None:
    printed = io.StringIO()
    lines = "\n" * block.line  # so that a traceback names the line of the page
    with contextlib.redirect_stdout(printed):
        exec(compile(lines + block.text, str(DOCS / page), "exec"), names)  # noqa: S102 - the page's own code
    if shown is not None:
        assert matches(shown, printed.getvalue()), f"{page}:{block.line}: {printed.getvalue()}"


def run_page(page: str, folder: Path, *, with_model: bool) -> None:
    names: dict[str, object] = {}
    found = blocks(page)
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.needs_model != with_model:
            continue
        if block.language == "console":
            run_console(block, page, folder)
        elif block.language == "python":
            shown = after.text if after is not None and after.language == "text" else None
            run_python(block, shown, page, names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The top of the repository, as far as the pages use it."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    ["adaptive.md", "bench.md", "costs.md", "families.md", "judges.md", "shell.md", "python.md"],
)
def test_every_block_runs_and_prints_what_it_shows(page: str, folder: Path) -> None:
    run_page(page, folder, with_model=False)


@pytest.mark.slow
@pytest.mark.embedded
@pytest.mark.parametrize("page", ["adaptive.md", "bench.md", "plan.md", "shell.md", "python.md"])
def test_the_block_that_needs_a_model_runs_too(page: str, folder: Path) -> None:
    assert sum(block.needs_model for block in blocks(page)) == 1
    run_page(page, folder, with_model=True)


@pytest.mark.parametrize("page", ["costs.md", "plan.md", "shell.md", "python.md"])
def test_links_lead_to_pages_that_are_there(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []
