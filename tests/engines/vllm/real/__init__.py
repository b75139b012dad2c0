"""Tests that run vLLM itself, on the CPU: `make test-vllm`. Collected only where it is."""
