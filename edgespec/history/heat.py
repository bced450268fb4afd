"""Minutes on one plane of time and frequency."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from edgespec.history.levels import KeptMinute
from edgespec.level_scale import LevelScale
from edgespec.records import FloatArray

__all__ = ["HeatMap", "heat_map", "offset_db", "row_on", "unit_of"]

_NS = 1_000_000_000
_MINUTE_S = 60.0
_MOST_SLOTS = 720


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """``values`` float32 ``(n_slots, n_bins)``, NaN where nothing was heard.

    A slot is ``slot_s`` long, the first begins at ``start_ns``; ``freqs_hz`` are the bins. Of
    several minutes in a slot each bin shows the largest.
    """

    values: FloatArray
    start_ns: int
    slot_s: float
    freqs_hz: NDArray[np.float64]


def unit_of(minutes: Sequence[KeptMinute]) -> str:
    """Return the unit of all levels: dBFS, where the minutes do not agree in what they mean."""
    units = {one.scale.unit for one in minutes}
    return units.pop() if len(units) == 1 else "dBFS"


def offset_db(scale: LevelScale, unit: str) -> float:
    """Return what is added to a level of a minute for it to have a unit."""
    return scale.offset_db if scale.unit == unit else 0.0


def heat_map(
    minutes: Sequence[KeptMinute], unit: str, trace: str, most_slots: int = _MOST_SLOTS
) -> HeatMap:
    """Return a trace of all minutes, at least one, on the frequencies of the last.

    What lay elsewhere before a retune is shown as far as it is on them.
    """
    freqs_hz = minutes[-1].minute.freqs_hz
    start_ns = min(one.minute.utc_ns for one in minutes)
    end_ns = max(one.minute.utc_ns + round(one.minute.duration_s * _NS) for one in minutes)
    span_s = (end_ns - start_ns) / _NS
    slot_s = _MINUTE_S * max(1, -(-span_s // (_MINUTE_S * most_slots)))
    n_slots = max(1, ceil(span_s / slot_s - 0.01))
    values = np.full((n_slots, len(freqs_hz)), np.nan, np.float32)
    for one in minutes:
        minute = one.minute
        begin_s = (minute.utc_ns - start_ns) / _NS
        first = min(round(begin_s / slot_s), n_slots - 1)
        stop = max(first + 1, round((begin_s + minute.duration_s) / slot_s))
        row = row_on(freqs_hz, one, unit, trace)
        values[first:stop] = np.fmax(values[first:stop], row)
    return HeatMap(values, start_ns, slot_s, freqs_hz)


def row_on(freqs_hz: NDArray[np.float64], one: KeptMinute, unit: str, trace: str) -> FloatArray:
    """Return a trace of a minute at frequencies, NaN where it has none of them."""
    return _on(freqs_hz, one.minute.freqs_hz, _row(one, unit, trace))


def _row(one: KeptMinute, unit: str, trace: str) -> FloatArray:
    if trace == "occupancy":
        return one.minute.occupancy * np.float32(100.0)
    row: FloatArray = getattr(one.minute, f"{trace}_dbfs")
    return row + np.float32(offset_db(one.scale, unit))


def _on(freqs_hz: NDArray[np.float64], own_hz: NDArray[np.float64], row: FloatArray) -> FloatArray:
    """Return a row at other frequencies, NaN where it has none."""
    if np.array_equal(freqs_hz, own_hz):
        return row
    bin_hz = float(np.median(np.diff(own_hz))) if len(own_hz) > 1 else 0.0
    moved: FloatArray = np.interp(freqs_hz, own_hz, row).astype(np.float32)
    moved[(freqs_hz < own_hz[0] - bin_hz) | (freqs_hz > own_hz[-1] + bin_hz)] = np.nan
    return moved
