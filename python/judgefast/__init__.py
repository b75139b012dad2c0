"""Bulk LLM-as-a-judge: both orders, typed verdicts, honest intervals."""
