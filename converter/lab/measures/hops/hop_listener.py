"""Cuts an observer's samples into hops, finds its cell, and has every hop scored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.hop_scorer import HopScorer, Place
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.plan import can_cancel
from edgespec.dsp.prefix.search import find_cell
from edgespec.records import FloatArray, IqBlock

__all__ = ["HopListener", "scores_of_blocks"]

#: Signal that a cell is searched in: at first, and once more where there was none.
_SEARCH_S = (0.4, 2.0)


class HopListener:
    """Takes samples of any length in order; the scorers see them hop by hop, from the first one on.

    Args:
        scorers: who scores.
        place: of the observer; its ``cell`` is what the search finds.
        starts: hops before which the states of the scorers are kept.

    Attributes:
        cell: as it was found, None without one.
        states: of every scorer, before each of ``starts``.
    """

    def __init__(
        self, scorers: Sequence[HopScorer], place: Place, starts: Collection[int] = ()
    ) -> None:
        self._scorers = scorers
        self._place = place
        self._starts = frozenset(starts)
        self._scores: list[list[float]] = []
        self._rest: list[NDArray[Any]] = []
        self._n_rest = 0
        self._lengths = [
            round(min(s, place.warmup_s) * place.sample_rate_hz) for s in sorted(_SEARCH_S)
        ]
        self._has_begun = False
        self.cell: Cell | None = None
        self.states: dict[int, tuple[Any, ...]] = {}

    @property
    def scores(self) -> Mapping[str, FloatArray]:
        """Scores of all whole hops so far by column, each float32 ``(n_hops,)``."""
        return _by_column(self._scorers, self._scores)

    def take(self, samples: NDArray[Any]) -> None:
        """Take the next samples in the receiver's format; they are copied where they are kept."""
        self._rest.append(samples.copy())
        self._n_rest += len(samples)
        if not self._has_begun and not self._search():
            return
        line = np.concatenate(self._rest)
        hop = self._place.hop_samples
        n_hops = len(line) // hop
        for number in range(n_hops):
            self._score(line[number * hop : (number + 1) * hop])
        self._rest, self._n_rest = [line[n_hops * hop :].copy()], len(line) - n_hops * hop

    def _search(self) -> bool:
        """Look for a cell in what was gathered; return whether the scorers have begun."""
        if self._n_rest < self._lengths[0]:
            return False
        n_searched = self._lengths.pop(0)
        place, cell = self._place, None
        if can_cancel(place.sample_rate_hz):
            wave = place.sample_format.to_complex(np.concatenate(self._rest)[:n_searched])
            cell = find_cell(wave, place.sample_rate_hz)
        if cell is None and self._lengths and self._lengths[0] > n_searched:
            return self._search()
        self.cell = cell
        for scorer in self._scorers:
            scorer.begin(replace(place, cell=cell))
        self._has_begun = True
        return True

    def _score(self, samples: NDArray[Any]) -> None:
        number = len(self._scores)
        if number in self._starts:
            self.states[number] = tuple(scorer.snapshot() for scorer in self._scorers)
        self._scores.append(_scored(self._scorers, samples, self._place, number))


def scores_of_blocks(
    scorers: Sequence[HopScorer],
    states: Sequence[Any],
    samples: NDArray[Any],
    place: Place,
    first_hop: int,
) -> dict[str, FloatArray]:
    """Return the scores of a stretch from states on, by column, each float32 ``(n_hops,)``.

    Args:
        scorers: which the states are of.
        states: before the stretch.
        samples: of the stretch, in the receiver's format.
        place: of the observer.
        first_hop: number of the stretch's first hop in the observer's.
    """
    for scorer, state in zip(scorers, states, strict=True):
        scorer.restore(state)
    hop = place.hop_samples
    rows = [
        _scored(scorers, samples[n * hop : (n + 1) * hop], place, first_hop + n)
        for n in range(len(samples) // hop)
    ]
    return _by_column(scorers, rows)


def _by_column(
    scorers: Sequence[HopScorer], rows: Sequence[Sequence[float]]
) -> dict[str, FloatArray]:
    """Return the scores of hops, a row each, by column, each float32 ``(n_hops,)``."""
    columns = [name for scorer in scorers for name in scorer.columns]
    table = np.array(rows, np.float32).reshape(len(rows), len(columns))
    return {name: table[:, number] for number, name in enumerate(columns)}


def _scored(
    scorers: Sequence[HopScorer], samples: NDArray[Any], place: Place, number: int
) -> list[float]:
    start = number * place.hop_samples
    block = IqBlock(samples, place.sample_rate_hz, 0.0, start, 0)
    return [value for scorer in scorers for value in scorer.score(block)]
