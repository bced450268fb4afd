"""Whether a cell that is lost had faded away before, or was there until it was lost."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.site import Site
from edgespec.dsp.prefix.slots import PrefixSlots

__all__ = ["FadingAway"]

#: Power is remembered in five means of .25 s; a loss takes half a second to be told, so the newest
#: two may lie behind it.
_MEAN_SLOTS, _N_MEANS, _N_OF_LOSS = 500, 5, 2
#: A cell that faded away had no more than so many times the power that is left without it, ...
_MOST_RATIO = 2.0
#: ... and may be away for 30 s: whoever walks out of a cell's reach walks back, or is far from it.
_MOST_SLOTS = 60_000


class FadingAway:
    """Remembers the power of the last second in which a cell was followed, and of the newest hop.

    Of a station that is switched off the power falls at once, by all that the cell had above noise.
    An observer that walks or drives behind a hill hears the cell fade into noise first, and loses
    it when next to nothing is left to lose: that is no news of the station. A cell that is away for
    longer than half a minute is, however it went.
    """

    def __init__(self) -> None:
        self._n_means = self._n_slots = self._n_lost = 0
        self._begin(0)

    @property
    def is_over(self) -> bool:
        """Whether a cell is away for too long to be only out of reach."""
        return self._n_lost > _MOST_SLOTS

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        ratio = 10.0 ** (step_db / 10.0)
        for power in (self._means, self._sum, self._now):
            power *= ratio

    def take(self, slots: PrefixSlots, *, is_silent: bool) -> None:
        """Take the slots of a hop in which the cell was followed; ``is_silent``: not heard."""
        self._n_lost = 0
        if not self._has_heard(slots) or is_silent:
            return
        self._sum += self._of_hop
        self._n_slots += slots.n_slots
        if self._n_slots >= _MEAN_SLOTS:
            np.divide(self._sum, self._n_slots, out=self._means[self._n_means % _N_MEANS])
            self._sum[:] = 0.0
            self._n_means, self._n_slots = self._n_means + 1, 0

    def wait(self, slots: PrefixSlots) -> None:
        """Take the slots of a hop in which the cell is lost."""
        self._n_lost += slots.n_slots
        self._has_heard(slots)

    def explains(self, site: Site, subbands: slice) -> bool:
        """Return whether the newest hop has less power than usual because a cell is out of reach.

        Most of the fall, in dB, was before the loss, and what is left is what was there then: with
        more than that somebody else is there. False where too little is remembered.

        Args:
            site: what is normal.
            subbands: those that are looked at.
        """
        n_known = min(self._n_means, _N_MEANS) - _N_OF_LOSS
        if n_known < 1 or self.is_over:
            return False
        last = self._n_means - _N_OF_LOSS
        rows = np.arange(last - n_known, last) % _N_MEANS
        before, now = float(self._means[rows, subbands].mean()), float(self._now[subbands].mean())
        usual = float(site.usual_power[subbands].mean())
        is_alike = before <= _MOST_RATIO * now and now <= _MOST_RATIO * before
        return is_alike and now < usual and before * before <= usual * now

    def _has_heard(self, slots: PrefixSlots) -> bool:
        """Note the power of a hop; return whether there is any."""
        n_subbands = slots.power.shape[1]
        if len(self._now) != n_subbands:
            self._begin(n_subbands)
        if not slots.n_slots:
            return False
        np.add.reduce(slots.power, axis=0, dtype=np.float64, out=self._of_hop)
        np.divide(self._of_hop, slots.n_slots, out=self._now)
        return True

    def _begin(self, n_subbands: int) -> None:
        self._means: NDArray[np.float64] = np.zeros((_N_MEANS, n_subbands))
        self._sum: NDArray[np.float64] = np.zeros(n_subbands)
        self._of_hop: NDArray[np.float64] = np.zeros(n_subbands)
        self._now: NDArray[np.float64] = np.zeros(n_subbands)
        self._n_means, self._n_slots = 0, 0
