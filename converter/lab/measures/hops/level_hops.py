"""The level of a cell's reference signals, and its steps, hop by hop."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.hop_scorer import Place
from edgespec.computing import Computing
from edgespec.detect.cell.rows import RowMaker
from edgespec.detect.cell.watch import CellWatch
from edgespec.detect.scan.windows import Windows
from edgespec.dsp.prefix.reference import ReferencePlane
from edgespec.records import IqBlock

__all__ = ["LevelHops"]

_NAN = float("nan")
#: Widths in half resource blocks, beside the whole band.
_WIDTHS = (4, 8, 16)
#: Least spread that a level is thought to have, as a share of it.
_LEAST_SPREAD = 0.035
#: Runs of bins with less than this share of the best one's level are not the cell's.
_LEAST_LEVEL = 0.05


@dataclass(slots=True)
class _State:
    """``usual`` and ``spread`` ``(n_runs,)`` once they are known; ``values`` are the last scores.

    A hop in which no active slot ends keeps them.
    """

    plane: ReferencePlane
    watch: CellWatch
    make_rows: RowMaker
    windows: Windows
    n_warmup: int
    n_hops: int = 0
    learnt: list[NDArray[np.float64]] = field(default_factory=list)
    usual: NDArray[np.float64] | None = None
    spread: NDArray[np.float64] | None = None
    values: list[float] = field(default_factory=lambda: [_NAN, _NAN])


class LevelHops:
    """``level``: how far the level of a hop lies from that of the site; ``level-step``: its steps.

    The first is the largest, over runs of 4, 8, 16 and all half resource blocks, of ``|mean -
    usual| / max(std, 3.5%)``, in linear levels, with mean and spread of the hops of the first half
    of the warm-up. The second is the score of :class:`edgespec.detect.cell.watch.CellWatch`, which
    compares a few slots after with those before. NaN while they are learnt and without a cell.
    """

    columns: tuple[str, ...] = ("score:level", "score:level-step")

    def __init__(self) -> None:
        self._state: _State | None = None

    def begin(self, place: Place) -> None:
        """Make the plane and the watch for the cell of a place."""
        self._state = None
        if place.cell is None:
            return
        plane = ReferencePlane(
            place.cell,
            place.sample_format,
            center_freq_hz=0.0,
            max_block_samples=place.hop_samples,
            computing=Computing.named("auto"),
        )
        windows = Windows(plane.plan.n_pilots - 1, _WIDTHS)
        self._state = _State(plane, CellWatch(), RowMaker(), windows, max(place.n_warmup // 2, 2))

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return both scores of the hop."""
        state = self._state
        if state is None:
            return _NAN, _NAN
        slots = state.plane.process(block)
        rows = state.make_rows.rows(slots)
        if len(rows.tick):
            state.values[0] = _deviation(state, rows.level.mean(axis=0))
            found = state.watch.update(slots)
            state.values[1] = _NAN if found is None else abs(found.value)
        state.n_hops += 1
        if state.usual is None and state.n_hops >= state.n_warmup and len(state.learnt) > 1:
            _learn(state)
        return tuple(state.values)

    def snapshot(self) -> Any:
        """Return a copy of all that is known of the cell's level."""
        return deepcopy(self._state)

    def restore(self, state: Any) -> None:
        """Go on with a copy of that copy."""
        self._state = deepcopy(state)


def _runs(state: _State, level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean level of every run of bins, ``(n_runs,)``."""
    sums = np.concatenate([[0.0], np.cumsum(level)])
    windows = state.windows
    width = windows.stop - windows.lower
    return np.asarray((sums[windows.stop] - sums[windows.lower]) / width, np.float64)


def _deviation(state: _State, level: NDArray[np.float64]) -> float:
    runs = _runs(state, level)
    if state.usual is None or state.spread is None:
        state.learnt.append(runs)
        return _NAN
    return float((np.abs(runs - state.usual) / state.spread).max())


def _learn(state: _State) -> None:
    learnt = np.stack(state.learnt)
    usual = learnt.mean(axis=0)
    spread = np.maximum(learnt.std(axis=0, ddof=1), _LEAST_SPREAD * np.abs(usual))
    # A run without the cell has no level that could move.
    spread[usual < _LEAST_LEVEL * usual.max()] = np.inf
    state.usual, state.spread, state.learnt = usual, spread, []
