"""Hops become sweeps: what was measured one setting after the other lies side by side."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.sources.sweeps.hop import Hop, TornError
from edgespec.sweep_file import MOST_POINTS

__all__ = ["Sweep", "stitched"]

_LOG = logging.getLogger(__name__)
#: So many rows one after the other that cannot be read are no table of sweeps.
_MOST_TORN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """``levels_db`` float32 at ``freqs_hz`` float64, both ``(n_points,)``, begun at ``utc_s``."""

    utc_s: float
    freqs_hz: NDArray[np.float64]
    levels_db: NDArray[np.float32]
    line: int


def stitched(hops: Iterable[Hop | TornError], name: str) -> Iterator[Sweep]:
    """Yield the sweeps that hops make: a hop that does not lie above the last one begins another.

    A sweep is complete with the hop that the last one ended with, or where the next one begins.
    Points that two hops share are the first one's. Rows that cannot be read are left out.

    Raises:
        SourceError: the first row cannot be read, or many one after the other.
    """
    parts: list[Hop] = []
    ends_with_hz: float | None = None
    n_torn, has_begun, is_told, is_lack_told = 0, False, False, False
    for hop in hops:
        if isinstance(hop, TornError):
            n_torn += 1
            if not has_begun or n_torn >= _MOST_TORN:
                raise SourceError(f"{name}: {hop}; check the file, or the program that wrote it")
            if not is_told:
                _LOG.warning("%s: %s: rows like it are left out", name, hop)
            is_told = True
            continue
        n_torn, has_begun = 0, True
        if hop.n_missing and not is_lack_told:
            _LOG.warning(
                "%s: line %d has no level at %d of its %d points: there nothing was measured, nor "
                "in lines like it",
                name,
                hop.line,
                hop.n_missing,
                len(hop.levels_db),
            )
            is_lack_told = True
        if parts and hop.lower_hz <= parts[-1].lower_hz:
            ends_with_hz = parts[-1].lower_hz
            yield _sweep(parts, name)
            parts = []
        elif not parts and ends_with_hz is not None and hop.lower_hz > ends_with_hz:
            # More of the sweep that was thought to be complete: the next one is waited for.
            ends_with_hz = None
        parts.append(hop)
        if hop.lower_hz == ends_with_hz:
            yield _sweep(parts, name)
            parts = []
    if parts:
        yield _sweep(parts, name)


def _sweep(parts: list[Hop], name: str) -> Sweep:
    first = parts[0]
    if sum(len(part.levels_db) for part in parts) > MOST_POINTS:
        raise SourceError(
            f"{name}: the sweep that begins at line {first.line} has more than {MOST_POINTS} "
            "points: take wider steps, or a narrower span"
        )
    freqs, levels, upper_hz = [], [], -np.inf
    for part in parts:
        own_hz = part.freqs_hz
        is_new = own_hz > upper_hz + 0.5 * part.step_hz
        if is_new.any():
            freqs.append(own_hz[is_new])
            levels.append(part.levels_db[is_new])
            upper_hz = float(own_hz[-1])
    return Sweep(first.utc_s, np.concatenate(freqs), np.concatenate(levels), first.line)
