"""A step of the receiver's gain beside a cell: its noise and the cell have moved alike, at once."""

from collections import deque
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.noise_move import NoiseMove, noise_move
from edgespec.detect.scan.site import Site
from edgespec.detect.scan.terms import UNHEARD
from edgespec.records import FloatArray

__all__ = ["ReceiverGain", "Slots"]

#: Slots before and behind a step that are compared. Of those before, one hop in so many is kept.
_N_BEFORE, _N_BEHIND, _EVERY = 240, 240, 4
#: Smallest move of the noise that is looked at, in dB and in deviations.
_LEAST_DB, _LEAST_SIGMAS, _SURE_SIGMAS = 1.2, 3.0, 3.5
#: A hop has another move if it is off by more than that, with so many of its deviations.
_OTHER_DB, _OTHER_SIGMAS = 0.5, 4.0
#: Fewest slots behind a step that say whether the cell moved with the noise: two hops.
_LEAST_BEHIND = 24
#: What is normal is not looked at closer: the mean of measured over expected, of a hop.
_USUAL_RATIO = (0.88, 1.14)
#: The cell is there if what cancels is this part of what is left.
_LEAST_CELL = 0.25
#: A gain that moved explains the cell's power behind it: the largest distance of its distribution
#: from the one before, taken along, is less than this part of that without a move,
_APART_SHARE = 0.5
#: which is so many times what chance makes it, or nothing is known.
_LEAST_APART = 2.2
#: Slots before a step that are compared a second time: 0.2 s.
_N_NEWEST = 96
#: Where noise has fallen by so much or more, the cell has by this part of it at least. A smaller
#: fall may be noise that leakage hid, until the cell faded.
_CLEAR_FALL_DB, _FALL_SHARE = -3.0, 0.5
#: Of a smaller move both comparisons must say so.
_LITTLE_DB = 6.0
#: Or hardly a slot is as loud as one before it, and the median has moved as much, but for so much
#: of it: a walker may come out of a fade meanwhile.
_ALL_APART, _OFF_SHARE = 0.9, 0.3
#: A small step at a still site, of as many slots behind as ever: without the move they differ from
#: all those before by so many times chance, with it by no more than chance; and the slots of each
#: side of it among themselves do not, either.
_STILL_APART, _STILL_ALIKE, _STILL = 2.5, 1.2, 1.5
#: Whoever moves again and again before it is known what he is, sweeps or hops.
_MOST_BEGUN = 3
#: Hops for which nothing else is made of what may be a step.
_N_WAITING = 6
#: Moves of the noise that the cell did not follow, after which noise says nothing of the gain for
#: so many slots: 60 s. It is a neighbour's, or somebody's who comes and goes.
_MOST_OTHERS, _N_DEAF = 2, 120_000


class Slots(Protocol):
    """What is asked of slots; see ``edgespec.dsp.prefix.slots``."""

    @property
    def residual(self) -> FloatArray:
        """What is left, ``(n_slots, n_subbands)``."""
        ...

    @property
    def power(self) -> FloatArray:
        """What there was."""
        ...

    @property
    def slot(self) -> NDArray[np.int64]:
        """The place of each in the frame."""
        ...

    @property
    def flags(self) -> NDArray[np.uint8]:
        """What is wrong with each."""
        ...


class _State(StrEnum):
    USUAL = "usual"
    LOOKING = "looking"
    NO_GAIN = "no gain"


class ReceiverGain:
    """Tells a step of the gain from interferers, fading and the cell's own steps.

    The noise that is left beside a cell moves with the gain alone, in all subbands alike
    (:func:`~edgespec.detect.scan.noise_move.noise_move`); fading and traffic move the cell and its
    leak. Whoever brings noise of his own to all of the band moves what is left, but not what
    cancels: so the power that cancels in slots behind the step must be distributed as that before
    it, moved by as much (the distance of Kolmogorov and Smirnov), and not as it was. That needs no
    model of traffic or fading, and is exact however weak the cell is.

    Where the noise moved by itself while it was learnt, or does so again and again, it is not the
    receiver's: a neighbour cell, above all, gets busy and idle, louder and weaker in all subbands
    alike, hundreds of times a minute, and now and then the cell fades by as much as that. There
    noise says nothing of the gain.

    Of every fourth hop its ratio of measured to expected says whether there is anything to look
    at; so it costs next to nothing.

    Attributes:
        is_restless: whether noise moved by itself while a site was learnt.
    """

    def __init__(self, n_subbands: int, *, is_restless: bool = False) -> None:
        self._before = np.zeros((2, _N_BEFORE, n_subbands), np.float32)
        self._behind = np.zeros((2, _N_BEHIND, n_subbands), np.float32)
        self._place = np.zeros(_N_BEHIND, np.int64)
        self._n_before = self._n_behind = self._n_begun = 0
        self._at = 0
        self._n_hops = 0
        self._since = 0
        self._n_slots = 0
        self._others: deque[int] = deque(maxlen=_MOST_OTHERS)
        self.is_restless = is_restless
        self._move: NoiseMove | None = None
        self._state = _State.USUAL

    @property
    def _is_deaf(self) -> bool:
        """Whether the noise has moved lately without the gain, or always does."""
        others = self._others
        is_late = len(others) == _MOST_OTHERS and self._n_slots - others[0] < _N_DEAF
        return self.is_restless or is_late

    @property
    def is_waiting(self) -> bool:
        """Whether what is heard may soon turn out to be a step: not where subbands differ."""
        may_be = self._move is None or self._move.is_alike
        is_looking = self._state is _State.LOOKING and self._since <= _N_WAITING
        return may_be and is_looking and not self._is_deaf

    def learn(
        self, residual: FloatArray, power: FloatArray, place: NDArray[np.int64], site: Site
    ) -> None:
        """Take the slots that a site was learnt from as those before whatever comes."""
        moves = [
            noise_move(residual[part], power[part], place[part], site)
            for part in (
                slice(start, start + _LEAST_BEHIND)
                for start in range(0, len(residual) - _LEAST_BEHIND + 1, _LEAST_BEHIND)
            )
        ]
        self.is_restless = sum(_is_sure(move) for move in moves) >= _MOST_OTHERS
        self._others.clear()
        some = np.linspace(0, len(residual) - 1, _N_BEFORE).round().astype(np.intp)
        self._before[0], self._before[1] = residual[some], power[some]
        self._n_before = _N_BEFORE
        self.forget()

    def forget(self) -> None:
        """Begin to look anew, as behind a gap."""
        if (
            self._move is not None
            and _is_sure(self._move)
            and self._move.is_alike
            and self._n_behind >= _LEAST_BEHIND
        ):
            self._others.append(self._n_slots)
        self._state, self._move = _State.USUAL, None
        self._n_behind = self._since = self._n_begun = 0

    def take(self, slots: Slots, ratio: FloatArray, site: Site, *, is_odd: bool) -> float:
        """Take the slots of a hop; return the step of the gain that is certain now in dB, or 0.

        Args:
            slots: of the hop.
            ratio: measured over expected of the same slots.
            site: what is normal.
            is_odd: whether a score is high, so that this hop is looked at in any case.
        """
        if self.is_restless:
            # Nothing is made of it until a site is learnt anew.
            return 0.0
        self._n_hops += 1
        self._n_slots += len(slots.residual)
        if self._n_hops % _EVERY and not is_odd and self._state is not _State.LOOKING:
            return 0.0
        low, high = _USUAL_RATIO
        is_odd |= not low < float(np.add.reduce(ratio, axis=None)) / max(ratio.size, 1) < high
        if self._state is _State.USUAL and not is_odd:
            self._keep(slots)
            return 0.0
        return self._look(slots, site, is_odd=is_odd)

    def _look(self, slots: Slots, site: Site, *, is_odd: bool) -> float:
        heard = (slots.flags & UNHEARD) == 0
        residual, power, place = slots.residual, slots.power, slots.slot
        if not heard.all():
            residual, power, place = residual[heard], power[heard], place[heard]
        if not len(residual):
            return 0.0
        move = noise_move(residual, power, place, site)
        if not is_odd and (abs(move.move_db) < _LEAST_DB or move.sigmas < _LEAST_SIGMAS):
            self.forget()
            return 0.0
        if self._state is _State.USUAL or self._has_stepped(move):
            # Of the hop that holds a step only a part is behind it.
            n_begun = self._n_begun
            self.forget()
            self._n_begun = n_begun + 1
            self._state = _State.LOOKING if n_begun < _MOST_BEGUN else _State.NO_GAIN
            return 0.0
        if self._state is _State.NO_GAIN:
            return 0.0
        self._since += 1
        return self._judge(residual, power, place, site)

    def _has_stepped(self, move: NoiseMove) -> bool:
        """Whether a hop has another move than those before it."""
        if self._move is None or not move.is_alike:
            return False
        apart_db = abs(move.move_db - self._move.move_db)
        sigma_db = float(np.hypot(move.sigma_db, self._move.sigma_db))
        return apart_db > _OTHER_DB + _OTHER_SIGMAS * sigma_db

    def _judge(
        self, residual: FloatArray, power: FloatArray, place: NDArray[np.int64], site: Site
    ) -> float:
        """Compare the cell before and behind what may be a step."""
        n_new = min(len(residual), _N_BEHIND - self._n_behind)
        rows = slice(self._n_behind, self._n_behind + n_new)
        self._behind[0, rows], self._behind[1, rows] = residual[:n_new], power[:n_new]
        self._place[rows] = place[:n_new]
        self._n_behind += n_new
        behind = self._behind[:, : self._n_behind]
        self._move = move = noise_move(behind[0], behind[1], self._place[: self._n_behind], site)
        if self._is_gain(move, behind):
            self._before *= np.float32(10.0 ** (move.move_db / 10.0))
            self._move = None
            self.forget()
            return move.move_db
        if self._n_behind == _N_BEHIND:
            # What has stayed so long without being a step is none.
            self._state = _State.NO_GAIN
        return 0.0

    def _is_gain(self, move: NoiseMove, behind: FloatArray) -> bool:
        if not (_is_sure(move) and move.is_alike) or behind.shape[1] < _LEAST_BEHIND:
            return False
        if self._is_deaf or not self._n_before:
            return False
        before = np.roll(self._before[:, : self._n_before], -self._at, axis=1)
        if not _has_cell(before):
            return False
        if _has_followed(before, behind, move.move_db):
            return True
        return _has_followed_still(before, behind, move.move_db)

    def _keep(self, slots: Slots) -> None:
        """Take the slots of a hop for those before whatever comes, in place of the oldest."""
        n_new = min(len(slots.residual), _N_BEFORE)
        if self._at + n_new > _N_BEFORE:
            self._at = 0
        rows = slice(self._at, self._at + n_new)
        self._before[0, rows], self._before[1, rows] = slots.residual[:n_new], slots.power[:n_new]
        self._at += n_new
        self._n_before = max(self._n_before, self._at)


def _is_sure(move: NoiseMove) -> bool:
    """Return whether noise has moved, and not by chance."""
    return abs(move.move_db) >= _LEAST_DB and move.sigmas >= _SURE_SIGMAS


def _has_followed(before: FloatArray, behind: FloatArray, move_db: float) -> bool:
    """Return whether the cell has moved with the noise."""
    is_db = _cell_db(behind)
    n_alike = 0
    # Under fading the newest slots are more like what follows; of a still site many say more.
    for part in (before, before[:, -_N_NEWEST:]):
        was_db = _cell_db(part)
        unmoved = _apart(was_db, is_db)
        if unmoved < _LEAST_APART * np.sqrt(1.0 / len(was_db) + 1.0 / len(is_db)):
            return False
        cell_db = float(np.median(is_db) - np.median(was_db))
        if move_db <= _CLEAR_FALL_DB:
            # Nobody takes noise away.
            n_alike += cell_db <= _FALL_SHARE * move_db
        else:
            n_alike += _apart(was_db + move_db, is_db) <= _APART_SHARE * unmoved or (
                unmoved >= _ALL_APART and abs(cell_db - move_db) <= _OFF_SHARE * abs(move_db)
            )
    # A cell fades by a few dB at any time: where noise has moved by no more, both are asked.
    return n_alike == 2 or (n_alike == 1 and not _CLEAR_FALL_DB < move_db < _LITTLE_DB)


def _has_followed_still(before: FloatArray, behind: FloatArray, move_db: float) -> bool:
    """Return whether a cell that stands still has moved with the noise, by however little."""
    if before.shape[1] < _N_BEFORE or behind.shape[1] < _N_BEHIND:
        return False
    was_db, is_db = _cell_db(before), _cell_db(behind)
    chance = float(np.sqrt(1.0 / _N_BEFORE + 1.0 / _N_BEHIND))
    if _apart(was_db, is_db) < _STILL_APART * chance:
        return False
    if _apart(was_db + move_db, is_db) > _STILL_ALIKE * chance:
        return False
    halves = [
        _apart(*(_cell_db(part) for part in np.array_split(side, 2, axis=1)))
        for side in (before, behind)
    ]
    return bool(max(halves) <= _STILL * 2.0 / np.sqrt(_N_BEHIND))


def _has_cell(slots: FloatArray) -> bool:
    left, power = slots.sum(axis=(1, 2), dtype=np.float64)
    return bool(power - left >= _LEAST_CELL * left)


def _cell_db(slots: FloatArray) -> NDArray[np.float64]:
    """Return the power that cancels of each slot in dB, sorted."""
    residual, power = slots.sum(axis=2, dtype=np.float64)
    cell_db = 10.0 * np.log10(np.maximum(power - residual, 1e-4 * power + 1e-30))
    return np.asarray(np.sort(cell_db))


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the largest difference of two distributions, each by its sorted values: 0 to 1."""
    both = np.concatenate([one, other])
    shares = [np.searchsorted(x, both, side="right") / len(x) for x in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
