"""A run without events that could not have had any, in words."""

from enum import StrEnum

from edgespec.observer.snapshot import BandSnapshot
from edgespec.records import Geometry

__all__ = ["Ending", "unlearnt_text"]


#: Why segments are left out that a longer run has no better ones of.
_LASTING = {"nonfinite", "clipped", "constant"}


class Ending(StrEnum):
    """What ended a run, as advice how to hear more."""

    SOURCE = "give a longer recording"
    DURATION = "give a longer --duration"
    STOPPED = "let it run for longer"


def unlearnt_text(
    now: BandSnapshot, geometry: Geometry | None, heard_s: float, more: Ending, in_band: str = ""
) -> str:
    """Return why nothing was scored, and what helps.

    Args:
        now: how the band was at the end.
        geometry: of its segments; None of one that is swept, whose warm-up is counted in sweeps.
        heard_s: signal that came, good or not.
        more: what ended it.
        in_band: the band, where there are several.
    """
    skipped = {reason: n for reason, n in now.n_skipped.items() if n}
    reasons = ", ".join(f"{n} {reason}" for reason, n in skipped.items())
    left_out = f" (segments left out: {reasons})" if reasons else ""
    words = f"nothing was scored{in_band}: {heard_s:.3g} s were heard{left_out}, and "
    if not now.warmup_left_s:
        words += "nothing could be learnt from them"
    else:
        words += f"the warm-up still lacks {now.warmup_left_s:.3g} s of good signal"
    if skipped and _LASTING.issuperset(skipped) and not now.n_segments:
        return (
            f"{words}: more of the same does not help, see with 'edgespec look' what the source "
            "gives, and mend the receiver or get the recording again"
        )
    shorter = ""
    if geometry is not None and now.warmup_left_s:
        good_s = min(now.n_segments * geometry.hop_s, heard_s)
        # A warm-up is at least one segment, whatever is asked for.
        if good_s / 2 >= geometry.n_segment * geometry.frame_s:
            shorter = f", or set detect.warmup_s to {good_s / 2:.2g} or less"
    return f"{words}: {more}{shorter}"
