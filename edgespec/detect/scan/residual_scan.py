"""The detector of a cell's residual: whoever is there beside the cell, however long and wide."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan import plain
from edgespec.detect.scan.arithmetic import Arithmetic
from edgespec.detect.scan.deviation import Deviation
from edgespec.detect.scan.memory import Memory
from edgespec.detect.scan.site import Site, learn_site
from edgespec.detect.scan.spreads import learn_spreads
from edgespec.detect.scan.windows import MOST_NEW, Windows
from edgespec.errors import ConfigError
from edgespec.records import FloatArray, FrameFlag
from edgespec.reference import Reference, filled

__all__ = ["LEAST_WARMUP", "MOST_LEFT", "MOST_WARMUP", "THRESHOLD", "ResidualScan"]

#: Deviations that are an alarm, at the site: less their mean and over their spread there, as for
#: every detector of the chain. By its own tail each of 13 of 18 simulated observers without
#: interferer passes it in one hop a day or less, and five that walk or drive in up to 160; one tail
#: for all says 350. In their 3 minutes the largest was 7.8, so nothing is proven of a day
#: (``python -m benchmarks.detection.scan_tail``).
THRESHOLD = 12.0

#: Slots of a warm-up: 0.4 s, twenty of each place of the frame twice over, and what is kept.
LEAST_WARMUP, MOST_WARMUP = 800, 8_000
#: What was learnt from fewer than so many is no reference.
_LEAST_LEARNT = 200
#: Of the excess of a long window, what the newest slots must have: leakage, which is no part of
#: the unit that excess is counted in, may be twice the noise.
STILL_THERE = 0.3
#: Share of the received power above which nothing was cancelled, or next to nothing: -1.5 dB.
MOST_LEFT = 0.7


class ResidualScan:
    """Looks for the largest deviation of the residual from what this site showed.

    What is left of a cell is ``noise + leak * power`` at each place of the radio frame and in each
    subband (:class:`edgespec.detect.scan.site.Site`), learnt from the first ``n_warmup`` slots and
    then kept, so that an interferer that stays is seen as long as it stays. The law is in
    :mod:`edgespec.detect.scan.terms`. It is one-sided: nobody takes power away from noise. All
    buffers are made here.

    Args:
        n_subbands: of a slot.
        n_warmup: slots to learn from, :data:`LEAST_WARMUP` to :data:`MOST_WARMUP`.
        arithmetic: how it is computed.

    Attributes:
        spreads: float64 ``(2, n_lengths, n_runs)``, by how much windows vary at the site.

    Raises:
        ConfigError: the warm-up is shorter or longer than that.
    """

    name = "residual"

    def __init__(
        self, n_subbands: int, n_warmup: int = LEAST_WARMUP, arithmetic: Arithmetic = plain
    ) -> None:
        if not LEAST_WARMUP <= n_warmup <= MOST_WARMUP:
            raise ConfigError(
                f"the scan of the residual is to learn from {n_warmup} slots; it takes "
                f"{LEAST_WARMUP} to {MOST_WARMUP}, 0.4 to 4 s"
            )
        self.windows = Windows(n_subbands)
        self._scan_residual = arithmetic.scan_residual
        self._memory = Memory(self.windows)
        self._learnt = np.empty((2, n_warmup, n_subbands), np.float32)
        self._place = np.empty(n_warmup, np.int64)
        self._n_learnt = 0
        self._part = slice(0, 0)
        self._site: Site | None = None
        self._tables = np.ones((4, 20, n_subbands))
        self.spreads = np.ones((2, len(self.windows.lengths), self.windows.n_runs))
        self._skew = 0.0

    @property
    def site(self) -> Site | None:
        """What was learnt; None in the warm-up."""
        return self._site

    @property
    def is_doubted(self) -> bool:
        """Whether most of the power was left: the deviations are not to be trusted."""
        return self._site is not None and self._site.left_share > MOST_LEFT

    @property
    def distrust(self) -> str:
        """Why the deviations are not to be trusted, '' where they are."""
        if self._site is None or not self.is_doubted:
            return ""
        return (
            f"{self._site.left_share:.0%} of the power is left when the cell is taken away: it is "
            "weak, its timing is wrong, or another is on the air"
        )

    def reset(self) -> None:
        """Forget the site and warm up again."""
        self._site = None
        self._n_learnt = 0
        self._memory.clear()

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain, in dB: noise and cell move alike."""
        if self._site is not None:
            self._keep(self._site.scaled(10.0 ** (step_db / 10.0)))
            self._memory.clear()
        self._learnt[:, : self._n_learnt] *= np.float32(10.0 ** (step_db / 10.0))

    def reference(self) -> Reference:
        """Return what was learnt; empty in the warm-up."""
        if self._site is None:
            return {}
        return {**self._site.reference(), "spreads": self.spreads.copy()}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another scan learnt, in place of a warm-up.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape, or no power.
        """
        site = Site.of_reference(reference, self._learnt.shape[2])
        filled(self.spreads, reference["spreads"])
        self._keep(site)
        self._memory.clear()

    @property
    def phase(self) -> int:
        """How many slots the blocks of its long windows hold, as :class:`Memory` says."""
        return self._memory.phase

    @phase.setter
    def phase(self, n_slots: int) -> None:
        self._memory.phase = n_slots

    def settle(self) -> None:
        """Keep what was learnt as the reference, if that was enough to learn from."""
        if self._site is None and self._n_learnt >= _LEAST_LEARNT:
            self._learn_from(slice(0, self._n_learnt))

    def relearn(self, start: int, stop: int) -> bool:
        """Learn from some slots of the warm-up alone; return whether they are enough for that."""
        if self._site is None or stop - start < _LEAST_LEARNT:
            return False
        self._learn_from(slice(start, stop))
        return True

    @property
    def learnt(self) -> FloatArray:
        """Residual and power of the slots that were learnt from, ``(2, n_slots, n_subbands)``."""
        return self._learnt[:, self._part]

    @property
    def learnt_place(self) -> NDArray[np.int64]:
        """The place in the frame of each of them, ``(n_slots,)``."""
        return self._place[self._part]

    def learnt_db(self, n_together: int) -> NDArray[np.float64]:
        """Return what was left in the warm-up over what is expected now, in dB, in its order.

        Of so many slots together, float64 ``(n_learnt // n_together, n_subbands)``; empty in the
        warm-up.
        """
        n_rows = self._n_learnt // n_together if self._site is not None else 0
        residual, power = self._learnt[:, : n_rows * n_together]
        if self._site is None or not n_rows:
            return np.empty((0, residual.shape[1]))
        ratio = residual / self._site.expected(power, self._place[: n_rows * n_together])
        means = ratio.reshape(n_rows, n_together, -1).mean(axis=1)
        return np.asarray(10.0 * np.log10(np.maximum(means, 1e-12)))

    @property
    def n_heard(self) -> int:
        """Slots since the last :meth:`take_ratio`, or since the windows began anew."""
        return self._memory.n_heard

    def take_ratio(self) -> NDArray[np.float64]:
        """Return the mean of measured over expected of the last ``n_heard`` slots, and begin anew.

        float64 ``(n_subbands,)``.
        """
        return self._memory.take_ratio()

    def lower(self, ratio: NDArray[np.float64]) -> None:
        """Take noise that has fallen for what is normal: by its ratio of powers in each subband."""
        if self._site is not None:
            self._keep(self._site.lowered(ratio))
            self._memory.clear()

    def _learn_from(self, part: slice) -> None:
        self._part = part
        residual, power = self._learnt[:, part]
        place, n_slots = self._place[part], len(residual)
        site = learn_site(residual, power, place)
        self._keep(site)
        terms = np.empty((n_slots, *self._memory.terms.shape[1:]))
        ratio = np.empty((n_slots, self.windows.n_bands), np.float32)
        flags = np.zeros(n_slots, np.uint8)
        plain.residual_terms(residual, power, place, flags, self._tables, site.unit, terms, ratio)
        self.spreads[:] = learn_spreads(terms, self.windows)
        self._memory.clear()

    def let_go(self) -> None:
        """Forget the windows so far, as when whoever was in them has gone for good.

        A window of seconds holds him for as long, and would find him again in what is quiet.
        """
        self._memory.clear()

    def _keep(self, site: Site) -> None:
        self._site = site
        self._tables[0], self._tables[1] = site.noise, site.leak
        self._tables[2], self._tables[3] = 1.0 / site.spread, site.most_power
        self._skew = float(np.median(site.spread))

    def score(
        self,
        residual: FloatArray,
        power: FloatArray,
        place: NDArray[np.int64],
        flags: NDArray[np.uint8],
    ) -> Deviation | None:
        """Return the largest deviation of the windows that end in these slots.

        None in the warm-up, and where no slot of these can be heard.

        Args:
            residual: ``(n_slots, n_subbands)``, linear, as ``power`` is.
            power: of the same samples.
            place: ``(n_slots,)`` of each slot in the frame, 0 to 19.
            flags: ``(n_slots,)`` of :class:`~edgespec.records.FrameFlag`.
        """
        if self._site is None:
            self._learn(residual, power, place, flags)
            return None
        if len(residual) <= MOST_NEW:
            return self._scan(residual, power, place, flags, self._site)
        found: Deviation | None = None
        for start in range(0, len(residual), MOST_NEW):
            part = slice(start, start + MOST_NEW)
            here = self._scan(residual[part], power[part], place[part], flags[part], self._site)
            if here is not None and (found is None or here.value > found.value):
                found = here
        return found

    def _scan(
        self,
        residual: FloatArray,
        power: FloatArray,
        place: NDArray[np.int64],
        flags: NDArray[np.uint8],
        site: Site,
    ) -> Deviation | None:
        memory = self._memory
        n_new = self._scan_residual(
            residual,
            power,
            place,
            flags,
            self._tables,
            site.unit,
            memory.terms,
            memory.ratio,
            memory.heard,
            memory.counts,
            memory.sums,
            memory.blocks,
            memory.open,
            self.spreads,
            self._skew,
            memory.runs,
            memory.bands,
            memory.lanes,
            memory.best,
        )
        if not n_new:
            return None
        memory.n_heard += n_new
        values = memory.best[0].tolist()
        column = values.index(max(values))
        found = self._found(column, site)
        # The short windows go by the newest slots; a long one must not be contradicted by them.
        while column and self._is_over(found, float(memory.best[3, column])):
            values[column] = -math.inf
            column = values.index(max(values))
            found = self._found(column, site)
        return found

    def _found(self, column: int, site: Site) -> Deviation:
        """Return what the short windows hold at most, or those of a long length."""
        value, length, run, excess = self._memory.best[:, column].tolist()
        return Deviation(
            value,
            self.windows.lengths[int(length)],
            int(self.windows.lower[int(run)]),
            int(self.windows.stop[int(run)]) - 1,
            excess * site.unit,
            self._memory.ratio,
        )

    def _is_over(self, found: Deviation, excess: float) -> bool:
        """Whether the newest slots say that what filled a long window is gone.

        They do where their own excess, and three times what chance may add, is less than
        :data:`STILL_THERE` of that of the window; what is too weak to tell goes on.
        """
        ratio = found.ratio[:, found.lower : found.upper + 1]
        above = float(ratio.mean()) - 1.0
        chance = self._skew / math.sqrt(ratio.size)
        return above + 3.0 * chance < STILL_THERE * excess

    def _learn(
        self,
        residual: FloatArray,
        power: FloatArray,
        place: NDArray[np.int64],
        flags: NDArray[np.uint8],
    ) -> None:
        for t in range(len(residual)):
            if flags[t] != FrameFlag.VALID:
                continue
            self._learnt[0, self._n_learnt], self._learnt[1, self._n_learnt] = residual[t], power[t]
            self._place[self._n_learnt] = place[t]
            self._n_learnt += 1
            if self._n_learnt == len(self._place):
                self.settle()
                return
