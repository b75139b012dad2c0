"""Log-probabilities of the next token by a plain float32 forward pass of a GGUF llama model.

The oracle of the exactness tests: numpy alone, no inference library, the original file as it was
published, every quantised block expanded. One position at a time is looked at: the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Llama:
    """A decoder-only transformer with rotary positions and grouped key-value heads."""

    def __init__(self, path: Path) -> None:
        reader = gguf.GGUFReader(path)
        self.weights = {
            tensor.name: np.ascontiguousarray(
                gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32
            ).reshape([int(size) for size in tensor.shape[::-1]])
            for tensor in reader.tensors
        }
        fact = {name: field.contents() for name, field in reader.fields.items() if "llama." in name}
        self.layers = int(fact["llama.block_count"])
        self.heads = int(fact["llama.attention.head_count"])
        self.kv_heads = int(fact["llama.attention.head_count_kv"])
        self.epsilon = float(fact["llama.attention.layer_norm_rms_epsilon"])
        self.base = float(fact["llama.rope.freq_base"])

    def logprobs(self, ids: list[int]) -> NDArray[np.float64]:
        """Natural log-probability of every token behind `ids`, shape (vocabulary,)."""
        state = self.weights["token_embd.weight"][ids]
        for layer in range(self.layers):
            state = state + self._attend(layer, self._normed(state, f"blk.{layer}.attn_norm"))
            state = state + self._feed(layer, self._normed(state, f"blk.{layer}.ffn_norm"))
        last = self._normed(state[-1:], "output_norm")[0]
        head = self.weights.get("output.weight", self.weights["token_embd.weight"])
        logits = (head @ last).astype(np.float64)
        logits -= logits.max()
        return logits - np.log(np.exp(logits).sum())

    def _normed(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        scale = np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + self.epsilon)
        return x / scale * self.weights[f"{name}.weight"]

    def _project(self, layer: int, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return x @ self.weights[f"blk.{layer}.{name}.weight"].T

    def _attend(self, layer: int, x: NDArray[np.float32]) -> NDArray[np.float32]:
        length = len(x)
        queries = self._turned(self._project(layer, "attn_q", x).reshape(length, self.heads, -1))
        keys = self._turned(self._project(layer, "attn_k", x).reshape(length, self.kv_heads, -1))
        values = self._project(layer, "attn_v", x).reshape(length, self.kv_heads, -1)
        future = np.tri(length, dtype=bool) == 0
        seen = []
        for head in range(self.heads):
            shared = head * self.kv_heads // self.heads
            scores = queries[:, head] @ keys[:, shared].T / np.sqrt(queries.shape[-1])
            scores[future] = -np.inf
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            seen.append(scores / scores.sum(axis=1, keepdims=True) @ values[:, shared])
        return self._project(layer, "attn_output", np.concatenate(seen, axis=1))

    def _turned(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rotate neighbouring pairs by position, as complex numbers: how GGUF lays llama out."""
        pairs = x[..., 0::2] + 1j * x[..., 1::2]
        rates = self.base ** -(np.arange(pairs.shape[-1]) / pairs.shape[-1])
        turned = pairs * np.exp(1j * np.arange(len(x))[:, None, None] * rates)
        return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape).astype(np.float32)

    def _feed(self, layer: int, x: NDArray[np.float32]) -> NDArray[np.float32]:
        gate = self._project(layer, "ffn_gate", x)
        up = self._project(layer, "ffn_up", x)
        return self._project(layer, "ffn_down", gate / (1 + np.exp(-gate)) * up)
