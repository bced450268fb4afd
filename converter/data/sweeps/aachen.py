"""The campaign of RWTH Aachen (Wellens and Mähönen 2010), as one table of a band.

**Not verified on the original files**, which nobody here has. Their layout is that of public
programs that read them: ``0770MHz/MeasRes_0770_0001.mat``, ``..._0002.mat`` and so on, where 0770
is the centre in MHz, each with the matrix ``measurementResults``, a row a sweep and a column a
point (8192 of them), in dBm. What they do not say is from the paper: a subband is 1.5 GHz wide, and
a sweep begins every 1.8 s. No time was seen in them: the sweeps of all files follow each other from
a time that must be known, and a file that is missing stands for as many sweeps as the longest has.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import io

from edgespec.door import brief, door
from edgespec.errors import SourceError, UsageError
from edgespec.sweep_table import SweepTable

__all__ = ["INTERVAL_S", "read_aachen"]

#: From one sweep to the next (Peng et al. 2022, sec. 4.1).
INTERVAL_S = 1.8
_SPAN_HZ = 1.5e9
_RBW_HZ = 200e3
_NAME = re.compile(r"MeasRes_(\d{4})_(\d{4})\.mat")
_MATRIX = "measurementResults"
_ADVICE = "give files of one subband, such as MeasRes_0770_0001.mat, as MATLAB wrote them"


def read_aachen(
    paths: Iterable[Path],
    range_hz: tuple[float, float],
    begin_s: float,
    interval_s: float = INTERVAL_S,
) -> SweepTable:
    """Return the sweeps of a band, of which the files of one subband have each a part.

    Args:
        paths: of the files, in any order.
        range_hz: the band, whose points are taken, in Hz.
        begin_s: when the first sweep of the file of the lowest number began, in seconds since 1970.
        interval_s: from one sweep to the next.

    Raises:
        UsageError: there is no file, or one is called otherwise, or is of another subband.
        SourceError: a file cannot be read, or lacks the matrix, or has no point in the band or
            another number of points than the others.
    """
    centre_mhz, numbered = _numbered(paths)
    lowest, *others = sorted(numbered)
    begun = _levels(numbered[lowest])
    freqs_hz = np.linspace(-0.5, 0.5, begun.shape[1]) * _SPAN_HZ + centre_mhz * 1e6
    inside = _inside(freqs_hz, range_hz)
    parts = {lowest: begun[:, inside]}
    for number in others:
        levels_db = _levels(numbered[number])
        if levels_db.shape[1] != len(freqs_hz):
            raise SourceError(
                f"{brief(numbered[number], 120)} has {levels_db.shape[1]} points, those before it "
                f"{len(freqs_hz)}: {_ADVICE}"
            )
        parts[number] = levels_db[:, inside]
    return SweepTable(
        f"aachen-{centre_mhz:04d}",
        begin_s + interval_s * _counts({number: len(part) for number, part in parts.items()}),
        freqs_hz[inside],
        np.concatenate(list(parts.values())),
        sweep_s=interval_s,
        rbw_hz=_RBW_HZ,
        unit="dBm",
    )


def _inside(freqs_hz: NDArray[np.float64], range_hz: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which points lie in a band."""
    inside = (freqs_hz >= range_hz[0]) & (freqs_hz <= range_hz[1])
    if not inside.any():
        raise SourceError(
            f"{range_hz[0] / 1e6:.9g} to {range_hz[1] / 1e6:.9g} MHz has no point in the subband "
            f"from {freqs_hz[0] / 1e6:.9g} to {freqs_hz[-1] / 1e6:.9g} MHz: give the files of "
            "another, or another band"
        )
    return inside


def _counts(n_sweeps: Mapping[int, int]) -> NDArray[np.float64]:
    """Return the numbers of all sweeps, of files by their numbers, lowest first."""
    at, counts = 0, []
    for number in range(min(n_sweeps), max(n_sweeps) + 1):
        if number in n_sweeps:
            counts.append(at + np.arange(n_sweeps[number], dtype=np.float64))
        at += n_sweeps.get(number, max(n_sweeps.values()))
    return np.concatenate(counts)


def _numbered(paths: Iterable[Path]) -> tuple[int, dict[int, Path]]:
    """Return the centre in MHz, and the files by their numbers."""
    numbered: dict[int, Path] = {}
    centres: set[int] = set()
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise UsageError(f"{brief(path.name)!r} is not called as these files are: {_ADVICE}")
        centres.add(int(match[1]))
        numbered[int(match[2])] = path
    if len(centres) != 1:
        found = ", ".join(f"{centre} MHz" for centre in sorted(centres)) or "no file"
        raise UsageError(f"these are of {found}: {_ADVICE}")
    return centres.pop(), numbered


def _levels(path: Path) -> NDArray[np.float32]:
    """Return the levels of a file, ``(n_sweeps, n_points)``; what was not measured is no number."""
    with door(f"sweeps {str(path)!r}", SourceError, _ADVICE):
        try:
            arrays = io.loadmat(path, variable_names=[_MATRIX])
        except NotImplementedError:
            raise SourceError(
                f"{brief(path, 120)} is of MATLAB 7.3: save it as version 7 (save -v7)"
            ) from None
        if _MATRIX not in arrays:
            raise SourceError(f"{brief(path, 120)} has no {_MATRIX}: {_ADVICE}")
        levels_db = np.asarray(arrays[_MATRIX], np.float32)
        if levels_db.ndim != 2 or min(levels_db.shape) < 1:
            raise SourceError(
                f"{_MATRIX} of {brief(path, 120)} has the shape {levels_db.shape}; it must have a "
                "row a sweep and a column a point"
            )
        levels_db[~np.isfinite(levels_db)] = np.nan
    return levels_db
