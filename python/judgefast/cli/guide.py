"""`judgefast prices --guide`: the published guide's arithmetic, and what it comes to today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.cli.output import put
from judgefast.cli.table import put_table

if TYPE_CHECKING:
    from judgefast.catalogue.prices import Kind
    from judgefast.costs.ranges import Range

_KINDS: tuple[Kind, ...] = ("on_demand", "spot")
_OURS = ("judge", "GPUs", "hours, estimated", "guide's price", "on demand today", "spot today")
_HEAD = ("judge", "GPUs", "hours", "guide's price", "guide's sum", "on demand today", "spot today")


def put_guide(*, as_json: bool) -> None:
    """Print the playbook with the guide's prices and with today's, and how its hours come about."""
    from judgefast.catalogue import guide  # noqa: PLC0415 - on first use

    rows = [_row(row) for row in guide.PLAYBOOK]
    hours = {
        gpu: guide.gpu_hours(guide.JUDGMENTS, guide.TOKENS, speed)
        for gpu, speed in guide.TOKENS_PER_SECOND.items()
    }
    if as_json:
        import msgspec  # noqa: PLC0415 - only here

        data = {"playbook": rows, "worked_example_gpu_hours": hours, "remark": guide.REMARK}
        put(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
        return
    day = rows[0]["guide"]["date"]
    put(f"The guide's list of {day}, for {guide.JUDGMENTS:,} pairwise judgments in one order:\n")
    put_table(_HEAD, map(_cells, rows))
    put("\nIts worked example, every token computed:")
    for gpu, speed in guide.TOKENS_PER_SECOND.items():
        work = f"{guide.JUDGMENTS:,} judgments x {guide.TOKENS:,} tokens"
        put(f"  {gpu}  {work} / ({speed:,} tokens/s x 3,600 s) = {hours[gpu]:.2f} GPU-hours")
    put("\nThe same work by `judgefast estimate`, on a warm engine, shared tokens computed once:\n")
    put_table(_OURS, map(_our_cells, rows))
    put(f"\n{guide.REMARK}")


def _row(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of the guide, imported on first use
    from judgefast.catalogue.guide import guide_price  # noqa: PLC0415 - on first use
    from judgefast.catalogue.prices import typical  # noqa: PLC0415 - as above

    price = guide_price(row.gpu)
    hours = _our_hours(row)
    today: dict[str, Any] = {}
    ours: dict[str, Any] = {"hours": hours, "guide": _priced(row, price, hours.likely)}
    for kind in _KINDS:
        found = typical(row.gpu, kind)
        today[kind] = [_priced(row, each, row.hours) for each in found] if found else None
        ours[kind] = [_priced(row, each, hours.likely) for each in found] if found else None
    return {
        "model": row.model,
        "gpu": row.gpu,
        "gpus": row.gpus,
        "hours": row.hours,
        "guide": _priced(row, price, row.hours),
        **today,
        "ours": ours,
    }


def _our_hours(row: Any) -> Range:  # noqa: ANN401 - as above
    """What the engine judges for, by the settings that are chosen where none is given."""
    from judgefast.catalogue.guide import SHAPE  # noqa: PLC0415 - on first use
    from judgefast.estimates import estimate  # noqa: PLC0415 - heavy

    made = estimate(
        shape=SHAPE,
        orders="one",
        rubric="pairwise-reasons",
        model=row.key,
        gpu=f"{row.gpu}:{row.gpus}",
        warm=True,
    )
    return made.judging_seconds.times(1 / 3600)


def _priced(row: Any, price: Any, hours: float) -> dict[str, Any]:  # noqa: ANN401 - as above, and a price
    return {
        "usd": round(row._replace(hours=hours).usd(price.usd), 2),
        "usd_per_gpu_hour": price.usd,
        "provider": price.provider,
        "date": price.when,
        "source": price.source,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    guide = row["guide"]
    per_hour = guide["usd_per_gpu_hour"] * row["gpus"]
    return [
        row["model"],
        f"{row['gpus']} x {row['gpu']}",
        f"{row['hours']:g}",
        f"${per_hour:.2f}/h ({guide['date']})",
        f"${guide['usd']:.2f}",
        *(_today(row[kind]) for kind in _KINDS),
    ]


def _our_cells(row: dict[str, Any]) -> list[str]:
    from judgefast.reports.ranges import of_unit  # noqa: PLC0415 - on first use

    ours = row["ours"]
    return [
        row["model"],
        f"{row['gpus']} x {row['gpu']}",
        of_unit(ours["hours"], "h"),
        f"${ours['guide']['usd']:.2f} ({ours['guide']['date']})",
        *(_today(ours[kind]) for kind in _KINDS),
    ]


def _today(found: list[dict[str, Any]] | None) -> str:
    """The sum at the middle offer; JSON has the lowest and the highest too."""
    if found is None:
        return "unknown"
    _, middle, _ = found
    return f"${middle['usd']:.2f} ({middle['provider']} {middle['date']})"
