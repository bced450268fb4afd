"""Is there a source somewhere? Likelihood ratio over places, powers and subbands."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.grid_kernels import weigh_cells
from edgespec.twin.detectors.table_kernels import N_PARTS, N_POWERS, N_RATIOS
from edgespec.twin.detectors.window import Window
from edgespec.twin.propagation.path_gain import CellGrid

__all__ = ["CellEvidence", "Likelihood"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

#: Ratios of a source to the expected level in the tables, in dB; powers are two entries apart.
_FIRST_DB, _STEP_DB = -60.0, 2.5

#: At ratios below -20 dB a source raises nothing: less than 0.05 dB.
_N_NOTHING = 16

#: How likely a source is, compared with one of a power 5 dB higher.
_WEAKER = 0.75

#: Distance of two powers in dB.
POWER_STEP_DB = 2.0 * _STEP_DB


@dataclass(frozen=True, slots=True, eq=False)
class CellEvidence:
    """Evidence of each cell of a grid, in nats; views that the next call overwrites.

    ``cells`` float64 ``(n_cells,)``; ``subbands`` float32 ``(n_cells, n_subbands)``: of each
    subband alone; ``powers`` float32 of that shape: index of the likeliest power in it;
    ``score``: logarithm of the mean likelihood ratio over the cells.
    """

    cells: FloatArray
    subbands: NDArray[np.float32]
    powers: NDArray[np.float32]
    lowest_dbm: float
    score: float

    @property
    def power_dbm(self) -> FloatArray:
        """The likeliest power of a source in each cell and subband."""
        return self.lowest_dbm + POWER_STEP_DB * self.powers.astype(np.float64)


class Likelihood:
    """Log of the average likelihood ratio of 'a source in this cell' against 'no source'.

    A source of power P in cell x raises unit u from its expected level E to
    ``10 log10(1 + P g(x, u) / E)`` above it. Residuals follow Student's t with learnt scale, so one
    wrong unit weighs a bounded amount, and path gains are uncertain by ``gain_error_db``. The mean
    over cells is the Bayes test of a source anywhere (Neyman-Pearson for a uniform prior); the
    likelihoods themselves say where it is. Under normal residuals the mean of ``exp(score)`` is at
    most 1, so a score above c comes with probability below ``exp(-c)`` as long as the model holds.
    """

    #: The tail of a log-likelihood ratio falls at least e-fold with each nat.
    least_excess = 1.0

    def __init__(
        self, grid: CellGrid, n_subbands: int, max_power_dbm: float, gain_error_db: float
    ) -> None:
        n_cells, n_units = grid.gain_db.shape
        self.lowest_dbm = max_power_dbm - (N_POWERS - 1) * POWER_STEP_DB
        # Three quarters of the variance by three points, one quarter around each.
        self._reach = round(1.5 * gain_error_db / _STEP_DB)
        self._gain_variance = 0.25 * gain_error_db**2
        likeliness = _WEAKER ** np.arange(N_POWERS)[::-1]
        self._prior = np.log(likeliness / likeliness.sum()).astype(np.float32)
        self._gain_steps = np.ascontiguousarray((grid.gain_db / _STEP_DB).T, np.float32)
        self._gain_range = np.stack([f(self._gain_steps, axis=1) for f in (np.min, np.max)], axis=1)
        self._ratios = 10.0 ** ((_FIRST_DB + _STEP_DB * np.arange(N_RATIOS)) / 10.0)
        self._usual = self._source_tables(np.ones((1, 1)))
        self._work, self._unread = _work_space(n_units, n_subbands, n_cells, self._reach)
        self._found: _Evidence | None = None

    def evidence(
        self, window: Window, kept: FloatArray | None = None, power_dbm: float | None = None
    ) -> CellEvidence:
        """Return the evidence of each cell.

        ``kept`` float64 ``(n_units, n_subbands)`` is the share of the expected power that is there
        without the source; 1 unless the source is a transmitter that moved. Then its ``power_dbm``
        in one subband is known, too, to some dB.
        """
        prior = self._prior
        if power_dbm is not None:
            off_db = self.lowest_dbm + POWER_STEP_DB * np.arange(N_POWERS) - power_dbm
            prior = (-0.5 * (off_db / POWER_STEP_DB) ** 2).astype(np.float32)
            prior -= np.float32(np.log(np.exp(prior).sum()))
        if self._found is None:
            self._found = _evidence_space(*self._unread[1].shape)
        tables = self._usual if kept is None else self._source_tables(kept)
        n_nothing = _N_NOTHING if kept is None else 0
        score = self._weigh(window, tables, n_nothing, prior, self._found)
        return CellEvidence(*self._found, self.lowest_dbm, score)

    def score(self, window: Window) -> float:
        """Return the score in nats: high is anomalous."""
        return self._weigh(window, self._usual, _N_NOTHING, self._prior, self._unread)

    def _weigh(
        self,
        window: Window,
        tables: tuple[Float32Array, Float32Array],
        n_nothing: int,
        prior: Float32Array,
        found: "_Evidence",
    ) -> float:
        densities, parts, entries, starts, sums, best, odds = self._work
        cells, subbands, powers = found
        shift_db, gain_variance = tables
        return weigh_cells(
            window.residual_db,
            window.scale_db,
            window.expected_dbm,
            window.kind,
            window.doublings,
            shift_db,
            gain_variance,
            self._reach,
            n_nothing,
            # Half an entry more, since the kernel cuts off.
            (self.lowest_dbm - _FIRST_DB) / _STEP_DB + 0.5,
            1.0 / _STEP_DB,
            self._gain_steps,
            self._gain_range,
            prior,
            densities,
            parts,
            entries,
            starts,
            sums,
            best,
            odds,
            cells,
            subbands,
            powers,
        )

    def _source_tables(self, kept: FloatArray) -> tuple[Float32Array, Float32Array]:
        """Return for each ratio the shift of the level in dB, and its variance by the gain's."""
        total = np.maximum(kept[:, :, None] + self._ratios, 1e-12)
        shift_db = (10.0 * np.log10(total)).astype(np.float32)
        gain_variance = self._gain_variance * (self._ratios / total) ** 2
        return shift_db, gain_variance.astype(np.float32)


#: Cells, subbands and powers of :class:`CellEvidence`.
_Evidence = tuple[FloatArray, Float32Array, Float32Array]
_Work = tuple[
    Float32Array,
    Float32Array,
    Float32Array,
    NDArray[np.int32],
    Float32Array,
    Float32Array,
    FloatArray,
]


@lru_cache(64)
def _work_space(n_units: int, n_subbands: int, n_cells: int, reach: int) -> tuple[_Work, _Evidence]:
    """Return what :func:`weigh_cells` writes to and nobody reads: one for all sites of a shape.

    So it stays in the processor's cache from site to site.
    """
    work = (
        np.empty((2, N_RATIOS + 2 * reach), np.float32),
        np.empty((N_PARTS, N_RATIOS), np.float32),
        np.zeros((n_units, n_subbands, 2, N_RATIOS // 2), np.float32),
        np.empty((n_units, n_cells), np.int32),
        np.empty((n_cells, N_POWERS), np.float32),
        np.empty(n_cells, np.float32),
        np.empty(n_cells),
    )
    cells, subbands, powers = _evidence_space(n_cells, n_subbands)
    return work, (cells, subbands, powers[:0])


def _evidence_space(n_cells: int, n_subbands: int) -> _Evidence:
    shape = (n_cells, n_subbands)
    return np.empty(n_cells), np.empty(shape, np.float32), np.empty(shape, np.float32)
