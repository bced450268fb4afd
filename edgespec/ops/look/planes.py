"""The planes of a look: power over time and frequency, and what is left of the cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.scan.site import learn_site
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.errors import SourceError
from edgespec.framing import Recipe
from edgespec.ops.collect import Collected
from edgespec.ops.good_frames import frames_of
from edgespec.records import FloatArray
from edgespec.units import db_from_ratio

__all__ = ["LeftOfCell", "Plane", "left_of_cell", "power_plane"]

#: Slots before an event that are enough to learn from what usually is left of a cell: 100 ms.
_LEAST_LEARNT = 200
_BLOCKS_A_SECOND = 100


@dataclass(frozen=True, slots=True)
class Plane:
    """``level_db`` float32 ``(n_rows, n_bins)``: a row every ``row_s``, the first at ``start_s``.

    ``freqs_hz`` float64 ``(n_bins,)`` are the centres of the bins, offsets where the source does
    not know its centre; seconds count from the first sample that was looked at.
    """

    level_db: FloatArray
    freqs_hz: NDArray[np.float64]
    row_s: float
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LeftOfCell:
    """What is left where a cell is cancelled; ``left_db`` of its power are.

    The plane is in dBFS a subband, or, where ``is_learnt``, in dB over what was left before an
    event.
    """

    plane: Plane
    left_db: float
    is_learnt: bool


def power_plane(heard: Collected, recipe: Recipe) -> tuple[Plane, FloatArray]:
    """Return the frames that a band is watched by, in dBFS, and the means that scores are made of.

    Returns:
        The plane, and float32 ``(n_horizons, n_bins)``: its mean over each horizon of the recipe.

    Raises:
        SourceError: there is not one horizon of valid frames.
    """
    level_db, is_good, freqs_hz = frames_of(heard, recipe)
    n_whole = len(level_db) // recipe.n_horizon
    n_frames = n_whole * recipe.n_horizon
    is_whole = is_good[:n_frames].reshape(n_whole, recipe.n_horizon).all(axis=1)
    if not is_whole.any():
        least_s = recipe.samples_in(recipe.n_horizon) / recipe.sample_rate_hz
        what = "no good frames" if n_whole else f"{heard.duration_s:.3g} s of signal"
        raise SourceError(
            f"the source {heard.info.uri!r:.160} gave {what}; a look needs {least_s:.3g} s in one "
            "piece: take a longer recording, or see whether the radio delivers"
        )
    means = level_db[:n_frames].reshape(n_whole, recipe.n_horizon, -1).mean(axis=1)
    return Plane(level_db, freqs_hz, recipe.framing.frame_s), means[is_whole]


def left_of_cell(heard: Collected, cell: Cell, learn_until_s: float | None) -> LeftOfCell | None:
    """Return what is left of a cell that was found in these samples; None where nothing is.

    Args:
        heard: the samples.
        cell: as a search found it, counted from their first.
        learn_until_s: what is there before shows what usually is left; None: nothing does.
    """
    n_most = max(round(heard.info.sample_rate_hz / _BLOCKS_A_SECOND), 1)
    plane = ResidualPlane(
        heard.info.sample_rate_hz,
        heard.info.sample_format,
        cell,
        max_block_samples=n_most,
        computing=Computing.PLAIN,
        center_freq_hz=heard.center_freq_hz,
    )
    parts = []
    for block in heard.blocks(n_most):
        slots = plane.process(block)
        parts.append(
            (slots.residual.copy(), slots.power.copy(), slots.slot.copy(), slots.tick_start.copy())
        )
    if not any(len(part[0]) for part in parts):
        return None
    residual, power, place, tick = (np.concatenate(part) for part in zip(*parts, strict=True))
    left_db = db_from_ratio(float(residual.sum(dtype="f8")) / max(float(power.sum()), 1e-30))
    n_learnt = 0
    if learn_until_s is not None:
        n_learnt = int(np.searchsorted(tick, learn_until_s * heard.info.sample_rate_hz))
    is_learnt = n_learnt >= _LEAST_LEARNT and bool((residual[:n_learnt] > 0).all())
    usual = np.ones_like(residual, np.float64)
    if is_learnt:
        site = learn_site(residual[:n_learnt], power[:n_learnt], place[:n_learnt])
        usual = site.expected(power, place)
    level_db = (10.0 * np.log10(np.maximum(residual / usual, 1e-20))).astype(np.float32)
    grid = plane.grid
    start_s = float(tick[0]) / heard.info.sample_rate_hz
    return LeftOfCell(Plane(level_db, grid.freqs_hz, grid.frame_s, start_s), left_db, is_learnt)
