"""What cannot be done is refused with exit 2, what was seen, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPLAY = "--rubric pairwise-reasons --engine replay --recorded recorded.jsonl"
RUN = f"run pairs.jsonl {REPLAY}"

BROKEN = (
    "`broken.jsonl`, line 2: not valid JSON: Input data was truncated; "
    'saw "{"id": "x", "question":"'
)
NO_RUBRIC = (
    "there is no rubric `pairwize`; built in are aspects-1-5, aspects-pairwise, binary, "
    "few-shot-quality, pairwise, pairwise-bracket, pairwise-reasons, scalar-1-5"
)


def refused(error: str, hint: str | None = None) -> str:
    words = f"exit 2\n--- stdout\n--- stderr\nerror: {error}\n"
    return words if hint is None else f"{words}\nhint: {hint}\n"


@pytest.mark.parametrize(
    ("command", "error", "hint"),
    [
        (
            f"run pears.jsonl {REPLAY} --out new",
            "there is no file `pears.jsonl`",
            "did you mean `pairs.jsonl`?",
        ),
        (
            f"run empty.jsonl {REPLAY} --out new",
            "`empty.jsonl` holds no rows",
            "check the file, or leave it out",
        ),
        (
            f"run broken.jsonl {REPLAY} --out new",
            BROKEN,
            'write one JSON object a line, such as {"question": "...", "answer": "..."}',
        ),
        (
            "run pairs.jsonl --rubric pairwize --out new",
            NO_RUBRIC,
            "did you mean `pairwise`?",
        ),
        (
            "run pairs.jsonl --rubric pairwise --engine embeded --out new",
            "no engine named `embeded`",
            "did you mean `embedded`?",
        ),
        (
            f"{RUN} --engine-arg speed=1 --out new",
            "engine `replay` has no option `speed`",
            "see `judgefast run --help` and docs/engines.md for `replay`",
        ),
        (
            "run pairs.jsonl --rubric pairwise --engine embedded --engine-arg thraeds=1 --out new",
            "engine `embedded` has no option `thraeds`",
            "did you mean `threads`?",
        ),
        (
            "bench one-token --engine embedded --record nowhere/now.json",
            "`nowhere/now.json` cannot be written: there is no folder `nowhere`",
            "make it, or name another",
        ),
        (
            "run pairs.jsonl --config wrong.toml --out new",
            "`wrong.toml`: unknown option `rubrik`",
            "did you mean `rubric`?",
        ),
        (
            "run --config list.toml --out new",
            "`list.toml`: `data` takes a list, saw text",
            "write it as a list, in [ ]",
        ),
        (
            "run pairs.jsonl --config none.toml --out new",
            "the config file `none.toml` cannot be read: No such file or directory",
            "name a TOML file with options of `judgefast run`",
        ),
        (
            "run pairs.jsonl --config kind.toml --out new",
            "`kind.toml`: `slices` takes a list, saw text",
            "write it as a list, in [ ]",
        ),
        (
            "run pairs.jsonl --config . --out new",
            "the config file `.` cannot be read: Is a directory",
            "name a TOML file with options of `judgefast run`",
        ),
        (RUN, "no run directory was named", "add --out DIR"),
        (
            "run pairs.jsonl --out new",
            "no rubric was named",
            "add --rubric NAME; `judgefast rubrics` lists them",
        ),
        (
            "run --rubric pairwise-reasons --engine own --out new",
            "no data was named",
            "judgefast run DATA ..., with DATA a file, glob, folder or -",
        ),
        (
            "run pairs.jsonl --rubric pairwise --engine replay --out new",
            "the engine `replay` has nothing to replay",
            "add --recorded FILE, or a finished run directory",
        ),
        (
            f"{RUN} --rule strikt --out new",
            "no rule named `strikt`",
            "rules: strict, average, judgebench, games, drop",
        ),
        (
            f"{RUN} --slice topics --out new",
            "no meta field `topics` to slice by; known: `meta.easy`, `meta.lang`, `meta.topic`",
            "did you mean `meta.topic`?",
        ),
        (
            f"{RUN} --baseline beakon --out new",
            "no model `beakon` to serve as baseline; known: beacon, atlas",
            "did you mean `beacon`?",
        ),
        (
            f"run single.jsonl {REPLAY} --out new",
            "the rubric `pairwise-reasons` compares answers, but each row has one",
            "name a rubric of mode scalar or binary, or give `answer_a` and `answer_b`",
        ),
        (
            "run single.jsonl --rubric binary --rule games --engine own --out new",
            "the rule `games` does not apply to mode `binary`; these do: strict, average",
            None,
        ),
        (f"{RUN} --repeats 0 --out new", "`repeats` is 0; it must be at least 1", None),
        (
            f"{RUN} --rubrik x",
            "No such option '--rubrik'. Did you mean '--rubric'?",
            "see `judgefast run --help`",
        ),
        (
            "reprot new",
            "no command named `reprot`; did you mean `report`?",
            "see `judgefast --help`",
        ),
        (
            "rubrics shwo pairwise",
            "no command named `shwo`; did you mean `show`?",
            "see `judgefast rubrics --help`",
        ),
        (
            "export new --to new.csv",
            "`new` is no run directory: it holds no `manifest.json`",
            "name the folder that was given as `out`",
        ),
        (
            "show new --id x",
            "`new` is no run directory: it holds no `manifest.json`",
            "name the folder that was given as `out`",
        ),
        (
            "report new",
            "`new` is no run directory: it has no readable manifest.json",
            "name the folder that a run was given",
        ),
        (
            "resume new",
            "`new` is no run directory: it has no readable manifest.json",
            "name the folder that a run was given",
        ),
    ],
)
def test_a_mistake_is_named_and_nothing_is_made(
    judgefast: Callable[..., str], folder: Path, command: str, error: str, hint: str | None
) -> None:
    first = (folder / "pairs.jsonl").read_text("utf-8").splitlines()[0]
    (folder / "broken.jsonl").write_text(f'{first}\n{{"id": "x", "question": \n')
    (folder / "empty.jsonl").touch()
    (folder / "single.jsonl").write_text('{"id": "x", "question": "Q?", "answer": "A"}\n')
    (folder / "kind.toml").write_text('slices = "topic"\n')
    (folder / "wrong.toml").write_text('rubrik = "pairwise"\n')
    (folder / "list.toml").write_text('data = "pairs.jsonl"\n')
    assert judgefast(*command.split()) == refused(error, hint)
    assert not list(folder.glob("new*"))


def test_the_directory_of_another_run_is_refused_with_what_differs(
    judgefast: Callable[..., str],
) -> None:
    assert judgefast(*RUN.split(), "--out", "r").startswith("exit 0\n")
    other = "run pairs.jsonl --rubric pairwise --engine replay --recorded recorded.jsonl --out r"
    assert judgefast(*other.split()) == refused(
        "`r` belongs to another run; what differs:\n"
        "  rubric: prompt_hash 630428e1… -> bb1ce797…\n"
        "  rubric: parse_hash dfa1c9d6… -> 1d957672…",
        "name another --out",
    )
    fewer = judgefast(*RUN.split(), "--out", "r", "--orders", "one")
    assert fewer == refused(
        "`r` belongs to another run; what differs:\n  options: orders both -> one",
        "name another --out, or let the plan grow with --extend",
    )


def test_a_folder_with_something_else_is_left_alone(
    judgefast: Callable[..., str], folder: Path
) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("dear reader")
    assert judgefast(*RUN.split(), "--out", "mine") == refused(
        "`mine` is no run directory: it holds `thesis.txt`", "choose a new or an empty folder"
    )
    assert [path.name for path in (folder / "mine").iterdir()] == ["thesis.txt"]


def test_show_and_export_name_what_they_lack(judgefast: Callable[..., str], folder: Path) -> None:
    judgefast(*RUN.split(), "--out", "r")
    assert judgefast("show", "r", "--id", "facts-monhts") == refused(
        "`r` has no item `facts-monhts`",
        "did you mean `facts-months` or `facts-monday` or `facts-meow`?",
    )
    assert judgefast("export", "r", "--to", "out.xlsx") == refused(
        "cannot write `out.xlsx`: its name ends in `.xlsx`",
        "end it in one of .parquet, .csv, .jsonl",
    )
    assert judgefast("export", "r", "--to", "o.csv", "--table", "outcome") == refused(
        "no table named `outcome`; tables: judgments, verdicts, outcomes, estimates, items, "
        "completions, requests, asks",
        "did you mean `outcomes`?",
    )
    (folder / "there.csv").write_text("mine")
    assert judgefast("export", "r", "--to", "there.csv") == refused(
        "`there.csv` is there already", "choose another name, or overwrite it with `--overwrite`"
    )
    assert (folder / "there.csv").read_text() == "mine"


def test_the_bare_command_shows_its_help_on_stderr(judgefast: Callable[..., str]) -> None:
    assert judgefast().startswith("exit 2\n--- stdout\n--- stderr\nUsage: judgefast [OPTIONS] COM")


def test_rows_whose_answers_have_an_unknown_name_are_pointed_out(
    judgefast: Callable[..., str], folder: Path
) -> None:
    (folder / "typo.jsonl").write_text('{"id": "facts-months", "anwser_a": "x", "answer_b": "y"}\n')
    said = judgefast(*f"run typo.jsonl {REPLAY} --out typo".split())
    assert "no field of the rows is known to hold answers: the replay goes by ids alone" in said
    assert "no field of the rows" not in judgefast("run", *REPLAY.split(), "--out", "alone")
