"""The sweeps of the radio observatory at Bras d'Eau, Mauritius, April 2019, as tables.

``bandN_power_dbm`` float32 ``(n, 461)``, ``bandN_time_s``, ``bandN_edges_hz``, ``bandN_sweep_s``,
``bandN_polarisation`` and ``bandN_azimuth_deg``: the antenna is turned about once a day, so the
sweeps of a band are blocks of a day, not a month of one place.
"""

from collections.abc import Mapping
from itertools import count, pairwise, takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable

__all__ = ["bras_deau_tables", "is_bras_deau"]

#: So much more than the usual time between two sweeps is a new block: somebody was there.
_GAP_SHARE = 1.1


def is_bras_deau(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether the arrays of an npz file are those sweeps."""
    return {"band0_power_dbm", "band0_time_s", "band0_edges_hz"} <= set(arrays)


def bras_deau_tables(arrays: Mapping[str, NDArray[Any]]) -> tuple[SweepTable, ...]:
    """Return one table a block: between them the setting of the antenna changes, or there is a gap.

    Their names are such as ``band0-h120-1``: band, polarisation, azimuth and number of the block.
    The resolution bandwidth was not published; the distance of two points stands for it.

    Raises:
        SourceError: an array is missing, or does not fit to the others.
    """
    tables: list[SweepTable] = []
    names = (f"band{number}" for number in count())
    for band in takewhile(lambda name: f"{name}_power_dbm" in arrays, names):
        tables.extend(_blocks(band, arrays))
    return tuple(tables)


def _blocks(band: str, arrays: Mapping[str, NDArray[Any]]) -> list[SweepTable]:
    try:
        power, utc_s, edges_hz, sweep_s, azimuth, polarisation = (
            arrays[f"{band}_{name}"]
            for name in (
                "power_dbm",
                "time_s",
                "edges_hz",
                "sweep_s",
                "azimuth_deg",
                "polarisation",
            )
        )
    except KeyError as error:
        raise SourceError(f"the sweeps of Bras d'Eau lack {error}: get the file again") from None
    n_sweeps, n_points = power.shape
    if not len(utc_s) == len(sweep_s) == len(azimuth) == len(polarisation) == n_sweeps > 1:
        raise SourceError(
            f"{band} of the sweeps of Bras d'Eau has {n_sweeps} sweeps and {len(utc_s)} times, "
            f"{len(azimuth)} azimuths and {len(polarisation)} polarisations: get the file again"
        )
    steps_s = np.diff(utc_s)
    is_new = (np.diff(azimuth) != 0) | (polarisation[1:] != polarisation[:-1])
    is_new |= steps_s > _GAP_SHARE * np.median(steps_s)
    freqs_hz = np.linspace(float(edges_hz[0]), float(edges_hz[-1]), n_points)
    edges = [0, *(np.flatnonzero(is_new) + 1), n_sweeps]
    return [
        SweepTable(
            f"{band}-{str(polarisation[first]).lower()}{int(azimuth[first])}-{number}",
            utc_s[first:stop].astype(np.float64),
            freqs_hz,
            power[first:stop].astype(np.float32, copy=False),
            sweep_s=float(np.median(sweep_s[first:stop])),
            rbw_hz=float(freqs_hz[1] - freqs_hz[0]),
            unit="dBm",
        )
        for number, (first, stop) in enumerate(pairwise(edges))
    ]
