"""What an observer will know of a band without a cell when it starts: its rhythm, or nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgespec.band_rhythm import BandRhythm
from edgespec.config import BandConfig, Config
from edgespec.detect.any_band.detector import ANY_BAND, MANY_BURSTS
from edgespec.detect.detectors import PLAIN_DETECTORS
from edgespec.observer.fixed_gain import kept_gain_db
from edgespec.observer.kept.kept_band import load_kept_band, rhythm_file
from edgespec.observer.opening.parts import RHYTHM_S
from edgespec.observer.watched_band import rhythm_of
from edgespec.records import Geometry
from edgespec.sources.schemes import SOURCES, parse_source
from edgespec.units import format_duration

__all__ = ["RhythmBefore", "rhythm_before"]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RhythmBefore:
    """What is kept of the rhythm of a band, if no cell is found there.

    ``age_s`` is None where nothing is that counts now, ``known`` where nobody knows the frames it
    is of. Without ``is_kept`` it is learnt at every start. ``watching`` are the detectors that
    watch until it is known.
    """

    age_s: float | None
    known: BandRhythm | None
    is_kept: bool
    watching: tuple[str, ...]

    def __str__(self) -> str:
        """Return it in words for people."""
        if self.age_s is not None:
            when, known = f"by a run {format_duration(self.age_s)} ago", self.known
            return (
                f"known, {when}" if known is None else f"known {known.learnt}, {when}: {known.told}"
            )
        least, most = (format_duration(seconds) for seconds in RHYTHM_S)
        who = " and ".join(self.watching) or "nobody"
        often = "" if self.is_kept else " at every start, since the gain is not fixed"
        return (
            f"not known: where no cell is found an observer calibrates{often} for {least}, and "
            f"where there are bursts until it has heard {MANY_BURSTS}, {most} at most; until then "
            f"{who} alone {'watches' if len(self.watching) < 2 else 'watch'}, and nothing is "
            "promised"
        )

    def as_json(self) -> dict[str, Any]:
        """Return an object with what is known, null where nothing is."""
        known = self.known
        return {
            "state": "calibrating" if self.age_s is None else "watching",
            "age_s": self.age_s,
            "is_kept": self.is_kept,
            "heard_s": None if known is None else round(known.heard_s, 3),
            "loud_db": None if known is None else round(known.loud_db, 2),
            "fill_db": None if known is None else round(known.fill_db, 2),
            "watching": [ANY_BAND] if self.age_s is not None else list(self.watching),
        }


def rhythm_before(
    config: Config,
    band: BandConfig,
    range_hz: tuple[float, float] | None = None,
    geometry: Geometry | None = None,
    utc_ns: Callable[[], int] = time.time_ns,
) -> RhythmBefore | None:
    """Return what the next run will know of a band; None where any-band does not watch it.

    Args:
        config: of the observer.
        band: one of its.
        range_hz: of the band, None where nobody knows.
        geometry: of its segments, likewise.
        utc_ns: the clock.

    Raises:
        UsageError: the URI of its source cannot be understood.
    """
    config = config.only(band)
    source, detectors = config.source[0], config.detect.detectors
    if source.uri is None or ANY_BAND not in detectors:
        return None
    uri = parse_source(source.uri)
    kind = SOURCES[uri.scheme]
    # Of a recording nothing is kept, and a part of it is learnt from.
    if kind.is_swept or not (kind.has_gain or uri.flag("realtime")):
        return None
    watching = tuple(name for name in detectors if name in PLAIN_DETECTORS)
    gain_db = kept_gain_db(config, config.band[0])
    file = rhythm_file(config.node.state_dir, band.id, source.uri, gain_db, range_hz or (0.0, 0.0))
    if file is None:
        return RhythmBefore(None, None, is_kept=False, watching=watching)
    kept = load_kept_band(file.path)
    nothing = RhythmBefore(None, None, is_kept=True, watching=watching)
    if kept is None or (kept.source, kept.gain_db) != (file.source, file.gain_db):
        return nothing
    age_s = max(utc_ns() - kept.utc_ns, 0) / _NS
    if range_hz is None or geometry is None:
        return RhythmBefore(age_s, None, is_kept=True, watching=watching)
    if not kept.is_of(file):
        return nothing
    try:
        return RhythmBefore(age_s, rhythm_of(kept, geometry), is_kept=True, watching=watching)
    except (LookupError, ValueError):
        return nothing
