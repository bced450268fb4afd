"""Whether the rhythm of a band is known, for where no cell is found in it."""

from edgespec.ops.checks.finding import Finding, Subject
from edgespec.ops.rhythm import rhythm_before

__all__ = ["check_rhythm"]


def check_rhythm(subject: Subject) -> Finding:
    """Whether an observer has to calibrate first, how long, and what is promised meanwhile."""
    config = subject.config
    band = config.band[0]
    before = rhythm_before(config, band)
    if before is None:
        return Finding("skipped", "no radio whose bands any-band watches")
    detail = f"band {band.id}: {before}"
    if not before.is_kept:
        return Finding("warn", detail, "give the gain: source.gain_db, or gain=30 in the address")
    if before.age_s is None:
        return Finding("ok", detail)
    return Finding("ok", f"{detail} (`edgespec calibrate --forget` where the site has changed)")
