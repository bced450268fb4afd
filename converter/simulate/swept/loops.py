"""Loops over sweeps: calls that come and go, and what a dwell on each point hears."""

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import kernel

__all__ = ["CALLS", "follow_calls", "hear"]

Floats = NDArray[np.float32]

#: Calls that a carrier serves at once: the slots of a GSM frame.
CALLS = 8


@kernel
def follow_calls(
    luck: Floats,
    normals: Floats,
    load: NDArray[np.float64],
    end: float,
    call_db: float,
    n_calls: NDArray[np.int64],
    own_db: NDArray[np.float64],
    share: Floats,
    level_db: Floats,
) -> None:
    """Count the calls of every carrier, sweep by sweep.

    Args:
        luck: uniform ``(n_sweeps, n_carriers, 2)``: whether a call begins, and whether one ends.
        normals: standard normal ``(n_sweeps, n_carriers)``: the level of a call that begins.
        load: ``(n_sweeps,)``, the share of the calls that there would be for ever at that load.
        end: probability that a given call ends within a sweep.
        call_db: standard deviation of the level from call to call.
        n_calls: ``(n_carriers,)``, before and after.
        own_db: ``(n_carriers,)``, level of the latest call over the carrier's, before and after.
        share: out, ``(n_sweeps, n_carriers)``: the share of its slots that is taken.
        level_db: out, as ``share``: ``own_db`` then.
    """
    n_sweeps, n_carriers = share.shape
    for t in range(n_sweeps):
        for c in range(n_carriers):
            if n_calls[c] < CALLS and luck[t, c, 0] < CALLS * load[t] * end:
                n_calls[c] += 1
                own_db[c] = call_db * normals[t, c]
            if n_calls[c] and luck[t, c, 1] < n_calls[c] * end:
                n_calls[c] -= 1
            share[t, c] = n_calls[c] / CALLS
            level_db[t, c] = own_db[c]


@kernel
def hear(
    luck: Floats,
    flutter: Floats,
    share: Floats,
    power: Floats,
    first: NDArray[np.int64],
    shape: NDArray[np.float64],
    run_points: int,
    heard: Floats,
) -> None:
    """Add what a sweep hears of every carrier to ``heard``, float32 ``(n_sweeps, n_points)``.

    A carrier is on for a run of its points, or off: with one luck for each run.

    Args:
        luck: uniform ``(n_sweeps, n_carriers, n_runs)``.
        flutter: factor of the power ``(n_sweeps, n_points)``.
        share: probability that it is on ``(n_sweeps, n_carriers)``.
        power: linear, at its strongest point, as ``share``.
        first: its first point ``(n_carriers,)``; what lies outside of the sweep is not heard.
        shape: its power at each of its points, as a share of that.
        run_points: points of a run.
    """
    n_sweeps, n_points = heard.shape
    for t in range(n_sweeps):
        for c in range(len(first)):
            for k in range(len(shape)):
                point = first[c] + k
                if 0 <= point < n_points and luck[t, c, k // run_points] < share[t, c]:
                    heard[t, point] += power[t, c] * shape[k] * flutter[t, point]
