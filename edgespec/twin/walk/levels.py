"""Whether the levels of a walk are decibels of the site's unit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site

__all__ = ["check_levels"]

FloatArray = NDArray[np.float64]

#: No receiver reads less, or more, in either unit.
_LOWEST_DB = -200.0
_HIGHEST_DB = {"dBm": 30.0, "dBFS": 10.0}

#: What a unit hears over a walk differs by more than this between its lowest and highest level.
_LEAST_RANGE_DB = 0.5

#: Who reads 0 reads something between, too, unless the 0 stands for 'nothing'.
_NEAR_ZERO_DB = -30.0

#: A column of nothing but numbers from 0 to this is power, not its logarithm.
_MOST_WATTS = 10.0


def check_levels(levels_db: FloatArray, site: Site, where: str, lines: Sequence[int]) -> None:
    """Refuse levels ``(n, n_units)`` that are no decibels; NaN is none.

    Raises:
        ConfigError: watts, numbers without their sign, or what no receiver reads, with file and
            line; or a unit that reads the same everywhere.
    """
    unit, most_db = site.level_unit, _HIGHEST_DB[site.level_unit]
    for index, node in enumerate(site.nodes):
        values = levels_db[:, index]
        known = np.flatnonzero(np.isfinite(values))
        if not len(known):
            continue
        of = values[known]
        if of.min() >= 0.0 and of.max() <= _MOST_WATTS:
            raise _refused(
                where,
                lines[known[0]],
                f"unit {node!r} reads {of[0]:g}, and never less than 0: that is power, not {unit}; "
                "write 10 log10(watts / 1 mW) for dBm, such as -71.5",
            )
        if of.min() > 0.0:
            raise _refused(
                where,
                lines[known[0]],
                f"unit {node!r} reads {of[0]:g}, and never less than 0; levels in {unit} are "
                "negative: write the sign, and no quality or RSSI of 0 to 255",
            )
        zeros = known[of == 0.0]
        if len(zeros) and np.delete(of, np.flatnonzero(of == 0.0)).max() < _NEAR_ZERO_DB:
            raise _refused(
                where,
                lines[zeros[0]],
                f"unit {node!r} reads 0 {unit} in {len(zeros)} of {len(known)} rows, and less than "
                f"{_NEAR_ZERO_DB:g} in all others: write nothing where nothing was measured",
            )
        is_out = (of < _LOWEST_DB) | (of > most_db)
        if is_out.any():
            first = int(np.flatnonzero(is_out)[0])
            raise _refused(
                where,
                lines[known[first]],
                f"unit {node!r} reads {of[first]:g} {unit}; accepted is {_LOWEST_DB:g} to "
                f"{most_db:g}, and nothing where nothing was measured",
            )
        if len(known) > 1 and np.ptp(of) < _LEAST_RANGE_DB:
            raise _refused(
                where,
                lines[known[0]],
                f"unit {node!r} reads {of[0]:g} {unit} in all of {len(known)} rows: it heard "
                "nothing, or its numbers are of another unit; correct or remove its column",
            )


def _refused(where: str, line: int, what: str) -> ConfigError:
    return ConfigError(f"{where}, line {line}: {what}")
