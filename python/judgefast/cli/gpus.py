"""`judgefast gpus`: what is known of accelerators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from judgefast.cli.output import put
from judgefast.cli.table import put_table
from judgefast.reports.inert import line

if TYPE_CHECKING:
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.prices import Kind

_HEAD = (
    *("GPU", "memory GiB", "TB/s", "bf16", "fp8", "fp4", "watts", "link GB/s"),
    "on demand today",
)
_UNKNOWN = "unknown"
_KINDS: tuple[Kind, ...] = ("on_demand", "spot")
_LONGEST_SOURCE = 400


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of lines.")
def gpus(name: str | None, *, as_json: bool) -> None:
    """List the accelerators that are known, or show all of NAME with its sources.

    Example: judgefast gpus H200

    Rates are dense, in TFLOP/s; memory is what the driver reports. A file of your own adds others:
    docs/costs.md.
    """
    from judgefast.catalogue.gpus import find_gpu, read_gpus  # noqa: PLC0415 - on first use

    found = [find_gpu(name)] if name else list(read_gpus().values())
    if as_json:
        import msgspec  # noqa: PLC0415 - only here

        data = found[0] if name else found
        put(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
    elif name:
        _put_one(found[0])
    else:
        put_table(_HEAD, map(_row, found), right=7)


def _row(gpu: Gpu) -> list[str]:
    from judgefast.catalogue.prices import typical  # noqa: PLC0415 - on first use

    today = typical(gpu.key, "on_demand")
    return [
        gpu.key,
        _scaled(gpu.memory_bytes, 2**30, 1),
        _scaled(gpu.bandwidth, 1e12, 2),
        *(_scaled(rate, 1e12, 0) for rate in (gpu.flops_bf16, gpu.flops_fp8, gpu.flops_fp4)),
        _scaled(gpu.tdp_watts, 1, 0),
        _scaled(gpu.link_bytes, 1e9, 0),
        str(today[1]) if today else _UNKNOWN,
    ]


def _scaled(value: float | None, unit: float, places: int) -> str:
    return "-" if value is None else f"{value / unit:,.{places}f}"


def _put_one(gpu: Gpu) -> None:
    import msgspec  # noqa: PLC0415 - only here

    from judgefast.catalogue.prices import typical  # noqa: PLC0415 - on first use

    fields = msgspec.structs.asdict(gpu)
    del fields["sources"]
    rows = []
    for name, value in fields.items():
        by = [number for number, each in enumerate(gpu.sources, 1) if name in each.fields]
        marks = "".join(f"[{number}]" for number in by)
        rows.append((name, marks if value is not None else "", _shown(value)))
    for kind in _KINDS:
        today = typical(gpu.key, kind)
        words = ", ".join(map(str, today)) if today else _UNKNOWN
        rows.append((f"{kind} today", "", words))
    put_table(("field", "source", "value"), rows)
    put("")
    for number, source in enumerate(gpu.sources, 1):
        put(line(f"[{number}] {source.source} ({source.date})", _LONGEST_SOURCE))


def _shown(value: object) -> str:
    if value is None:
        return _UNKNOWN
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, int | float):
        return f"{value:,.0f}"
    return str(value)
