"""What the history knows of the hours before a start, for a model that takes them."""

import logging
from collections.abc import Iterator

import numpy as np

from edgespec.band_minute import BandMinute
from edgespec.clock import ClockQuality
from edgespec.errors import EdgespecError
from edgespec.grid import Grid
from edgespec.history.levels import KeptMinute
from edgespec.history.past import Past
from edgespec.history.states import KeptState
from edgespec.level_scale import LevelScale
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.side_input import HOUR_NS

__all__ = ["recall_hours", "say_forgetful"]

_LOG = logging.getLogger(__name__)


def recall_hours(memory: BandMemory, past: Past, band: str, grid: Grid, scale: LevelScale) -> None:
    """Give a memory the minutes of a band that were kept, as far back as it reaches.

    That is counted from the last minute that was kept: a board without a battery does not know
    what time it is now. Minutes on another grid, of another full scale, or from before the
    gain was set to what it is are left out and counted in the log; so is a history that cannot be
    read.
    """
    try:
        last_ns = past.last_minute_ns(band)
        if last_ns is None:
            return
        # The hour in which it lies, and the hours before that.
        since_ns = (last_ns // HOUR_NS - memory.n_hours) * HOUR_NS
        kept = past.minutes(band, since_ns)
        begun_ns = _begun_ns(past.states(band), scale.gain_db)
    except EdgespecError as error:
        _LOG.warning("band %s: its model begins without the hours before (%s)", band, error)
        return
    fitting = [one for one in kept if one.minute.utc_ns >= begun_ns and _fits(one, grid, scale)]
    memory.remember(_as_heard(fitting))
    n_left = len(kept) - len(fitting)
    if n_left:
        _LOG.warning(
            "band %s: %d of %d minutes of the history are of another grid, gain or full scale, and "
            "not given to its model",
            *(band, n_left, len(kept)),
        )


def say_forgetful(band: str) -> None:
    """Say that what a model is told of hours ends with the run."""
    _LOG.warning(
        "band %s: its model takes means of hours, and without history.levels a restart forgets "
        "them",
        band,
    )


def _begun_ns(states: list[KeptState], gain_db: float | None) -> float:
    """Return since when the gain is what it is: what says nothing of it does not count."""
    told = [one for one in states if "gain_db" in one.condition]
    begun_ns = float("-inf")
    for at, one in enumerate(told):
        if one.condition["gain_db"] != gain_db:
            begun_ns = told[at + 1].at_ns if at + 1 < len(told) else float("inf")
    return begun_ns


def _fits(one: KeptMinute, grid: Grid, scale: LevelScale) -> bool:
    return one.scale.full_scale_dbm == scale.full_scale_dbm and np.array_equal(
        one.minute.freqs_hz, grid.freqs_hz
    )


def _as_heard(kept: list[KeptMinute]) -> Iterator[tuple[BandMinute, ClockQuality]]:
    known = {quality.value: quality for quality in ClockQuality}
    for one in kept:
        yield one.minute, known.get(one.clock, ClockQuality.UNSYNCHRONISED)
