"""Whether power that is not usual is the cell's own, or of those that are always beside it."""

import numpy as np

from edgespec.detect.scan.site import Site, mixed_power
from edgespec.dsp.prefix.slots import PrefixSlots

__all__ = [
    "has_fallen",
    "is_known_leak",
    "is_known_rest",
    "is_own_power",
    "may_be_rest",
    "most_of_theirs",
]

#: Strangers leave all of their power; OFDM with a prefix of its own a third at times.
MOST_OF_RISE = 0.25
#: Echoes and places that are off by a sample take some of the power of cells beside: so much of it
#: is theirs for what was heard, and so many times what chance may add.
LEAST_HEARD, CHANCES = 1.25, 2.0
#: Of a rise beyond all that was heard in the warm-up, what may be left more than its leak says.
MOST_OF_LOUD = 0.05


def is_own_power(slots: PrefixSlots, site: Site, subbands: slice, more_beside: float = 0.0) -> bool:
    """Return whether what power differs by from the usual in some subbands is the cell's own.

    Args:
        slots: of now.
        site: what is normal.
        subbands: those that are looked at.
        more_beside: power that known cells beside it may have more than usual, linear, all subbands
            together, see :func:`most_of_theirs`: they fill the band as it does, and all of theirs
            is left.

    Of a stranger's power all is left when the cell is cancelled, of the cell's the leak that is
    expected. So of a rise that is its own, by traffic or fading, less than :data:`MOST_OF_RISE` is
    left beyond that; a stranger beside traffic that brings more than he does is the scan's to
    find. Nobody takes power away: a fall is the cell's, as long as it cancels, or its neighbours',
    unless as much of the usual power as that is left beside it. False where no slot was heard.
    """
    if not slots.n_slots:
        return False
    power, usual = _powers(slots, site, subbands)
    beyond = _beyond(slots, site, subbands) - more_beside / slots.power.shape[1]
    return bool(beyond < MOST_OF_RISE * (power - usual if power > usual else usual))


def has_fallen(slots: PrefixSlots, site: Site, subbands: slice) -> bool:
    """Return whether there is less power than usual in some subbands; False without slots."""
    if not slots.n_slots:
        return False
    power, usual = _powers(slots, site, subbands)
    return power < usual


def most_of_theirs(more_beside: float, chance: float) -> float:
    """Return the most that may be of cells beside, of which so much more than usual was heard.

    Args:
        more_beside: power, linear.
        chance: the standard deviation of that. What is less may be nobody.
    """
    return LEAST_HEARD * more_beside + CHANCES * chance if more_beside > chance else 0.0


def is_known_rest(slots: PrefixSlots, site: Site, more_beside: float) -> bool:
    """Return whether what is left beyond the expected is, for the most part, of known cells beside.

    It is asked of all subbands together: those cells fill some resource blocks now, and others
    then, and what is known of them has no frequency. False where no more is left than expected;
    see :func:`is_own_power` for the arguments.
    """
    if not slots.n_slots or not more_beside:
        return False
    beyond = _beyond_of_band(slots, site)
    return bool(beyond > 0.0 and (1.0 - MOST_OF_RISE) * beyond <= more_beside)


def may_be_rest(slots: PrefixSlots, site: Site, more_beside: float, chance: float) -> bool:
    """Return whether what is left beyond the expected may be of known cells beside.

    As :func:`is_known_rest`, but by the most that chance may have hidden of them.
    """
    if not slots.n_slots:
        return False
    beyond = _beyond_of_band(slots, site)
    return bool((1.0 - MOST_OF_RISE) * beyond <= LEAST_HEARD * more_beside + CHANCES * chance)


def is_known_leak(slots: PrefixSlots, site: Site, subbands: slice) -> bool:
    """Return whether a cell that is louder than in the warm-up leaks as much as it did there.

    The scan believes in no more leakage than at ``most_power``, since a stranger brings power, too;
    but of a stranger all is left. False where no slot is louder than that.
    """
    loud = mixed_power(slots.power)[:, subbands] > site.most_power[subbands]
    if not loud.any():
        return False
    power, usual = _powers(slots, site, subbands)
    return _beyond(slots, site, subbands) < MOST_OF_LOUD * (power - usual)


def _powers(slots: PrefixSlots, site: Site, subbands: slice) -> tuple[float, float]:
    """Return the mean power of a subband now, and what is usual, linear."""
    power = float(slots.power[:, subbands].mean(dtype=np.float64))
    return power, float(site.usual_power[subbands].mean())


def _beyond(slots: PrefixSlots, site: Site, subbands: slice) -> float:
    """Return the mean of what is left over that of what is expected, linear, of a subband."""
    left = float(slots.residual[:, subbands].mean(dtype=np.float64))
    return left - float(site.expected(slots.power, slots.slot)[:, subbands].mean())


def _beyond_of_band(slots: PrefixSlots, site: Site) -> float:
    """Return the same of all subbands together, as their sum."""
    n_subbands: int = slots.power.shape[1]
    return _beyond(slots, site, slice(None)) * n_subbands
