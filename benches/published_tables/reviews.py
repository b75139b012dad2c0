"""Two scores in one text: the reviews of the Vicuna blog."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benches.published_tables.cells import (
    NotAsPublishedError,
    estimate_of,
    figure,
    head,
    near,
    percent,
    row,
    same,
)
from tests.published import vicuna
from tests.published.replays import replay, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.pipeline.results import Reading


class Reviews(NamedTuple):
    """All reviews, replayed; both sides of a pair of readings are those of `vicuna.SIDES`."""

    scores: Reading
    """The published figures, a row for each answer."""
    texts: tuple[Reading, ...]
    """By the rule that reads prose too."""
    strict: tuple[Reading, ...]
    """Two numbers alone on the first line."""
    pairs: Reading
    """The same by `score-pair`."""

    @classmethod
    def of(cls, rows: list[dict[str, Any]]) -> Reviews:
        """Replay `rows`."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            sliced = {"slices": ("beside",)}
            by_rule = (
                tuple(
                    replay(
                        vicuna.recorded_texts(rows, side),
                        vicuna.texts_rubric(folder / f"{side}.toml", side, source_rule=source_rule),
                        folder / f"{side} {source_rule}",
                        **sliced,
                    )
                    for side in vicuna.SIDES
                )
                for source_rule in (True, False)
            )
            return cls(
                replay(
                    vicuna.recorded_scores(rows),
                    vicuna.scores_rubric(folder / "scores.toml"),
                    folder / "scores",
                    **sliced,
                ),
                *by_rule,
                replay(
                    vicuna.recorded_pairs(rows, texts=True),
                    vicuna.pair_rubric(folder / "pair.toml"),
                    folder / "pair",
                    one_failed="single",
                ),
            )


def vicuna_rows(shared: Path) -> Iterator[str]:
    """The table of the reviews: a row a model beside Vicuna, then the reviews that differ."""
    rows = rows_of(shared / "data/scalar/vicuna_reviews.jsonl")
    published = json.loads((shared / "data/scalar/vicuna_expected.json").read_text("utf-8"))
    found = Reviews.of(rows)
    scores = vicuna.totals(found.scores)
    texts = [vicuna.totals(reading) for reading in found.texts]
    yield from head(
        *("beside", "reviews", "total", "Vicuna-13B", "in the texts", "Vicuna-13B in the texts"),
        *("unread", "`mean`", "`mean` of Vicuna-13B", "`win_rate` of Vicuna-13B"),
    )
    for beside, file in sorted({vicuna.other(each): each["file"] for each in rows}.items()):
        cell = published[file]
        sides = (beside, vicuna.VICUNA)
        for place, model in enumerate(sides):
            total = f"total_{place + 1}"
            near(file, total, scores[beside, model], cell[total])
        means = [
            estimate_of(reading, "mean", f"model={model} meta.beside={beside}")
            for reading, model in zip(found.strict, sides, strict=True)
        ]
        same(file, "n", means[0].outcomes + means[0].missing, cell["n"])
        wins = f"candidate={vicuna.VICUNA} baseline={beside}"
        yield row(
            [
                beside,
                str(cell["n"]),
                *(f"{cell[total]:.1f}" for total in ("total_1", "total_2")),
                *(f"{texts[place][beside, model]:.1f}" for place, model in enumerate(sides)),
                str(means[0].missing),
                *(figure(mean, digits=2) for mean in means),
                percent(estimate_of(found.pairs, "win_rate", wins)),
            ]
        )
    yield ""
    yield from contradicted(rows, found.texts)


def contradicted(rows: list[dict[str, Any]], texts: tuple[Reading, ...]) -> Iterator[str]:
    """Reviews whose text says other scores than the source's figures."""
    yield from head("beside", "question", "the source's figures", "its text")
    said = [vicuna.scores_by_review(reading) for reading in texts]
    for each in rows:
        name = (vicuna.other(each), str(each["question_id"]))
        read = [of_side[name] for of_side in said]
        if None in read:
            msg = f"{name}: the rule that reads prose finds no score"
            raise NotAsPublishedError(msg)
        if read != each["scores"]:
            yield row(
                [
                    *name,
                    *(" and ".join(f"{one:g}" for one in pair) for pair in (each["scores"], read)),
                ]
            )
