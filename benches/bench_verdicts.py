"""Texts a second of the verdict parser, and how often it and its rivals are right, or wrong.

The mix: 30 % clean JSON, 15 % fenced, 10 % truncated, 6 % trailing comma, 5 % single quotes, 3 %
unescaped quotes or new lines, 10 % `Score: 4/5`, 7 % [[A]], 5 % [[A>>B]], 2 % an example object
first, 2 % reasoning first and a nested object; the other 5 % string scores, refusals and scores off
the scale. Shares are exact, and texts have 243 characters on average.

A rubric has one format, so each text goes to the format that its prompt asked for, one call a
format: `json` reads all but the last three of the list, `regex` the score lines, `bracket` and
`arena5` the markers. `strict` is the default; `lenient` is an option of the rubric, in all four.
Rivals get one text at a time; the cascade alone is told which form was asked for, as ours is, the
others read every text by their one rule. Those that are not installed are said to be left out.
Right is what the judge meant (None for a refusal and for a score off the scale), none is a verdict
missed, wrong is another verdict.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import re
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from judgefast.codes import Status
from judgefast.verdicts import read_texts
from measure import new_record, refuse_debug_build, say_ratio, spread, write
from verdict_mix import FORMATS, Mixed, mix

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.prompts.verdict_format import VerdictFormat
    from judgefast.verdicts import VerdictColumns

BLOCK = re.compile(r"<think>.*?</think>", re.DOTALL)
OBJECT = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
COMPLETE = re.compile(r'^\s*\{\s*"score"\s*:\s*(-?\d+)\s*[,}]')
SCORE = re.compile(r"Score: (\d+)/5")
MARKER = re.compile(r"\[\[([^\[\]]{1,8})\]\]")


def careful_cascade(row: Mixed) -> float | str | None:
    """Read one text in plain Python, by the same rules as far as this mix needs them."""
    text = BLOCK.sub("", row.text) if "<think>" in row.text else row.text
    if row.format != "json":
        pattern = SCORE if row.format == "score" else MARKER
        found = set(pattern.findall(text))
        value = found.pop() if len(found) == 1 else None
        return int(value) if value is not None and row.format == "score" else value
    scores = set()
    for match in OBJECT.finditer(text):
        try:
            value = json.loads(match.group())
        except ValueError:
            return None
        scores.add(value.get("score"))
    if not scores and row.cut and (found_first := COMPLETE.match(text)):
        scores.add(int(found_first.group(1)))
    value = scores.pop() if len(scores) == 1 else None
    return value if type(value) is int and 1 <= value <= 5 else None  # noqa: PLR2004 - the scale


def rivals() -> tuple[dict[str, Callable[[Mixed], object]], list[str]]:
    """Readers of one text that are installed, and the names of those that are not."""
    found: dict[str, Callable[[Mixed], object]] = {"careful cascade": careful_cascade}
    lacking = []
    decoder = msgspec.json.Decoder(Scored)

    def typed(row: Mixed) -> object:
        try:
            return decoder.decode(row.text).score
        except (msgspec.DecodeError, ValueError):
            return None

    found["msgspec"] = typed
    for name, module, read in (
        ("orjson", "orjson", "loads"),
        ("jiter partial", "jiter", "from_json"),
        ("json_repair", "json_repair", "loads"),
    ):
        try:
            load = getattr(importlib.import_module(module), read)
        except ImportError:
            lacking.append(name)
            continue
        found[name] = loaded(load, is_partial=module == "jiter")
    found["FastChat [[A]]"] = lambda row: next(
        (label for label in "ABC" if f"[[{label}]]" in row.text), None
    )
    found["FastChat [[rating]]"] = fastchat_rating
    return found, lacking


def loaded(load: Callable[..., Any], *, is_partial: bool) -> Callable[[Mixed], object]:
    """Read `score` of what a JSON library makes of the whole text."""

    def read(row: Mixed) -> object:
        try:
            value = load(row.text.encode(), partial_mode=True) if is_partial else load(row.text)
        except ValueError:
            return None
        if isinstance(value, list):  # json_repair, of several objects; the first, as users take it
            value = next((one for one in value if isinstance(one, dict)), None)
        score = value.get("score") if isinstance(value, dict) else None
        if isinstance(score, str) and score.isdecimal():
            score = int(score)
        return score if type(score) is int and 1 <= score <= 5 else None  # noqa: PLR2004 - scale

    return read


RATING = re.compile(r"\[\[(\d+\.?\d*)\]\]")
RATING_BACKUP = re.compile(r"\[(\d+\.?\d*)\]")


def fastchat_rating(row: Mixed) -> object:
    """FastChat's rule for ratings, with its backup pattern."""
    match = RATING.search(row.text) or RATING_BACKUP.search(row.text)
    return int(float(match.group(1))) if match else None


def judged(rows: list[Mixed], seen: list[object]) -> dict[str, float]:
    """Shares of texts read right, missed, and read wrong."""
    none = sum(
        value is None and row.meant is not None for row, value in zip(rows, seen, strict=True)
    )
    wrong = sum(
        value is not None and value != row.meant for row, value in zip(rows, seen, strict=True)
    )
    count = len(rows)
    return {"right": 1 - (none + wrong) / count, "none": none / count, "wrong": wrong / count}


class Scored(msgspec.Struct):
    """What msgspec decodes clean JSON into."""

    score: int
    reason: str


class Native(NamedTuple):
    """The texts of each format, and one format for each of them."""

    texts: dict[str, list[str]]
    cuts: dict[str, np.ndarray]
    formats: dict[str, VerdictFormat]

    def __call__(self) -> dict[str, VerdictColumns]:
        """Read every text, one call a format."""
        return {
            name: read_texts(self.formats[name], group, self.cuts[name])
            for name, group in self.texts.items()
        }

    def verdicts(self, rows: list[Mixed]) -> list[object]:
        """What is read of each row, in order."""
        columns, place = self(), dict.fromkeys(self.texts, 0)
        seen: list[object] = []
        for row in rows:
            read, at = columns[row.format], place[row.format]
            place[row.format] += 1
            value: object = None
            if read.status[at] == Status.PARSED:
                start, end = read.span[at]
                value = row.text.encode()[start:end].decode().strip("[]\"'")
                value = int(value.split("/")[0]) if row.format in {"json", "score"} else value
            seen.append(value)
        return seen


def check(rows: list[Mixed]) -> None:
    """Compare both readers with the truth; a fast wrong answer is no result."""
    for name, verdict_format in FORMATS.items():
        group = [row for row in rows if row.format == name]
        cut = np.array([row.cut for row in group], dtype=np.uint8)
        columns = read_texts(verdict_format, [row.text for row in group], cut)
        for at, row in enumerate(group):
            is_parsed = columns.status[at] == Status.PARSED
            start, end = columns.span[at]
            seen = row.text.encode()[start:end].decode().strip("[]") if is_parsed else None
            expected = None if row.truth is None else str(row.truth)
            if seen != expected or careful_cascade(row) != row.truth:
                message = f"{row}: {seen} and {careful_cascade(row)}"
                raise SystemExit(message)


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Time `work` `repeats` times after one warm-up. CPU seconds of this process."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return times


def main() -> None:
    """Check, measure, print one line a reader, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.rows, args.repeats = 5_000, 3
    refuse_debug_build(parser)

    rows = mix(random.Random(args.seed), args.rows)  # noqa: S311 - bench data
    check(rows)
    texts = {name: [row.text for row in rows if row.format == name] for name in FORMATS}
    cuts = {
        name: np.array([row.cut for row in rows if row.format == name], dtype=np.uint8)
        for name in FORMATS
    }
    lenient = {name: msgspec.structs.replace(form, lenient=True) for name, form in FORMATS.items()}
    ours = {
        "judgefast strict": Native(texts, cuts, FORMATS),
        "judgefast lenient": Native(texts, cuts, lenient),
    }
    readers, lacking = rivals()
    plain = [row.text for row in rows if row.text.startswith('{"score": ') and not row.cut]
    plain = [text for text in plain if typed_or_none(text)]
    no_cut = np.zeros(len(plain), dtype=np.uint8)
    decoder = msgspec.json.Decoder(Scored)
    work: dict[str, tuple[int, Callable[[], object]]] = {
        **{name: (len(rows), read) for name, read in ours.items()},
        **{
            f"judgefast {name} alone": (
                len(texts[name]),
                partial(read_texts, FORMATS[name], texts[name], cuts[name]),
            )
            for name in FORMATS
        },
        **{
            name: (len(some), partial(each, read, some))
            for name, read in readers.items()
            for some in [rows[: len(rows) // 20] if name == "json_repair" else rows]
        },
        "judgefast, clean": (len(plain), lambda: read_texts(FORMATS["json"], plain, no_cut)),
        "msgspec, clean": (len(plain), lambda: [decoder.decode(text) for text in plain]),
    }
    shares = {name: judged(rows, read.verdicts(rows)) for name, read in ours.items()}
    shares |= {name: judged(rows, each(read, rows)) for name, read in readers.items()}
    record = new_record(
        "verdicts",
        "texts/s of CPU time",
        rows=args.rows,
        mean_chars=statistics.fmean(len(row.text) for row in rows),
        repeats=args.repeats,
        seed=args.seed,
    )
    record["shares"] = shares
    record["left_out"] = lacking
    medians = {}
    for name, (count, run) in work.items():
        record[name] = rates = spread([count / taken for taken in seconds(run, args.repeats)])
        medians[name] = rates["median"]
        of = shares.get(name)
        words = "" if of is None else "".join(f"  {kind} {of[kind]:.4f}" for kind in of)
        print(f"{name:>24}: {rates['median']:9.3g} texts/s{words}")
    for name in readers:
        ratio = medians["judgefast strict"] / medians[name]
        record[f"ratio judgefast strict / {name}"] = ratio
        print(f"judgefast strict / {name}: {ratio:.2f}")
    record["ratio clean judgefast / msgspec"] = (
        medians["judgefast, clean"] / medians["msgspec, clean"]
    )
    print(f"clean: judgefast / msgspec: {record['ratio clean judgefast / msgspec']:.2f}")
    if lacking:
        print(f"not installed, left out: {', '.join(lacking)}")
    write(record, args.output)
    ratio = medians["judgefast strict"] / medians["msgspec"]
    say_ratio("verdicts: texts read", ratio, "as fast as msgspec, which reads JSON alone")


def each(read: Callable[[Mixed], object], rows: list[Mixed]) -> list[object]:
    """Read one text after the other."""
    return [read(row) for row in rows]


def typed_or_none(text: str) -> Scored | None:
    """Decode a text that is clean JSON."""
    try:
        return msgspec.json.decode(text, type=Scored)
    except (msgspec.DecodeError, ValueError):
        return None


if __name__ == "__main__":
    main()
