"""Whether what a mask lists lies in the band that it is the mask of."""

from edgespec.config.mask import Mask
from edgespec.units import format_hz

__all__ = ["mask_caution"]


def mask_caution(band: str, mask: Mask, range_hz: tuple[float, float]) -> str:
    """Return what is to be said of entries that lie wholly outside a band; '' for nothing.

    A band plan lists far more than one band: of it, something must lie there.

    Args:
        band: its id.
        mask: of the band.
        range_hz: from where to where the band reaches; below 0 where nobody knows.
    """
    lower_hz, upper_hz = range_hz
    if lower_hz < 0.0:
        return (
            f"band {band}: its source does not say its frequency, so its mask tells nothing: give "
            "center_freq_hz in the [[source]]"
        )
    outside = [row for row in mask.rows if row.upper_hz < lower_hz or row.lower_hz > upper_hz]
    where = f"band {band} is from {format_hz(lower_hz)} to {format_hz(upper_hz)}"
    if len(outside) == len(mask.rows):
        return f"{where}, and nothing of its mask lies there: is it another band's?"
    if not outside or mask.is_plan:
        return ""
    first = outside[0]
    return (
        f"{where}, and {len(outside)} of the {len(mask.rows)} entries of its mask lie outside, "
        f"where they are never looked for: the first is {first.name!r}, "
        f"{format_hz(first.lower_hz)} to {format_hz(first.upper_hz)}"
    )
