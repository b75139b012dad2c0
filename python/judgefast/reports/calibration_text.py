"""A calibration for a person, as one string: what was found, and how far it is to be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, duration, name, plural

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.costs.speed import Speed
    from judgefast.reports.calibration_report import Calibration, Probed

_THOUSAND = 1000.0

_RATES = (
    ("prompt_token", "a prompt token that is computed", 1.0),
    ("prompt_pair", "1,000 tokens that it looks at", _THOUSAND),
    ("step", "a step that writes tokens", 1.0),
    ("sequence", "each sequence in it", 1.0),
    ("context_token", "1,000 tokens that one looks back at", _THOUSAND),
    ("request", "a request", 1.0),
)
_MORE = (
    ("label_read", "each further label that is read"),
    ("held_token", "a token held to a schema or labels, more"),
    ("held_start", "the first schema after a start, more"),
)


def render_calibration(found: Calibration, look: Look | None = None) -> str:
    """Write what a calibration has found; 80 columns without colour unless `look` says more."""
    parts: list[RenderableType] = [*_head(found), *_rates(found), *_probes(found)]
    return to_text(parts, look or Look())


def _head(found: Calibration) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    setting = found.setting
    version = "" if setting.version is None else f" {name(setting.version)}"
    title = Text("Calibration", style="bold")
    where = f"  {name(setting.model)} on {name(setting.machine)}, {name(setting.engine)}{version}"
    title.append(where, style="not bold")
    table = _grid()
    rounds = plural(found.rounds, "round")
    load = duration(found.load_seconds)
    measured = f"{duration(found.seconds)} in {rounds}, after {load} to start the engine"
    table.add_row("measured", measured)
    errors = [f"{_percent(found.wall.rates.error)} by the clock"]
    if found.cpu is not None:
        errors.append(f"{_percent(found.cpu.rates.error)} of CPU seconds")
    table.add_row("error", f"{', '.join(errors)}: the worst of what was held out, at least 5 %")
    if (reached := found.reached) is not None:
        shown = reached.shown
        shares = f"{_percent(shown.mfu)} of its FLOP/s, {_percent(shown.bandwidth)} of its"
        table.add_row(name(str(found.gpu)), f"{shares} memory bandwidth are reached")
    if setting.options:
        table.add_row("options", line(setting.options, SENTENCE_LIMIT))
    if found.stored is not None:
        table.add_row("kept in", line(found.stored, SENTENCE_LIMIT))
    for note in found.notes:
        table.add_row("note", line(note, SENTENCE_LIMIT))
    return [title, table]


def _rates(found: Calibration) -> list[RenderableType]:
    table = _columns("Takes, in ms", ["by the clock", *(["CPU"] if found.cpu else [])])
    speeds = [found.wall, *([found.cpu] if found.cpu else [])]
    for field, words, factor in _RATES:
        values = [getattr(speed.rates, field) * factor for speed in speeds]
        table.add_row(words, *map(_milliseconds, values))
    for field, words in _MORE:
        table.add_row(words, *[_milliseconds(_of(speed, field)) for speed in speeds])
    return ["", table]


def _of(speed: Speed, field: str) -> float:
    return float(getattr(speed, field))


def _probes(found: Calibration) -> list[RenderableType]:
    clock = "CPU s" if found.cpu else "s"
    table = _columns("Workload", ["requests", f"measured, {clock}", "by the rates", "off"])
    for probe in sorted(found.probes, key=lambda each: each.is_held_out):
        measured, foretold = _middle(probe, has_cpu=found.cpu is not None)
        off = f"{100 * (measured / foretold - 1):+.0f} %" if foretold else "-"
        held = ", held out" if probe.is_held_out else ""
        row = (f"{probe.requests:,}", f"{measured:.2f}", f"{foretold:.2f}", off)
        table.add_row(name(probe.name) + held, *row)
    return ["", table]


def _middle(probe: Probed, *, has_cpu: bool) -> tuple[float, float]:
    """Measured and foretold seconds, by the clock that others do not disturb."""
    from statistics import median  # noqa: PLC0415 - loaded when something is shown

    if has_cpu and probe.cpu_foretold is not None:
        return median(probe.cpu_seconds), probe.cpu_foretold
    return median(probe.wall_seconds), probe.wall_foretold


def _milliseconds(seconds: float) -> str:
    return f"{_THOUSAND * seconds:.3g}" if seconds else "0"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _columns(first: str, others: list[str]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _grid() -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table
