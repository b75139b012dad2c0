//! Stage 6: the verdicts on one item, in both orders and all repeats, become one outcome.
