"""Laws of the tracker: it pulls in, follows drift, is not led astray, and says when it is lost."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edgespec.dsp.prefix import steering
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.steering import N_SUMS, Run, steering_symbols
from edgespec.dsp.prefix.tracker import Tracker, TrackState
from edgespec.records import IqBlock, SampleFormat
from tests.made.ofdm import OfdmCell, white

RATE_HZ = 1.92e6
SLOT = 960
FRAME = 20 * SLOT


def plane_for(cell, **wrong):
    return ResidualPlane(
        cell.rate_hz,
        SampleFormat.CF32,
        cell.found(**wrong),
        max_block_samples=round(cell.rate_hz),
        computing="plain",
    )


def listen(plane, samples, first=0, **changes):
    """Residual of each slot."""
    part = IqBlock(samples, plane.plan.sample_rate_hz, 0.0, first, 0)
    return plane.process(replace(part, **changes)).residual.sum(axis=1)


def late_samples(plane, cell):
    """How much later than the cell's own the tracker's next slot begins."""
    clock = plane.tracker.clock
    step = plane.plan.slot_samples * (1 + 1e-6 * cell.ppm)
    slots = (clock.whole + clock.part + clock.passed * clock.step - cell.start) / step
    return (slots - round(slots)) * step


def decibels(ratio):
    return 10.0 * math.log10(ratio)


@pytest.mark.parametrize("duplex", ["fdd", "tdd"])
@pytest.mark.parametrize(("late", "ppm", "hz"), [(0.5, 3.0, 100.0), (-0.5, -3.0, -100.0)])
def test_what_a_search_is_wrong_by_is_pulled_in_within_a_tenth_of_a_second(
    rng, late, ppm, hz, duplex
):
    """Half a sample, 3 ppm, 100 Hz; with 20 dB of noise what is left is noise then."""
    cell = OfdmCell(start=100.2, ppm=20.0, cfo_hz=900.0, duplex=duplex)
    x = cell.samples(rng, 12 * FRAME) + white(rng, 12 * FRAME, 0.01)
    plane = plane_for(cell, start=late, ppm=ppm, cfo_hz=hz)
    listen(plane, x[: 10 * FRAME])
    assert plane.tracker.state is TrackState.TRACKING
    assert abs(late_samples(plane, cell)) < 0.7
    # 40 Hz turn a copy by .017: that is 38 dB below the cell.
    assert abs(plane.tracker.cfo_hz - cell.cfo_hz) < 40.0
    assert abs(plane.tracker.ppm - cell.ppm) < 3.0
    left = listen(plane, x[10 * FRAME :], 10 * FRAME)
    assert decibels(left.mean()) == pytest.approx(-20.0, abs=0.3)


def test_quality_is_the_share_of_the_cell_in_the_power(rng):
    cell = OfdmCell(start=10.0)
    for noise in (0.0, 0.1, 1.0, 4.0):
        plane = plane_for(cell)
        n = 25 * FRAME
        listen(plane, cell.samples(rng, n) + white(rng, n, noise))
        assert plane.tracker.quality == pytest.approx(1.0 / (1.0 + noise), abs=0.06)
        assert plane.tracker.state is TrackState.TRACKING


@pytest.mark.parametrize("what", ["noise", "tone", "gone", "moved"])
def test_a_cell_that_is_not_there_is_lost_in_time(rng, what):
    """Within 0.7 s, also where it goes on at another timing, or a tone, which repeats itself."""
    cell, n = OfdmCell(start=10.0), 20 * FRAME
    plane = plane_for(cell)
    listen(plane, cell.samples(rng, n) + white(rng, n, 0.01))
    assert plane.tracker.state is TrackState.TRACKING
    m = 70 * FRAME
    after = white(rng, m, 1.0 if what == "noise" else 0.01)
    if what == "tone":
        after += np.exp(0.3j * np.arange(m)).astype(np.complex64)
    if what == "moved":
        after += replace(cell, start=cell.start + 300.0).samples(rng, m)
    listen(plane, after, n)
    assert plane.tracker.state is TrackState.LOST
    assert plane.tracker.quality < 0.1
    # It is there again.
    listen(plane, cell.samples(rng, n + m + n)[n + m :], n + m)
    assert plane.tracker.state is TrackState.TRACKING


@pytest.mark.parametrize("duplex", ["fdd", "tdd"])
def test_noise_is_no_cell(rng, duplex):
    plane = plane_for(OfdmCell(duplex=duplex))
    for k in range(6):
        listen(plane, white(rng, 10 * FRAME), 10 * k * FRAME)
        assert plane.tracker.state is not TrackState.TRACKING
    assert plane.tracker.state is TrackState.LOST


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("level_db", [-10.0, 10.0])
def test_a_tone_neither_cancels_itself_nor_leaves_a_trace(rng, level_db, frozen):
    """It is a quarter of the way between two subcarriers: a phase that gave way would be seen."""
    cell, n = OfdmCell(start=10.0, cfo_hz=500.0), 30 * FRAME
    x = cell.samples(rng, 2 * n) + white(rng, 2 * n, 0.01)
    plane = plane_for(cell)
    before = listen(plane, x[:n])[400:].mean()
    if frozen:
        plane.tracker.freeze()
    power = 10.0 ** (level_db / 10.0)
    m = 10 * FRAME
    turns = (cell.cfo_hz + 15e3 * 4.25) / RATE_HZ * np.arange(m)
    tone = math.sqrt(power) * np.exp(2j * np.pi * turns)
    during = listen(plane, (x[n : n + m] + tone).astype(np.complex64), n)
    # 2 sin^2(pi / 4) of the tone are left, throughout.
    assert decibels(during[-20:].mean()) == pytest.approx(decibels(power + 0.01), abs=0.6)
    if frozen:
        plane.tracker.thaw()
    # The first slot began before the tone went.
    after = listen(plane, x[n + m :], n + m)
    assert decibels(after[1:100].mean() / before) < 0.5
    assert plane.tracker.state is TrackState.TRACKING


def test_a_frozen_phase_stays_and_thaws(rng):
    cell, n = OfdmCell(start=10.0), 15 * FRAME
    plane = plane_for(cell, cfo_hz=60.0)
    plane.tracker.freeze()
    listen(plane, cell.samples(rng, n))
    assert plane.tracker.cfo_hz == 60.0
    plane.tracker.thaw()
    listen(plane, cell.samples(rng, 2 * n)[n:], n)
    assert abs(plane.tracker.cfo_hz) < 5.0


def test_uplink_of_another_timing_does_not_steer_where_time_is_divided(rng):
    """Ten times as strong, three samples early, in all slots but those of subframes 0, 1, 5, 6."""
    uplink = tuple(k for k in range(20) if k % 10 > 3)
    cell = OfdmCell(start=50.0, cfo_hz=300.0, duplex="tdd", silent=uplink)
    users = replace(cell, start=47.0, silent=tuple(set(range(20)) - set(uplink)))
    n = 40 * FRAME
    x = cell.samples(rng, n) + np.float32(3.2) * users.samples(rng, n) + white(rng, n, 0.01)
    plane = plane_for(cell, start=0.3)
    listen(plane, x)
    assert abs(late_samples(plane, cell)) < 0.7
    assert plane.tracker.quality > 0.95


def test_echoes_do_not_draw_the_timing_out_of_the_prefix(rng):
    """Two paths of half the power, 0.5 and 1 us later: the first still decides."""
    cell, n = OfdmCell(start=50.0), 20 * FRAME
    x = cell.samples(rng, n)
    x = x + np.float32(0.7) * np.roll(x, 1) + np.float32(0.7) * np.roll(x, 2)
    plane = plane_for(cell)
    left = listen(plane, x.astype(np.complex64))
    assert abs(late_samples(plane, cell)) < 0.7
    assert left[-100:].mean() < 1e-6


def test_a_short_gap_costs_nothing_and_a_long_one_the_cell(rng):
    cell, n = OfdmCell(start=10.0, ppm=-5.0), 40 * FRAME
    x = cell.samples(rng, 3 * n) + white(rng, 3 * n, 0.01)
    plane = plane_for(cell)
    listen(plane, x[:n])
    left = listen(plane, x[n + 70_000 :], n + 70_000)[1:]
    assert plane.tracker.state is TrackState.TRACKING
    assert decibels(left[:20].mean()) == pytest.approx(-20.0, abs=0.7)
    listen(plane, x[:SLOT], 10**10)
    assert plane.tracker.state is TrackState.LOST


@pytest.mark.parametrize("n_samples", [2, -2])
def test_what_a_jump_was_wrong_by_is_made_good_and_is_no_drift(rng, n_samples):
    """A second of drift that is none takes the timing back to where it would be a jump again."""
    cell, n = OfdmCell(start=10.0), 100 * FRAME
    x = cell.samples(rng, 2 * n) + white(rng, 2 * n, 0.01)
    plane = plane_for(cell)
    listen(plane, x[:n])
    tracker = plane.tracker
    steered = tracker.steered
    tracker.jump(n_samples, n)
    listen(plane, x[n:], n)
    assert abs(late_samples(plane, cell)) < 0.7
    assert tracker.steered - steered == pytest.approx(-n_samples, abs=0.7)
    assert abs(tracker.ppm - cell.ppm) < 0.15


def test_what_a_clock_counts_as_lost_does_not_say_when_slots_begin(rng):
    """A radio that was away for a second: slots may begin at another symbol by then."""
    cell, n = OfdmCell(start=10.0), 40 * FRAME
    x = cell.samples(rng, n) + white(rng, n, 0.01)
    plane = plane_for(cell)
    listen(plane, x)
    listen(plane, x[:SLOT], n + round(plane.plan.sample_rate_hz))
    assert plane.tracker.state is TrackState.LOST


def test_what_the_radio_counts_while_it_is_elsewhere_keeps_the_cell(rng):
    """Half a second, to the sample: slots begin where they should; not where some were lost."""
    cell, n, away = OfdmCell(start=10.0, ppm=-5.0), 100 * FRAME, 50 * FRAME
    x = cell.samples(rng, 2 * n + away) + white(rng, 2 * n + away, 0.01)
    plane = plane_for(cell)
    listen(plane, x[:n])
    listen(plane, x[n + away :], n + away, n_away=away)
    assert plane.tracker.state is TrackState.TRACKING
    assert abs(late_samples(plane, cell)) < 0.7
    plane = plane_for(cell)
    listen(plane, x[:n])
    part = x[n + away : n + away + SLOT]
    listen(plane, part, n + away, n_away=away - 1, n_dropped=1)
    assert plane.tracker.state is TrackState.LOST


class Told:
    """A tracker that is told what slots at a true timing would say: minutes in a second."""

    def __init__(self, rng, rate_hz, ppm_found):
        self.plan = PrefixPlan(rate_hz)
        self.run = Run.of(self.plan)
        cell = replace(OfdmCell().found(), sample_rate_hz=rate_hz, ppm=ppm_found)
        self.tracker = Tracker(self.plan, cell)
        self.rng = rng
        self.true = 0.0

    def look(self, ppm, quality=0.9, per_slot=1.0):
        """Go on to the next look; the sums get what an edge at the true timing leaves."""
        tracker, run, rng = self.tracker, self.run, self.rng
        n_slots = tracker.n_left
        step = self.plan.slot_samples * (1 + 1e-6 * ppm)
        clock = tracker.clock
        begin = clock.whole + clock.part + clock.passed * clock.step
        late = (self.true - begin) + n_slots / 2 * (step - clock.step)
        n_windows = max(round(n_slots * per_slot), 1)
        n = np.arange(run.n_samples) - run.end
        inside = quality * np.clip(1.0 + late - n, 0.0, 1.0)
        scatter = rng.normal(size=(2, len(n))) / math.sqrt(2 * n_windows)
        scatter *= np.sqrt(1.0 - inside**2)
        of_run = np.stack([np.ones(len(n)), inside + scatter[0], scatter[1]], axis=1) * n_windows
        tracker.sums[N_SUMS:] += of_run.ravel()
        tracker.sums[steering.N_WINDOWS] += n_windows
        # The prefixes of many slots end anywhere within a sample; the steps are averaged above.
        tracker.sums[steering.PARTS] += 0.5 * n_windows
        self.true += n_slots * step
        tracker.advance(n_slots)
        return (self.true - (clock.whole + clock.part)) / self.plan.sample_rate_hz


@pytest.mark.parametrize("per_slot", [1.0, 0.5])
@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6, 20e6])
def test_minutes_of_drift_stay_within_the_guard(rng, rate_hz, per_slot):
    """26 ppm, found 3 ppm wrong, that wander by 0.3 ppm a minute: a crystal that warms up."""
    told = Told(rng, rate_hz, 23.0)
    ppm, time_s, worst_s = 26.0, 0.0, 0.0
    while time_s < 300.0:
        before = told.tracker.n_left
        late_s = told.look(ppm, per_slot=per_slot)
        time_s += before * 5e-4
        ppm += before * 5e-4 * 0.3 / 60.0
        if time_s > 1.0:
            worst_s = max(worst_s, abs(late_s))
    # Half of the guard, or three quarters of a sample where that is more.
    assert worst_s < max(0.2e-6, 0.75 / rate_hz)
    assert told.tracker.ppm == pytest.approx(ppm, abs=0.2)
    assert told.tracker.state is TrackState.TRACKING


def test_an_alarm_of_minutes_does_not_cost_the_timing(rng):
    """Of an interferer ten times as strong, which leaves the cell a coherence of .09."""
    told = Told(rng, 5e6, 26.0)
    ppm = 26.0
    for _ in range(100):
        told.look(ppm)
    told.tracker.freeze()
    late_s = []
    for _ in range(1800):
        ppm += 0.1 * 0.3 / 60.0
        late_s.append(told.look(ppm, quality=0.09))
    assert max(map(abs, late_s)) < 1.0e-6
    assert told.tracker.state is TrackState.TRACKING


@pytest.mark.parametrize("prefix", ["normal", "extended"])
def test_steering_symbols_have_reference_signals(prefix):
    """Symbols 0 and n - 3 of a slot (TS 36.211, sec. 6.10.1.2), in slots that are downlink."""
    plan = PrefixPlan(RATE_HZ, prefix)
    for duplex in ("fdd", "tdd"):
        steers = steering_symbols(plan, duplex)
        assert set(np.flatnonzero(steers[:, :-1].any(axis=0))) == {0, plan.n_symbols - 3}
        np.testing.assert_array_equal(steers[:, -1], steers[:, :-1].any(axis=1))
    assert set(np.flatnonzero(steers[:, -1])) == {0, 1, 2, 10, 11, 12}
    # Of the special subframes the first symbol alone is downlink whatever their configuration.
    assert steers[2].tolist() == steers[12].tolist()
    assert steers[2, plan.n_symbols - 3] == 0


def test_a_clock_of_a_hundred_ppm_and_a_dc_spike_are_no_trouble(rng):
    """DC repeats itself everywhere: it is taken off the coherence and leaves the phase alone."""
    cell, n = OfdmCell(start=100.2, ppm=100.0, cfo_hz=3000.0), 15 * FRAME
    x = cell.samples(rng, n) + white(rng, n, 0.01) + np.float32(0.3)
    plane = plane_for(cell, start=-0.4, ppm=2.0, cfo_hz=50.0)
    left = listen(plane, x.astype(np.complex64))
    assert plane.tracker.state is TrackState.TRACKING
    assert plane.tracker.ppm == pytest.approx(100.0, abs=2.0)
    # Between two subcarriers, DC keeps 2 sin^2(pi 3 / 15) of its .09.
    expected = 0.01 + 0.09 * 2.0 * math.sin(math.pi * 0.2) ** 2
    assert decibels(left[-100:].mean()) == pytest.approx(decibels(expected), abs=0.4)


def test_two_cells_of_equal_strength_keep_the_one_that_is_followed(rng):
    """A third of a symbol apart: half of the power is the other's, and stays."""
    cell, n = OfdmCell(start=100.0), 20 * FRAME
    other = replace(cell, start=145.0, cfo_hz=40.0)
    x = cell.samples(rng, n) + other.samples(rng, n)
    plane = plane_for(cell, start=0.3)
    left = listen(plane, x)
    assert plane.tracker.state is TrackState.TRACKING
    assert abs(late_samples(plane, cell)) < 0.7
    assert plane.tracker.quality == pytest.approx(0.5, abs=0.05)
    assert decibels(left[-100:].mean()) == pytest.approx(0.0, abs=0.3)
