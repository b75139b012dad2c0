"""`judgefast serve-judge`: vLLM's server with the settings of today, until it is told to end."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from judgefast.cli.options import Pair, engine_value
from judgefast.cli.output import put, say
from judgefast.engines.servers import reach, recipes
from judgefast.engines.servers.address import held_address, read_address
from judgefast.engines.servers.arguments import read_arguments
from judgefast.engines.servers.keys import VARIABLE, find_key
from judgefast.engines.servers.need import Need
from judgefast.engines.servers.plan import plan_server
from judgefast.engines.servers.process import ServerProcess
from judgefast.engines.servers.program import find_vllm, release_of
from judgefast.engines.servers.ready import wait_until_ready

if TYPE_CHECKING:
    from judgefast.engines.servers.address import Address
    from judgefast.engines.servers.keys import Key
    from judgefast.engines.servers.plan import Server

_USUAL_PORT = 8000
_GRACE_SECONDS = 60.0
"""For requests that are being answered when the server is told to end."""


@click.command("serve-judge")
@click.argument("model")
@click.option("--gpus", type=int, help="GPUs to use [default: as few as hold the model].")
@click.option("--gpu", default="H200", help="Their kind, see judgefast gpus [default: H200].")
@click.option("--host", default="127.0.0.1", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=int, default=_USUAL_PORT, help="0 for a free one [default: 8000].")
@click.option("--prompt-tokens", type=int, help="Of a usual prompt [default: 2500].")
@click.option("--answer-tokens", type=int, help="Of a usual answer; 1 for labels [default: 500].")
@click.option("--answers-per-second", type=float, help="That the run needs of the server.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="File with the key that clients must send; made if it is missing.",
)
@click.option(
    "--load-seconds", type=float, default=1800.0, help="Longest wait until ready [default: 1800]."
)
@click.option(
    "--engine-arg", "engine_args", type=Pair(), multiple=True, help="Argument of vllm serve."
)
@click.option("--print", "only_print", is_flag=True, help="Show it for shell, Docker, SkyPilot.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of lines.")
def serve_judge(  # noqa: PLR0913 - flags
    model: str,
    *,
    gpus: int | None,
    gpu: str,
    host: str,
    port: int,
    prompt_tokens: int | None,
    answer_tokens: int | None,
    answers_per_second: float | None,
    key_file: Path | None,
    load_seconds: float,
    engine_args: tuple[tuple[str, str], ...],
    only_print: bool,
    as_json: bool,
) -> int:
    """Serve MODEL, a folder or a name of the Hugging Face hub, with vLLM (docs/serving.md).

    Example: judgefast serve-judge Qwen/Qwen2.5-72B-Instruct

    Prints how to reach it once it has answered, and stays until a signal ends it. Exit status: that
    of vLLM; 2 if it did not become ready.
    """
    amounts = {"prompt_tokens": prompt_tokens, "answer_tokens": answer_tokens}
    need = Need(
        answers_per_second=answers_per_second,
        **{name: value for name, value in amounts.items() if value is not None},
    )
    given = read_arguments((name, engine_value(value)) for name, value in engine_args)
    written = read_address(host, port or _USUAL_PORT)
    if only_print:
        server = plan_server(model, need=need, given=given, gpu=gpu, gpus=gpus)
        _tell(server)
        _print(server, written, with_key=key_file is not None, as_json=as_json)
        return 0
    program = find_vllm()
    server = plan_server(
        model, need=need, given=given, gpu=gpu, gpus=gpus, release=release_of(program)
    )
    _tell(server)
    with held_address(host, port) as address:
        key = find_key(key_file)
        return _serve(program, server, address, key, seconds=load_seconds, as_json=as_json)


def _tell(server: Server) -> None:
    for note in server.notes:
        say(f"note: {note}")


def _print(server: Server, address: Address, *, with_key: bool, as_json: bool) -> None:
    ways = {
        "shell": recipes.shell(server, address),
        "docker": recipes.docker(server, address, with_key=with_key),
        "skypilot": recipes.skypilot(server, address),
    }
    if as_json:
        put(json.dumps(ways, indent=2))
    else:
        put("\n\n".join(f"# {name}\n{text}" for name, text in ways.items()))


def _serve(  # noqa: PLR0913 - what was asked for
    program: Path,
    server: Server,
    address: Address,
    key: Key | None,
    *,
    seconds: float,
    as_json: bool,
) -> int:
    if not address.is_private and key is None:
        say(f"warning: whoever reaches port {address.port} may use this server; see --key-file")
    say(recipes.shell(server, address))
    command = [word for group in recipes.words_of(server, address) for word in group]
    environment = {**recipes.ENVIRONMENT, **os.environ}
    if key is not None:
        environment[VARIABLE] = key.value
    with ServerProcess([str(program), *command[1:]], environment, _echo) as process:
        ready = wait_until_ready(process, address, key=key, seconds=seconds, say=say)
        if ready is not None:
            process.grace_seconds = _GRACE_SECONDS
            say(f"{ready.model} answered in {ready.answer_seconds:.1f} s")
            if as_json:
                put(reach.as_json(address, key, ready, process.pid))
            else:
                put(reach.shell_lines(server, address, key))
        status = process.wait()
    say(f"the server has ended with status {status}")
    return status


def _echo(line: bytes) -> None:
    """Pass on what the server says, as it is; nobody hears it if stderr is closed."""
    with suppress(OSError, ValueError):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
