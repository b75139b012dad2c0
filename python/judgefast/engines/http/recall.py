"""The judge as an earlier start recorded it: prompts can be made again without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from judgefast.engines.http.abilities import Abilities
from judgefast.engines.remote.judges import read_judge
from judgefast.errors import ModelError
from judgefast.prompts.model import JudgeModel


def recalled(facts: dict[str, Any]) -> tuple[Abilities, JudgeModel]:
    """What the servers could do, and the judge behind them.

    Args:
        facts: What `HttpEngine.start` returned.

    Raises:
        ModelError: The tokenizer is not there any more, or is another one.

    """
    abilities = msgspec.convert(facts["abilities"], Abilities)
    name, context = facts["model"], facts["context_tokens"]
    if facts["tokenizer"] is None:
        return abilities, JudgeModel(name=name, digest="", context_tokens=context)
    file = Path(facts["tokenizer"])
    if not file.is_file():
        message = f"the tokenizer that the run was made with is not there any more: `{file}`"
        raise ModelError(message, hint="put the model's tokenizer.json there again")
    model = read_judge(file, name=name, context_tokens=context)
    if model.tokenizer is None or model.tokenizer.sha256 != facts["tokenizer_sha256"]:
        message = f"`{file}` is not the tokenizer that the run was made with"
        raise ModelError(message, hint="put the one of the run there again")
    return abilities, model
