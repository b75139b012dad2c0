"""Codes: which term of the sum in every report each status belongs to."""

from __future__ import annotations

from judgefast.codes import Status


def test_every_status_is_one_term_of_the_sum() -> None:
    parts = {
        "parsed": ["parsed"],
        "unparsed": [
            "empty",
            "truncated",
            "refused",
            "no_verdict",
            "conflicting",
            "out_of_range",
            "malformed",
        ],
        "failed": ["engine_error", "too_long", "timeout", "unsupported", "invalid"],
        "not_judged": ["interrupted", "budget", "decided", "not_needed"],
    }
    assert {s.label: s.part for s in Status} == {n: p for p, names in parts.items() for n in names}
