"""Tokens a second on one core over whole prompts, against `tokenizers` and tiktoken, in one run.

Prompts are those of a pairwise rubric, about 2,000 tokens each: six answers a question, every
ordered pair of them. Texts are slices of the Python library's sources, none like another. Each
encoder gets the same prompts as text, whole; ours also encodes answers that nobody has seen before,
finds them in a folder of kept ids, and plans: a prompt is hashed and counted from pieces that are
encoded once. Beside it what planning a judgment and rendering its prompt cost with the faster
encoder and without, on pairs in both orders whose answers are all unseen.

Rounds alternate; the median of each is the figure, by CPU seconds.

RAYON_NUM_THREADS=1 python benches/bench_tokens.py TOKENIZER [--questions N] [--rounds N] [--quick]
                                                   [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import sysconfig
import time
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.trie import measure
from judgefast.datasets.items import Answer, Item
from judgefast.prompts import PromptPlan, PromptTokenizer, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.model_files import chat_template
from judgefast.prompts.token_cache import TokenCache
from judgefast.prompts.tokenizer import _byte_alphabet
from measure import new_record, refuse_debug_build, say_ratio, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

ANSWERS = 6
SLOW_PROMPTS = 150
"""Whole prompts that `tokenizers` gets a round, of those that the others get."""


def slices(question_chars: int = 500, answer_chars: int = 2_600) -> Iterator[str]:
    """Texts: one of a question, then those of its answers, and so on; none comes again."""
    root = Path(sysconfig.get_paths()["stdlib"])
    held = ""
    place = 0
    for path in sorted(root.rglob("*.py")):
        if "test" in path.parts and len(held) > answer_chars:
            continue
        held += path.read_text(encoding="utf-8", errors="ignore")
        while len(held) > answer_chars:
            # Lengths differ, as those of answers do.
            size = answer_chars * (3 + place % 5) // 5 if place % (ANSWERS + 1) else question_chars
            size = min(size, answer_chars)
            yield held[:size].strip()
            held = held[size:]
            place += 1


def items(count: int, num_answers: int, texts: Iterator[str]) -> list[Item]:
    """Questions with their answers, all unseen."""
    return [
        Item(
            item_id=str(number),
            cluster=str(number),
            question=next(texts),
            answers=tuple(Answer(next(texts)) for _ in range(num_answers)),
        )
        for number in range(count)
    ]


def tiktoken_of(path: Path) -> Callable[[str], list[int]] | None:
    """A tiktoken with the same vocabulary; None where that cannot be had."""
    try:
        import tiktoken  # noqa: PLC0415 - a rival
    except ImportError:
        return None
    facts = json.loads(path.read_text(encoding="utf-8"))
    byte_of = {character: byte for byte, character in enumerate(_byte_alphabet())}
    ranks = {bytes(map(byte_of.get, name)): i for name, i in facts["model"]["vocab"].items()}
    steps = facts["pre_tokenizer"].get("pretokenizers", [facts["pre_tokenizer"]])
    patterns = [step["pattern"]["Regex"] for step in steps if step["type"] == "Split"]
    if not patterns:
        return None
    found = tiktoken.Encoding(
        "same", pat_str=patterns[0], mergeable_ranks=ranks, special_tokens={}, explicit_n_vocab=None
    )
    return found.encode_ordinary


def speed(encode: Callable[[str], Any], texts: list[str]) -> float:
    """Tokens by CPU second."""
    started = time.process_time()
    tokens = sum([len(encode(text)) for text in texts])
    return tokens / (time.process_time() - started)


def plan_of(rubric: str, path: Path, tokenizer: PromptTokenizer) -> PromptPlan:
    """A plan of prompts as ids."""
    template = chat_template(path.parent)
    model = JudgeModel(name="", digest="", tokenizer=tokenizer, chat_template=template)
    return PromptPlan(load_rubric(rubric), model, Capabilities(takes="ids"))


def planned(plan: PromptPlan, rows: list[Item]) -> tuple[float, float]:
    """Tokens by CPU second of all ordered pairs, and CPU microseconds a judgment."""
    started = time.process_time()
    pairs = [
        (number, shown)
        for number, item in enumerate(rows)
        for shown in permutations(range(len(item.answers)), 2)
    ]
    asked: Any = SimpleNamespace(
        item=np.array([number for number, _ in pairs], np.uint32),
        aspect=np.zeros(len(pairs), np.uint16),
        shown=np.array([shown for _, shown in pairs], np.uint16).ravel(),
        shown_offsets=np.arange(len(pairs) + 1, dtype=np.int64) * 2,
    )
    _, tokens = measure(plan.segments_of(rows, asked, 0).segments)
    spent = time.process_time() - started
    return int(tokens.sum()) / spent, 1e6 * spent / len(pairs)


def rendered(plan: PromptPlan, rows: list[Item]) -> float:
    """CPU microseconds a judgment to render the prompts that were planned."""
    started = time.process_time()
    for item in rows:
        for shown in ((0, 1), (1, 0)):
            plan.render(item, shown, ids_hash=b"")
    return 1e6 * (time.process_time() - started) / (2 * len(rows))


class Race:
    """The encoders of one tokenizer, and what was measured of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        serialised = path.read_text(encoding="utf-8")
        started = time.process_time()
        self.fast = PromptTokenizer(serialised, fast_after=0)
        loaded = time.process_time()
        self.fast.seal("x")
        more = time.process_time() - loaded
        print(f"loading {loaded - started:.1f} CPU s, the faster encoder {more:.1f} more")
        if self.fast.slow_because:
            sys.exit(self.fast.slow_because)
        self.slow = PromptTokenizer(serialised, fast_after=None)
        self.tiktoken = tiktoken_of(path)
        self.figures: dict[str, list[float]] = {}
        self.lengths: list[int] = []

    def note(self, name: str, value: float) -> None:
        """Add a figure."""
        self.figures.setdefault(name, []).append(value)

    def round(self, questions: int, texts: Iterator[str]) -> None:
        """Measure everything once, on new texts."""
        rows = items(questions, ANSWERS, texts)
        answers = [str(answer.text) for item in rows for answer in item.answers]
        self.note("answers, unseen: ours", speed(self._ours, answers))
        with TemporaryDirectory() as folder:
            cache = TokenCache(Path(folder), self.fast)
            for text in answers:
                cache.seal(text)
            cache.save()
            cache = TokenCache(Path(folder), self.slow)
            self.note("answers, kept: cache", speed(lambda t: cache.seal(t).token_ids, answers))
            if cache.encoded:
                sys.exit("the cache of ids has lost some")
        plan = plan_of("pairwise", self.path, self.fast)
        self.note("planned from pieces: ours", planned(plan, rows)[0])
        prompts = [
            plan.render(item, shown, ids_hash=b"").text
            for item in rows
            for shown in permutations(range(ANSWERS), 2)
        ]
        few = prompts[:: max(1, len(prompts) // SLOW_PROMPTS)]
        self.note("whole prompts: ours", speed(self._ours, prompts))
        self.note("whole prompts: tokenizers", speed(lambda t: self.slow.seal(t).token_ids, few))
        if self.tiktoken is not None:
            self.note("whole prompts: tiktoken", speed(self.tiktoken, few))
        for text in few:
            ids = self._ours(text).tolist()
            if ids != self.slow.encode_untrusted(text)[0].tolist():
                sys.exit(f"a prompt has other ids than those of `tokenizers`: {text!r}")
            self.lengths.append(len(ids))
        pairs = items(questions, 2, texts)
        for name, tokenizer in (("fast", self.fast), ("slow", self.slow)):
            plan = plan_of("pairwise", self.path, tokenizer)
            self.note(f"planning a judgment, us: {name}", planned(plan, pairs)[1])
            plan = plan_of("pairwise", self.path, tokenizer)  # as of a start that only sends
            self.note(f"rendering a judgment, us: {name}", rendered(plan, pairs))

    def _ours(self, text: str) -> NDArray[np.int32]:
        return self.fast.seal(text).token_ids

    def show(self) -> None:
        """Print the medians."""
        base = statistics.median(self.figures["whole prompts: tokenizers"])
        for name, values in self.figures.items():
            middle, low, high = statistics.median(values), min(values), max(values)
            if name.endswith((": fast", ": slow")):
                print(f"{name:<32}{middle:9.1f} ({low:.1f} to {high:.1f})")
            else:
                million = f"{middle / 1e6:9.2f} M/s ({low / 1e6:.2f} to {high / 1e6:.2f})"
                print(f"{name:<32}{million}, {middle / base:.1f} times `tokenizers`")


def main() -> None:
    """Measure, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("tokenizer", type=Path, nargs="?", help="tokenizer.json of a model")
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="little text, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    refuse_debug_build(parser)
    if args.tokenizer is None:
        say_ratio("tokens: prompts encoded", None, "it needs a model's tokenizer.json")
        return
    if os.environ.get("RAYON_NUM_THREADS") != "1":
        sys.exit("set RAYON_NUM_THREADS=1: the figures are those of one core")
    if args.quick:
        args.questions, args.rounds = 5, 2

    race = Race(args.tokenizer)
    texts = slices()
    for _ in range(args.rounds):
        race.round(args.questions, texts)
    mean = statistics.fmean(race.lengths)
    print(f"prompts of {mean:.0f} tokens, {args.rounds} rounds, ids equal")
    race.show()
    record = new_record("tokens", "tokens a CPU second", tokenizer=args.tokenizer.parent.name)
    write(record | {"prompt_tokens": mean, "figures": race.figures}, args.output)


if __name__ == "__main__":
    main()
