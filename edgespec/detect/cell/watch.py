"""Whether a cell is as it was: lost, at another power, or with carriers down."""

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.cell.arithmetic import open_cell_arithmetic
from edgespec.detect.cell.change import LevelChange, judge_change
from edgespec.detect.cell.lost import LostWatch
from edgespec.detect.cell.rows import LevelRows, RowMaker
from edgespec.detect.cell.sighting import CellScore, CellSighting
from edgespec.detect.cell.step_model import StepModel, fit_step_model
from edgespec.detect.cell.terms import N_HISTORY, N_LOOK
from edgespec.grid import Grid
from edgespec.lte.reference_slots import ReferenceSlots

__all__ = ["CellWatch"]

Array = NDArray[np.float64]

#: Normal signal that is learnt from, and the least number of active slots in it.
_LEARN_S, _LEAST_ROWS = 0.4, 200
#: Rows on either side of a change that are compared; the last N_LOOK before it may hold it.
_N_SIDE = 16
_N_BEFORE = N_LOOK + _N_SIDE
_N_KEPT = _N_BEFORE + _N_SIDE + N_HISTORY
#: Bins with less than this share of the best's level are not the cell's, or in its edge.
_LEAST_LEVEL = 0.05
#: Where what is not the cell has grown by more than the first factor, and is more than the second
#: share of a step, the step may be made by it: a tone beside a cell moves the level of its bins.
_MORE_NOISE, _LEAST_NOISE = 2.0, 0.25
#: Slots without an active one that no pattern has: what came before is no history.
_GAP_SLOTS = 12
#: Rows of normal signal over which the means drift: some 10 s.
_DRIFT_ROWS = 20_000.0


class CellWatch:
    """Learns how the level of a cell moves, and says when it moves otherwise.

    A step of the level is scored slot by slot (:mod:`edgespec.detect.cell.step_model`); a few slots
    after one that is above the limit, the levels and the noise before and after say what it was
    (:mod:`edgespec.detect.cell.change`). Whether there is a cell at all says the coherence of its
    reference signals, against what another identity would show. At a still site what stays of a
    step goes on to score, until the site is learnt anew by ``reset``; it is sighted once.

    Args:
        limit: score above which a change is looked at.
        computing: how it is computed.

    Attributes:
        is_ready: the site is known.
    """

    name = "cell"

    def __init__(self, limit: float = 3.0, computing: Computing = Computing.PLAIN) -> None:
        self.limit = limit
        self._computing = computing
        self._make_rows = RowMaker(open_cell_arithmetic(computing))
        self.reset()

    @property
    def is_ready(self) -> bool:
        """Whether the site is known."""
        return self._model is not None

    @property
    def is_lost(self) -> bool:
        """Whether the cell was heard, and is no more."""
        return self._lost.is_lost

    def reset(self) -> None:
        """Forget the site."""
        self._model: StepModel | None = None
        self._learnt: list[LevelRows] = []
        self._n_learnt = 0
        self._bins = slice(0, 0)
        self._usual_noise = np.zeros(0)
        self._last_tick: int | None = None
        self._cut_history()
        self._lost = LostWatch(1, 0.0, 0.0)

    def settle(self) -> None:
        """Keep what was learnt as the reference, although there could be more of it."""
        if self._model is None and self._n_learnt >= _LEAST_ROWS:
            self._learn()

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain, in dB, into what was learnt."""
        if self._model is not None:
            self._model.follow(step_db)
            self._usual_noise *= 10.0 ** (step_db / 10.0)
            self._lost.follow(step_db)

    def update(self, slots: ReferenceSlots) -> CellScore | None:
        """Return the score of the next slots, or None while the site is being learnt."""
        rows = self._make_rows.rows(slots)
        if not len(rows.tick):
            return None if self._model is None else CellScore(0.0, (), self._lost.coherence)
        if self._model is None:
            self._learnt.append(rows.copy())
            self._n_learnt += len(rows.tick)
            n_ticks = int(rows.tick[-1]) - int(self._learnt[0].tick[0]) + slots.grid.frame_ticks
            if self._n_learnt >= _LEAST_ROWS and n_ticks >= _LEARN_S * slots.grid.tick_hz:
                self._learn()
            return None
        most = 0.0
        sightings: list[CellSighting] = []
        ticks = rows.tick if self._last_tick is None else np.append(self._last_tick, rows.tick)
        first = len(rows.tick) - len(ticks) + 1
        cuts = np.flatnonzero(np.diff(ticks) > _GAP_SLOTS * slots.grid.frame_ticks) + first
        begin = 0
        for cut in (*cuts.tolist(), len(rows.tick)):
            if begin < cut:
                most = max(most, self._score(rows, slice(begin, cut), slots.grid, sightings))
            if cut < len(rows.tick):
                self._cut_history()
            begin = cut
        self._last_tick = int(rows.tick[-1])
        return CellScore(most, tuple(sightings), self._lost.coherence)

    def _learn(self) -> None:
        level = np.concatenate([rows.level for rows in self._learnt])
        usual = np.median(level, axis=0)
        kept = np.flatnonzero(usual >= _LEAST_LEVEL * np.quantile(usual, 0.9))
        # What lies between two bins of the cell is the cell's. Where there is none, all are kept.
        first, last = (kept[0], kept[-1]) if len(kept) else (0, len(usual) - 1)
        self._bins = slice(int(first), int(last) + 1)
        noise = np.concatenate([rows.noise[:, self._bins] for rows in self._learnt])
        self._usual_noise = np.median(noise, axis=0)
        self._model = fit_step_model(level[:, self._bins], open_cell_arithmetic(self._computing))
        coherence = np.concatenate([rows.coherence for rows in self._learnt])
        self._lost = LostWatch(
            level.shape[1], float(np.median(coherence)), float(usual[self._bins].sum())
        )
        self._learnt, self._n_learnt = [], 0
        self._cut_history()

    def _cut_history(self) -> None:
        """Forget the last rows: what follows does not follow them."""
        self._last_tick = None
        n_bins = self._bins.stop - self._bins.start
        self._level, self._noise = np.zeros((0, n_bins)), np.zeros((0, n_bins))
        self._ticks, self._deviations = np.zeros(0, np.int64), np.zeros(0)
        self._first = 0
        self._trigger: int | None = None
        self._next = 0
        # Where a step has been told, what stays of it is no news.
        self._usual = 0.0

    def _score(
        self, rows: LevelRows, part: slice, grid: Grid, sightings: list[CellSighting]
    ) -> float:
        """Take rows that follow those in hand; add what was seen and return the score."""
        model = self._model
        if model is None:
            return 0.0
        n_old = len(self._level)
        n_before = min(n_old, N_HISTORY)
        self._level = np.concatenate([self._level, rows.level[part, self._bins]])
        self._noise = np.concatenate([self._noise, rows.noise[part, self._bins]])
        self._ticks = np.concatenate([self._ticks, rows.tick[part]])
        found = model.deviations(self._level[n_old - n_before :])[n_before:]
        deviations = self._deviations = np.concatenate([self._deviations, found])
        new = self._level[n_old:]
        seen = len(sightings)
        self._look(deviations, grid, sightings)
        noise = self._noise[n_old:].sum(axis=1)
        if self._lost.update(rows.coherence[part], new.sum(axis=1), noise):
            score = self._lost.most / max(self._lost.coherence, 1e-3)
            change = LevelChange("cell lost", self._lost.left_db, *self._all_bins)
            sightings.append(self._sighting(change, rows.tick[part.start], grid, score, 1.0))
        is_normal = len(sightings) == seen and self._trigger is None and not self._lost.is_lost
        most = float(found.max())
        if is_normal and most < 1.0:
            model.drift(len(new), len(new) / _DRIFT_ROWS)
        n_gone = max(len(self._level) - _N_KEPT, 0)
        self._level, self._noise = self._level[n_gone:], self._noise[n_gone:]
        self._ticks = self._ticks[n_gone:]
        self._first += n_gone
        self._deviations = deviations[n_gone:]
        return most

    @property
    def _all_bins(self) -> tuple[int, int]:
        return 0, self._bins.stop - self._bins.start - 1

    def _look(self, deviations: Array, grid: Grid, sightings: list[CellSighting]) -> None:
        """Judge what is above the limit, as soon as there are rows enough behind it."""
        stop = self._first + len(deviations)
        while True:
            if self._trigger is None:
                begin = max(self._next - self._first, _N_BEFORE)
                above = np.flatnonzero(np.abs(deviations[begin:] - self._usual) > self.limit)
                if not len(above):
                    self._next = max(self._next, stop)
                    return
                self._trigger = self._first + begin + int(above[0])
            if self._trigger + _N_SIDE >= stop:
                return
            at = self._trigger - self._first
            before, after = slice(at - _N_BEFORE, at - N_LOOK), slice(at + 1, at + 1 + _N_SIDE)
            change = judge_change(self._level[before], self._level[after])
            self._usual = float(np.median(deviations[after]))
            is_told = change.kind and not self._is_hidden(change, before, after)
            if is_told:
                tick, score = self._ticks[self._onset(at)], float(deviations[at])
                sightings.append(self._sighting(change, tick, grid, score, self.limit))
            # What comes before the next change is compared from behind this one.
            n_rest = _N_BEFORE if is_told else _N_SIDE
            self._next, self._trigger = self._trigger + n_rest + 1, None

    def _is_hidden(self, change: LevelChange, before: slice, after: slice) -> bool:
        """Whether more than noise lies over the bins of a change, before it or behind."""
        bins = slice(change.first, change.last + 1)
        noise = max(float(self._noise[rows, bins].mean()) for rows in (before, after))
        was, now = (float(self._level[rows, bins].mean()) for rows in (before, after))
        usual = float(self._usual_noise[bins].mean())
        return noise > max(_MORE_NOISE * usual, _LEAST_NOISE * abs(now - was))

    def _onset(self, at: int) -> int:
        """Return the row of the largest change, of those that made the filter respond."""
        band = self._level[at - N_LOOK : at + 2].sum(axis=1)
        return at - N_LOOK + 1 + int(np.argmax(np.abs(np.diff(band))))

    def _sighting(
        self, change: LevelChange, tick: int, grid: Grid, score: float, threshold: float
    ) -> CellSighting:
        begin, n_bins = self._bins.start, self._bins.stop - self._bins.start
        edges_hz = grid.edges_hz(begin + change.first, begin + change.last)
        share = (change.last - change.first + 1) / n_bins
        return CellSighting(
            change.kind, int(tick), change.size_db, share, *edges_hz, score, threshold
        )
