"""Cells by their prefixes alone: what is found of them, and that nothing else is."""

import numpy as np
import pytest

from edgespec.dsp.prefix.folded import find_prefix
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.records import SampleFormat
from tests.edgespec.dsp.prefix.test_residual import through
from tests.edgespec.dsp.prefix.test_search import NO_CELL, recording
from tests.made.lte_cell import noise, received
from tests.made.nr_cell import nr_wave
from tests.made.ofdm import OfdmCell, white


@pytest.mark.parametrize(
    ("spacing_hz", "rate_hz"),
    [(15e3, 1.92e6), (15e3, 5e6), (30e3, 3.84e6), (30e3, 5e6), (30e3, 20e6)],
)
@pytest.mark.parametrize("snr_db", [0.0, 20.0])
def test_a_cell_without_a_block_is_found_by_its_prefixes(rng, spacing_hz, rate_hz, snr_db):
    wave = nr_wave(rng, 1, spacing_hz=spacing_hz, n_frames=33, load=0.5, ssb=False)
    ppm, start = float(rng.uniform(-90, 90)), float(rng.uniform(0, 1e4))
    n_blocks = 20 * spacing_hz / 15e3
    samples = received(
        rng, wave, rate_hz, start=start, ppm=ppm, cfo_hz=1234.0, snr_db=snr_db, n_blocks=n_blocks
    )
    cell = find_prefix(samples, rate_hz, 1000)
    assert (cell.technology, cell.spacing_hz) == (
        "ofdm" if spacing_hz == 15e3 else "nr",
        spacing_hz,
    )
    assert not cell.is_named
    assert cell.ppm == pytest.approx(ppm, abs=3.0)
    assert cell.cfo_hz == pytest.approx(1234.0, abs=150.0)
    slot = 5e-4 * rate_hz * (1 + ppm * 1e-6)
    symbol_s = 5e-4 / (7 * spacing_hz / 15e3)
    off_s = ((cell.frame_start - 1000 + start + slot / 2) % slot - slot / 2) / rate_hz
    # By whole symbols it may be wrong, but for the 0.5 us that the first is longer.
    off_s -= round(off_s / symbol_s) * symbol_s
    assert abs(off_s) < 1.0e-6


def test_what_was_found_can_be_cancelled(rng):
    sent = OfdmCell(3.84e6, start=777.7, cfo_hz=-2e3, ppm=5.0, duplex="", spacing_hz=30e3)
    n = round(0.9 * 3.84e6)
    samples = sent.samples(rng, n) + white(rng, n, 0.01)
    cell = find_prefix(samples, 3.84e6)
    plane = ResidualPlane(
        3.84e6, SampleFormat.CF32, cell, computing="plain", max_block_samples=2_000_000
    )
    residual, power, *_ = through(plane, samples, [n // 2, n - n // 2])
    assert residual[800:].mean() < 0.03 * power[800:].mean()


def not_cells(rng):
    n = 700_000
    t = np.arange(n) / 1.92e6
    yield "noise", noise(rng, n)
    yield "silence", np.zeros(n)
    yield "constant", np.ones(n)
    yield "tone", np.exp(2j * np.pi * 31e3 * t) + noise(rng, n, 1e-3)
    yield "fm", np.exp(2j * np.pi * 60e3 * np.cumsum(np.sin(2 * np.pi * 1e3 * t)) / 1.92e6)
    yield "0.5 ms pulses", noise(rng, n) * (t % 5e-4 < 9e-6) + noise(rng, n, 1e-3)
    yield "0.5 ms pulses of a tone", 1.0 * (t % 5e-4 < 9e-6) + noise(rng, n, 1e-3)
    yield "0.5 ms pulses of 70 us", 1.0 * (t % 5e-4 < 7.2e-5) + noise(rng, n, 1e-3)
    yield "holes", np.where(np.arange(n) % 9000 == 5, np.nan, noise(rng, n))


def test_what_has_no_prefixes_is_refused(rng):
    for name, samples in not_cells(rng):
        for rate_hz in (1.92e6, 3.84e6):
            assert find_prefix(samples.astype(np.complex64), rate_hz) is None, (name, rate_hz)


def test_short_stretches_and_low_rates_find_none(rng):
    for n in (0, 1, 5000, 75_000):
        assert find_prefix(noise(rng, n), 1.92e6) is None
    assert find_prefix(noise(rng, 300_000), 1.4e6) is None


@pytest.mark.parametrize("name", NO_CELL)
def test_recordings_of_something_else_are_refused(shared_data, name):
    samples, rate_hz = recording(shared_data, name, 0.4)
    assert find_prefix(samples, max(rate_hz, 1.92e6)) is None
    assert find_prefix(samples, max(rate_hz, 3.84e6)) is None


def test_a_recorded_cell_is_there_without_its_name(shared_data):
    samples, rate_hz = recording(shared_data, "lte_tdd_f2645_", 0.4)
    cell = find_prefix(samples, rate_hz)
    assert (cell.technology, cell.is_named) == ("ofdm", False)
    assert cell.ppm == pytest.approx(25.7, abs=2.0)
