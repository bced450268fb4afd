"""Compiled loops of the simulator give what NumPy gives, bit for bit."""

import numpy as np
import pytest

from edgespec.simulate import normals
from edgespec.simulate.channel import Channel
from edgespec.simulate.config import CellConfig, ChannelConfig, TddConfig
from edgespec.simulate.normal_loops import LoopNormals
from edgespec.simulate.normals import PlainNormals
from edgespec.simulate.resample import FrameResampler
from edgespec.simulate.schedule import FrameSchedule
from edgespec.simulate.scheduling import PlainScheduler
from edgespec.simulate.traffic import Traffic
from edgespec.simulate.waveform import Downlink

SCALE = np.float32(0.3)


def drawn(stream: normals.Normals, lengths: list[int]) -> np.ndarray:
    values = np.ones(sum(lengths), np.float32)
    for stop, length in zip(np.cumsum(lengths), lengths, strict=True):
        stream.add_to(values[stop - length : stop], SCALE)
    return values


@pytest.mark.parametrize("seed", [0, 7])
def test_normals_are_those_of_the_generator(seed):
    # One in 4,000 draws comes from the tail.
    n = 60_000
    expected = np.float32(1) + np.random.default_rng(seed).standard_normal(n, np.float32) * SCALE
    np.testing.assert_array_equal(drawn(LoopNormals(seed), [n]), expected)
    np.testing.assert_array_equal(drawn(PlainNormals(seed), [n]), expected)
    assert expected.max() > 1 + 3.6541528853610088 * SCALE


def test_normals_go_on_where_the_words_ran_out(monkeypatch):
    # Without a spare word every draw that takes several of them is begun more than once.
    monkeypatch.setattr("edgespec.simulate.normal_loops._SPARE_WORDS", 0)
    lengths = [1, 0, 3, 1] * 400 + [9_001]
    n = sum(lengths)
    np.testing.assert_array_equal(
        drawn(LoopNormals(3), lengths), drawn(PlainNormals(3), [n]).ravel()
    )


def test_normals_are_numpys_own_without_a_compiler(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert isinstance(normals.open_normals(1), PlainNormals)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    assert isinstance(normals.open_normals(1), LoopNormals)


@pytest.mark.parametrize("tdd", [None, TddConfig(0, 5)])
@pytest.mark.parametrize("user_groups", [0, 4])
@pytest.mark.parametrize("scheduler", ["proportional-fair", "round-robin"])
@pytest.mark.parametrize(("n_users", "load"), [(1, 0.4), (11, 0.9)])
def test_users_are_served_alike_in_loops(scheduler, n_users, load, user_groups, tdd, monkeypatch):
    cell = CellConfig(load=load, n_users=n_users, scheduler=scheduler, user_groups=user_groups)
    loops = Traffic(cell, 7, tdd)
    monkeypatch.setattr("edgespec.simulate.scheduling.loops_are_quick", lambda: False)
    plain = Traffic(cell, 7, tdd)
    assert isinstance(plain._scheduler, PlainScheduler)
    n_used = 0
    for _ in range(40):
        expected, found = plain.next_frame(), loops.next_frame()
        for name in FrameSchedule.__slots__:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        n_used += np.count_nonzero(expected.modulation)
    assert n_used > 200


@pytest.mark.parametrize("tdd", [None, TddConfig()])
@pytest.mark.parametrize("n_control", [0, 1, 3])
def test_the_grid_is_the_same_in_loops(tdd, n_control):
    cell = CellConfig(pci=7, load=0.7, n_ports=2, n_control=n_control, control_db=-2.0, sync_db=3.0)
    plain, loops = Downlink(cell, 5, tdd), Downlink(cell, 5, tdd)
    plain._is_quick, loops._is_quick = False, True
    traffic = Traffic(cell, 3, tdd)
    for _ in range(2):
        schedule = traffic.next_frame()
        amplitudes = plain.amplitudes(schedule)
        np.testing.assert_array_equal(loops.amplitudes(schedule), amplitudes)
        found = loops.grid(schedule, amplitudes)
        np.testing.assert_array_equal(found, plain.grid(schedule, amplitudes))
        assert np.count_nonzero(found) > 10_000


@pytest.mark.parametrize("tdd", [None, TddConfig(0, 5)])
@pytest.mark.parametrize("doppler_hz", [0.0, 70.0])
def test_what_arrives_is_the_grid_times_the_channel(doppler_hz, tdd):
    cell = CellConfig(pci=9, load=0.6, n_users=4, n_ports=2, control_db=-2.0, reference_db=1.0)
    plain, loops = Downlink(cell, 5, tdd), Downlink(cell, 5, tdd)
    plain._is_quick, loops._is_quick = False, True
    channel = Channel(ChannelConfig("eva", doppler_hz, shadow_db=3.0 * bool(doppler_hz)), 4)
    traffic = Traffic(cell, 3, tdd)
    spectra = np.full((2, 140, 512), np.nan, np.complex64)
    for frame in range(3):
        schedule = traffic.next_frame()
        for downlink, out in zip((plain, loops), spectra, strict=True):
            downlink.send(schedule, channel.frame_taps(frame), channel.steering, out)
        # Elements have modulus 1 / sqrt(300); sums of nine taps are rounded differently.
        np.testing.assert_allclose(spectra[1], spectra[0], atol=1e-6 / np.sqrt(300))
        assert (spectra[1] == 0).mean() > 212 / 512
        assert np.count_nonzero(spectra[1]) > 1_000


def test_a_channel_that_stands_still_is_the_same_in_every_frame():
    still, moving = (Channel(ChannelConfig("eva", hz), 4) for hz in (0.0, 50.0))
    np.testing.assert_array_equal(still.frame_gains(0), still.frame_gains(9))
    assert still.frame_gains(0) is still.frame_gains(9)
    assert np.abs(moving.frame_gains(0) - moving.frame_gains(9)).max() > 0.1


@pytest.mark.parametrize("is_quick", [True, False])
@pytest.mark.parametrize("rate_hz", [1e6, 1.92e6, 2.4e6, 5e6, 7.68e6, 1e7])
def test_the_band_is_put_together_of_all_its_bins(rate_hz, is_quick, rng, monkeypatch):
    monkeypatch.setattr("edgespec.simulate.resample.loops_are_quick", lambda: is_quick)
    resampler = FrameResampler(rate_hz)
    n = len(resampler._line)
    line_hz = n / (76_800 + 2 * resampler._pad * 76_800 // resampler._n_frame) * 7.68e6
    line = rng.standard_normal((n, 2)).astype(np.float32).view(np.complex64)[:, 0]
    resampler._line[:] = line
    resampler._transform()
    whole, freqs_hz = np.fft.fft(line), np.fft.fftfreq(n, 1 / line_hz)
    n_out = len(resampler._spectrum)
    inside = np.abs(freqs_hz) < 0.45 * min(rate_hz, 7.68e6)
    at = np.round(freqs_hz[inside] * n / line_hz).astype(int)
    expected = whole[inside] * n_out / n
    if resampler._halver is not None:
        expected /= resampler._halver.gain(freqs_hz[inside] / 7.68e6)
    error = resampler._spectrum[at] - expected
    assert np.abs(error).max() < 1e-5 * np.abs(whole).max() * n_out / n
    outside = np.ones(n_out, bool)
    near = np.abs(freqs_hz) < 0.5 * min(rate_hz, 7.68e6)
    outside[np.round(freqs_hz[near] * n / line_hz).astype(int)] = False
    assert not resampler._spectrum[outside].any()


@pytest.mark.parametrize("rate_hz", [1e6, 1.92e6, 2.4e6])
def test_a_sample_left_out_of_two_is_not_missed(rate_hz, rng, monkeypatch):
    frames = rng.standard_normal((4, 76_800, 2)).astype(np.float32).view(np.complex64)[..., 0]
    halving = FrameResampler(rate_hz)
    monkeypatch.setattr("edgespec.simulate.halving.loops_are_quick", lambda: False)
    whole = FrameResampler(rate_hz)
    assert len(whole._line) > 1.8 * len(halving._line)
    shared = np.empty(76_800, np.complex64)
    for frame in frames:
        # The frame is the caller's again after each push.
        shared[:] = frame
        expected, found = whole.push(shared), halving.push(shared)
        # White noise to 3.84 MHz: what is beside the band is 115 dB down.
        assert np.abs(found - expected).max() < 1e-5 * np.sqrt(np.mean(np.abs(frame) ** 2))
    assert np.mean(np.abs(found) ** 2) == pytest.approx(2 * 0.95 * rate_hz / 7.68e6, rel=0.05)


@pytest.mark.parametrize("is_quick", [True, False])
@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6, 1.0001e6])
def test_samples_are_the_inverse_transform_of_the_spectrum(rate_hz, is_quick, monkeypatch):
    monkeypatch.setattr("edgespec.simulate.resample.loops_are_quick", lambda: is_quick)
    resampler = FrameResampler(rate_hz)
    rng = np.random.default_rng(1)
    n = len(resampler._spectrum)
    spectrum = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    resampler._spectrum[:] = spectrum
    expected = np.fft.ifft(spectrum.astype(np.complex128))
    assert np.abs(resampler._samples() - expected).max() < 2e-6 * np.abs(expected).max()
