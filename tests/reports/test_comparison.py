"""The words of comparisons and gates that no example run needs."""

from __future__ import annotations

from judgefast.reports.comparison import Comparison, RunFacts, render_comparison
from judgefast.reports.gate import GateReport, render_gate
from judgefast.stats.gate_decisions import RuleResult

RUN = RunFacts(path="r", judge="j", rubric="pairwise", items=1, planned=2, parsed=2)


def test_slices_of_one_run_alone_are_named_or_counted_and_none_is_cut() -> None:
    unpaired = [f"accuracy meta.topic=t{number}" for number in range(40)]
    unpaired += [f"win_rate model=m{number}" for number in range(1500)]
    found = Comparison(a=RUN, b=RUN, level=0.95, differences=[], unpaired=unpaired)
    words = " ".join(render_comparison(found).split())
    assert "meta.topic=t5; and 1,534 slices more: 34 of accuracy, 1,500 of win_rate" in words
    few = Comparison(a=RUN, b=RUN, level=0.95, differences=[], unpaired=unpaired[:2])
    words = " ".join(render_comparison(few).split())
    assert "in one alone accuracy meta.topic=t0, accuracy meta.topic=t1" in words
    assert "more" not in words


def test_one_cluster_is_one() -> None:
    rule = RuleResult(rule="accuracy >= 0.5", name="accuracy", slice="all", decision="pass",
                      reason="so", value=1.0, method="wilson", clusters=1)  # fmt: skip
    report = GateReport(decision="pass", run=RUN, level=0.95, rules=[rule])
    assert "wilson, 1 cluster\n" in render_gate(report)
