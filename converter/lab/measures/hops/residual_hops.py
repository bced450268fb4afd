"""The device's scan of what is left of a cell, hop by hop."""

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.arithmetics import shared_modules
from converter.lab.measures.hops.hop_scorer import Place
from edgespec.computing import Computing
from edgespec.detect.scan.arithmetic import open_arithmetic
from edgespec.detect.scan.residual_scan import (
    LEAST_WARMUP,
    MOST_WARMUP,
    THRESHOLD,
    ResidualScan,
)
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.lte.numerology import SLOT_S
from edgespec.records import IqBlock

__all__ = ["Newest", "ResidualHops"]

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Newest:
    """Slots of a hop: ``ratio`` float64 ``(n_slots, n_subbands)``, residual over what is expected.

    ``spread`` is the usual standard deviation of a ratio.
    """

    ratio: NDArray[np.float64]
    spread: float


@dataclass(slots=True)
class _State:
    """``value`` is the last score: a hop in which no slot ends keeps it."""

    plane: ResidualPlane
    scan: ResidualScan
    value: float = _NAN
    newest: "Newest | None" = None


class ResidualHops:
    """The largest deviation of the residual in each hop: the plane and the scan of the device.

    It learns from the first half of the warm-up, as the device does. NaN until then, without a
    cell, where its timing is lost, and where the scan does not trust itself. While a score is above
    the shipped threshold, what is tracked of the cell stays what it was.
    """

    columns: tuple[str, ...] = ("score:residual",)

    def __init__(self) -> None:
        self._state: _State | None = None

    def begin(self, place: Place) -> None:
        """Make plane and scan for the cell of a place."""
        self._state = None
        if place.cell is None:
            return
        plane = ResidualPlane(
            place.sample_rate_hz,
            place.sample_format,
            place.cell,
            max_block_samples=place.hop_samples,
            computing="auto",
        )
        n_slots = round(place.warmup_s / SLOT_S) // 2
        n_slots = min(max(n_slots, LEAST_WARMUP), MOST_WARMUP)
        arithmetic = open_arithmetic(Computing.named("auto"))
        self._state = _State(plane, ResidualScan(plane.plan.n_subbands, n_slots, arithmetic))

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return the deviation of the hop."""
        return (self._deviation(block),)

    def _deviation(self, block: IqBlock) -> float:
        state = self._state
        if state is None:
            return _NAN
        slots = state.plane.process(block)
        found = state.scan.score(slots.residual, slots.power, slots.slot, slots.flags)
        site = state.scan.site
        if site is not None and found is not None:
            expected = site.expected(slots.power, slots.slot)
            state.newest = Newest(slots.residual / expected, float(np.median(site.spread)))
        if state.plane.tracker.state is not TrackState.TRACKING or state.scan.distrust:
            state.value = _NAN
        elif found is not None:
            state.value = found.value
        if math.isfinite(state.value) and state.value > THRESHOLD:
            state.plane.tracker.freeze()
        else:
            state.plane.tracker.thaw()
        return state.value

    @property
    def newest(self) -> "Newest | None":
        """What the last hop held, None while the site is learnt and without a cell."""
        return None if self._state is None else self._state.newest

    def snapshot(self) -> Any:
        """Return a copy of plane and scan."""
        return deepcopy(self._state, shared_modules())

    def restore(self, state: Any) -> None:
        """Go on with a copy of that copy."""
        self._state = deepcopy(state, shared_modules())
