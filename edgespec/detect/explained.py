"""Whether what is not normal in a region of the band is explained by the wanted signal."""

from collections.abc import Callable, Sequence

from edgespec.detect.normal import OWN_DB, Standing
from edgespec.detect.regions import Region

__all__ = ["are_explained"]

#: A tone is not wider than the main lobe of a Hann taper.
TONE_BINS = 4
#: What is so near to a region is its skirt: half of that lobe.
SKIRT_BINS = 2
#: A signal that rises leaks all over the band, so far below at most.
LEAKED_DB = 20.0


def are_explained(
    regions: Sequence[Region], standing: Standing, is_cells: Callable[[Region | None], bool]
) -> bool:
    """Return whether all of the power that is not normal is the wanted signal's own.

    Of a tone little may be left when the cell is cancelled: power is what shows it, unless it comes
    with a wide region that is the cell's own.

    Args:
        regions: of ``standing``.
        standing: a horizon against normal.
        is_cells: whether power that is not normal in a region is the wanted signal's own.
    """
    return all(
        is_cells(region)
        and (
            not _may_be_tone(region, standing)
            or any(_comes_with(region, wide) and is_cells(wide) for wide in regions)
        )
        for region in regions
    )


def _may_be_tone(region: Region, standing: Standing) -> bool:
    """Return whether a region is as narrow as a tone and as far above normal as one that counts.

    It adds power, so it must have more than is usual there, not only more than the rest of the band
    has now: when a cell that hardly ever pauses does so, the receiver's own carrier and the edges
    of the band, which do not pause, stand out of what has fallen.
    """
    if region.sign < 0 or region.n_bins > TONE_BINS:
        return False
    return min(region.excess_db, region.excess_db + standing.common_db) >= OWN_DB


def _comes_with(region: Region, wide: Region) -> bool:
    """Return whether a region is the skirt of a wide one, or what a far larger change leaks."""
    if wide.n_bins <= TONE_BINS or wide.sign != region.sign:
        return False
    more_db = abs(wide.excess_db) - abs(region.excess_db)
    n_between = max(wide.lower_bin - region.upper_bin, region.lower_bin - wide.upper_bin)
    return more_db >= (0.0 if n_between <= SKIRT_BINS else LEAKED_DB)
