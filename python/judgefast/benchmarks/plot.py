"""Throughput over time as a picture: SVG drawn here, PNG by matplotlib (`judgefast[plots]`)."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from judgefast.errors import ConfigError
from judgefast.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.benchmarks.records import Record, Sample

_WIDTH, _HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 40, 45
_COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b2d8b", "#b08900", "#444444")
_TICKS = 5
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


class Curve(NamedTuple):
    """Throughput of one run over its judge phase."""

    name: str
    seconds: list[float]
    """End of each slice."""
    rates: list[float]
    """Judgments a second within it."""


def check_plot(path: Path) -> None:
    """Refuse a picture that cannot be drawn, before anything is measured.

    Raises:
        ConfigError: It is neither SVG nor PNG, or PNG without matplotlib.

    """
    if path.suffix not in {".svg", ".png"}:
        message = f"`{path}` is no kind of picture that is drawn here"
        raise ConfigError(message, hint="name a file that ends in .svg or .png")
    if path.suffix == ".png" and find_spec("matplotlib") is None:
        message = f"`{path}` needs `matplotlib`, which is not installed"
        raise ConfigError(
            message, hint="run `pip install 'judgefast[plots]'`, or name a file that ends in .svg"
        )


def write_plot(record: Record, path: Path) -> None:
    """Draw the throughput of each repeat over time.

    Raises:
        ConfigError: As :func:`check_plot`.

    """
    check_plot(path)
    curves = [curve_of(sample, number) for number, sample in enumerate(record.samples, start=1)]
    title = f"{record.workload.name} on {record.engine}, {record.model}"
    if path.suffix == ".svg":
        write_whole(path, svg(title, curves).encode())
    else:
        _write_png(path, title, curves)


def curve_of(sample: Sample, number: int) -> Curve:
    """Take the throughput of one run out of its sample."""
    seconds = [end for end, _, _ in sample.series]
    before = [0.0, *seconds]
    rates = [
        judgments / max(end - start, 1e-9)
        for start, (end, judgments, _) in zip(before, sample.series, strict=False)
    ]
    return Curve(f"run {number}", seconds, rates)


def nice_step(most: float) -> float:
    """Find a round distance of ticks, of which about five reach `most`.

    >>> nice_step(93.0), nice_step(0.7)
    (20.0, 0.2)
    """
    if not most > 0:
        return 1.0
    rough = most / _TICKS
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in _NICE if power * step >= rough * (1 - 1e-9))


def svg(title: str, curves: list[Curve]) -> str:
    """Draw curves as steps, with axes and a legend."""
    longest = max((curve.seconds[-1] for curve in curves if curve.seconds), default=1.0)
    highest = max((max(curve.rates) for curve in curves if curve.rates), default=1.0) or 1.0
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(seconds: float) -> float:
        return round(_LEFT + wide * seconds / longest, 2)

    def y(rate: float) -> float:
        return round(_TOP + high * (1 - rate / highest), 2)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
        f'<text x="{_WIDTH // 2}" y="{_HEIGHT - 8}">seconds</text>',
        f'<text transform="translate(16 {_HEIGHT // 2 + 30}) rotate(-90)">judgments/s</text>',
    ]
    parts += [
        f'<path d="M{x(at)} {_TOP + high}v4" stroke="#444"/>'
        f'<text x="{x(at)}" y="{_TOP + high + 18}" text-anchor="middle">{at:g}</text>'
        for at in _ticks(longest)
    ]
    parts += [
        f'<path d="M{_LEFT} {y(at)}h{wide}" stroke="#ddd"/>'
        f'<text x="{_LEFT - 6}" y="{y(at) + 4}" text-anchor="end">{at:g}</text>'
        for at in _ticks(highest)
    ]
    for number, curve in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        steps = [f"M{x(0)} {y(curve.rates[0] if curve.rates else 0)}"]
        for end, rate in zip(curve.seconds, curve.rates, strict=True):
            steps.append(f"V{y(rate)}H{x(end)}")
        parts.append(
            f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        at = _WIDTH - _RIGHT - 70 * (len(curves) - number)
        parts.append(f'<text x="{at}" y="34" fill="{colour}">{escape(curve.name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _ticks(most: float) -> list[float]:
    step = nice_step(most)
    return [round(step * number, 10) for number in range(int(most / step + 1e-9) + 1)]


def _write_png(path: Path, title: str, curves: list[Curve]) -> None:
    from matplotlib.backends.backend_agg import (  # noqa: PLC0415 - optional, and heavy
        FigureCanvasAgg,
    )
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=150, layout="tight")
    axes = figure.add_subplot()
    for number, curve in enumerate(curves):
        axes.step(
            [0.0, *curve.seconds],
            [*curve.rates[:1], *curve.rates],
            label=curve.name,
            color=_COLOURS[number % len(_COLOURS)],
        )
    axes.set(title=title, xlabel="seconds", ylabel="judgments/s", ylim=(0, None))
    axes.legend()
    FigureCanvasAgg(figure)
    figure.savefig(path)
