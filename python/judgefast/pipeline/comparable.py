"""Whether two runs may be set side by side: same question, same judge, same way of reading."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from judgefast.codes import ACROSS
from judgefast.errors import ConfigError
from judgefast.pipeline.estimates import judged_aspects
from judgefast.stats.aspects import weight_shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric, Scale

_SHOWN_HEX = 8

NOT_CORRECTED = (
    "orders: adaptive, and a difference of two runs is not corrected by their audits: what second "
    "orders would change stays in it"
)


def check_comparable(a: Reading, b: Reading, across: Sequence[str]) -> list[str]:
    """Refuse to compare what is not alike, but for what `across` names.

    Returns:
        What differs and was named, in words such as `judge: m1 -> m2`, from `a` to `b`.

    Raises:
        ConfigError: Something else differs, or `across` names nothing known.

    """
    for one in across:
        if one not in ACROSS:
            close = get_close_matches(one, ACROSS, n=1)
            msg = f"runs cannot be compared across `{one}`; known: {', '.join(ACROSS)}"
            raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else None)
    if never := unlike(a.rubric, b.rubric):
        raise ConfigError(_message(a, b, never), hint="compare runs of one mode and one scale")
    admitted = set(across) | ({"parse"} if "rubric" in across else set())
    differing = list(_differing(a, b))
    refused = [(part, words) for part, words in differing if part not in admitted]
    if refused:
        parts = list(dict.fromkeys(part for part, _ in refused))
        if "rubric" in parts and "parse" in parts:
            parts.remove("parse")
        flags = " ".join(f"--across {part}" for part in parts)
        raise ConfigError(
            _message(a, b, [words for _, words in refused]),
            hint=f"if that is what you compare, say so: {flags}",
        )
    return [words for _, words in differing]


def unlike(a: Rubric, b: Rubric) -> list[str]:
    """Say what makes the outcomes of two rubrics other things, whatever else they ask."""
    if a.mode != b.mode:
        return [f"mode: {a.mode} -> {b.mode}"]
    of_a, of_b = ({one.name: _scale(one.scale) for one in rubric.aspects} for rubric in (a, b))
    scales = [", ".join(sorted(set(each.values()))) for each in (of_a, of_b)]
    if scales[0] != scales[1]:
        return [f"scale: {scales[0]} -> {scales[1]}"]
    return [
        f"scale of `{name}`: {scale} -> {of_b[name]}"
        for name, scale in of_a.items()
        if of_b.get(name, scale) != scale
    ]


class Items(Protocol):
    """The items of a run that is set beside another. Shape (n,) each."""

    @property
    def reading(self) -> Reading:
        """The run."""

    @property
    def item(self) -> NDArray[np.int64]:
        """Code of each item id, shared with the other run."""

    @property
    def cluster_id64(self) -> NDArray[np.uint64]:
        """Resampling id: of the question with its reference."""


def check_shared(a: Items, b: Items) -> None:
    """Refuse runs that judged nothing of the same.

    Raises:
        ConfigError: They share no item id and no question.

    """
    if np.isin(a.item, b.item).any() or np.isin(a.cluster_id64, b.cluster_id64).any():
        return
    paths = f"`{a.reading.directory.path}` and `{b.reading.directory.path}`"
    msg = f"{paths} have nothing in common: no id of an item, and no question (or cluster)"
    raise ConfigError(msg, hint="compare runs over the same data")


def check_questions(a: Items, b: Items, *, admitted: bool) -> list[str]:
    """Refuse items of one id that ask something else in the other run, unless that is admitted.

    Returns:
        What differs and was admitted, in words.

    Raises:
        ConfigError: Something differs and was not admitted.

    """
    _, in_a, in_b = np.intersect1d(a.item, b.item, return_indices=True)
    others = int((a.cluster_id64[in_a] != b.cluster_id64[in_b]).sum())
    if not others:
        return []
    words = f"data: {others:,} of {len(in_a):,} items of one id have another question (or cluster)"
    if not admitted:
        raise ConfigError(
            _message(a.reading, b.reading, [words]),
            hint="if they are the same items, say so: --across data",
        )
    return [words]


def _message(a: Reading, b: Reading, words: Sequence[str]) -> str:
    paths = f"`{a.directory.path}` and `{b.directory.path}`"
    return f"{paths} are not comparable; what differs:\n  " + "\n  ".join(words)


def _scale(scale: Scale | None) -> str:
    return "none" if scale is None else f"{scale.low:g} to {scale.high:g}"


def _differing(a: Reading, b: Reading) -> Iterator[tuple[str, str]]:
    """What differs: what `--across` calls it, and words."""
    sides = [(reading.directory.manifest, reading) for reading in (a, b)]
    facts = [
        {
            ("judge", "judge"): manifest.judge,
            ("judge", "model"): manifest.model.digest,
            ("judge", "dialect"): str(manifest.options.get("dialect", "")),
            ("judge", "server"): str(manifest.options.get("server", "")),
            ("judge", "option_orders"): str(manifest.options.get("option_orders", "")),
            ("rubric", "prompt_hash"): manifest.rubric.prompt_hash,
            ("parse", "parse_hash"): reading.rubric.parse_hash,
            ("rule", "rule"): reading.rule,
            ("rule", "one_failed"): reading.rubric.one_failed,
            ("rule", "weights"): _weights(reading),
            ("orders", "orders"): _orders(manifest.options),
            ("pairs", "pairs"): str(manifest.options.get("pairs", "all")),
        }
        for manifest, reading in sides
    ]
    if facts[0]["judge", "judge"] != facts[1]["judge", "judge"]:
        del facts[0]["judge", "model"]  # the judge's name says it already
    for (part, field), left in facts[0].items():
        right = facts[1][part, field]
        if left != right:
            label = part if field == part else f"{part}: {field}"
            yield part, f"{label}{':' if field == part else ''} {_short(left)} -> {_short(right)}"
    if any(reading.seconds is not None for reading in (a, b)):
        yield "orders", NOT_CORRECTED


def _orders(options: Mapping[str, Any]) -> str:
    """Which orders were asked, and what decided of the second ones."""
    more = [f"{name} {options[name]:g}" for name in ("sure", "audit") if name in options]
    return ", ".join([str(options.get("orders")), *more])


def _weights(reading: Reading) -> str:
    """How several aspects become one value; the judge is not told."""
    aspects = judged_aspects(reading.rubric)
    if len(aspects) == 1:
        return "one aspect"
    parts = zip(aspects, weight_shares(aspects), strict=True)
    return ", ".join(sorted(f"{aspect.name} {share}" for aspect, share in parts))


def _short(text: str) -> str:
    is_hash = len(text) > 2 * _SHOWN_HEX and set(text) <= set("0123456789abcdef")
    return f"{text[:_SHOWN_HEX]}…" if is_hash else text or "(empty)"
