"""Laws of the residual plane for cells of NR: other prefixes, and nothing that is always on."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.dsp.prefix.pilot_plan import pilot_plan
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.steering import steering_symbols
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.errors import ConfigError
from edgespec.records import SampleFormat
from tests import naive
from tests.edgespec.dsp.prefix.test_residual import block, through
from tests.made.ofdm import OfdmCell, encode, white

CELL = OfdmCell(3.84e6, start=37.3, cfo_hz=1234.0, duplex="", spacing_hz=30e3)
SLOT = 1920
both = pytest.mark.parametrize("computing", Computing)


def plane_for(cell, sample_format=SampleFormat.CF32, computing="plain"):
    found = cell.found() if isinstance(cell, OfdmCell) else cell
    return ResidualPlane(
        found.sample_rate_hz, sample_format, found, computing=computing, max_block_samples=2_000_000
    )


@both
def test_equals_the_definition(rng, computing):
    cell = replace(CELL, start=-20.6, cfo_hz=-800.0)
    samples = 0.1 * (cell.samples(rng, 5 * SLOT) + white(rng, 5 * SLOT, 0.1))
    residual, power, slot, flags, _ = through(plane_for(cell, computing=computing), samples)
    turn = np.exp(2j * np.pi * 800 / 30e3)
    plan = PrefixPlan(3.84e6, spacing_hz=30e3)
    expected = np.array([
        naive.prefix_slot(samples.astype(complex), plan, -20.6 + SLOT * k, turn) for k in slot
    ])  # fmt: skip
    # float32 leaves some 1e-7 of the largest term in a sum of squares.
    np.testing.assert_allclose(residual, expected[:, 0], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(power, expected[:, 1], rtol=1e-5)
    assert not flags.any()


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("rate_hz", [3.84e6, 5e6, 7.68e6, 20e6])
def test_both_ways_agree(rng, rate_hz):
    cell = replace(CELL.found(), sample_rate_hz=rate_hz, ppm=3.0)
    samples = encode(white(rng, round(0.03 * rate_hz), 0.02), SampleFormat.CI16)
    fast, slow = (
        through(plane_for(cell, SampleFormat.CI16, way), samples) for way in ("compiled", "plain")
    )
    assert len(fast[0]) > 55
    for one, other in zip(fast[:2], slow[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-9)
    for one, other in zip(fast[2:], slow[2:], strict=True):
        np.testing.assert_array_equal(one, other)


@both
def test_any_division_of_the_stream_gives_the_same_bits(rng, computing):
    n_samples = 45 * SLOT
    samples = encode(0.2 * CELL.samples(rng, n_samples), SampleFormat.CU8)
    cell = CELL.found(start=0.4, ppm=2.0)
    whole = through(plane_for(cell, SampleFormat.CU8, computing), samples)
    cuts = np.sort(rng.integers(0, n_samples, 60))
    pieces = through(
        plane_for(cell, SampleFormat.CU8, computing), samples, np.diff([0, *cuts, n_samples])
    )
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cell_without_noise_is_gone_whatever_it_sends(rng):
    cell = replace(CELL, silent=(2, 3, 7))
    residual, power, *_ = through(plane_for(cell), cell.samples(rng, 40 * SLOT))
    assert residual.sum() < 1e-9 * power.sum()


def test_timing_and_phase_are_followed_by_what_is_sent(rng):
    cell = replace(CELL, silent=tuple(range(1, 20, 3)), ppm=2.0)
    samples = cell.samples(rng, 800 * SLOT) + white(rng, 800 * SLOT, 0.01)
    # As a search may be wrong: by a quarter of a microsecond, 2 ppm and 300 Hz.
    plane = plane_for(cell.found(start=1.0, ppm=-2.0, cfo_hz=300.0))
    residual, power, *_ = through(plane, samples)
    assert plane.tracker.state is TrackState.TRACKING
    assert plane.tracker.cfo_hz == pytest.approx(1234.0, abs=30.0)
    assert plane.tracker.ppm == pytest.approx(2.0, abs=0.5)
    assert residual[400:].mean() < 0.02 * power[400:].mean()


def test_a_cell_that_is_silent_is_kept_for_a_minute(rng):
    plane = plane_for(CELL)
    n = 500 * SLOT
    plane.process(block(CELL.samples(rng, n) + white(rng, n, 0.01), 0, 3.84e6))
    for k in range(1, 13):
        plane.process(block(white(rng, n, 0.01), k * n, 3.84e6))
    assert plane.tracker.state is TrackState.TRACKING
    # One of LTE is lost by then: its reference signals would be heard.
    lte = replace(CELL, rate_hz=1.92e6, spacing_hz=15e3, duplex="fdd")
    plane = plane_for(lte)
    plane.process(block(lte.samples(rng, n // 2) + white(rng, n // 2, 0.01), 0))
    for k in range(1, 5):
        plane.process(block(white(rng, n // 2, 0.01), k * (n // 2)))
    assert plane.tracker.state is TrackState.LOST


@pytest.mark.parametrize("rate_hz", [3.84e6, 5e6, 20e6])
def test_what_steers_lies_within_the_reach_of_a_slot(rate_hz):
    from edgespec.dsp.prefix.recipe import Recipe
    from edgespec.dsp.quality import ClipLimits

    plan = PrefixPlan(rate_hz, spacing_hz=30e3)
    limits = ClipLimits.of(SampleFormat.CF32, 0.1, None)
    recipe = Recipe.of(plan, SampleFormat.CF32, limits, "")
    steers = steering_symbols(plan, "")
    last = np.flatnonzero(steers[0, :-1])[-1]
    _, stop = recipe.reach
    begin = np.floor(plan.prefix_ends[last] + 1) - recipe.back
    needed = begin + recipe.lag - recipe.before + recipe.run.n_samples + recipe.n_more
    assert needed <= stop
    assert steers[:, :-2].all()


def test_nr_has_no_reference_signals_to_watch():
    cell = replace(CELL.found(), technology="nr")
    with pytest.raises(ConfigError, match="of NR: only LTE has reference signals"):
        pilot_plan(cell)
