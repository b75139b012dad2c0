"""Other ways of judging: precision, answers, orders, the catalogue's judges and accelerators."""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from judgefast.catalogue.gpus import read_gpus
from judgefast.catalogue.models import read_models
from judgefast.config import RunConfig
from judgefast.costs.alternatives import (
    ADAPTIVE_ORDERS,
    AS_PUBLISHED,
    BOTH_ORDERS,
    LABEL,
    LONG,
    ONE_ORDER,
    OTHER_MODEL,
    ROUNDED,
    SHORT,
    told_apart,
    way_of,
)
from judgefast.costs.estimate import estimate
from judgefast.costs.reworked import with_labels, with_reasons
from judgefast.errors import ConfigError
from judgefast.pipeline.adaptive_costs import adaptively
from judgefast.pipeline.setting import setting_for, takes_fp8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model
    from judgefast.costs.decisions import Change, Way
    from judgefast.costs.estimate import Setting
    from judgefast.costs.estimates import Estimate
    from judgefast.costs.workload import Workload
    from judgefast.pipeline.estimate import Estimated

REASONS = (60, 500)
"""Tokens of reasons that are priced: a sentence or two, and a paragraph."""
COUNTS = (1, 2, 4, 8)
"""GPUs of one machine."""
MOST_COPIES = 16
MOST_OTHERS = 8
"""Judges, and kinds of accelerator, that a table names."""
_ALIKE = 0.25
"""Judges whose parameters differ by less than this share cost alike: one of them is named."""
_JUDGING = {"generalist", "judge"}


class Place(NamedTuple):
    """By what is judged; None: as was asked."""

    model: Model | None = None
    gpu: Gpu | None = None
    gpus: int | None = None
    weights: Literal["bf16", "fp8"] | None = None
    cache: Literal["16bit", "fp8"] | None = None


AS_ASKED = Place()
DEFAULT_AUDIT = RunConfig().audit


class Ways:
    """Prices what was asked about, and what could be asked in its place."""

    def __init__(self, asked: Estimated) -> None:
        self._asked = asked

    def estimate(self, workload: Workload, place: Place = AS_ASKED) -> Estimate:
        """Estimate a workload, set up for it as the engine would be.

        The same judge keeps the precision that was asked about wherever it can be had: other
        lengths, or another memory, may make the engine choose another one, and the difference
        would be one of precision.

        Raises:
            ConfigError: The judge does not fit, or a figure is not known.

        """
        asked = self._asked
        model, gpu = place.model, place.gpu
        setting = self._setting(workload, place)
        if model is None and (place.weights, place.cache) == (None, None):
            setting = self._as_precise(setting, workload, place)
        own = asked.setting
        is_alike = (setting.weights, setting.cache) == (own.weights, own.cache)
        if model is None and gpu is None and is_alike:  # what was measured of it holds
            setting = msgspec.structs.replace(setting, rates=own.rates, reached=own.reached)
        return estimate(workload, setting)

    def _as_precise(self, setting: Setting, workload: Workload, place: Place) -> Setting:
        """The same in the precision that was asked about, where it fits so."""
        own = self._asked.setting
        rounds, small = takes_fp8(setting.gpu)
        held = place
        if setting.weights != own.weights and own.shape.quantized is None:
            if own.weights == "fp8" and rounds:
                held = held._replace(weights="fp8")
            elif own.weights == "bf16":
                held = held._replace(weights="bf16")
        if setting.cache != own.cache and (own.cache == "16bit" or small):
            held = held._replace(cache=own.cache)
        if held == place:
            return setting
        try:
            return self._setting(workload, held)
        except ConfigError:  # it does not fit so: as the engine chose
            return setting

    def _setting(self, workload: Workload, place: Place) -> Setting:
        """As the engine would set itself up, held to what is said."""
        asked, wishes = self._asked, self._asked.wishes
        if place.gpu is not None:  # what is paid, and how a judge is laid out, is for one's own GPU
            wishes = msgspec.structs.replace(wishes, price=None, gpus_per_copy=None)
        if place.gpus is not None:
            wishes = msgspec.structs.replace(wishes, replicas=None)
        if place.model is not None:
            wishes = msgspec.structs.replace(wishes, weights=None, gpus_per_copy=None)
        wishes = msgspec.structs.replace(
            wishes, weights=place.weights or wishes.weights, cache=place.cache or wishes.cache
        )
        return setting_for(
            place.model or asked.model,
            place.gpu or asked.gpu,
            wishes,
            workload,
            gpus=place.gpus or asked.setting.gpus,
            advises=False,
            among=asked.measured,
        )

    def asked(self) -> Way:
        """What was asked about."""
        workload = self._asked.workload
        return self._way("as asked", "asked", "", workload)

    def precisions(self) -> Iterator[Way]:
        """The same judge with weights, KV cache or both in the other precision, if it fits so."""
        own, workload = self._asked.setting, self._asked.workload
        shape = own.shape
        rounds, small = takes_fp8(self._asked.gpu)
        weights: list[Literal["bf16", "fp8"] | None] = [None]
        if shape.quantized is None and (rounds or own.weights == "fp8"):
            weights.append("bf16" if own.weights == "fp8" else "fp8")
        caches: list[Literal["16bit", "fp8"] | None] = [None]
        sparing = workload.answers.most > 1 and not (shape.is_sliding or shape.is_latent)
        if own.cache == "fp8" or (small and sparing):  # as the engine would choose it
            caches.append("16bit" if own.cache == "fp8" else "fp8")
        for of_weights, of_cache in list(product(weights, caches))[1:]:
            place = Place(weights=of_weights, cache=of_cache)
            parts = [f"{of_weights} weights"] if of_weights else []
            parts += [f"{of_cache} KV cache"] if of_cache else []
            says = ROUNDED if "fp8" in {of_weights, of_cache} else AS_PUBLISHED
            way = self._way(" and ".join(parts), "precision", says, workload, place)
            if way.misfit is None:
                yield way

    def answers(self) -> Iterator[Way]:
        """A label alone, and reasons of other lengths; the longest first."""
        workload = self._asked.workload
        asked = workload.answers.mean.likely - workload.answers.thinking.likely
        for tokens in sorted(REASONS, reverse=True):
            if not tokens / 1.5 < asked < tokens * 1.5:
                says = SHORT if tokens == min(REASONS) else LONG
                work = with_reasons(workload, tokens)
                yield self._way(f"reasons of {tokens} tokens", "answers", says, work)
        if workload.answers.most > 1:
            yield self._way("a label, one token", "answers", LABEL, with_labels(workload))

    def orders(self) -> Iterator[Way]:
        """The other number of orders, of pairs."""
        if self._asked.rubric.mode != "pairwise":
            return
        asked = self._asked
        is_adaptive = asked.is_adaptive
        if asked.workload.orders > 1:
            yield self._way("one order", "orders", ONE_ORDER, asked.in_orders(1))
        if asked.workload.orders == 1 or is_adaptive:
            yield self._way("both orders", "orders", BOTH_ORDERS, asked.in_orders(2))
        if asked.open_share is not None and not is_adaptive:
            both = asked.workload if asked.workload.orders > 1 else asked.in_orders(2)
            work = adaptively(both, DEFAULT_AUDIT, asked.open_share)
            says = f"{ADAPTIVE_ORDERS}; {asked.open_share.because}"
            yield self._way("adaptive orders", "orders", says, work)

    def models(self) -> Iterator[Way]:
        """Other judges that fit, from the largest, one of those that cost alike."""
        for model in self._other_models():
            way = self._least(
                chain([self._asked.setting.gpus], COUNTS),
                model.name,
                "model",
                OTHER_MODEL,
                Place(model=model),
            )
            if way.misfit is None:
                yield way

    def gpus(self) -> Iterator[Way]:
        """The judge on other accelerators that hold it and have a price, the fewest of each."""
        for gpu in read_gpus().values():
            if gpu.key == self._asked.gpu.key:
                continue
            way = self._least(COUNTS, f"on {gpu.key}", "gpu", "", Place(gpu=gpu))
            if way.misfit is None and way.usd is not None:
                yield way

    def copies(self, *, most: int = MOST_COPIES) -> Iterator[Way]:
        """More of the same accelerators, the fewest first."""
        gpus = self._asked.setting.gpus
        while (gpus := 2 * gpus) <= most:
            work = self._asked.workload
            yield self._way(f"{gpus} GPUs", "gpus", "", work, Place(gpus=gpus))

    def _way(
        self, name: str, kind: Change, says: str, workload: Workload, place: Place = AS_ASKED
    ) -> Way:
        way = way_of(name, kind, says, workload, lambda: self.estimate(workload, place))
        return told_apart(way, self._asked.setting)

    def _least(
        self, counts: Iterable[int], name: str, kind: Change, says: str, place: Place
    ) -> Way:
        """The fewest accelerators on which it fits; the last misfit where it fits on none."""
        way = None
        for gpus in counts:
            way = self._way(name, kind, says, self._asked.workload, place._replace(gpus=gpus))
            if way.misfit is None:
                break
        assert way is not None
        return way

    def _other_models(self) -> list[Model]:
        """Judges of the catalogue that read such prompts, one of those that cost alike."""
        asked, workload = self._asked, self._asked.workload
        length = workload.longest_prompt + workload.answers.most
        found: list[tuple[int, int, Model]] = []
        for model in read_models().values():
            shape = model.shape if model.kind in _JUDGING else None
            if shape is None or shape.parameters is None or (shape.context or length) < length:
                continue
            found.append((shape.parameters, shape.active_parameters or shape.parameters, model))
        own = asked.setting.shape
        taken: list[tuple[int, int]] = [
            (own.parameters or 0, own.active_parameters or own.parameters or 0)
        ]
        chosen = []
        # Of those that cost alike one of the judge's own family, then one that is not tuned.
        family = asked.model.family
        for whole, active, model in sorted(
            found,
            key=lambda one: (one[2].family != family, one[2].kind != "generalist", one[2].key),
        ):
            if not any(_alike(whole, a) and _alike(active, b) for a, b in taken):
                taken.append((whole, active))
                chosen.append((whole, model))
        return [model for _, model in sorted(chosen, key=lambda one: -one[0])]


def cheapest(ways: Iterable[Way], most: int = MOST_OTHERS) -> list[Way]:
    """The cheapest of some, by money where it is known, else by GPU-hours."""

    def cost(way: Way) -> tuple[bool, float]:
        known = way.usd or way.gpu_hours
        return way.usd is None, known.likely if known is not None else 0.0

    return sorted(ways, key=cost)[:most]


def _alike(one: float, other: float) -> bool:
    return abs(one - other) < _ALIKE * max(one, other)
