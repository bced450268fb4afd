"""Sweeps on their way from a source to the bands."""

from dataclasses import dataclass, field

import numpy as np

from edgespec.grid import Grid
from edgespec.records import IqBlock

__all__ = ["SweepBlock", "sweep_grid"]


def sweep_grid(freqs_hz: "np.ndarray[tuple[int], np.dtype[np.float64]]", interval_s: float) -> Grid:
    """Return the grid of sweeps: its clock counts sweeps, of which one begins every ``interval_s``.

    The resolution bandwidth is the usual distance of two points: whoever wrote a table of levels
    seldom says what it was measured with.
    """
    steps_hz = np.diff(freqs_hz)
    rbw_hz = float(np.median(steps_hz)) if len(steps_hz) else 1.0
    return Grid(freqs_hz, rbw_hz, 1, 1.0 / interval_s)


@dataclass(frozen=True, slots=True)
class SweepBlock(IqBlock):
    """Sweeps in the place of samples: ``samples`` float32 ``(n_sweeps, n_points)`` in dB.

    What was not measured is not a number. ``grid`` says where the points lie; another object is
    another grid. Counted are sweeps, lost ones included: ``sample_rate_hz`` is how many come a
    second, ``sample_start`` the number of the first, ``n_dropped`` how many are missing before it.
    """

    grid: Grid = field(kw_only=True)
