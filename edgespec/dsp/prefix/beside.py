"""Cells beside the one that is tracked: how much power they bring now, by their own prefixes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock

__all__ = ["CellsBeside", "Folded"]

#: Cells that are told apart, the strongest first.
_MOST_CELLS = 3
#: A cell stands out by so many times the median of all timings, and is known for as long as it is
#: so many; what the tracked cell sends again in every frame makes 2.5 to 3.3 of the most.
_STANDS_OUT, _STAYS_OUT = 5.0, 3.0
#: Nobody else is looked for in the prefixes of the tracked cell, and in its echoes for a part of
#: one behind: of others it is not known so well when they begin.
_CLEAR_BEFORE, _CLEAR_BEHIND, _CLEAR_OF_OTHERS = 1.1, 0.4, 1.6
#: Slots after which what was learnt counts a third: 20 s. By then cells that are not in step may
#: have moved by a few samples.
_KEPT_SLOTS = 40_000
#: Fewest slots that cells are found in: .4 s; and fewest products that say anything of a block.
_LEAST_SLOTS, _LEAST_PRODUCTS = 800, 100
#: Who stands out is known after so many slots without an alarm, 50 ms, since a stranger's comes a
#: hop or two behind him; who came with one after 30 s.
_QUIET_SLOTS, _STAYED_SLOTS = 100, 60_000
#: Timings that are one, in prefixes: the top of one is flat.
_ALIKE = 0.45
#: Part of the sample rate that cells fill at most.
_FILLED = 0.9


@dataclass(slots=True)
class _Seen:
    """A timing that stands out: since which slot, and how much longer it has to.

    ``began`` and ``known_at`` are slots; what is known already is so since ``-inf``.
    """

    began: float
    known_at: float


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """The lag products of a block, folded by the slots of the tracked cell.

    ``sums`` complex128 ``(n_slot_samples,)`` is the sum at each place of a slot, ``counts`` float64
    of how many; both are 0 where the block has no power. ``power`` is the mean of a sample, linear,
    ``slot`` counts nominal slots up to the block, and ``n_slots`` is its length in them.
    """

    sums: NDArray[np.complex128]
    counts: NDArray[np.float64]
    power: float
    slot: int
    n_slots: float


class CellsBeside:
    """Knows when the prefixes of other cells come, in slots of the one that is tracked.

    Neighbours of one network stay where they are on its clock. So the lag products ``conj(x[n]) x[n
    + L]``, folded by the slot, have a mean wherever anybody's prefixes come again and again: the
    power of that cell in the mean over a window, whatever is sent beside it. A cell is known once
    it has stood out of what chance makes; whose prefixes come within those of the tracked cell is
    cancelled with it, for the most part, and not found. What is looked at is the sum of powers
    above what each had when it was noted what is normal. All who are found when there is enough to
    find anybody in are known, if no alarm is on: they were there all along. Who is found later is
    known 50 ms on, or, where an alarm came meanwhile, when he has stayed for half a minute: a
    stranger with prefixes, who is strong enough to stand out in one block, alarms before that.

    Args:
        plan: of the prefixes.
    """

    def __init__(self, plan: PrefixPlan) -> None:
        self._lag, self._n_slot = round(plan.lag_samples), round(plan.slot_samples)
        # Of a lag that is not whole, what cells lose by the nearest that is.
        self._loss = float(np.sinc(_FILLED * (plan.lag_samples - self._lag)))
        self._symbol = self._n_slot / plan.n_symbols
        n_prefix = float(plan.prefix_ends[1] - plan.prefix_ends[0]) - plan.lag_samples
        self._n_alike = _ALIKE * n_prefix
        place = np.arange(self._n_slot)
        # Where the windows stop in two slots, one behind the other, for slots that begin anywhere.
        ends = np.round(plan.prefix_ends).astype(np.intp) - plan.n_guard
        self._stops = (place[:, None] + ends) % self._n_slot
        self._stops += self._n_slot * (self._stops < plan.n_window)
        self._starts = self._stops - plan.n_window
        late = self._later(place)
        behind = plan.n_window + _CLEAR_BEHIND * n_prefix
        self._is_clear = (late < -_CLEAR_BEFORE * n_prefix) | (late > behind)
        self._is_of_another = np.abs(late) > _CLEAR_OF_OTHERS * n_prefix
        self._sums = np.zeros(self._n_slot, np.complex128)
        self._counts = np.zeros(self._n_slot)
        self._n_heard = self._power = 0.0
        self._last_slot = 0
        # Whether nobody was looked for yet.
        self._is_first = True
        # The timings that stand out.
        self._seen: dict[int, _Seen] = {}
        self._places = np.zeros(0, np.intp)
        # What each timing had when it was noted what is normal.
        self._normal = np.zeros(self._n_slot)
        self._turned = np.zeros(0, np.complex128)

    @property
    def places(self) -> NDArray[np.intp]:
        """Samples by which slots of each known cell begin later than those of the tracked one."""
        return self._places

    @property
    def n_known(self) -> int:
        """Cells that are known."""
        return len(self._places)

    @property
    def is_ready(self) -> bool:
        """Whether enough was heard to find anybody."""
        return self._n_heard >= _LEAST_SLOTS

    def has_known_at(self, n_later: float) -> bool:
        """Return whether a cell whose slots begin so many samples later is a known one.

        Their prefixes are told apart, so it is known up to a number of symbols.
        """
        apart = np.abs(self._later(np.round(self._places - n_later).astype(np.int64)))
        return bool((apart <= self._n_alike).any())

    def fold(
        self, samples: NDArray[np.complex64], sample_start: int, clock: SlotClock, phase: float
    ) -> Folded:
        """Return the lag products of a block, folded by the slot.

        Args:
            samples: ``(n_samples,)`` of the block.
            sample_start: the first of them.
            clock: of the tracked cell's slots, as it is behind the block.
            phase: that its carrier turns from a prefix to its copy, in radians.
        """
        sums, counts = np.zeros(self._n_slot, np.complex128), np.zeros(self._n_slot)
        power = float(np.mean(samples.real**2 + samples.imag**2)) if len(samples) else 0.0
        slot, n_slots = sample_start // self._n_slot, len(samples) / self._n_slot
        n_products = len(samples) - self._lag
        if n_products < 1 or not 0.0 < power < math.inf:
            return Folded(sums, counts, power, slot, n_slots)
        products = samples[:n_products].conj() * samples[self._lag :]
        for n_earlier in range(math.ceil(len(samples) / clock.step) + 1):
            begin = clock.begin_of(-n_earlier) - sample_start
            first, stop = max(begin, 0), min(begin + self._n_slot, n_products)
            if first < stop:
                part = slice(first - begin, stop - begin)
                sums[part] += products[first:stop]
                counts[part] += 1.0
        return Folded(sums * np.exp(-1j * phase), counts, power, slot, n_slots)

    def learn(self, block: Folded, *, is_normal: bool = True, weight: float = 1.0) -> None:
        """Take a block: whose prefixes come again and again in it is a cell.

        Args:
            block: its products.
            is_normal: whether no alarm is on.
            weight: of the block.
        """
        kept = math.exp(-abs(block.slot - self._last_slot) / _KEPT_SLOTS)
        self._last_slot = block.slot
        if not 0.0 < block.power < math.inf:
            return
        # No burst outweighs all other blocks, whatever its prefixes seem to be.
        self._sums = kept * self._sums + weight * block.sums / block.power
        self._counts = kept * self._counts + weight * block.counts
        n_slots = weight * block.n_slots
        self._n_heard = kept * self._n_heard + n_slots
        self._power = kept * self._power + n_slots * block.power
        if self.is_ready:
            self._find(block.slot, is_normal=is_normal)

    def note_normal(self) -> None:
        """Take what has been learnt so far for what is normal: power beyond it is more."""
        share, _ = self._means(self._sums, self._counts)
        self._normal = np.abs(share) * self._power / max(self._n_heard, 1.0)

    def more_power(self, block: Folded) -> tuple[float, float]:
        """Return by how much known cells are stronger in a block than normal, and by what chance.

        Linear, 0 or more, and the standard deviation of that: products of a block without them
        have a mean of ``power / sqrt(2 n)``. Both are 0 where the block is too short to say.
        """
        if not self.n_known:
            return 0.0, 0.0
        power, n_taken = self._means(block.sums, block.counts)
        n_least = float(n_taken.min())
        if n_least < _LEAST_PRODUCTS:
            return 0.0, 0.0
        more = (power[self._places] * self._turned).real - self._normal[self._places]
        chance = block.power * math.sqrt(self.n_known / (2.0 * n_least))
        return float(np.maximum(more, 0.0).sum()) / self._loss, chance / self._loss

    def _means(
        self, sums: NDArray[np.complex128], counts: NDArray[np.float64]
    ) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """Return the mean product in the windows of slots that begin anywhere, and of how many.

        Less what it is wherever nobody's prefixes are: that of a constant, or of a tone.
        """
        totals = [np.concatenate([[0.0], np.cumsum(np.tile(x, 2))]) for x in (sums, counts)]
        mean, n_taken = [(x[self._stops] - x[self._starts]).sum(axis=1) for x in totals]
        mean = mean / np.maximum(n_taken, 1.0)
        clear = mean[self._is_clear]
        return mean - complex(np.median(clear.real), np.median(clear.imag)), n_taken

    def _find(self, slot: int, *, is_normal: bool) -> None:
        """Find out who is there beside the tracked cell, and how strong each is in the mean."""
        share, _ = self._means(self._sums, self._counts)
        height = np.where(self._is_clear, np.abs(share), 0.0)
        median = float(np.median(height[self._is_clear]))
        seen: dict[int, _Seen] = {}
        while len(seen) < _MOST_CELLS:
            place = int(height.argmax())
            if height[place] < _STAYS_OUT * median or not median:
                break
            before = self._seen_at(place)
            if before is not None:
                seen[place] = before
            elif height[place] >= _STANDS_OUT * median:
                wait = 0 if self._is_first else _QUIET_SLOTS
                seen[place] = _Seen(slot, slot + (wait if is_normal else _STAYED_SLOTS))
            height[~np.roll(self._is_of_another, place)] = 0.0
        self._seen, self._is_first = seen, False
        if not is_normal:
            _doubt(seen)
        for one in seen.values():
            if one.known_at <= slot:
                one.known_at = -math.inf
        known = [place for place, one in seen.items() if one.known_at <= slot]
        self._places = np.array(known, np.intp)
        self._turned = share[self._places].conj() / np.abs(share[self._places])

    def _seen_at(self, place: int) -> _Seen | None:
        """Return what stood out there before; None where nothing did."""
        for other, one in self._seen.items():
            if abs(self._later(np.array(place - other))) <= self._n_alike:
                return one
        return None

    def _later(self, place: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much later than the nearest symbol of slots that begin at 0 samples lie."""
        half = 0.5 * self._symbol
        return np.asarray((place + half) % self._symbol - half, np.float64)


def _doubt(seen: dict[int, _Seen]) -> None:
    """Take note that an alarm is on: who is not known yet came with it."""
    for one in seen.values():
        if one.known_at > one.began:
            one.known_at = one.began + _STAYED_SLOTS
