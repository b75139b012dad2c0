"""The production engine: vLLM on this machine, one process for each replica of the judge.

Page for its users: `docs/vllm.md`. vLLM itself is imported in the process of a replica alone.
"""

from __future__ import annotations

from judgefast.engines.vllm.engine import VllmEngine

__all__ = ["VllmEngine"]
