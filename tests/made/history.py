"""Histories of events that a test does not care about."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from edgespec.band_minute import EXCEEDED_SHARES, BandMinute
from edgespec.clock import ClockQuality
from edgespec.history.events import event_row
from edgespec.history.levels import minute_rows
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.history.store import Store
from edgespec.level_scale import UNCALIBRATED
from edgespec.records import Event
from edgespec.wire.event import EventMessage
from tests.made.event import MONDAY_NS, NS, event_of

MOST_BYTES = 100_000_000


def store_of(state_dir: Path, **options: object) -> Store:
    """Return what writes the history below a folder."""
    return Store(history_path(state_dir), MOST_BYTES, 400.0, **options)


def keep(state_dir: Path, events: Iterable[Event]) -> None:
    """Write messages of events, as an observer does that ends behind them."""
    store = store_of(state_dir)
    for event in events:
        store.keep([event_row(EventMessage(event, "pi", 0))])
    store.close()


def keep_events(state_dir: Path, n_events: int) -> None:
    """Write the events e0, e1, ..."""
    keep(state_dir, (event_of(event_id=f"e{number}", at_s=number) for number in range(n_events)))


def kept_ids(state_dir: Path) -> list[str]:
    """Return the ids of the events that are kept, in their order."""
    return [message.event.event_id for message in Past(state_dir).events()]


def minute_of(
    number: int,
    rng: np.random.Generator,
    *,
    band: str = "lte",
    n_bins: int = 64,
    center_hz: float = 806e6,
) -> BandMinute:
    """Return minute ``number`` of a Monday: noise at -90 dBFS a bin, and a carrier at a third."""
    freqs_hz = center_hz + 20e3 * (np.arange(n_bins) - n_bins // 2)
    median_dbfs = rng.normal(-90.0, 0.5, n_bins).astype(np.float32)
    occupancy = np.zeros(n_bins, np.float32)
    median_dbfs[n_bins // 3] += 40.0
    occupancy[n_bins // 3] = 1.0
    return BandMinute(
        band=band,
        utc_ns=MONDAY_NS + 60 * number * NS,
        duration_s=60.0,
        n_means=9375,
        freqs_hz=freqs_hz,
        rbw_hz=30e3,
        level_dbfs=-49.0,
        floor_dbfs=-90.5,
        max_dbfs=median_dbfs + np.float32(3.0),
        mean_dbfs=median_dbfs + np.float32(0.3),
        median_dbfs=median_dbfs,
        occupancy=occupancy,
        exceeded_dbfs=np.linspace(-50.0, -38.0, len(EXCEEDED_SHARES), dtype=np.float32),
    )


def keep_minutes(state_dir: Path, minutes: Iterable[BandMinute]) -> None:
    """Write minutes of a band."""
    store = store_of(state_dir)
    for minute in minutes:
        store.keep(minute_rows(minute, ClockQuality.SYNCHRONISED, UNCALIBRATED))
    store.close()
