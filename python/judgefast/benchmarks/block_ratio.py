"""From blocks of raw vLLM and of ours to a ratio, what it is worth, and what the engine waited for.

A block is what the counters said at its end less what they said at its beginning.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROMISED = 0.98
BUSY_GPU = 0.95
BUSY_CORE = 0.85
LEVEL = 0.95
STEADY = 0.95

Block = dict[str, Any]


def tokens_a_second(block: Block) -> float:
    """Tokens that vLLM computed for prompts and generated, by second."""
    return float(block["computed"] + block["generated"]) / float(block["seconds"])


def ratio_of(blocks: Sequence[Block]) -> tuple[float, float, float]:
    """Ours by raw, with an interval of 95 %.

    The mean of the logarithms of either kind's rates, and Student's t over all blocks with one
    variance for both: a block is one measurement, whatever goes on inside of it. With two blocks
    there is no interval.
    """
    from scipy.stats import t  # noqa: PLC0415 - heavy, and the child does without

    if not all(block["ended"] and tokens_a_second(block) > 0 for block in blocks):
        message = "nothing ended in one of the blocks: it has no rate"
        raise ConfigError(message, hint="give longer --block-seconds")
    kinds = [
        [math.log(tokens_a_second(block)) for block in blocks if block["raw"] is raw]
        for raw in (False, True)
    ]
    if not all(kinds):
        message = "it takes a block of each kind, and the requests were used up before"
        raise ConfigError(message, hint="give more --items, or shorter --block-seconds")
    ours, raw = kinds
    middle = statistics.fmean(ours) - statistics.fmean(raw)
    freedom = len(ours) + len(raw) - 2
    if not freedom:
        return math.exp(middle), 0.0, math.inf
    squares = sum((one - statistics.fmean(kind)) ** 2 for kind in kinds for one in kind)
    error = math.sqrt(squares / freedom * (1 / len(ours) + 1 / len(raw)))
    reach = error * float(t.ppf((1 + LEVEL) / 2, freedom))
    return math.exp(middle), math.exp(middle - reach), math.exp(middle + reach)


def prompt_share(blocks: Sequence[Block]) -> float:
    """What one prompt is of a block's tokens: it is counted whole, when its last part is done."""
    ended = sum(block["ended"] for block in blocks)
    of_one = sum(block["computed"] for block in blocks) / max(1, ended)
    whole = sum(float(block["computed"] + block["generated"]) for block in blocks)
    return float(of_one * len(blocks) / whole)


def fed(blocks: Sequence[Block]) -> float:
    """What the pipeline brought of what ended in its blocks: below 1 the queue runs dry in time."""
    ours = [block for block in blocks if not block["raw"]]
    return float(sum(b["entered"] for b in ours) / max(1, sum(b["ended"] for b in ours)))


def figures(block: Block) -> dict[str, float | None]:
    """What a block says by second, by step, and as shares."""
    seconds, steps = block["seconds"], max(1, block["steps"])
    samples = block.get("gpu_samples", 0)
    return {
        "judgments/s": block["ended"] / seconds,
        "tokens/s": tokens_a_second(block),
        "tokens/step": (block["computed"] + block["generated"]) / steps,
        "ms/step": 1e3 * seconds / steps,
        "ms between steps": 1e3 * block["between_steps"] / steps,
        "steps with slots empty": block["dry_steps"] / steps,
        "cached": block["cached"] / max(1, block["cached"] + block["computed"]),
        "front end": block["front_end_cpu"] / seconds,
        "engine core": block["core_cpu"] / seconds,
        "pipeline": block["pipeline_cpu"] / seconds,
        "GPU idle": 1 - block["gpu_busy"] / samples if samples else None,
    }


def of_kind(blocks: Sequence[Block], *, raw: bool) -> dict[str, float | None]:
    """The same over all blocks of a kind."""
    chosen = [block for block in blocks if block["raw"] is raw]
    total = {
        name: sum(block[name] for block in chosen)
        for name in chosen[0]
        if isinstance(chosen[0][name], int | float) and name != "raw"
    }
    return figures(total)


def reasons(blocks: Sequence[Block]) -> Iterator[str]:
    """Why ours is slower than raw, by what differs between their blocks."""
    ours, raw = (of_kind(blocks, raw=kind) for kind in (False, True))

    def by(name: str) -> float:
        return (ours[name] or 0.0) / (raw[name] or 1.0)

    if (share := fed(blocks)) < STEADY:
        yield f"the pipeline brought {share:.0%} of what was judged: a longer run waits for it"
    dry = (ours["steps with slots empty"] or 0) - (raw["steps with slots empty"] or 0)
    if dry > 1 - PROMISED:
        yield f"the pipeline did not feed it: slots were empty in {dry:.1%} more of the steps"
    if by("tokens/step") < PROMISED:
        yield f"steps carry {1 - by('tokens/step'):.1%} fewer tokens"
    if by("ms/step") > 2 - PROMISED:
        more = (ours["ms between steps"] or 0) - (raw["ms between steps"] or 0)
        yield (
            f"a step takes {ours['ms/step']:.1f} ms in place of {raw['ms/step']:.1f}, "
            f"{more:.2f} ms of it in our loop between two"
        )
    cores = sum((ours[name] or 0) - (raw[name] or 0) for name in ("front end", "pipeline"))
    yield f"our host work takes {cores:.1%} of a core more than the raw loop"


def limit(blocks: Sequence[Block]) -> str:
    """What keeps the engine from going faster, by our blocks."""
    ours = of_kind(blocks, raw=False)
    idle = ours["GPU idle"]
    if idle is not None and 1 - idle >= BUSY_GPU:
        return f"the GPU, which is idle {idle:.1%} of the time"
    busy = {name: ours[name] or 0.0 for name in ("front end", "engine core", "pipeline")}
    name = max(busy, key=lambda each: busy[each])
    words = "there is no GPU" if idle is None else f"the GPU is idle {idle:.1%} of the time"
    if busy[name] >= BUSY_CORE:
        return f"the host: the {name} takes {busy[name]:.0%} of a core; {words}"
    return f"neither GPU nor one core of the host alone; the {name} takes {busy[name]:.0%}; {words}"
