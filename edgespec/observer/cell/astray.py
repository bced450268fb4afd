"""Whether the timing of a cell is wrong: what of slots is cancelled at a site, and what is not."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.site import MOST_RISE, Site
from edgespec.detect.scan.terms import UNHEARD
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.records import IqBlock

__all__ = ["Astray", "InTime", "UsualShare"]

_LOG = logging.getLogger(__name__)

#: A subband is the cell's where at least half of the power is cancelled while it is loud.
_OWN_SHARE = 0.5
#: With a wrong timing less than a third of the usual share is cancelled,
_CANCELLED_SHARE = 1.0 / 3.0
#: and there is not more power than in the loud slots of the site, by so much. Whoever leaves two
#: thirds beside a cell that is there is as strong as three cells.
_LOUDER = 1.3
#: What is left is so many times what is expected: a cell that fades leaves no more than noise.
_MORE = 2.0
#: Slots in which next to nothing is cancelled are let go by for 50 ms before a cell is searched.
_MOST_SLOTS = 100


class InTime(Enum):
    """Whether the timing of a cell is right.

    Where it is not, it may have jumped and is followed, be wrong for a moment, or for good.
    """

    YES = auto()
    JUMPED = auto()
    NOT_NOW = auto()
    NO_MORE = auto()


class Astray:
    """Says whether what is left of a cell is left by a timing that is right.

    What a wrong one leaves is the cell, and no interferer: samples that were lost unseen, or a cell
    that is back at another time. It is not scored, and the cell is soon searched anew; what is
    still there then is scored.

    Attributes:
        n_slots: that did not cancel, one after another.
        has_cancelled: whether all has since the search.
    """

    def __init__(self) -> None:
        self._usual: UsualShare | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew: the cell is searched."""
        self.n_slots, self.has_cancelled = 0, False

    def take(
        self,
        plane: ResidualPlane,
        site: Site,
        slots: PrefixSlots,
        block: IqBlock,
        *,
        is_frozen: bool,
        is_hidden: Callable[[], bool],
        is_louder: Callable[[], bool],
    ) -> InTime:
        """Take the slots of the block that was processed last.

        Args:
            plane: that made them.
            site: what is normal.
            slots: of the block.
            block: its samples.
            is_frozen: whether an alarm is on.
            is_hidden: returns whether others keep the cell from cancelling.
            is_louder: returns whether the block has more power than a jump of timing explains:
                whoever has prefixes and comes within those of the cell would take its place.
        """
        if plane.tracker.state is TrackState.SEARCHING:
            # Behind a gap it is pulled in again.
            return InTime.NOT_NOW
        if not slots.n_slots:
            return InTime.YES
        if self._usual is None or self._usual.site is not site:
            self._usual = UsualShare.of(site)
        # While an alarm is on it may jump back alone: whoever is heard may have been the jump.
        may_jump = not is_frozen or plane.is_jump_unsure
        if may_jump and not is_louder() and _has_jumped(plane, self._usual, slots, block):
            return InTime.JUMPED
        if not self._usual.is_missing(slots) or is_hidden():
            self.n_slots = 0
            return InTime.YES
        if not self.has_cancelled:
            return InTime.YES
        self.n_slots += slots.n_slots
        return InTime.NO_MORE if self.n_slots >= _MOST_SLOTS else InTime.NOT_NOW


def _has_jumped(
    plane: ResidualPlane, usual: "UsualShare", slots: PrefixSlots, block: IqBlock
) -> bool:
    """Return whether timing jumped in this block by less than a prefix: it is followed."""
    if not usual.has_more(slots):
        if not plane.is_edge_known:
            plane.learn_edges(block)
        return False
    n_samples = plane.catch_up(block)
    if n_samples:
        _LOG.warning("the cell of the band: timing jumped by %+d samples", n_samples)
    return bool(n_samples)


@dataclass(frozen=True, slots=True, eq=False)
class UsualShare:
    """Which share of the power is cancelled in a site's slots, and how much power they have.

    ``cancelled`` float64 ``(n_subbands,)`` is the share, 0 to 1, while the cell is loud, 0 where
    there is no cell; ``loud_power`` the mean power of a subband then, linear. ``least_left`` is
    what noise alone leaves of a slot, ``leaks`` float64 ``(n_subbands,)`` the share that the power
    of each subband leaks, all subbands together: half of it there, and half of it anywhere.
    """

    site: Site
    cancelled: NDArray[np.float64]
    loud_power: float
    least_left: float
    leaks: NDArray[np.float64]

    @classmethod
    def of(cls, site: Site) -> "UsualShare":
        """Return what a site showed."""
        loud = np.maximum(site.most_power / MOST_RISE, 1e-300)
        noise, leak = site.noise.mean(axis=0), site.leak.mean(axis=0)
        left = (noise + leak * loud) / loud
        cancelled = np.where(left < 1.0 - _OWN_SHARE, 1.0 - left, 0.0)
        leaks = 0.5 * (leak + leak.mean())
        return cls(site, cancelled, float(loud.mean()), float(noise.sum()), leaks)

    def has_more(self, slots: PrefixSlots) -> bool:
        """Return whether more is left than noise would leave; of nearly every hop it is not."""
        return slots.total_residual > _MORE * self.least_left * slots.n_slots

    def is_missing(self, slots: PrefixSlots) -> bool:
        """Return whether next to nothing was cancelled in every subband that the cell is in.

        That is a wrong timing, or a cell that gave way to another signal; an interferer that leaves
        as much has more power, and a cell that fades leaves noise. False where no slot can be
        heard, or no subband is the cell's.
        """
        if not self.has_more(slots):
            return False
        is_heard = (slots.flags & UNHEARD) == 0
        n_heard = int(np.count_nonzero(is_heard))
        # Nearly always all are; a choice of rows is slow.
        where = True if n_heard == len(is_heard) else is_heard[:, None]
        power = np.add.reduce(slots.power, axis=0, dtype=np.float64, where=where)
        if np.add.reduce(power) > _LOUDER * self.loud_power * n_heard * len(power):
            return False
        left = np.add.reduce(slots.residual, axis=0, dtype=np.float64, where=where)
        expected = n_heard * self.least_left + self.leaks @ power
        # Of a walker's hops most come so far, since what fades leaves noise.
        if np.add.reduce(left) <= _MORE * expected:
            return False
        if not power.all() or not self.cancelled.any():
            return False
        cancelled = 1.0 - left / power
        return bool(
            np.all(cancelled <= _CANCELLED_SHARE * self.cancelled, where=self.cancelled > 0)
        )
