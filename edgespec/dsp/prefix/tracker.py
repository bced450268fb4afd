"""Follows the timing, the clock and the carrier of a cell, slowly, from what its slots say."""

import cmath
import math
from collections import deque
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix import steering
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.dsp.prefix.steering import N_SUMS, Run
from edgespec.dsp.prefix.timing_filter import TimingFilter
from edgespec.lte.numerology import SLOT_S

__all__ = ["TrackState", "Tracker"]

#: Slots between two looks at the sums: short ones first, to pull in what a search was wrong by.
_INTERVALS = (20, 20, 20, 20, 20, 40, 60)
_INTERVAL = 200
#: Looks before a cell counts as tracked: 0.05 s.
_N_PULL_IN = 5
#: Sums of products without a cell have random phases: their mean is so many times its standard
#: deviation in less than one of a million looks. With hysteresis.
_FOUND, _GONE = 6.0, 4.5
#: Coherence is averaged over so many slots, 0.5 s.
_MEMORY = 1000
#: A cell of which nothing is always on may be silent for a minute.
_MOST_SILENT = 120_000
#: An edge is taken once the level in the prefix is four times what each sample scatters by: in the
#: upper half of the fall, more would be a bias. Sums are put together for that, up to 2 s.
_CLEAR = 16.0
_PATIENCE = 4000
#: No ring that overflows loses so much at once, whose samples are counted; a radio that is called
#: again does.
_MOST_GAP_S = 0.1
#: The phase is averaged over so long once it has settled.
_PHASE_S = 0.4
#: The most that one look turns the phase once it has settled, in radians.
_MOST_TURN = 0.1
#: Share of the steering windows that must be quiet for the phase to be taken from them.
_LEAST_QUIET = 0.2


class TrackState(StrEnum):
    """How far the timing of a cell is to be trusted."""

    SEARCHING = "searching"
    TRACKING = "tracking"
    LOST = "lost"


class Tracker:
    """The timing of a cell as state: where slots begin, how fast that drifts, and the phase.

    Every so many slots the sums of :mod:`edgespec.dsp.prefix.steering` are looked at.

    * **Timing.** The lag product falls from its level in the prefix to that outside; where it does
      is the end of the prefix. The upper half of the fall counts, so echoes, which end later, do
      not draw it. A filter with two states, offset and drift, takes it.
    * **Phase** of the product in the window, less what is outside: a tone has the same there. Loud
      slots do not count, so what turns the phase stays below the usual residual.
    * **Quality** is the coherence in the window less that outside, 0 to 1: the share of the cell
      in the power. A cell whose quality does not differ from that of noise is lost.

    While an alarm is on (:meth:`freeze`) the phase and what is usual stay as they are; timing goes
    on, since an interferer has no edge where the prefix ends, and would else leave the prefix in
    less than a minute.

    Args:
        plan: where the prefixes are.
        cell: what a search found; half a sample of 1.92 MS/s, 3 ppm and 100 Hz are pulled in
            within 0.1 s.

    Attributes:
        clock: of the slots.
        state: how far the timing is to be trusted; a cell that goes away is lost within 0.7 s, one
            of NR, which may be silent, after a minute.
        quality: share of the cell in the power of the band, 0 to 1.
        ppm: samples beyond the nominal ones, in millionths.
        turns: float32 ``(2, n_bins)``, cosine and sine of what each bin of a copy is turned by to
            lie on its prefix.
        steered: samples by which edges have moved the clock in all.
        sums: float64, what both loops add to.
        n_left: slots until the next look.
    """

    def __init__(self, plan: PrefixPlan, cell: Cell) -> None:
        self._plan = plan
        self._run = Run.of(plan)
        self.turns = np.zeros((2, plan.n_window), np.float32)
        self.sums = np.zeros(N_SUMS + 3 * self._run.n_samples)
        # Those of looks that did not say enough alone.
        self._held = np.zeros_like(self.sums)
        self.ppm, self.steered = cell.ppm, 0.0
        self._found_hz = cell.cfo_hz
        self._most_silent = 0 if cell.duplex else _MOST_SILENT
        self.clock = SlotClock(cell.frame_start, self._step)
        self._phase = self._lag_phase(cell.cfo_hz)
        self._turned = 0.0
        self._filter = TimingFilter(plan.sample_rate_hz)
        self._is_frozen = False
        self._usual = 0.0
        self._memory: deque[tuple[int, float, complex]] = deque()
        self.quality = 0.0
        self._n_phases = 0
        self._begin()

    @property
    def cfo_hz(self) -> float:
        """Carrier of the cell minus the receiver's centre, as tracked."""
        return self._found_hz + self._turned / self._lag_phase(1.0)

    @property
    def is_silent(self) -> bool:
        """Whether the coherence of the last half second is no more than chance makes."""
        return self._n_silent > 0

    def freeze(self) -> None:
        """Hold the phase: what is heard now may not be the cell alone."""
        self._is_frozen = True

    def thaw(self) -> None:
        """Go on as before."""
        self._is_frozen = False

    def lose(self) -> None:
        """Give the cell up, as when the radio was tuned elsewhere."""
        self.state = TrackState.LOST
        self.quality = 0.0
        self._memory.clear()

    def advance(self, n_slots: int) -> bool:
        """Tell that ``n_slots``, at most ``n_left``, have been added to the sums.

        Returns:
            Whether the clock goes on as it was; else it has been corrected.
        """
        self.clock.advance(n_slots)
        self.n_left -= n_slots
        if self.n_left:
            return True
        self._look()
        return False

    def start_at(self, sample: int) -> None:
        """Begin with the first slot that begins in ``sample`` or later."""
        self._filter.wait(abs(self.clock.skip_to(sample)) * SLOT_S)
        self._begin()

    def skip_to(self, sample: int, *, is_counted: bool = False) -> None:
        """Go on with the first slot that begins in ``sample`` or later, behind a gap.

        The longer the gap, the less the timing is trusted. Of a radio that was away a clock counts
        what is missing: that is wrong by some milliseconds, and prefixes of another symbol would do
        for those of a slot, so the cell is lost; but not where the radio ``is_counted`` on, while
        it was tuned elsewhere.
        """
        state = self.state
        is_long = sample - self.clock.begin_of(0) > _MOST_GAP_S * self._plan.sample_rate_hz
        self.start_at(sample)
        if (is_long and not is_counted) or self._filter.is_useless or state is TrackState.LOST:
            self.state = TrackState.LOST
        elif not self._filter.is_doubtful:
            self.state = state

    def jump(self, n_samples: int, sample: int) -> None:
        """Begin slots so many samples later, the next in ``sample`` or behind it."""
        self.clock.move(float(n_samples), self._step)
        self.clock.skip_to(sample)
        self._filter.loosen()
        self._let_go()
        self._start_interval()

    @property
    def phase(self) -> float:
        """What a carrier turns by from a prefix to its copy, in radians."""
        return self._phase

    @property
    def _step(self) -> float:
        return self._plan.slot_samples * (1.0 + 1e-6 * self.ppm)

    def _lag_phase(self, offset_hz: float) -> float:
        """Return how far a carrier turns from a prefix to its copy, in radians."""
        lag_s = self._plan.lag_samples / self._plan.sample_rate_hz
        return 2.0 * math.pi * offset_hz * lag_s

    def _begin(self) -> None:
        """Begin with short intervals."""
        self.state = TrackState.SEARCHING
        self._n_looks = 0
        self._n_silent = 0
        self._memory.clear()
        self._let_go()
        self._start_interval()

    def _start_interval(self) -> None:
        n = self._n_looks
        self._interval = self.n_left = _INTERVALS[n] if n < len(_INTERVALS) else _INTERVAL
        self.sums[steering.N_JUDGED : steering.USUAL_POWER] = 0.0
        self.sums[steering.N_WINDOWS :] = 0.0
        self.sums[steering.USUAL] = self._usual
        self._set_turns()

    def _set_turns(self) -> None:
        """Turn back the carrier, and in each bin what the clock is late by after one lag."""
        plan = self._plan
        bins = np.arange(plan.n_window) - plan.n_window // 2
        late = 1e-6 * self.ppm * plan.lag_samples / plan.n_window
        angles = 2.0 * np.pi * late * bins - self._phase
        self.turns[0], self.turns[1] = np.cos(angles), np.sin(angles)

    def _look(self) -> None:
        """Take what the interval says, and begin the next."""
        interval_s, n_window = self._interval * SLOT_S, self._run.n_window
        self._remember()
        self._held += self.sums
        self._n_held += self._interval
        n_windows = self._held[steering.N_WINDOWS]
        self._filter.wait(0.5 * interval_s)
        if n_windows:
            of_run = self._held[N_SUMS:].reshape(-1, 3)
            scatter = 1.0 / math.sqrt(n_windows * n_window)
            lean, outside = _lean(of_run[:n_window], of_run[-n_window:], scatter)
            if abs(lean) ** 2 * n_windows > _CLEAR:
                edge = self._edge(of_run, lean, outside) - self._held[steering.PARTS] / n_windows
                self._filter.take(edge, abs(lean), n_windows, self._run.n_edge)
                if not self._is_frozen:
                    self._turn(interval_s, n_windows, scatter)
                self._let_go()
            elif self._n_held >= _PATIENCE:
                self._let_go()
        self._filter.wait(0.5 * interval_s)
        offset, drift_ppm = self._filter.correction()
        self.ppm += drift_ppm
        self.steered += offset
        self.clock.move(offset, self._step)
        if not self._is_frozen:
            self._learn_usual(interval_s)
        self._n_looks += 1
        self._judge()
        self._start_interval()

    def _let_go(self) -> None:
        self._held[:] = 0.0
        self._n_held = 0

    def _remember(self) -> None:
        """Add the coherence of the interval to those of the last half second."""
        n_windows, n_window = float(self.sums[steering.N_WINDOWS]), self._run.n_window
        of_run = self.sums[N_SUMS:].reshape(-1, 3)
        scatter = 1.0 / math.sqrt(max(n_windows, 1.0) * n_window)
        lean, _ = _lean(of_run[:n_window], of_run[-n_window:], scatter)
        memory = self._memory
        memory.append((self._interval, n_windows, lean))
        while sum(n_slots for n_slots, _, _ in memory) - memory[0][0] >= _MEMORY:
            memory.popleft()
        self._n_remembered = max(sum(n for _, n, _ in memory), 1.0)
        self.quality = min(abs(sum(n * one for _, n, one in memory)) / self._n_remembered, 1.0)

    def _edge(self, of_run: NDArray[np.float64], fall: complex, outside: complex) -> float:
        """Return how much later than it should the prefix ends, in samples from a whole one.

        By :func:`~edgespec.dsp.prefix.steering.late_by` of the samples about the end, 1 as in the
        window and 0 as outside. A count of samples is half of one too long for a time; as much is
        lost with the lower half of an edge that the band makes about a sample wide.
        """
        run = self._run
        power, real, imag = of_run[run.end - run.n_edge : run.end + run.n_edge].T
        along = fall.conjugate() / abs(fall) ** 2
        heights = ((real + 1j * imag) / power * along - outside * along).real
        return steering.late_by(heights)

    def _turn(self, interval_s: float, n_windows: float, scatter: float) -> None:
        """Turn the phase towards that of the quiet slots."""
        n_quiet = self._held[steering.N_QUIET]
        if n_quiet < _LEAST_QUIET * n_windows:
            return
        quiet = self._held[steering.QUIET : N_SUMS].reshape(2, 1, 3)
        lean, _ = _lean(quiet[0], quiet[1], scatter * math.sqrt(n_windows / n_quiet))
        wrong = cmath.phase(lean * cmath.exp(-1j * self._phase))
        self._n_phases += 1
        gain = interval_s / (interval_s + _PHASE_S)
        if self._n_phases * gain < 1.0:
            gain = 1.0 / self._n_phases
        else:
            wrong = min(max(wrong, -_MOST_TURN), _MOST_TURN)
        self._phase += gain * wrong
        self._turned += gain * wrong

    def _learn_usual(self, interval_s: float) -> None:
        """Move what is usual towards the median of the slots, at most twice as far in 0.2 s."""
        n_judged = self.sums[steering.N_JUDGED]
        if not n_judged:
            return
        if not self._usual:
            self._usual = float(self.sums[steering.LEFT] / n_judged)
            return
        share = self.sums[steering.N_ABOVE] / n_judged
        self._usual *= 2.0 ** ((share - 0.5) * min(10.0 * interval_s, 1.0))

    def _judge(self) -> None:
        """Tell by the averaged coherence whether the cell is there."""
        scatter = 1.0 / math.sqrt(self._n_remembered * self._run.n_window)
        if self.quality > _FOUND * scatter and self._n_looks >= _N_PULL_IN:
            self.state = TrackState.TRACKING
            self._n_silent = 0
        elif self.quality < _GONE * scatter:
            self._n_silent += self._memory[-1][0]
            # A weak cell takes half a second to stand out.
            heard = sum(n_slots for n_slots, _, _ in self._memory)
            is_gone = self.state is TrackState.TRACKING or heard >= _MEMORY
            if is_gone and self._n_silent > self._most_silent:
                self.state = TrackState.LOST


def _lean(
    inside: NDArray[np.float64], outside: NDArray[np.float64], scatter: float
) -> tuple[complex, complex]:
    """Return the coherence within a prefix less that outside, and that outside.

    What is outside is left alone where it may well be chance: it scatters more than what is within.
    """
    within, beyond = _coherence(inside), _coherence(outside)
    if abs(beyond) <= _FOUND * scatter:
        beyond = 0j
    return within - beyond, beyond


def _coherence(of_run: NDArray[np.float64]) -> complex:
    """Return the product of some samples over their power: modulus 1 where all are repeated."""
    power, real, imag = of_run.sum(axis=0)
    return complex(real, imag) / float(power) if power > 0.0 else 0j
