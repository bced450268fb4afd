"""What the planes of one stream ask of its blocks: whether a rate is right, and what was lost."""

from edgespec.records import IqBlock

__all__ = ["RATE_TOLERANCE", "first_lost", "is_near_range", "is_near_rate"]

#: Radios round the rate they are asked for; this much is a shift of a tenth of a bin at most.
RATE_TOLERANCE = 1e-4


def is_near_rate(rate_hz: float, wanted_hz: float) -> bool:
    """Whether frames made for one sample rate can be made at another: a radio rounded it."""
    return abs(rate_hz - wanted_hz) <= RATE_TOLERANCE * wanted_hz


def is_near_range(range_hz: tuple[float, float], wanted_hz: tuple[float, float]) -> bool:
    """Whether two ranges of frequencies, lower and upper edge, are one but for such a rounding."""
    slack_hz = RATE_TOLERANCE * abs(wanted_hz[1] - wanted_hz[0])
    pairs = zip(range_hz, wanted_hz, strict=True)
    return all(abs(one - other) <= slack_hz for one, other in pairs)


def first_lost(block: IqBlock, expected: int | None) -> int | None:
    """Return the number of the first sample that is missing before a block; None: none is.

    Args:
        block: the next one.
        expected: number of the sample that would follow the last block; None before the first.
    """
    if block.n_dropped:
        return block.sample_start - block.n_dropped
    if expected is None or expected == block.sample_start:
        return None
    return min(expected, block.sample_start)
