"""The vLLM engine; what runs vLLM itself is in `real`."""
