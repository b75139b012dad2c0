"""From a GGUF file to a folder that OpenVINO loads; run as a process of its own.

OpenVINO GenAI rounds the float minima of quantised blocks to integer zero points: it computes other
weights than the file's. So every quantised tensor is first written as F16; but for Q8_0, which
has no minima and is computed as it is. The rewrite lies where we may write, as the reader wants.

Usage: python -m judgefast.engines.embedded.convert SOURCE FOLDER PARENT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from judgefast.engines.child.lifetime import end_with
from judgefast.engines.embedded.facts import ModelFacts, write_facts
from judgefast.engines.embedded.native import load_openvino
from judgefast.errors import JudgefastError, ModelError

READABLE = ("llama", "qwen2", "qwen3")
"""Architectures that OpenVINO GenAI reads from GGUF."""

PRE_TOKENIZERS = ("smollm", "qwen2")
_KEPT = ("F32", "F16", "Q8_0")
_FILE_TYPE_F16 = 1


def convert(source: Path, folder: Path) -> None:
    """Make `folder` (there, and empty) a model folder: model, tokenizers, `model.json`.

    Raises:
        ModelError: The file is of an architecture or has a tokenizer that is not known here, or
            is damaged.

    """
    from judgefast.prompts.gguf_tokenizer import tokenizer_from_gguf  # noqa: PLC0415 - heavy

    tokenizer, known = tokenizer_from_gguf(source)
    if known.architecture not in READABLE or known.pre not in PRE_TOKENIZERS:
        message = (
            f"`{source}` is of architecture `{known.architecture}` with the pre-tokenizer "
            f"`{known.pre}`; the embedded engine reads {', '.join(READABLE)} with "
            f"{' or '.join(PRE_TOKENIZERS)}"
        )
        raise ModelError(message, hint="use another engine for this model")
    rewritten = folder / "model.gguf"
    fields = _rewrite(source, rewritten)
    _, genai = load_openvino()
    scheduler = genai.SchedulerConfig()
    scheduler.num_kv_blocks = 8
    pipeline = genai.ContinuousBatchingPipeline(
        str(rewritten), scheduler, "CPU", {"enable_save_ov_model": True}
    )
    genai.Tokenizer(str(rewritten), enable_save_ov_model=True)
    del pipeline
    rewritten.unlink()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    prefix = known.architecture
    heads = int(fields[f"{prefix}.attention.head_count"])
    width = int(fields[f"{prefix}.embedding_length"])
    facts = ModelFacts(
        architecture=prefix,
        vocabulary=known.vocabulary_size,
        context_tokens=int(fields[f"{prefix}.context_length"]),
        eos_ids=() if known.eos_id is None else (known.eos_id,),
        special_ids=frozenset(
            i for i, added in tokenizer.get_added_tokens_decoder().items() if added.special
        ),
        bos_token=known.bos_token,
        eos_token=known.eos_token,
        chat_template=known.chat_template,
        layers=int(fields[f"{prefix}.block_count"]),
        kv_heads=int(fields.get(f"{prefix}.attention.head_count_kv", heads)),
        head_size=int(fields.get(f"{prefix}.attention.key_length", width // heads)),
    )
    write_facts(folder, facts)


def _rewrite(source: Path, target: Path) -> dict[str, Any]:
    """Write `source` again with F16 in place of quantised tensors; returns its scalar fields."""
    import gguf  # noqa: PLC0415 - an extra
    import numpy as np  # noqa: PLC0415 - heavy

    reader = gguf.GGUFReader(source)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    writer = gguf.GGUFWriter(target, fields["general.architecture"])
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        value = _FILE_TYPE_F16 if field.name == "general.file_type" else fields[field.name]
        kind = field.types[0]
        inner = field.types[1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, kind, inner)
    # The list first, then one tensor after another: a large model never lies in memory whole.
    for tensor in reader.tensors:
        if tensor.tensor_type.name in _KEPT:
            data = tensor.data
            raw = tensor.tensor_type
            writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, raw_dtype=raw)
        else:
            shape = [int(size) for size in reversed(tensor.shape)]
            half = np.dtype(np.float16)
            writer.add_tensor_info(tensor.name, shape, half, int(np.prod(shape)) * half.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in reader.tensors:
        if tensor.tensor_type.name in _KEPT:
            writer.write_tensor_data(tensor.data)
            continue
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(size) for size in reversed(tensor.shape)]
        with np.errstate(over="ignore"):
            half_values = values.reshape(shape).astype(np.float16)
        if not np.isfinite(half_values).all():
            message = f"`{source}`: tensor `{tensor.name}` has values that F16 cannot hold"
            raise ModelError(message, hint="the file may be damaged; get it again")
        writer.write_tensor_data(half_values)
    writer.close()
    return fields


def main() -> None:
    """Convert; on an expected error print it as JSON on stderr and exit with 1."""
    source, folder, parent = sys.argv[1:]
    end_with(int(parent))
    try:
        convert(Path(source), Path(folder))
    except JudgefastError as error:
        sys.stderr.buffer.write(b"\n" + msgspec.json.encode([str(error), error.hint]))
        sys.exit(1)


if __name__ == "__main__":
    main()
