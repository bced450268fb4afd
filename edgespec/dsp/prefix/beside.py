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
#: hop or two behind him; who came with one after 30 s. Who stands out no more stays known for 60 s.
_QUIET_SLOTS, _STAYED_SLOTS, _REMEMBERED_SLOTS = 100, 60_000, 120_000
#: Timings that are one, in prefixes: the top of one is flat.
_ALIKE = 0.45
#: Part of the sample rate that cells fill at most.
_FILLED = 0.9


@dataclass(slots=True)
class _Seen:
    """A timing that stands out: since which slot, how much longer it has to, and when it last did.

    All are slots; what is known already is so since ``-inf``. ``turned`` turns its mean product, as
    it was then, to a positive number.
    """

    began: float
    known_at: float
    last: float
    turned: complex


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


class _Heard:
    """Products of many blocks, folded by the slot: each counts by the share of its power.

    Args:
        n_slot: samples of a slot.
    """

    def __init__(self, n_slot: int) -> None:
        self.sums, self.counts = np.zeros(n_slot, np.complex128), np.zeros(n_slot)
        self.n_slots = self.power = self.inverse = 0.0

    def fade(self, kept: float) -> None:
        """Let what was heard count so much less."""
        self.sums *= kept
        self.counts *= kept
        self.n_slots, self.power = kept * self.n_slots, kept * self.power
        self.inverse *= kept

    def add(self, block: Folded, weight: float) -> None:
        """Take a block; none outweighs all others, whatever its prefixes seem to be."""
        n_slots = weight * block.n_slots
        self.sums += weight * block.sums / block.power
        self.counts += weight * block.counts
        self.n_slots += n_slots
        self.power += n_slots * block.power
        self.inverse += n_slots / block.power

    def take(self, other: "_Heard") -> None:
        """Take all that another one heard, which has heard nothing then."""
        self.sums += other.sums
        self.counts += other.counts
        self.n_slots, self.power = self.n_slots + other.n_slots, self.power + other.power
        self.inverse += other.inverse
        other.fade(0.0)

    def follow(self, ratio: float) -> None:
        """Take a step of the receiver's gain, by its ratio of powers."""
        self.power, self.inverse = ratio * self.power, self.inverse / ratio


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
    stranger with prefixes, who is strong enough to stand out in one block, alarms before that. Or
    he stands out of what was heard in quiet, too: a neighbour that fades is there all the while.

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
        self._stops = (place[:, None] + plan.window_stops) % self._n_slot
        self._stops += self._n_slot * (self._stops < plan.n_window)
        self._starts = self._stops - plan.n_window
        late = self._later(place)
        behind = plan.n_window + _CLEAR_BEHIND * n_prefix
        self._is_clear = (late < -_CLEAR_BEFORE * n_prefix) | (late > behind)
        self._is_of_another = np.abs(late) > _CLEAR_OF_OTHERS * n_prefix
        # All that was heard, and what was heard in quiet; of the newest an alarm may follow yet.
        self._all, self._quiet = _Heard(self._n_slot), _Heard(self._n_slot)
        self._newest, self._newer = _Heard(self._n_slot), _Heard(self._n_slot)
        self._last_slot = self._newest_since = 0
        # Whether nobody was looked for yet.
        self._is_first = True
        # The timings that stand out.
        self._seen: dict[int, _Seen] = {}
        self._places = np.zeros(0, np.intp)
        # What each timing had when it was noted what is normal; and by its mean product.
        self._normal = np.zeros(self._n_slot)
        self._normal_level = np.zeros(self._n_slot, np.complex128)
        self._risen = 0.0
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
        return self._all.n_slots >= _LEAST_SLOTS

    @property
    def is_unsure(self) -> bool:
        """Whether somebody stands out who is not known yet."""
        return len(self._seen) > self.n_known

    @property
    def risen_power(self) -> float:
        """Power that known cells have more than normal in the mean of the last 20 s.

        Linear; 0 where what is more does not stand out of what chance makes.
        """
        return self._risen

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
        for heard in (self._all, self._quiet):
            heard.fade(kept)
        self._all.add(block, weight)
        self._hear_in_quiet(block, weight, is_normal=is_normal)
        if self.is_ready:
            self._find(block.slot, is_normal=is_normal)

    def _hear_in_quiet(self, block: Folded, weight: float, *, is_normal: bool) -> None:
        """Keep apart what is heard while no alarm is on, nor follows."""
        if not is_normal:
            self._newest.fade(0.0)
            self._newer.fade(0.0)
            return
        if block.slot - self._newest_since > _QUIET_SLOTS:
            self._quiet.take(self._newer)
            self._newer.take(self._newest)
            self._newest_since = block.slot
        self._newest.add(block, weight)

    def note_normal(self) -> None:
        """Take what has been learnt so far for what is normal: power beyond it is more."""
        share, _ = self._means(self._all)
        self._normal = np.abs(share) * self._all.power / max(self._all.n_slots, 1.0)
        self._normal_level = self._level(share)
        self._risen = 0.0

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what was heard, and what is normal."""
        ratio = 10.0 ** (step_db / 10.0)
        for heard in (self._all, self._quiet, self._newest, self._newer):
            heard.follow(ratio)
        self._normal, self._normal_level = ratio * self._normal, ratio * self._normal_level
        self._risen *= ratio

    def more_power(self, block: Folded) -> tuple[float, float]:
        """Return by how much known cells are stronger in a block than normal, and by what chance.

        Linear, 0 or more, and the standard deviation of that: products of a block without them
        have a mean of ``power / sqrt(2 n)``. Both are 0 where the block is too short to say.
        """
        if not self.n_known:
            return 0.0, 0.0
        power, n_taken = self._means(block)
        n_least = float(n_taken.min())
        if n_least < _LEAST_PRODUCTS:
            return 0.0, 0.0
        more = (power[self._places] * self._turned).real - self._normal[self._places]
        chance = block.power * math.sqrt(self.n_known / (2.0 * n_least))
        return float(np.maximum(more, 0.0).sum()) / self._loss, chance / self._loss

    def _level(self, share: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the mean product at each timing, blocks of much power counting little."""
        level: NDArray[np.complex128] = share * (self._all.n_slots / max(self._all.inverse, 1e-300))
        return level

    def _means(self, heard: Folded | _Heard) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """Return the mean product in the windows of slots that begin anywhere, and of how many.

        Less what it is wherever nobody's prefixes are: that of a constant, or of a tone.
        """
        parts = (heard.sums, heard.counts)
        totals = [np.concatenate([[0.0], np.cumsum(np.tile(x, 2))]) for x in parts]
        mean, n_taken = [(x[self._stops] - x[self._starts]).sum(axis=1) for x in totals]
        mean = mean / np.maximum(n_taken, 1.0)
        clear = mean[self._is_clear]
        return mean - complex(np.median(clear.real), np.median(clear.imag)), n_taken

    def _find(self, slot: int, *, is_normal: bool) -> None:
        """Find out who is there beside the tracked cell, and how strong each is in the mean."""
        share, _ = self._means(self._all)
        height, median = self._height(share)
        seen: dict[int, _Seen] = {}
        while len(seen) < _MOST_CELLS:
            place = int(height.argmax())
            if height[place] < _STAYS_OUT * median or not median:
                break
            before, turned = self._seen_at(place), complex(share[place].conj() / height[place])
            if before is not None:
                before.last, before.turned = slot, turned
                seen[place] = before
            elif height[place] >= _STANDS_OUT * median:
                wait = 0 if self._is_first else _QUIET_SLOTS
                known_at = slot + (wait if is_normal else _STAYED_SLOTS)
                seen[place] = _Seen(slot, known_at, slot, turned)
            height[~np.roll(self._is_of_another, place)] = 0.0
        self._remember(seen, slot)
        self._seen, self._is_first = seen, False
        if not is_normal:
            _doubt(seen)
        self._believe(seen)
        for one in seen.values():
            if one.known_at <= slot:
                one.known_at = -math.inf
        known = {place: one for place, one in seen.items() if one.known_at <= slot}
        self._places = np.array(list(known), np.intp)
        self._turned = np.array([one.turned for one in known.values()], np.complex128)
        self._risen = self._rise(share)

    def _height(self, mean: NDArray[np.complex128]) -> tuple[NDArray[np.float64], float]:
        """Return how high timings stand, 0 where nobody is looked for, and the median of others."""
        height = np.where(self._is_clear, np.abs(mean), 0.0)
        return height, float(np.median(height[self._is_clear]))

    def _remember(self, seen: dict[int, _Seen], slot: int) -> None:
        """Add who is known and stands out no more: he fades, and comes back."""
        for place, one in self._seen.items():
            is_late = slot - one.last > _REMEMBERED_SLOTS
            if one in seen.values() or one.known_at > slot or is_late or len(seen) >= _MOST_CELLS:
                continue
            if all(self._is_of_another[place - other] for other in seen):
                seen[place] = one

    def _believe(self, seen: dict[int, _Seen]) -> None:
        """Know who came with an alarm at once where he stands out of what is heard in quiet."""
        doubted = [place for place, one in seen.items() if one.known_at - one.began > _QUIET_SLOTS]
        if not doubted or self._quiet.n_slots < _LEAST_SLOTS:
            return
        height, median = self._height(self._means(self._quiet)[0])
        for place in doubted:
            near = ~np.roll(self._is_of_another, place)
            if height[near].max() >= _STANDS_OUT * median > 0.0:
                seen[place].known_at = -math.inf

    def _rise(self, share: NDArray[np.complex128]) -> float:
        """Return what known cells have more than normal in the mean, where that stands out."""
        if not self.n_known:
            return 0.0
        rise = self._level(share) - self._normal_level
        height, median = self._height(rise)
        more = (rise[self._places] * self._turned).real
        more[height[self._places] < _STAYS_OUT * median] = 0.0
        return float(np.maximum(more, 0.0).sum()) / self._loss

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
