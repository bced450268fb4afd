"""Every kind of interferer: what makes it what it is, its own way, its jitter."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.lte.sequences import primary_sync
from edgespec.simulate.config import CellConfig, ChannelConfig, InterfererConfig, SceneConfig
from edgespec.simulate.inject import mean_power
from edgespec.simulate.interferers import KINDS, Interferer, settle
from edgespec.simulate.scene import Scene

RATE_HZ = 5e6
MIXES = [kind for kind in KINDS if "+" in kind]


def spectrogram(x: np.ndarray, n_fft: int) -> np.ndarray:
    pieces = x[: len(x) // n_fft * n_fft].reshape(-1, n_fft) * np.hanning(n_fft)
    return np.fft.fftshift(np.abs(np.fft.fft(pieces)) ** 2, axes=1)


def occupied_hz(x: np.ndarray, share: float) -> float:
    """Width of the narrowest symmetric band that holds a share of the power."""
    power = spectrogram(x, 4096).mean(axis=0)
    both = power[2048:] + power[2048:0:-1]
    both[0] = power[2048]
    within = np.cumsum(both) / both.sum()
    return 2 * np.searchsorted(within, share) * RATE_HZ / 4096


def test_all_pairs_of_the_four_are_mixed():
    assert len(MIXES) == 6
    for kind in MIXES:
        assert all(part in KINDS for part in kind.split("+"))


@pytest.mark.parametrize("kind", MIXES)
def test_a_mix_has_power_in_both_halves(kind):
    x = Interferer(InterfererConfig(kind), RATE_HZ, 3).samples(0, 500_000)
    power = spectrogram(x, 1024).mean(axis=0)
    lower, upper = power[:512].sum(), power[512:].sum()
    # Equal while both transmit; duties of 1 and 1/4 at the most.
    assert 0.2 < lower / upper < 5.0


@pytest.mark.parametrize(("kind", "n_phases"), [("bpsk", 2), ("qpsk", 4)])
@pytest.mark.parametrize("bandwidth_hz", [1e5, 2e5, 1.1e6])
def test_a_matched_filter_finds_the_points_of_phase_keying(kind, n_phases, bandwidth_hz):
    source = Interferer(InterfererConfig(kind, bandwidth_hz=bandwidth_hz), RATE_HZ, 1)
    x = source.samples(0, 400_000)
    freqs = np.fft.fftfreq(len(x))
    # Root-raised cosine of roll-off 1/4 once more makes a raised cosine without interference.
    rate = bandwidth_hz / 1.25 / RATE_HZ
    lobe = np.clip((np.abs(freqs) / rate - 0.375) / 0.25, 0, 1)
    y = np.fft.ifft(np.fft.fft(x) * np.cos(np.pi / 2 * lobe))[40_000:-40_000]
    power = np.abs(y) ** 2
    # At the middle of a symbol all points have one modulus; the timing is unknown, so search.
    n_symbols = int(len(y) * rate) - 1
    best = min(
        (np.abs(y[np.rint((np.arange(n_symbols) + t) / rate).astype(int)]) for t in np.r_[0:1:50j]),
        key=np.std,
    )
    assert best.std() / best.mean() < 0.25
    # The n-th power takes the data off a constellation of n phases, and leaves no line else.
    line = np.abs(np.mean((y / np.sqrt(power)) ** n_phases * power))
    other = np.abs(np.mean((y / np.sqrt(power)) ** (n_phases - 1) * power))
    assert line > 0.3 * power.mean() > 5 * other


@pytest.mark.parametrize("n_mhz", [1, 2, 3, 5])
def test_unauthorised_ofdm_is_as_wide_as_it_says_and_looks_like_lte(n_mhz):
    source = Interferer(InterfererConfig(f"ofdm-{n_mhz}m"), 7.68e6, 2)
    x = source.samples(0, 230_400)
    power = spectrogram(x, 3840).mean(axis=0)
    inside = np.abs(np.arange(3840) - 1920) * 2000.0 <= 0.45e6 * n_mhz + 6e3
    # Symbols without a window leak past the edges, the more the narrower the band.
    assert power[inside].sum() / power.sum() > 0.98
    correlation = abs(np.mean(x[512:] * x[:-512].conj())) / mean_power(x)
    assert correlation == pytest.approx(256 / 3840, rel=0.15)


def test_a_deceptive_cell_has_a_synchronisation_signal():
    x = Interferer(InterfererConfig("deceptive"), 7.68e6, 5).samples(0, 153_600)
    best = []
    for root in range(3):
        spectrum = np.zeros(512, np.complex64)
        spectrum[1:32], spectrum[-31:] = primary_sync(root)[31:], primary_sync(root)[:31]
        replica = np.fft.fft(np.pad(np.fft.ifft(spectrum), (0, len(x) - 512)))
        match = np.abs(np.fft.ifft(np.fft.fft(x) * replica.conj())).reshape(4, 38_400)
        best.append((match.max() / np.median(match), np.ptp(match.argmax(axis=1))))
    ratio, spread = max(best)
    assert ratio > 8
    # At the same place of every 5 ms.
    assert spread == 0


def test_barrage_is_gaussian_and_flat():
    x = Interferer(InterfererConfig("barrage", bandwidth_hz=2e6), RATE_HZ, 5).samples(0, 2_000_000)
    # The fourth moment of a complex Gaussian is twice the squared second.
    assert np.mean(np.abs(x) ** 4) == pytest.approx(2.0, abs=0.05)
    assert occupied_hz(x, 0.99) == pytest.approx(1.98e6, rel=0.02)
    power = spectrogram(x, 1024).mean(axis=0)[512 - 190 : 512 + 190]
    assert power.std() / power.mean() < 0.06


@pytest.mark.parametrize("kind", ["chirp", "sweep"])
def test_a_sweep_is_as_fast_as_its_rate(kind):
    rate = 5e8
    config = InterfererConfig(kind, bandwidth_hz=2e6, sweep_hz_per_s=rate)
    x = Interferer(config, RATE_HZ, 2).samples(0, 100_000)
    freq_hz = np.angle(x[1:] * x[:-1].conj()) / (2 * np.pi) * RATE_HZ
    slope = np.median(freq_hz[100:] - freq_hz[:-100]) / (100 / RATE_HZ)
    assert slope == pytest.approx(rate, rel=0.01)
    assert np.ptp(freq_hz) == pytest.approx(2e6, rel=0.02)


def test_a_hopper_visits_its_whole_band_and_stays_for_its_period():
    config = InterfererConfig("hop", bandwidth_hz=4e6, period_s=1e-3)
    x = Interferer(config, RATE_HZ, 2).samples(0, 2_500_000)
    freq_hz = np.angle(x[1:] * x[:-1].conj()) / (2 * np.pi) * RATE_HZ
    hops = np.flatnonzero(np.abs(np.diff(freq_hz)) > 1e3)
    steady = np.diff(hops)
    # Two differences see each hop; the rest is the dwell of 5000 samples.
    assert np.median(steady[steady > 10]) == pytest.approx(5000, abs=3)
    visited = np.histogram(freq_hz[::5000], bins=8, range=(-2e6, 2e6))[0]
    assert visited.sum() == 500
    assert visited.min() > 30


def test_random_pulses_differ_in_length_and_keep_their_mean_duty():
    source = Interferer(InterfererConfig("random-pulse", duty=0.3), RATE_HZ, 4)
    on = (source.samples(0, 5_000_000) != 0).astype(np.int8)
    edges = np.diff(on)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = (stops[stops > starts[0]][: len(starts) - 1] - starts[:-1]) / RATE_HZ
    assert on.mean() == pytest.approx(0.3, abs=0.02)
    assert lengths.std() > 0.4 * lengths.mean()
    periodic = Interferer(InterfererConfig("pulse"), RATE_HZ, 4).samples(0, 500_000) != 0
    other = replace(InterfererConfig("pulse"), random_duty=True)
    assert (periodic != (Interferer(other, RATE_HZ, 4).samples(0, 500_000) != 0)).any()


def test_equal_seeds_are_equal_and_others_are_not():
    for kind in KINDS:
        a, b, c = (
            Interferer(InterfererConfig(kind), RATE_HZ, seed).samples(0, 20_000)
            for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(a, b)
        assert (a != c).any(), kind


# --- its own way to the observer -----------------------------------------------------------


@pytest.mark.parametrize("kind", ["tone", "qpsk", "ofdm-3m", "barrage"])
@pytest.mark.parametrize("profile", ["flat", "epa", "eva"])
def test_fading_keeps_the_mean_power(kind, profile):
    channel = ChannelConfig(profile, doppler_hz=60.0, rician_k_db=None)
    config = InterfererConfig(kind, start_s=0.0, stop_s=0.4, channel=channel)
    x = Interferer(config, RATE_HZ, 3).samples(0, 2_000_000)
    assert 10 * np.log10(mean_power(x)) == pytest.approx(0.0, abs=0.5)
    level_db = 10 * np.log10(np.mean(np.abs(x.reshape(-1, 10_000)) ** 2, axis=1))
    assert np.ptp(level_db) > (3.0 if kind in ("tone", "qpsk") or profile == "flat" else 0.5)


def test_a_way_that_stands_still_keeps_the_isr():
    channel = ChannelConfig("epa", rician_k_db=None)
    config = InterfererConfig("tone", stop_s=0.1, offset_hz=3e5, channel=channel)
    for seed in range(5):
        x = Interferer(config, RATE_HZ, seed).samples(0, 50_000)
        assert mean_power(x[100:]) == pytest.approx(1.0, rel=0.02)


def test_delays_of_a_profile_are_in_the_frequency_response():
    channel = ChannelConfig("eva", rician_k_db=None)
    barrage = InterfererConfig("barrage", bandwidth_hz=4e6, stop_s=1.0)
    direct = Interferer(barrage, RATE_HZ, 9).samples(0, 1_000_000)
    through = Interferer(replace(barrage, channel=channel), RATE_HZ, 9).samples(0, 1_000_000)
    lags = np.arange(-60, 60)
    f = np.fft.fft(through) * np.fft.fft(direct).conj()
    response = np.abs(np.fft.ifft(f))[lags] ** 2
    # The last tap comes 2.51 us, 12.6 samples, after the first; the rest is interpolation.
    first = np.flatnonzero(response > 0.01 * response.max())[0]
    inside = response[first - 2 : first + 17]
    assert inside.sum() / response.sum() > 0.98
    assert (inside > 0.02 * inside.max()).sum() > 5


def test_a_frequency_offset_of_its_own_moves_it():
    channel = ChannelConfig("flat", rician_k_db=100.0, cfo_hz=700.0)
    config = InterfererConfig("tone", offset_hz=1e5, channel=channel)
    x = Interferer(config, RATE_HZ, 1).samples(0, 500_000)
    freq_hz = np.angle(np.vdot(x[:-1], x[1:])) / (2 * np.pi) * RATE_HZ
    assert freq_hz == pytest.approx(100_700.0, abs=1.0)


@pytest.mark.parametrize("profile", ["flat", "eva"])
def test_ways_may_be_asked_in_any_order(profile):
    channel = ChannelConfig(profile, doppler_hz=90.0, cfo_hz=50.0)
    source = Interferer(InterfererConfig("qpsk", channel=channel), RATE_HZ, 4)
    whole = source.samples(0, 60_000)
    for start, stop in ((50_000, 60_000), (0, 17), (17, 50_000)):
        np.testing.assert_allclose(
            source.samples(start, stop - start), whole[start:stop], atol=2e-5
        )


# --- where it begins -----------------------------------------------------------------------


def test_jitter_moves_start_and_offset_and_the_annotation_with_them():
    item = InterfererConfig(
        "tone", 20.0, start_s=0.01, stop_s=0.02, start_jitter_s=0.01, offset_jitter_hz=1e6
    )
    config = SceneConfig(RATE_HZ, CellConfig(load=0.2), interferers=(item,))
    n = 200_000
    starts, middles = set(), []
    for seed in range(6):
        clean = Scene(replace(config, interferers=()), seed).read(n)
        added = np.abs(Scene(config, seed).read(n) - clean) > 1e-4
        (note,) = Scene(config, seed).annotations(n)
        assert np.flatnonzero(added)[0] == note.sample_start
        assert added.sum() == note.sample_count == 50_000
        starts.add(note.sample_start)
        middles.append((note.freq_lower_hz + note.freq_upper_hz) / 2)
    assert len(starts) == 6
    assert all(50_000 <= start <= 100_000 for start in starts)
    assert np.ptp(middles) > 3e5
    assert np.abs(middles).max() <= 1e6


def test_without_jitter_nothing_is_drawn():
    config = InterfererConfig("tone", start_s=0.5)
    assert settle(config, 3) is config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (InterfererConfig("tone", sweep_hz_per_s=1e6), "give a positive rate to a chirp"),
        (InterfererConfig("chirp", sweep_hz_per_s=1e6, period_s=1e-3), "no period_s beside"),
        (InterfererConfig("ofdm-5m", offset_hz=1e6), "over the edge"),
        (InterfererConfig("qpsk", channel=ChannelConfig("etu")), "known are flat"),
    ],
)
def test_what_cannot_be(config, message):
    with pytest.raises(UsageError, match=message):
        Interferer(config, RATE_HZ, 1)
