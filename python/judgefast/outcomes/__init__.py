"""The verdicts on one item, in both orders and all repeats, become one outcome.

Stage 6 of 8: verdicts -> **outcomes** -> estimates. `judgefast.outcomes.reconcile.reconcile` does
it, under rules by name; `columns` is what comes out. The tables of the rules are in
`docs/outcomes.md`.
"""
