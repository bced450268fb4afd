"""How the level of a cell moves at a site, and how far a step stands out of that.

The level of a part of the band is foretold from its last slots by a linear regression that is
learnt on normal signal: at a still site that is its mean, under fading its course. A step of the
level leaves a known trace in the errors of such a forecast; the matched filter for that trace is
the likelihood ratio of a step against none (Basseville and Nikiforov 1993, sec. 7.2). Of three
widths of the band the largest deviation counts: a step of power is best seen in all of it,
carriers that are down in a part.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["N_HISTORY", "N_LOOK", "StepModel", "fit_step_model"]

#: Slots that the forecast looks back to, and those that a step is looked for in.
N_PAST, N_LOOK = 8, 4
#: Rows without a deviation of their own.
N_HISTORY = N_PAST + N_LOOK - 1
#: Parts of the band, in shares of it; each lies half a part beside the last.
_SHARES = (1.0, 0.5, 0.25)
#: The level is seen in log(level / usual + this): in a fade it is no longer compressed, where noise
#: and a moving channel would make any change possible.
_OFFSET = 0.3
_FLOOR = 0.05
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

    def deviations(self, level: Array) -> Array:
        """Return how far a step before each row stands out, ``(n_rows,)``; 1 is rare.

        Args:
            level: rows of levels, ``(n_rows, n_bins)``. The first ``N_HISTORY`` are history and
                get 0.
        """
        largest = np.zeros(len(level))
        if len(level) > N_HISTORY:
            found = np.abs(self._matched(self._logs(level))) / self.scale
            largest[N_HISTORY:] = found.max(axis=1)
        return largest

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is usual."""
        self.usual *= 10.0 ** (step_db / 10.0)

    def drift(self, level: Array, weight: float) -> None:
        """Move the means towards those of some normal rows."""
        self.mean += weight * (self._logs(level).mean(axis=0) - self.mean)

    def _sums(self, level: Array) -> Array:
        """Return the level of each part, ``(n_rows, n_parts)``."""
        edges = np.zeros((len(level), level.shape[1] + 1))
        np.cumsum(level, axis=1, out=edges[:, 1:])
        sums: Array = edges[:, self.stops] - edges[:, self.starts]
        return sums

    def _logs(self, level: Array) -> Array:
        logs: Array = np.log(np.maximum(self._sums(level) / self.usual, _FLOOR) + _OFFSET)
        return logs

    def _matched(self, logs: Array) -> Array:
        """Return the matched filter over the errors of the forecast, ``N_HISTORY`` rows less."""
        around = logs - self.mean
        n_rows = len(around)
        errors = around[N_PAST:].copy()
        for k in range(N_PAST):
            errors -= self.past[k] * around[N_PAST - 1 - k : n_rows - 1 - k]
        n_out = n_rows - N_HISTORY
        found: Array = self.trace[0] * errors[:n_out]
        for k in range(1, N_LOOK):
            found += self.trace[k] * errors[k : k + n_out]
        return found


def fit_step_model(level: Array) -> StepModel:
    """Return the model of normal rows ``(n_rows, n_bins)``; some 800 are a good number."""
    n_bins = level.shape[1]
    widths, starts = [], []
    for share in _SHARES:
        width = max(round(share * n_bins), 1)
        places = {*range(0, n_bins - width + 1, max(width // 2, 1)), n_bins - width}
        starts += sorted(places)
        widths += [width] * len(places)
    n_parts = len(starts)
    begin, width_of = np.array(starts), np.array(widths)
    model = StepModel(
        starts=begin,
        stops=begin + width_of,
        usual=np.ones(n_parts),
        mean=np.zeros(n_parts),
        past=np.zeros((N_PAST, n_parts)),
        trace=np.zeros((N_LOOK, n_parts)),
        scale=np.ones(n_parts),
    )
    usual: Array = np.median(model._sums(level), axis=0)
    # Beside a strong part a weak one is noise.
    per_bin = usual / width_of
    model.usual = np.maximum(usual, np.maximum(_FLOOR * np.median(per_bin) * width_of, 1e-30))
    logs = model._logs(level)
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
    least = _LEAST_STEP / (1.0 + _OFFSET) * size
    most = np.abs(model._matched(logs)[:, which]).max(axis=1)
    n_windows = max(len(most) // _WINDOW_SLOTS, 1)
    most = most[: n_windows * _WINDOW_SLOTS].reshape(n_windows, -1).max(axis=1)
    model.scale[which] = max(float(np.quantile(most, _WINDOW_SHARE)), least)
