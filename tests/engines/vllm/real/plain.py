"""What a plain script has from vLLM: label probabilities by two other ways, in one process.

Usage: python plain.py MODEL '{"prompts": [[...]], "labels": {"A": 330, ...}, "arguments": {...}}'
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Read every prompt both ways and write log-probabilities as JSON."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    from vllm import LLM, SamplingParams, TokensPrompt  # noqa: PLC0415 - tests look at all modules
    from vllm.sampling_params import StructuredOutputsParams  # noqa: PLC0415 - as above

    task = json.loads(sys.argv[2])
    llm = LLM(sys.argv[1], **task["arguments"])
    prompts = [TokensPrompt(prompt_token_ids=ids) for ids in task["prompts"]]
    ids = list(task["labels"].values())

    def read(params: SamplingParams) -> list[list[float]]:
        outputs = llm.generate(prompts, params, use_tqdm=False)
        return [[each.outputs[0].logprobs[0][one].logprob for one in ids] for each in outputs]

    choice = StructuredOutputsParams(choice=list(task["labels"]))
    found = {
        "whole": read(SamplingParams(temperature=0, max_tokens=1, logprobs=-1)),
        "choice": read(
            SamplingParams(
                temperature=0, max_tokens=1, logprobs=len(ids), structured_outputs=choice
            )
        ),
    }
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
