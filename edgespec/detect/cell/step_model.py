"""How the level of a cell moves at a site, and how far a step stands out of that.

The level of a part of the band is foretold from its last slots by a linear regression that is
learnt on normal signal: at a still site that is its mean, under fading its course. A step of the
level leaves a known trace in the errors of such a forecast; the matched filter for that trace is
the likelihood ratio of a step against none (Basseville and Nikiforov 1993, sec. 7.2). Of three
widths of the band the largest deviation counts: a step of power is best seen in all of it,
carriers that are down in a part.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.cell.arithmetic import PLAIN, CellArithmetic
from edgespec.detect.cell.plain import matched, part_sums
from edgespec.detect.cell.terms import FLOOR, N_LOOK, N_PAST, OFFSET

__all__ = ["StepModel", "fit_step_model"]

#: Parts of the band, in shares of it; each lies half a part beside the last.
_SHARES = (1.0, 0.5, 0.25)
#: A step of so much scores 1 where the site is quieter than that (3.5% is the spread of a plain
#: converter's level; this is three of it).
_LEAST_STEP = 0.1
#: The largest deviation of so many slots in a row, of which the scale is this share's.
_WINDOW_SLOTS, _WINDOW_SHARE = 13, 0.97
_RIDGE = 1e-5

Array = NDArray[np.float64]


@dataclass(slots=True)
class StepModel:
    """What was learnt of a site; made by :func:`fit_step_model`.

    The parts of the band are the columns of all arrays.

    Attributes:
        starts: int64 ``(n_parts,)``, first bin of each, and ``stops`` the bin behind the last.
        usual: ``(n_parts,)``, level of each.
        mean: ``(n_parts,)``, of its logarithm.
        past: ``(N_PAST, n_parts)``, weights of the last slots, newest first.
        trace: ``(N_LOOK, n_parts)``, what a step leaves in the errors, of norm 1.
        scale: ``(n_parts,)``, what scores 1.
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    usual: Array
    mean: Array
    past: Array
    trace: Array
    scale: Array
    _write: Callable[..., None] = PLAIN.step_deviations
    _logs: Array = field(default_factory=lambda: np.zeros((0, 0)))
    _errors: Array = field(default_factory=lambda: np.zeros((0, 0)))
    _largest: Array = field(default_factory=lambda: np.zeros(0))
    _n_rows: int = 0

    def deviations(self, level: Array) -> Array:
        """Return how far a step before each row stands out, ``(n_rows,)``; 1 is rare.

        It is a view that the next call overwrites.

        Args:
            level: rows of levels, ``(n_rows, n_bins)``. The first ``N_HISTORY`` are history and
                get 0.
        """
        n_rows = len(level)
        if n_rows > len(self._largest):
            shape = (n_rows, len(self.starts))
            self._logs, self._errors = np.zeros(shape), np.zeros(shape)
            self._largest = np.zeros(n_rows)
        self._n_rows = n_rows
        logs, errors, largest = self._logs[:n_rows], self._errors[:n_rows], self._largest[:n_rows]
        self._write(
            level, self.starts, self.stops, self.usual, self.mean, self.past, self.trace,
            self.scale, logs, errors, largest,
        )  # fmt: skip
        return largest

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is usual."""
        self.usual *= 10.0 ** (step_db / 10.0)

    def drift(self, n_rows: int, weight: float) -> None:
        """Move the means towards those of the last rows that deviations were returned of."""
        logs = self._logs[self._n_rows - n_rows : self._n_rows]
        self.mean += weight * (logs.mean(axis=0) - self.mean)


def fit_step_model(level: Array, arithmetic: CellArithmetic = PLAIN) -> StepModel:
    """Return the model of normal rows ``(n_rows, n_bins)``; some 800 are a good number.

    Args:
        level: the rows.
        arithmetic: how the model computes.
    """
    n_bins = level.shape[1]
    widths, starts = [], []
    for share in _SHARES:
        width = max(round(share * n_bins), 1)
        places = {*range(0, n_bins - width + 1, max(width // 2, 1)), n_bins - width}
        starts += sorted(places)
        widths += [width] * len(places)
    n_parts = len(starts)
    begin, width_of = np.array(starts), np.array(widths)
    sums = part_sums(level, begin, begin + width_of)
    model = StepModel(
        starts=begin,
        stops=begin + width_of,
        usual=np.ones(n_parts),
        mean=np.zeros(n_parts),
        past=np.zeros((N_PAST, n_parts)),
        trace=np.zeros((N_LOOK, n_parts)),
        scale=np.ones(n_parts),
        _write=arithmetic.step_deviations,
    )
    usual: Array = np.median(sums, axis=0)
    # Beside a strong part a weak one is noise.
    per_bin = usual / width_of
    model.usual = np.maximum(usual, np.maximum(FLOOR * np.median(per_bin) * width_of, 1e-30))
    logs = np.log(np.maximum(sums / model.usual, FLOOR) + OFFSET)
    model.mean = logs.mean(axis=0)
    for width in dict.fromkeys(widths):
        _fit_width(model, logs, width_of == width)
    return model


def _fit_width(model: StepModel, logs: Array, which: NDArray[np.bool_]) -> None:
    """Fit one forecast for all parts of a width, and find what scores 1."""
    around = (logs - model.mean)[:, which]
    gram, moment = np.zeros((N_PAST, N_PAST)), np.zeros(N_PAST)
    for column in around.T:
        past = np.lib.stride_tricks.sliding_window_view(column, N_PAST)[:-1, ::-1]
        gram += past.T @ past
        moment += past.T @ column[N_PAST:]
    gram += (_RIDGE * np.trace(gram) / N_PAST + 1e-12) * np.eye(N_PAST)
    weights = np.linalg.solve(gram, moment)
    response = 1.0 - np.concatenate([[0.0], np.cumsum(weights)])[:N_LOOK]
    size = float(np.sqrt((response**2).sum()))
    model.past[:, which] = weights[:, None]
    model.trace[:, which] = (response / size)[:, None]
    least = _LEAST_STEP / (1.0 + OFFSET) * size
    most = np.abs(matched(logs, model.mean, model.past, model.trace)[:, which]).max(axis=1)
    n_windows = max(len(most) // _WINDOW_SLOTS, 1)
    most = most[: n_windows * _WINDOW_SLOTS].reshape(n_windows, -1).max(axis=1)
    model.scale[which] = max(float(np.quantile(most, _WINDOW_SHARE)), least)
