"""The table of ``rtl_power`` as sweeps: a row a hop, the hops of a sweep in one row of levels.

``date, time, lower Hz, upper Hz, step Hz, samples, dB, dB, ...``; its times are taken for UTC.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable

__all__ = ["read_rtl_power"]

_N_BEFORE = 6
_FORM = "a row of rtl_power has date, time, lower, upper and step in Hz, samples, and levels in dB"

_Row = tuple[float, NDArray[np.float64], list[float]]


def read_rtl_power(path: Path) -> SweepTable:
    """Return the sweeps of a file, of which each has the points of the first one.

    The point at the upper end of a hop, which ``rtl_power`` writes twice, is left out.

    Raises:
        SourceError: it is none, its sweeps differ in their points, or two have one time.
    """
    with path.open(encoding="ascii", errors="replace") as file:
        sweeps = [list(rows) for _, rows in groupby(_rows(file, path), key=lambda row: row[0])]
    if not sweeps:
        raise SourceError(f"{str(path)!r} holds no sweep: {_FORM}")
    freqs_hz = np.concatenate([hz for _, hz, _ in sweeps[0]])
    levels_db = np.full((len(sweeps), len(freqs_hz)), np.nan, np.float32)
    for number, rows in enumerate(sweeps):
        levels = [level for _, _, some in rows for level in some]
        here_hz = np.concatenate([hz for _, hz, _ in rows])
        if not np.array_equal(here_hz, freqs_hz):
            raise SourceError(
                f"sweep {number + 1} of {str(path)!r} has {len(here_hz)} points from "
                f"{here_hz[0]:.9g} Hz, the first one {len(freqs_hz)} from {freqs_hz[0]:.9g} Hz: "
                "give sweeps of one span"
            )
        levels_db[number] = levels
    utc_s = np.array([rows[0][0] for rows in sweeps])
    steps_s = np.diff(utc_s)
    if (steps_s <= 0).any():
        at = int(np.argmax(steps_s <= 0)) + 1
        raise SourceError(
            f"sweep {at + 1} of {str(path)!r} is {-steps_s[at - 1]:g} s before the one before it: "
            "sweeps must follow each other"
        )
    order = np.argsort(freqs_hz, kind="stable")
    freqs_hz = freqs_hz[order]
    return SweepTable(
        path.stem,
        utc_s,
        freqs_hz,
        levels_db[:, order],
        sweep_s=float(np.median(steps_s)) if len(steps_s) else 1.0,
        rbw_hz=float(np.median(np.diff(freqs_hz))) if len(freqs_hz) > 1 else 1.0,
    )


def _rows(lines: Iterator[str], path: Path) -> Iterator[_Row]:
    """Yield time, frequencies and levels of each row."""
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split(",")]
        try:
            stamp = datetime.fromisoformat(f"{fields[0]} {fields[1]}")
            lower_hz, upper_hz, step_hz = (float(field) for field in fields[2:5])
            n_points = max(round((upper_hz - lower_hz) / step_hz), 1)
            levels = [float(field) for field in fields[_N_BEFORE : _N_BEFORE + n_points]]
        except (ValueError, IndexError, ZeroDivisionError, OverflowError) as error:
            raise SourceError(
                f"line {number} of {str(path)!r:.120} cannot be read ({error!s:.80}): {_FORM}"
            ) from error
        if not levels or len(levels) < n_points:
            raise SourceError(
                f"line {number} of {str(path)!r:.120} has {len(levels)} levels; "
                f"{upper_hz - lower_hz:g} Hz in steps of {step_hz:g} Hz are {n_points}"
            )
        if stamp.tzinfo is None:
            stamp = stamp.replace(tzinfo=UTC)
        yield stamp.timestamp(), lower_hz + step_hz * np.arange(n_points, dtype=np.float64), levels
