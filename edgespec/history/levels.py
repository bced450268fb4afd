"""Minutes of a band in the history: half a decibel and half a percent a bin, packed."""

import math
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from edgespec.band_minute import EXCEEDED_SHARES, BandMinute
from edgespec.clock import ClockQuality
from edgespec.history.tables import Row
from edgespec.history.within import within
from edgespec.level_scale import LevelScale

__all__ = ["KeptMinute", "last_minute_ns", "minute_rows", "minutes"]

_STEP_DB, _STEP = 0.5, 0.005
_MOST_STEPS = 255
_MOST_BINS = 1 << 20
_AXIS = "INSERT OR IGNORE INTO axes (freqs_hz) VALUES (?)"


class _Row(NamedTuple):
    """A minute as the table ``levels`` has it: by its columns, without its axis."""

    start_ns: int
    duration_s: float
    clock: str
    band: str
    n_means: int
    rbw_hz: float
    level_dbfs: float
    floor_dbfs: float
    occupancy: float
    full_scale_dbm: float | None
    antenna_factor_db: float | None
    calibrated: str | None
    base_dbfs: float
    traces: bytes


_COLUMNS = ", ".join(_Row._fields)
_INSERT = (
    f"INSERT INTO levels ({_COLUMNS}, axis) VALUES ({', '.join('?' * len(_Row._fields))}, "
    "(SELECT number FROM axes WHERE freqs_hz = ?))"
)
_SELECT = f"SELECT {_COLUMNS}, freqs_hz FROM levels JOIN axes ON axis = axes.number"


@dataclass(frozen=True, slots=True, eq=False)
class KeptMinute:
    """A minute as it was kept, how good UTC was then, and what its levels mean."""

    minute: BandMinute
    clock: str
    scale: LevelScale


def minute_rows(minute: BandMinute, clock: ClockQuality, scale: LevelScale) -> list[Row]:
    """Return what writes a minute.

    Behind the traces is the amplitude distribution, seven bytes. Of a range of more than 127 dB,
    the lowest levels are kept as the lowest that fits.
    """
    axis = zlib.compress(minute.freqs_hz.astype("<f8").tobytes())
    levels = np.stack([minute.max_dbfs, minute.mean_dbfs, minute.median_dbfs])
    lowest, highest = float(levels.min()), float(levels.max())
    base_dbfs = math.floor(max(lowest, highest - _MOST_STEPS * _STEP_DB + 1.0))
    steps = np.clip(np.round((levels - base_dbfs) / _STEP_DB), 0, _MOST_STEPS)
    traces = np.vstack([steps, np.round(minute.occupancy / _STEP)]).astype(np.uint8)
    exceeded = np.clip(np.round((minute.exceeded_dbfs - base_dbfs) / _STEP_DB), 0, _MOST_STEPS)
    day = scale.calibrated
    row = _Row(
        start_ns=minute.utc_ns,
        duration_s=minute.duration_s,
        clock=clock.value,
        band=minute.band,
        n_means=minute.n_means,
        rbw_hz=minute.rbw_hz,
        level_dbfs=minute.level_dbfs,
        floor_dbfs=minute.floor_dbfs,
        occupancy=minute.occupied,
        full_scale_dbm=scale.full_scale_dbm,
        antenna_factor_db=scale.antenna_factor_db,
        calibrated=None if day is None else day.isoformat(),
        base_dbfs=base_dbfs,
        traces=zlib.compress(traces.tobytes() + exceeded.astype(np.uint8).tobytes()),
    )
    return [(_AXIS, (axis,)), (_INSERT, (*row, axis))]


def minutes(
    base: sqlite3.Connection, band: str | None, since_ns: int | None, until_ns: int | None
) -> Iterator[KeptMinute]:
    """Yield the minutes of a band that began in a time, in the order in which they were kept.

    What cannot be unpacked is left out.
    """
    asked, values = within(
        ("band = ?", band), ("start_ns >= ?", since_ns), ("start_ns < ?", until_ns)
    )
    # Without an index of its own, the order of rows is that of their numbers.
    found = base.execute(f"{_SELECT} WHERE {asked} ORDER BY levels.number", values)
    for *row, freqs in found:
        kept = _kept(_Row(*row), freqs)
        if kept is not None:
            yield kept


def last_minute_ns(base: sqlite3.Connection, band: str) -> int | None:
    """Return when the last minute of a band began, in the order in which they were kept."""
    asked = "SELECT start_ns FROM levels WHERE band = ? ORDER BY number DESC LIMIT 1"
    found = base.execute(asked, (band,)).fetchone()
    return None if found is None else int(found[0])


def _kept(row: _Row, freqs: bytes) -> KeptMinute | None:
    try:
        freqs_hz = np.frombuffer(_unpacked(freqs, 8 * _MOST_BINS), "<f8")
        n_traces = 4 * len(freqs_hz)
        packed = np.frombuffer(_unpacked(row.traces, n_traces + len(EXCEEDED_SHARES)), np.uint8)
        if len(packed) not in (n_traces, n_traces + len(EXCEEDED_SHARES)):
            return None
        traces = packed[:n_traces].reshape(4, len(freqs_hz)).astype(np.float32)
        step_db, lowest_dbfs = np.float32(_STEP_DB), np.float32(row.base_dbfs)
        levels = lowest_dbfs + step_db * traces[:3]
        exceeded = lowest_dbfs + step_db * packed[n_traces:].astype(np.float32)
        day = None if row.calibrated is None else date.fromisoformat(row.calibrated)
    except (ValueError, TypeError, zlib.error):
        return None
    minute = BandMinute(
        band=row.band,
        utc_ns=row.start_ns,
        duration_s=row.duration_s,
        n_means=row.n_means,
        freqs_hz=freqs_hz,
        rbw_hz=row.rbw_hz,
        level_dbfs=row.level_dbfs,
        floor_dbfs=row.floor_dbfs,
        max_dbfs=levels[0],
        mean_dbfs=levels[1],
        median_dbfs=levels[2],
        occupancy=np.float32(_STEP) * traces[3],
        exceeded_dbfs=exceeded,
    )
    scale = LevelScale(row.full_scale_dbm, row.antenna_factor_db, day)
    return KeptMinute(minute, row.clock, scale)


def _unpacked(data: bytes, most: int) -> bytes:
    """Return what was compressed, as far as that may go: a damaged one may say anything."""
    return zlib.decompressobj().decompress(data, most + 1) if most else b""
