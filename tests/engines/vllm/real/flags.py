"""vLLM's own parser of `vllm serve`, which starts nothing: what it makes of some command lines.

Usage: python flags.py < '[["MODEL", "--flag", ...], ...]'
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any

_ASKED = (
    *("api_server_count", "data_parallel_size", "generation_config", "kv_cache_dtype"),
    *("max_model_len", "max_num_seqs", "prefix_cache_retention_interval", "quantization"),
    *("served_model_name", "stream_interval", "tensor_parallel_size", "trust_remote_code"),
    "disable_uvicorn_access_log",
)


def main() -> None:
    """Parse each line and write what came of it as JSON."""
    from vllm.entrypoints.cli.serve import ServeSubcommand  # noqa: PLC0415 - tests look at all modules
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415 - as above

    parser = FlexibleArgumentParser(prog="vllm")
    serve = ServeSubcommand().subparser_init(parser.add_subparsers(required=False))

    def parse(words: list[str]) -> dict[str, Any]:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                found = serve.parse_args(words)
        except SystemExit:
            return {"error": said.getvalue().strip().splitlines()[-1]}
        structured = found.structured_outputs_config
        return {name: getattr(found, name, "absent") for name in _ASKED} | {
            "model": found.model_tag,
            "backend": structured.backend,
            "any_whitespace": not structured.disable_any_whitespace,
        }

    sys.stdout.write("\n" + json.dumps([parse(words) for words in json.load(sys.stdin)]) + "\n")


if __name__ == "__main__":
    main()
