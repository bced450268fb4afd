"""NR cells are found, with name, time and frequency; what is no NR cell is refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from edgespec.dsp.cells import find_named_cell
from edgespec.dsp.ssb.search import find_nr_cell, holds_block
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    NrConfig,
    SceneConfig,
)
from edgespec.simulate.scene import Scene
from tests.edgespec.dsp.prefix.test_search import NO_CELL, RECORDED, recording
from tests.made.lte_cell import cell_wave, noise, received
from tests.made.nr_cell import nr_wave

both = pytest.mark.parametrize("spacing_hz", [15e3, 30e3])


def heard(rng, identity, spacing_hz, rate_hz, *, n_frames=10, case=None, number=0, middle=0, **way):
    wave = nr_wave(
        rng, identity, spacing_hz=spacing_hz, n_frames=n_frames, load=0.5, number=number,
        case=case, middle=middle, carrier_hz=2.6123456e9,
    )  # fmt: skip
    return received(rng, wave, rate_hz, n_blocks=20 * spacing_hz / 15e3, **way)


def apart(one, other, n_frame):
    return (one - other + n_frame / 2) % n_frame - n_frame / 2


@pytest.mark.parametrize("rate", [2.4, 3.84, 5.0])
@both
@pytest.mark.parametrize("snr_db", [0.0, 20.0])
def test_a_cell_is_found_where_it_is(rng, spacing_hz, rate, snr_db):
    rate_hz = rate * 1e6 * spacing_hz / 15e3
    identity, number = int(rng.integers(1008)), int(rng.integers(4))
    cfo_hz, start = float(rng.uniform(-40e3, 40e3)), float(rng.uniform(0, 0.02 * rate_hz))
    ppm = float(rng.uniform(-90, 90))
    samples = heard(
        rng, identity, spacing_hz, rate_hz, n_frames=20, number=number, start=start, ppm=ppm,
        cfo_hz=cfo_hz, snr_db=snr_db,
    )  # fmt: skip
    cell = find_nr_cell(samples, rate_hz)
    assert (cell.technology, cell.identity, cell.spacing_hz) == ("nr", identity, spacing_hz)
    assert (cell.prefix, cell.duplex, cell.sample_rate_hz) == ("normal", "", rate_hz)
    n_frame = 0.01 * rate_hz * (1 + ppm * 1e-6)
    off_s = apart(cell.frame_start, -start, n_frame) / rate_hz
    wide = 10.0 ** (-snr_db / 20)
    assert off_s == pytest.approx(0.0, abs=0.3e-6 * wide)
    assert cell.ppm == pytest.approx(ppm, abs=1.5 * wide)
    assert cell.cfo_hz == pytest.approx(cfo_hz, abs=0.06 * spacing_hz * wide)
    assert cell.snr_db == pytest.approx(snr_db, abs=1.5)
    assert cell.margin > 3.0


def test_a_block_far_from_the_centre_is_found(rng):
    samples = heard(rng, 77, 30e3, 20e6, n_frames=4, cfo_hz=-5.1e6, snr_db=10.0)
    cell = find_nr_cell(samples, 20e6)
    assert (cell.identity, cell.spacing_hz) == (77, 30e3)
    assert cell.cfo_hz == pytest.approx(-5.1e6, abs=500.0)


def test_the_block_may_lie_beside_the_carrier(rng):
    # 43 subcarriers from it the PSS is the one of the next sector.
    samples = heard(rng, 400, 15e3, 5e6, n_frames=4, middle=43, snr_db=10.0)
    cell = find_nr_cell(samples, 5e6)
    assert cell.identity == 400
    assert cell.cfo_hz == pytest.approx(43 * 15e3, abs=200.0)


@pytest.mark.parametrize("number", range(8))
def test_the_number_of_the_block_tells_the_time(rng, number):
    # With 15 kHz there are four in a half frame, and the second half has its own numbers.
    wave = nr_wave(rng, 9, number=number, n_frames=4)
    cell = find_nr_cell(received(rng, wave, 3.84e6, start=5000.0, n_blocks=20), 3.84e6)
    assert apart(cell.frame_start, -5000.0, 38_400) == pytest.approx(0.0, abs=0.2)


def test_the_count_of_the_stream_is_kept(rng):
    samples = heard(rng, 8, 15e3, 3.84e6, snr_db=20.0, start=700.0)
    there = find_nr_cell(samples, 3.84e6)
    later = find_nr_cell(samples, 3.84e6, 10**9)
    assert later == replace(there, frame_start=there.frame_start + 10**9)


def test_gain_does_not_matter(rng):
    samples = heard(rng, 8, 15e3, 3.84e6, snr_db=10.0)
    first = find_nr_cell(samples, 3.84e6)
    for gain in (1e-4, 1e4):
        other = find_nr_cell((gain * samples).astype(np.complex64), 3.84e6)
        assert other.identity == 8
        assert other.frame_start == pytest.approx(first.frame_start, abs=1e-2)


def test_the_clearer_of_two_cells_is_found(rng):
    first = heard(rng, 100, 15e3, 3.84e6, snr_db=25.0, cfo_hz=1e3)
    second = heard(rng, 101, 15e3, 3.84e6, snr_db=25.0, start=33_333.0)
    n = min(len(first), len(second))
    samples = first[:n] + np.float32(0.6) * second[:n]
    assert find_nr_cell(samples, 3.84e6).identity == 100


@both
def test_defects_of_a_receiver_do_not_hide_a_cell(rng, spacing_hz):
    rate_hz = 3.84e6 * spacing_hz / 15e3
    samples = heard(rng, 8, spacing_hz, rate_hz, snr_db=15.0, cfo_hz=2e3)
    spiked = samples + np.complex64(2.0)
    clipped = np.clip(samples.real, -0.8, 0.8) + 1j * np.clip(samples.imag, -0.8, 0.8)
    holed = samples.copy()
    holed[[5, 30_000, 77_000]] = np.nan, np.inf, complex(0, -np.inf)
    for other in (spiked, clipped.astype(np.complex64), holed):
        assert find_nr_cell(other, rate_hz).identity == 8


@pytest.mark.parametrize("kind", ["tone", "chirp", "pulse", "qpsk", "barrage"])
def test_an_interferer_5_db_below_does_not_hide_a_cell(kind):
    scene = SceneConfig(
        5e6,
        channel=ChannelConfig("epa", 5.0, snr_db=10.0, cfo_hz=-4e3),
        nr=NrConfig(pci=289, load=0.5),
        interferers=(InterfererConfig(kind, -5.0),),
    )
    assert find_nr_cell(Scene(scene, 5).read(1_000_000), 5e6).identity == 289


# --- what is no NR cell ----------------------------------------------------------------------


def not_cells(rng):
    n = 200_000
    t = np.arange(n) / 3.84e6
    yield "noise", noise(rng, n)
    yield "silence", np.zeros(n, np.complex64)
    yield "constant", np.ones(n, np.complex64)
    yield "tone", np.exp(2j * np.pi * 31e3 * t) + noise(rng, n, 1e-3)
    yield "fm", np.exp(2j * np.pi * 60e3 * np.cumsum(np.sin(2 * np.pi * 1e3 * t)) / 3.84e6)
    yield "chirp", np.exp(2j * np.pi * 1e8 * ((t % 5e-3) - 2.5e-3) ** 2) + noise(rng, n, 1e-3)
    yield "20 ms pulses", noise(rng, n) * (t % 20e-3 < 7e-5)
    yield "LTE", received(rng, cell_wave(rng, 5, n_blocks=15, n_frames=7), 3.84e6)
    yield "NR without a block", received(rng, nr_wave(rng, 5, ssb=False), 3.84e6)
    yield "NR backwards", received(rng, nr_wave(rng, 5), 3.84e6)[::-1]


def test_what_is_no_nr_cell_is_refused(rng):
    for name, samples in not_cells(rng):
        assert find_nr_cell(samples.astype(np.complex64), 3.84e6) is None, name


@pytest.mark.parametrize("beside_hz", [-1.1e6, -0.6e6, 0.3e6, 1.0e6])
@pytest.mark.parametrize("snr_db", [-12.0, 0.0, 25.0])
def test_a_part_of_an_lte_cell_is_no_nr_cell(rng, beside_hz, snr_db):
    """Of two bands of one radio, one may hear half of what the other hears."""
    channel = ChannelConfig("epa", 5.0, 10.0, snr_db)
    scene = Scene(SceneConfig(4.8e6, CellConfig(int(rng.integers(504))), channel), 3)
    samples = scene.read(round(0.2 * 4.8e6))
    turns = np.exp(-2j * np.pi * beside_hz / 4.8e6 * np.arange(len(samples)))
    part = signal.resample_poly(samples * turns, 1, 2).astype(np.complex64)
    assert find_nr_cell(part, 2.4e6) is None


def test_a_rate_that_holds_no_block_finds_none(rng):
    assert not holds_block(1.92e6, 15e3)
    assert holds_block(2.4e6, 15e3)
    assert not holds_block(3.84e6, 30e3)
    samples = heard(rng, 8, 15e3, 3.84e6, snr_db=20.0)
    assert find_nr_cell(samples[::2].copy(), 1.92e6) is None


def test_too_short_is_no_cell(rng):
    for n in (0, 1, 500, 80_000):
        assert find_nr_cell(noise(rng, n), 3.84e6) is None


def test_whoever_is_there_is_named(rng):
    scene = SceneConfig(5e6, CellConfig(pci=77), ChannelConfig(snr_db=20.0))
    lte = find_named_cell(Scene(scene, 1).read(1_000_000), 5e6)
    assert (lte.technology, lte.identity) == ("lte", 77)
    nr = find_named_cell(Scene(replace(scene, nr=NrConfig(pci=777)), 1).read(1_000_000), 5e6)
    assert (nr.technology, nr.identity) == ("nr", 777)


@pytest.mark.parametrize("name", [*RECORDED, *NO_CELL])
def test_recordings_hold_no_nr(shared_data, name):
    samples, rate_hz = recording(shared_data, name, 0.1)
    # Those of low rates as if they had been recorded faster: other signals, but no cells either.
    assert find_nr_cell(samples, max(rate_hz, 3.84e6)) is None
