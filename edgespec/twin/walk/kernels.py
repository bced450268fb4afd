"""The loop of a fix: evidence of cells from the levels of all units."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import apart, kernel

__all__ = ["N_OFFSETS", "cell_evidence"]

Float32Array = NDArray[np.float32]

#: Offsets that all units share, tried at once: as many as one vector has lanes.
N_OFFSETS = 8

#: Factors of so many units, each at most this, are multiplied in float32.
_TOGETHER = 8
_MOST = np.float32(1e4)


@apart
def _multiply(
    heard: NDArray[np.int64],
    level_db: Float32Array,
    noise_db: Float32Array,
    signal_db: Float32Array,
    precision: Float32Array,
    offset_db: Float32Array,
    part: Float32Array,
    product: NDArray[np.float64],
) -> None:
    """Multiply (1 + z^2) over the units for each offset; z^2 is deviation^2 times precision."""
    for o in range(N_OFFSETS):
        product[o] = 1.0
    for start in range(0, heard.shape[0], _TOGETHER):
        for o in range(N_OFFSETS):
            part[o] = np.float32(1.0)
        for index in range(start, min(start + _TOGETHER, heard.shape[0])):
            u = heard[index]
            for o in range(N_OFFSETS):
                signal = signal_db[u] + offset_db[o]
                apart_db = abs(signal - noise_db[u])
                # 10 log10(1 + 10^(-d/10)), to .03 dB.
                more = np.float32(1.0) + apart_db * (
                    np.float32(0.0739) + np.float32(0.0096) * apart_db
                )
                expected = max(signal, noise_db[u]) + np.float32(3.0103) / (more * more)
                off_db = level_db[u] - expected
                part[o] *= np.float32(1.0) + min(off_db * off_db * precision[u], _MOST)
        for o in range(N_OFFSETS):
            product[o] *= np.float64(part[o])


@kernel
def cell_evidence(
    heard: NDArray[np.int64],
    level_db: Float32Array,
    noise_db: Float32Array,
    signal_db: Float32Array,
    precision: Float32Array,
    log_scale: Float32Array,
    offset_db: Float32Array,
    prior: NDArray[np.float64],
    power: float,
    weight: float,
    cells: NDArray[np.int64],
    product: NDArray[np.float64],
    evidence: NDArray[np.float64],
) -> float:
    """Write the log of the likelihood of each of some cells, and return the highest.

    ``log sum_o prior[o] prod_u (t density of level[u] at offset o) ^ weight``.

    Args:
        heard: which units were measured.
        level_db: ``(n_units,)``: what was measured.
        noise_db: ``(n_units,)``: what else each of them hears.
        signal_db: ``(n_cells, n_units)``: what arrives from each cell.
        precision: of the same shape: 1 / (degrees of freedom * scale^2).
        log_scale: of the same shape: log of the scale.
        offset_db: ``(N_OFFSETS,)``.
        prior: ``(N_OFFSETS,)``: log of the probability of each.
        power: half of (degrees of freedom + 1).
        weight: of the likelihood, above 0.
        cells: which of them, their rows.
        product: ``(N_OFFSETS,)``, work space.
        evidence: ``(n_cells,)``, written at ``cells``.
    """
    best = -math.inf
    part = np.empty(N_OFFSETS, np.float32)
    for index in range(cells.shape[0]):
        c = cells[index]
        _multiply(heard, level_db, noise_db, signal_db[c], precision[c], offset_db, part, product)
        top = -math.inf
        for o in range(N_OFFSETS):
            product[o] = prior[o] - weight * power * math.log(product[o])
            top = max(top, product[o])
        total = 0.0
        for o in range(N_OFFSETS):
            total += math.exp(product[o] - top)
        scales = 0.0
        for u in heard:
            scales += log_scale[c, u]
        evidence[c] = top + math.log(total) - weight * scales
        best = max(best, evidence[c])
    return best
