"""How others reach a server that has answered."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.servers.address import Address
    from judgefast.engines.servers.keys import Key
    from judgefast.engines.servers.plan import Server
    from judgefast.engines.servers.ready import Ready


def shell_lines(server: Server, address: Address, key: Key | None) -> str:
    """Lines for a shell to read: what OpenAI's clients look for, and how to judge."""
    tokenizer = shlex.quote(server.model) if server.is_local else "auto"
    return (
        f"export OPENAI_BASE_URL={address.base_url}\n"
        # Clients refuse to start without any.
        f"export OPENAI_API_KEY={key.words if key else 'unused'}\n"
        "# judgefast run answers.jsonl --rubric pairwise --engine http "
        f"--base-url {address.base_url} --tokenizer {tokenizer} --out runs/today"
    )


def as_json(address: Address, key: Key | None, ready: Ready, pid: int) -> str:
    """The same for programs, in one line."""
    facts = {
        "base_url": address.base_url,
        "model": ready.model,
        "key": key.words if key else None,
        "pid": pid,
        "load_seconds": round(ready.load_seconds, 1),
        "answer_seconds": round(ready.answer_seconds, 1),
    }
    return json.dumps(facts)
