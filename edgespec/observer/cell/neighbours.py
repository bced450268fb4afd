"""Cells beside the one that is cancelled: when they are learnt, and whether a rise is theirs."""

import numpy as np

from edgespec.detect.scan.deviation import Deviation
from edgespec.detect.scan.residual_scan import THRESHOLD, ResidualScan
from edgespec.detect.scan.site import MOST_RISE, Site
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.observer.cell.fading_away import FadingAway
from edgespec.observer.cell.loudest import Loudest
from edgespec.observer.cell.own_power import (
    has_fallen,
    is_known_leak,
    is_known_rest,
    is_own_power,
    may_be_rest,
    most_of_theirs,
)
from edgespec.observer.cell.window_ends import WindowEnds
from edgespec.records import IqBlock

__all__ = ["Neighbours"]

#: Who brings more than this part of the power makes what does not cancel.
_MOST_SHARE = 0.4
#: From so many deviations on it is asked whether they make them.
_ASKED = 0.5 * THRESHOLD
#: Of so many blocks one is learnt from: in a warm-up, while an alarm is on, or somebody stands out
#: who is not known yet; and else.
_EVERY_AT_FIRST, _EVERY = 4, 32
#: A block in which much is left, but no alarm, counts so much: they are busy in it, or near.
_LOUD_WEIGHT = 4.0
#: So that the 0.4 s in which a cell was found, less what its timing was pulled in by, are enough.
_HASTY_WEIGHT = 4.0 / 3.0


class Neighbours:
    """Knows the newest block, and asks its samples about other cells where that may decide.

    Args:
        loudest: how loud the band has been; nobody who is known explains what is far louder.
        is_hasty: whether every block is learnt from at first: somebody is there who was heard.

    Attributes:
        loudest: that.
    """

    def __init__(self, loudest: Loudest | None = None, *, is_hasty: bool = False) -> None:
        self.loudest = Loudest() if loudest is None else loudest
        self._is_hasty = is_hasty
        self._fading_away, self._ends = FadingAway(), WindowEnds()
        self._n_blocks = 0
        # The last plane, which knows them, when the cell is lost, too.
        self._plane: ResidualPlane | None = None
        self._newest: tuple[ResidualPlane, PrefixSlots, IqBlock] | None = None
        # What they bring in it, once somebody asked.
        self._more: float | None = None

    def of_another(self, *, is_hasty: bool) -> "Neighbours":
        """Return what knows the cells beside another cell of the same band."""
        other = Neighbours(self.loudest, is_hasty=is_hasty)
        other._fading_away = self._fading_away
        return other

    def retune(self) -> None:
        """Forget how loud the band was: it is another one."""
        self.loudest.forget()
        self._fading_away = FadingAway()

    @property
    def plane(self) -> ResidualPlane | None:
        """The last plane, which knows them; None before the first block."""
        return self._plane

    def take(
        self,
        plane: ResidualPlane,
        slots: PrefixSlots,
        block: IqBlock,
        *,
        is_frozen: bool,
        is_warm: bool,
        is_lost: bool = False,
    ) -> None:
        """Take the block that was processed last, and the slots that it gave, or would have."""
        if plane is not self._plane:
            if self._plane is not None:
                plane.adopt_beside(self._plane)
            self._plane = plane
        self._newest, self._more = (plane, slots, block), None
        if is_lost:
            self._fading_away.wait(slots)
        else:
            self._fading_away.take(slots, is_silent=plane.tracker.is_silent)
        self.loudest.take(slots, is_frozen=is_frozen)
        self._n_blocks += 1
        is_calm = is_warm and not is_frozen and not plane.is_beside_unsure
        every, weight = _EVERY if is_calm else _EVERY_AT_FIRST, 1.0
        if self._is_hasty and not plane.is_beside_ready:
            every, weight = 1, _HASTY_WEIGHT
        if plane.tracker.state is TrackState.TRACKING and not self._n_blocks % every:
            plane.learn_beside(block, is_normal=not is_frozen, weight=weight)
            if not is_frozen:
                self._ends.learn(plane.left_by_place(block), every * slots.n_slots)

    @property
    def may_come_back(self) -> bool:
        """Whether a lost cell is not yet away for too long to be only out of reach."""
        return not self._fading_away.is_over

    def hide_cell(self) -> bool:
        """Return whether it is they that keep the block from cancelling, and no wrong timing."""
        if self._newest is None:
            return False
        _, slots, _ = self._newest
        power = float(slots.power.sum(axis=1, dtype=np.float64).mean())
        return self._more_power() > _MOST_SHARE * power

    def leave(self, scan: ResidualScan, found: Deviation, *, is_frozen: bool) -> bool:
        """Return whether a deviation is made by them, or by a cell that is louder than ever.

        No window holds it any longer, then.
        """
        if scan.site is not None:
            self.loudest.begin(scan.site)
        if found.value < _ASKED or scan.site is None or self._newest is None:
            return False
        plane, slots, block = self._newest
        subbands = slice(found.lower, found.upper + 1)
        is_known = not self.loudest.is_far_below(slots) and (
            is_known_leak(slots, scan.site, subbands)
            or is_known_rest(slots, scan.site, self._more_power())
            or self._may_have_risen(slots, scan.site, found)
            or self._is_at_an_end(plane, slots, block, scan.site)
        )
        if is_known:
            scan.let_go()
        elif found.value < THRESHOLD and not is_frozen:
            plane.learn_beside(block, is_normal=True, weight=_LOUD_WEIGHT)
        return is_known

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self.loudest.follow(step_db)
        self._fading_away.follow(step_db)
        if self._plane is not None:
            self._plane.follow_beside(step_db)

    def forget(self) -> None:
        """Forget the newest block, as when the cell is lost; its neighbours stay known."""
        self._newest = self._more = None

    def explain(
        self, site: Site, subbands: slice, *, is_lost: bool, is_followed: bool, is_astray: bool
    ) -> bool:
        """Return whether power that is not usual is the tracked cell's or theirs.

        Args:
            site: what is normal.
            subbands: those that are looked at.
            is_lost: whether the cell is lost, and its clock goes on alone.
            is_followed: else whether its slots begin where they should.
            is_astray: else whether they have not cancelled lately.
        """
        if is_followed:
            return self.are_heard(site, subbands)
        if self._fading_away.explains(site, subbands):
            return True
        if is_lost:
            # A fall may be the loss itself.
            return not self.has_fallen(site, subbands) and self.are_heard(site, subbands)
        # A fade lets it cancel no more for a moment; if it is gone, it is searched for soon.
        return is_astray and self.has_fallen(site, subbands)

    def are_heard(self, site: Site, subbands: slice) -> bool:
        """Return whether power that is not usual is the tracked cell's or theirs.

        Samples are asked only where the tracked cell alone does not explain it.
        """
        if self._newest is None:
            return False
        _, slots, _ = self._newest
        if self.loudest.is_far_below(slots):
            return False
        if is_own_power(slots, site, subbands):
            return True
        more = self._more_power()
        return more > 0.0 and is_own_power(slots, site, subbands, more)

    def has_fallen(self, site: Site, subbands: slice) -> bool:
        """Return whether there is less power than usual in the newest block."""
        return self._newest is not None and has_fallen(self._newest[1], site, subbands)

    def _may_have_risen(self, slots: PrefixSlots, site: Site, found: Deviation) -> bool:
        """Return whether a deviation is within what they may bring, now that they are nearer.

        What fades is ten times its mean at most; the newest samples may say that it is not theirs.
        """
        if self._newest is None:
            return False
        plane, _, block = self._newest
        most = MOST_RISE * plane.risen_beside
        if found.level * slots.power.shape[1] > most:
            return False
        return may_be_rest(slots, site, *plane.more_beside(block))

    def _is_at_an_end(
        self, plane: ResidualPlane, slots: PrefixSlots, block: IqBlock, site: Site
    ) -> bool:
        """Return whether it is left where a known neighbour's prefixes end within the cell's."""
        # Mostly nobody is known, and no sample needs to be asked.
        if not self._ends.is_anybody_known:
            return False
        expected = float(site.expected(slots.power, slots.slot).sum(axis=1).mean())
        return self._ends.explain(plane.left_by_place(block), expected)

    def _more_power(self) -> float:
        """Return the most that they may bring in the newest block; its samples are asked once."""
        if self._more is None:
            self._more = 0.0
            if self._newest is not None:
                plane, _, block = self._newest
                self._more = most_of_theirs(*plane.more_beside(block))
        return self._more
