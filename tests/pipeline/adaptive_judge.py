"""A judge of label probabilities that hang on the question alone, and an oracle for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.engines.base import Completion, LabelRead
from judgefast.hashes import cluster_id64, framed
from tests.engines.scripted import ScriptedEngine, failed
from tests.pipeline.judging import attempts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import judgefast
    from judgefast.batches.request import Request

SURE, AUDIT = 0.4, 0.2
ADAPTIVE: dict[str, Any] = {
    "orders": "adaptive",
    "sure": SURE,
    "audit": AUDIT,
    "max_unreadable": 1.0,
    "max_attempts": 1,
}


def drawn(key: bytes) -> float:
    """From 0 to 1, by the name of what is asked."""
    return int.from_bytes(hashlib.sha256(key).digest()[:4], "little") / (1 << 32)


def shares_of(key: bytes, labels: int) -> list[float]:
    """Probabilities of labels: one is as sure as the name of what is asked says."""
    confidence = drawn(key)
    most = (confidence * (labels - 1) + 1) / labels
    shares = [(1 - most) / (labels - 1)] * labels
    shares[hashlib.sha256(key).digest()[9] % labels] = most
    return shares


def by_shares(request: Request) -> Completion:
    """Label reads of every question; some are refused, and some fail."""
    key = request.request_id
    fate = hashlib.sha256(key).digest()[20]
    if fate < 6:
        return failed(request)
    asked = max(1, len(request.questions))
    reads = [
        LabelRead(place, tuple(np.log(shares_of(key + bytes([place]), 3)).tolist()))
        for place in range(asked)
    ]
    return Completion(
        request_id=key,
        attempt=request.attempt,
        lane=0,
        text="",
        finish_reason="refused" if fate < 12 else "stop",
        answers=() if fate < 12 else tuple(reads),
        prompt_tokens=10,
        completion_tokens=1,
    )


def judge(
    answer: Callable[[Request], Completion | None] = by_shares, **more: Any
) -> ScriptedEngine:
    return ScriptedEngine(answer, label_probabilities=True, **more)


def swapped_first(seed: int, item: str, pair: tuple[int, int], answers: int) -> bool:
    """Which order `--orders one` asks, by docs/keys.md."""
    fields = [seed.to_bytes(8, "little"), item.encode()]
    if answers > 2:
        fields.append(b"".join(each.to_bytes(2, "little") for each in pair))
    return bool(framed("judgefast orientation 1", fields)[0] & 1)


def is_audited(seed: int, cluster: str, audit: float) -> bool:
    fields = [each.to_bytes(8, "little") for each in (seed, cluster_id64(cluster))]
    word = framed("judgefast audit 1", fields)[:8]
    return int.from_bytes(word, "little") / (1 << 64) < audit


def expected(  # noqa: PLR0917 - all that decides
    run: judgefast.Run,
    seed: int = 0,
    sure: float = SURE,
    audit: float = AUDIT,
    answers: int = 2,
    answer: Callable[[Request], Completion | None] = by_shares,
) -> set[bytes]:
    """Requests that are asked, from the tables of the plan and from what the judge says alone."""
    del answer
    clusters = {row["item_id"]: row["cluster"] for row in run.table("items").to_pylist()}
    requests = {row["request_id"]: row for row in run.table("requests").to_pylist()}
    wanted: set[bytes] = set()
    firsts: dict[tuple[Any, ...], bytes] = {}
    others = []
    for ask in run.table("asks").to_pylist():
        asked = requests[ask["request_id"]]
        item = asked["item_id"] if ask["item"] is None else item_of(run, ask["item"])
        shown = ask["shown"] or asked["shown"]
        low, high = sorted(shown)
        is_first = (shown[0] == high) == swapped_first(seed, item, (low, high), answers)
        unit = (item, low, high, ask["aspect"], asked["repeat"])
        if is_first:
            firsts[unit] = ask["request_id"]
            wanted.add(ask["request_id"])
        else:
            others.append((unit, ask["request_id"], is_audited(seed, clusters[item], audit)))
    for unit, second, drawn_too in others:
        if drawn_too or not surely(firsts[unit], sure, together_of(run)):
            wanted.add(second)
    return wanted


def item_of(run: judgefast.Run, number: int) -> str:
    found: str = run.table("items").column("item_id")[number].as_py()
    return found


def together_of(run: judgefast.Run) -> int:
    """Questions of one request."""
    return max(run.table("asks").column("question").to_pylist()) + 1


def surely(key: bytes, sure: float, questions: int) -> bool:
    """Whether all that the judge says to a request is read, and sure enough."""
    fate = hashlib.sha256(key).digest()[20]
    return fate >= 12 and all(drawn(key + bytes([place])) >= sure for place in range(questions))


def asked_in(out: Path) -> set[bytes]:
    return {row["request_id"] for row in attempts_of(out)}
