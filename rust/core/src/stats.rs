//! Stage 7: exact integer sums over outcomes, by cluster, from which every interval is made.
