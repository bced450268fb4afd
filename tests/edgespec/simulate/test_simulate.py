"""The LTE-like simulator: acceptance laws, interferers, injection."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import resample_poly
from scipy.special import j0

from edgespec.errors import UsageError
from edgespec.lte.sequences import primary_sync
from edgespec.records import SampleFormat
from edgespec.simulate.channel import PROFILES, Channel
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.simulate.fading import Fading
from edgespec.simulate.inject import inject, mean_power
from edgespec.simulate.interferers import KINDS, Interferer
from edgespec.simulate.receiver import quantise
from edgespec.simulate.resample import FrameResampler
from edgespec.simulate.scene import Scene
from edgespec.simulate.traffic import Traffic
from edgespec.simulate.wanted import Wanted, wanted_power
from edgespec.simulate.waveform import Downlink

QUIET = ChannelConfig(profile="flat", rician_k_db=100.0, snr_db=25.0)
RATES_HZ = [1.92e6, 2.4e6, 5e6, 7.68e6, 10e6]


def db(ratio):
    return 10 * np.log10(ratio)


def wanted(config: SceneConfig, seed: int, n_frames: int) -> np.ndarray:
    source = Wanted(config, seed)
    return np.concatenate([source.next_frame() for _ in range(n_frames)])


def kinds_within(rate_hz: float, offset_hz: float = 0.0) -> list[str]:
    """Kinds whose usual bandwidth fits a sample rate at an offset."""
    return [
        name
        for name, kind in sorted(KINDS.items())
        if kind.bandwidth_hz(rate_hz) / 2 + abs(offset_hz) <= rate_hz / 2
    ]


def spectrogram_db(samples: np.ndarray) -> np.ndarray:
    """Mean of 10 Hann spectra of 128 points, dB, fft-shifted: plain numpy."""
    n = len(samples) // 1280 * 1280
    windowed = samples[:n].reshape(-1, 10, 128) * np.hanning(129)[:128]
    power = np.abs(np.fft.fft(windowed, axis=2)) ** 2
    return db(np.fft.fftshift(power.mean(axis=1), axes=1))


# --- what makes a cell ---------------------------------------------------------------------


@pytest.mark.parametrize("load", [0.0, 0.2, 0.6, 0.9])
def test_load_is_the_mean_share_of_the_data_resources(load):
    traffic = Traffic(CellConfig(load=load), seed=5)
    used = np.mean([traffic.next_frame().modulation > 0 for _ in range(3000)])
    # SIB1 and paging: 2 of 13 groups each 20 ms, 1 with 0.3 each 10 ms; bursts have a long tail.
    broadcast = (2 / 20 + 0.3 / 10) / 13
    assert used == pytest.approx(load + broadcast, abs=0.01 + 0.15 * load)


@pytest.mark.parametrize("scheduler", ["proportional-fair", "round-robin"])
def test_bursts_of_one_seed_repeat(scheduler):
    cell = CellConfig(scheduler=scheduler)
    first, again = Traffic(cell, 1), Traffic(cell, 1)
    for _ in range(20):
        a, b = first.next_frame(), again.next_frame()
        np.testing.assert_array_equal(a.modulation, b.modulation)


@pytest.mark.parametrize("n_ports", [1, 2])
@pytest.mark.parametrize("pci", [0, 123, 503])
def test_amplitudes_are_those_of_the_grid(pci, n_ports):
    cell = CellConfig(pci=pci, load=0.7, n_ports=n_ports)
    traffic, downlink = Traffic(cell, 2), Downlink(cell, 3)
    power = amplitude_power = 0.0
    for _ in range(50):
        schedule = traffic.next_frame()
        amplitudes = downlink.amplitudes(schedule)
        grid = downlink.grid(schedule, amplitudes)
        np.testing.assert_array_equal(grid == 0, amplitudes == 0)
        power += np.sum(np.abs(grid) ** 2, dtype=float)
        amplitude_power += np.sum(amplitudes**2, dtype=float)
    assert db(power / amplitude_power) == pytest.approx(0.0, abs=0.02)


# --- what the observer hears ---------------------------------------------------------------


@pytest.mark.parametrize("pci", [0, 124, 500])
def test_primary_sync_comes_every_5_ms(pci):
    config = SceneConfig(7.68e6, CellConfig(pci=pci, load=0.6), replace(QUIET, snr_db=10.0))
    samples = Scene(config, 1).read(6 * 38_400)
    spectrum = np.zeros(512, np.complex64)
    spectrum[1:32], spectrum[-31:] = primary_sync(pci)[31:], primary_sync(pci)[:31]
    replica = np.fft.ifft(spectrum)
    replica = np.pad(replica, (0, 38_400 - 512))
    for half_frame in samples.reshape(6, 38_400):
        # Circular, as the place is known only modulo 5 ms.
        match = np.abs(np.fft.ifft(np.fft.fft(half_frame) * np.fft.fft(replica).conj()))
        # Symbol 6: 7 prefixes (40 and 6 of 36) and 6 symbols of 512 lie before its useful part.
        assert match.argmax() == 40 + 6 * 36 + 6 * 512
        assert match.max() > 6 * np.median(match)


@pytest.mark.parametrize("load", [0.0, 0.5, 1.0])
def test_cyclic_prefix_correlates_at_66_7_us(load):
    config = SceneConfig(7.68e6, CellConfig(load=load), replace(QUIET, snr_db=30.0))
    x = wanted(config, 1, 10)
    power = mean_power(x)
    correlation = {
        lag: abs(np.mean(x[lag:] * x[:-lag].conj())) / power for lag in (300, 487, 512, 537, 700)
    }
    # 256 of 3840 samples of a slot are copies.
    assert correlation[512] == pytest.approx(256 / 3840, rel=0.15)
    assert max(v for lag, v in correlation.items() if lag != 512) < 0.3 * correlation[512]


def test_stationary_noise_has_the_floor_of_ten_averages():
    config = SceneConfig(5e6, CellConfig(load=0.0), replace(QUIET, snr_db=-60.0))
    levels = spectrogram_db(Scene(config, 1).read(1_280_000))
    # 5.57 dB / sqrt(10) would be 1.76; the exact figure of a mean of 10 exponentials is 1.41.
    assert levels.std() == pytest.approx(1.41, abs=0.02)


def test_an_idle_cell_is_still_visible():
    idle = SceneConfig(5e6, CellConfig(load=0.0), replace(QUIET, snr_db=20.0))
    mean_db = db(np.mean(10 ** (spectrogram_db(Scene(idle, 1).read(500_000)) / 10), axis=0))
    inside, outside = mean_db[64 - 50 : 64 + 50], np.r_[mean_db[:3], mean_db[-3:]]
    assert inside.min() > outside.max() + 5.0
    # PSS, SSS and PBCH fill the six blocks in the middle.
    assert mean_db[64 - 10 : 64 + 10].mean() > np.r_[mean_db[20:50], mean_db[78:108]].mean() + 1.0


def test_a_full_cell_occupies_4_5_mhz():
    full = SceneConfig(7.68e6, CellConfig(load=1.0, user_spread_db=0.0), QUIET)
    x = wanted(full, 1, 10)[-100 * 4096 :]
    power = np.mean(np.abs(np.fft.fft(x.reshape(-1, 4096) * np.hanning(4096))) ** 2, axis=0)
    freqs_hz = np.abs(np.fft.fftfreq(4096, 1 / 7.68e6))
    assert power[freqs_hz <= 2.26e6].sum() / power.sum() > 0.99
    assert db(power[(freqs_hz > 0.1e6) & (freqs_hz < 2.2e6)].std() / power.max()) < -6
    assert db(power[freqs_hz > 2.5e6].mean() / power[freqs_hz < 2.2e6].mean()) < -25


@pytest.mark.parametrize("load", [0.0, 0.3])
def test_envelope_repeats_with_slots_and_symbols(load):
    x = wanted(SceneConfig(5e6, CellConfig(load=load), QUIET), 1, 100)
    envelope = np.abs(np.fft.rfft(np.abs(x) ** 2))
    # 1 s: bin number is Hz. Lines at multiples of 2 kHz belong to the slot of 0.5 ms.
    around = np.median(envelope[500:7000])
    for line_hz in (1000, 2000, 4000, 6000):
        assert envelope[line_hz] > 2 * around


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_power_is_known_without_making_samples(rate_hz):
    config = SceneConfig(
        rate_hz, CellConfig(load=0.4), ChannelConfig("eva", doppler_hz=70.0, rician_k_db=None)
    )
    x = wanted(config, 3, 30)
    for start_s, stop_s in ((0.0, 0.3), (0.1, 0.2)):
        measured = mean_power(x[round(start_s * rate_hz) : round(stop_s * rate_hz)])
        assert db(measured / wanted_power(config, 3, start_s, stop_s)) == pytest.approx(0, abs=0.08)


def test_snr_is_that_of_a_loaded_subcarrier():
    full = SceneConfig(7.68e6, CellConfig(load=1.0, user_spread_db=0.0), replace(QUIET, snr_db=10))
    signal = wanted(full, 1, 20)
    gain = 10 ** (full.receiver.level_dbfs / 20)
    noise = Scene(full, 1).read(len(signal)) / gain - signal
    # Noise fills 7.68 MHz, the subcarriers 4.5 MHz.
    in_band = mean_power(noise) * 4.5 / 7.68
    skip = len(signal) // 2
    assert db(mean_power(signal[skip:]) / in_band) == pytest.approx(10.0, abs=0.3)


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("k_db", [None, 0.0, 20.0])
def test_fading_has_mean_power_1(profile, k_db):
    config = ChannelConfig(profile, rician_k_db=k_db)
    power = [np.mean(np.abs(Channel(config, seed).frame_gains(0)[0]) ** 2) for seed in range(600)]
    assert np.mean(power) == pytest.approx(1.0, abs=0.15)


def test_a_channel_that_moves_turns_as_fast_as_its_doppler():
    gains = Channel(ChannelConfig("flat", doppler_hz=40.0, rician_k_db=None), 1)
    path = np.array([gains.frame_gains(frame)[::14, 0] for frame in range(1000)]).ravel()
    spectrum = np.abs(np.fft.fft(path)) ** 2
    freqs_hz = np.abs(np.fft.fftfreq(len(path), 1e-3))
    assert spectrum[freqs_hz < 41.0].sum() / spectrum.sum() > 0.99
    assert spectrum[freqs_hz > 10.0].sum() / spectrum.sum() > 0.3


def test_a_channel_that_moves_forgets_as_fast_as_its_doppler():
    offsets_s = np.array([0.0, 2e-3, 5e-3, 7.65e-3, 12e-3])
    found = np.zeros(len(offsets_s), complex)
    n = 800
    for seed in range(n):
        taps = Fading(ChannelConfig("flat", 50.0, None), seed).recurring(offsets_s)(3.0)[:, 0]
        found += taps * taps[0].conj() / n
    # Jakes: the Bessel function J0 of the angle that the fastest wave turns; it
    # is 0 at 7.65 ms. A mean of 800 products of standard deviation 1.
    np.testing.assert_allclose(found, j0(2 * np.pi * 50.0 * offsets_s), atol=4 / np.sqrt(n))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_resampled_tone_is_continuous_over_frames(rate_hz):
    resampler = FrameResampler(rate_hz)
    tone_hz = 312_345.0
    tone = np.exp(2j * np.pi * tone_hz / 7.68e6 * np.arange(5 * 76_800)).astype(np.complex64)
    frames = [resampler.push(frame) for frame in tone.reshape(5, -1)]
    got = np.concatenate(frames[2:4])
    # The first push gives what lay before the stream, so the third gives the second frame.
    k = np.arange(len(frames[0]), 3 * len(frames[0]))
    expected = np.exp(2j * np.pi * tone_hz / rate_hz * k)
    np.testing.assert_allclose(got, expected, atol=2e-3)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_any_chunking_gives_the_same_samples(rate_hz, rng):
    interferers = tuple(
        InterfererConfig(kind, isr_db=-3.0, start_s=0.004, stop_s=0.017)
        for kind in kinds_within(rate_hz)
    )
    channel = ChannelConfig("eva", doppler_hz=50.0, cfo_hz=300.0)
    config = SceneConfig(rate_hz, channel=channel, interferers=interferers)
    n = round(0.035 * rate_hz)
    whole = Scene(config, 11).read(n)
    pieces, scene = [], Scene(config, 11)
    while scene.n_samples < n:
        pieces.append(scene.read(min(int(rng.integers(1, 20_000)), n - scene.n_samples)))
    np.testing.assert_array_equal(whole, np.concatenate(pieces))


# --- interferers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "isr_db"),
    [(kind, (-10.0, 10.0)[number % 2]) for number, kind in enumerate(sorted(KINDS))],
)
def test_isr_is_what_was_asked_for(kind, isr_db):
    interferer = InterfererConfig(kind, isr_db, offset_hz=1e5, start_s=0.05, stop_s=0.15)
    clean = SceneConfig(5e6, CellConfig(load=0.5), ChannelConfig("epa", doppler_hz=10.0))
    active = slice(250_000, 750_000)
    signal = wanted(clean, 9, 15)[active]
    dirty = Scene(replace(clean, interferers=(interferer,)), 9).read(750_000)
    gain = 10 ** (clean.receiver.level_dbfs / 20)
    added = ((dirty - Scene(clean, 9).read(750_000)) / gain)[active]
    on = np.abs(added) > 1e-6
    assert db(mean_power(added[on]) / mean_power(signal)) == pytest.approx(isr_db, abs=0.1)


@pytest.mark.parametrize(
    ("rate_hz", "kind"),
    [(rate_hz, kind) for rate_hz in (1.92e6, 5e6) for kind in kinds_within(rate_hz, 9e4)],
)
def test_interferers_have_power_1_their_duty_and_their_band(kind, rate_hz):
    source = Interferer(InterfererConfig(kind, offset_hz=-9e4), rate_hz, seed=4)
    config = source.config
    n = round(0.2 * rate_hz)
    x = source.samples(0, n)
    on = x != 0
    if "+" not in kind:
        # Pulses of random length are 200 here, each uniform over 0 to 60 %.
        assert on.mean() == pytest.approx(config.duty, abs=0.04 if config.random_duty else 0.01)
    assert db(mean_power(x[on])) == pytest.approx(0.0, abs=0.05)
    n_fft = 1024
    pieces = x[: n // n_fft * n_fft].reshape(-1, n_fft) * np.hanning(n_fft)
    power = np.mean(np.abs(np.fft.fft(pieces)) ** 2, axis=0)
    freqs_hz = np.fft.fftfreq(n_fft, 1 / rate_hz)
    inside = np.abs(freqs_hz + 9e4) <= config.bandwidth_hz / 2 + 4 * rate_hz / n_fft
    # The main lobe of a pulse holds 90 % of it.
    assert power[inside].sum() / power.sum() > (0.97 if config.duty == 1.0 else 0.9)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_interferers_may_be_asked_in_any_order(kind):
    source = Interferer(InterfererConfig(kind), 5e6, seed=4)
    whole = source.samples(0, 60_000)
    for start, stop in ((50_000, 60_000), (0, 17), (17, 50_000)):
        np.testing.assert_allclose(
            source.samples(start, stop - start), whole[start:stop], atol=1e-5
        )


def test_repeated_interferers_are_annotated_where_they_are():
    item = InterfererConfig("tone", 20.0, 1e5, start_s=0.01, stop_s=0.02, every_s=0.03)
    config = SceneConfig(1.92e6, interferers=(item,))
    clean = Scene(replace(config, interferers=()), 2).read(192_000)
    added = np.abs(Scene(config, 2).read(192_000) - clean) > 1e-4
    expected = np.zeros(192_000, bool)
    notes = Scene(config, 2).annotations(192_000)
    for note in notes:
        expected[note.sample_start : note.sample_start + note.sample_count] = True
    assert [note.sample_start for note in notes] == [19_200, 76_800, 134_400]
    np.testing.assert_array_equal(added, expected)


def test_interferers_that_cannot_be():
    with pytest.raises(UsageError, match="'laser'; known are tone"):
        Scene(SceneConfig(interferers=(InterfererConfig("laser"),)), 1)
    with pytest.raises(UsageError, match="over the edge"):
        Scene(SceneConfig(interferers=(InterfererConfig("wideband", offset_hz=2e6),)), 1)


# --- converter -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample_format", "bits"),
    [
        (SampleFormat.CU8, 8),
        (SampleFormat.CI8, 6),
        (SampleFormat.CI8, 8),
        (SampleFormat.CI16, 16),
        (SampleFormat.CI16, 12),
        (SampleFormat.CF32, 10),
    ],
)
def test_quantising_errs_by_half_a_step_and_clips(sample_format, bits, rng):
    parts = rng.uniform(-1.3, 1.3, (5000, 2)).astype(np.float32)
    x = parts.view(np.complex64)[:, 0]
    out = quantise(x, sample_format, bits, sample_format.empty(5000))
    got = sample_format.to_complex(out).view(np.float32).reshape(-1, 2)
    step = 2 / 255 if sample_format is SampleFormat.CU8 else 2.0 ** (1 - bits)
    inside = np.abs(parts) < 1 - 2 * step
    assert np.abs(got - parts)[inside].max() <= step / 2 + 1e-6
    assert got.max() <= 1.0
    assert got.min() >= -1.0
    assert len(np.unique(got)) <= 2**bits


@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_integers_come_back_as_they_were(sample_format, rng):
    octets = rng.integers(0, 256, 40_000, dtype=np.uint8)
    if sample_format is SampleFormat.CF32:
        octets = rng.standard_normal(10_000).astype(np.float32).view(np.uint8)
    samples = octets.view(sample_format.dtype)
    samples = samples if sample_format is SampleFormat.CF32 else samples.reshape(-1, 2)
    bits = {SampleFormat.CF32: 0, SampleFormat.CI16: 16}.get(sample_format, 8)
    again = quantise(sample_format.to_complex(samples), sample_format, bits, np.empty_like(samples))
    np.testing.assert_array_equal(again, samples)


def test_converter_must_fit_its_format():
    with pytest.raises(UsageError, match="12 bits does not fit the format cu8"):
        ReceiverConfig(SampleFormat.CU8, 12)
    with pytest.raises(UsageError, match="0 bits"):
        ReceiverConfig(SampleFormat.CI16, 0)


def test_receiver_defects_are_those_asked_for():
    receiver = ReceiverConfig(
        SampleFormat.CF32, 0, dc=0.02 - 0.01j, gain_imbalance_db=1.0, phase_imbalance_deg=5.0
    )
    x = Scene(SceneConfig(1.92e6, receiver=receiver), 1).read(192_000)
    assert x.mean() == pytest.approx(0.02 - 0.01j, abs=2e-3)
    x = x - np.complex64(0.02 - 0.01j)
    i, q = x.real.astype(float), x.imag.astype(float)
    assert 10 * np.log10(np.mean(q * q) / np.mean(i * i)) == pytest.approx(1.0, abs=0.2)
    correlation = np.mean(i * q) / np.sqrt(np.mean(i * i) * np.mean(q * q))
    assert correlation == pytest.approx(np.sin(np.deg2rad(5.0)), abs=0.02)


@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_injection_has_its_isr_and_leaves_the_rest_alone(sample_format, rng):
    noise = rng.standard_normal((40_000, 2)).astype(np.float32).view(np.complex64)[:, 0] * 0.1
    bits = {SampleFormat.CF32: 0, SampleFormat.CI16: 16}.get(sample_format, 8)
    before = quantise(noise, sample_format, bits, sample_format.empty(40_000))
    copy = before.copy()
    interferer = InterfererConfig("tone", offset_hz=1e5)
    after = inject(before, 1.92e6, interferer, 3.0, 10_000, 20_000)
    np.testing.assert_array_equal(before, copy)
    assert after.dtype == before.dtype
    outside = np.r_[0:10_000, 30_000:40_000]
    np.testing.assert_array_equal(after[outside], before[outside])
    added = sample_format.to_complex(after) - sample_format.to_complex(before)
    stretch = sample_format.to_complex(before)[10_000:30_000]
    measured = db(mean_power(added[10_000:30_000]) / mean_power(stretch))
    assert measured == pytest.approx(3.0, abs=0.1)
    scaled = inject(before, 1.92e6, interferer, 3.0, 10_000, 20_000, signal_power=0.002)
    added = sample_format.to_complex(scaled) - sample_format.to_complex(before)
    assert db(mean_power(added[10_000:30_000]) / 0.002) == pytest.approx(3.0, abs=0.1)


def test_injection_outside_the_samples():
    x = np.zeros((100, 2), np.int16)
    for start, n in ((-1, 10), (95, 10), (5, 0)):
        with pytest.raises(UsageError, match="does not lie within"):
            inject(x, 1.92e6, InterfererConfig(), 0.0, start, n)
    with pytest.raises(UsageError, match="accepted are"):
        inject(np.zeros(100, np.complex128), 1.92e6, InterfererConfig(), 0.0, 0, 10)
    with pytest.raises(UsageError, match="integers are"):
        inject(np.zeros(100, np.int8), 1.92e6, InterfererConfig(), 0.0, 0, 10)


def test_statistics_lie_near_an_independent_lte_stack(shared_data):
    data = np.fromfile(shared_data / "synth_srsran_lte25prb_5M_varying.sigmf-data", np.int8)
    theirs = data[: 2 * 5_000_000].astype(np.float32).view(np.complex64) / np.float32(128)
    config = SceneConfig(5e6, CellConfig(load=0.5), QUIET)
    ours = Scene(config, 3).read(5_000_000)
    occupied = slice(64 - 55, 64 + 56)
    figures = []
    for samples in (theirs, ours):
        levels = spectrogram_db(samples)
        mean_db = levels.mean(axis=0)
        figures.append(
            (
                mean_db[occupied].mean() - np.r_[mean_db[:3], mean_db[-3:]].mean(),
                mean_db[occupied].std(),
                np.diff(levels[:, occupied], axis=0).std() / np.sqrt(2),
            )
        )
    # Contrast to the band edge, spread over bins, change from frame to frame, all dB. Theirs
    # varies its allocation by subframe, ours by bursts: near, not equal.
    difference = np.abs(np.subtract(*figures))
    assert (difference < [4.0, 0.6, 0.8]).all(), figures


@pytest.mark.parametrize("name", ["1815.3_s19.2_bw20_0.08s_hackrf-2"])
def test_a_real_carrier_has_the_prefix_and_the_lines_of_ours(shared_data, name):
    data = np.fromfile(shared_data / f"lte_fdd_f{name}.sigmf-data", np.int8)
    theirs = data.astype(np.float32).view(np.complex64) / np.float32(128)
    # The middle of 20 MHz at 19.2 MS/s, to 4.8 MS/s: both have symbols of 320 samples.
    theirs = resample_poly(theirs, 1, 4).astype(np.complex64)
    ours = Scene(SceneConfig(4.8e6, CellConfig(load=0.5), QUIET), 3).read(len(theirs))
    for x in (theirs, ours):
        power = mean_power(x)
        prefix = abs(np.mean(x[320:] * x[:-320].conj())) / power
        elsewhere = [abs(np.mean(x[lag:] * x[:-lag].conj())) / power for lag in (250, 290, 350)]
        assert prefix == pytest.approx(256 / 3840, rel=0.25)
        assert max(elsewhere) < 0.6 * prefix
        n = len(x) // 4800 * 4800
        envelope = np.abs(np.fft.rfft(np.abs(x[:n]) ** 2))
        per_khz = n // 4800
        around = np.median(envelope[per_khz // 2 : 7 * per_khz])
        for line_khz in (1, 2, 4, 6):
            assert envelope[line_khz * per_khz] > 2 * around


# --- what a cell always sends, and to whom it sends ------------------------------------------


def test_an_idle_cell_sends_system_information_each_20_ms():
    traffic = Traffic(CellConfig(load=0.0), 5)
    used = np.concatenate([traffic.next_frame().modulation > 0 for _ in range(200)])
    information = used[:, 5:7].all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(information), np.arange(5, 2000, 20))
    paging = np.flatnonzero(used[:, 2])
    assert set(paging % 10) == {9}
    # 200 frames with probability 0.3: a standard deviation of 6.5.
    assert 35 < len(paging) < 85
    assert used.sum() == 2 * information.sum() + len(paging)


def test_a_busy_cell_uses_every_modulation_and_all_groups():
    traffic = Traffic(CellConfig(load=0.8, n_users=10), 5)
    modulation = np.concatenate([traffic.next_frame().modulation for _ in range(500)])
    for kind in (1, 2, 3):
        assert (modulation == kind).any(axis=0).all()


@pytest.mark.parametrize(
    ("profile", "delays_ns", "powers_db"),
    [
        ("epa", (0, 30, 70, 90, 110, 190, 410), (0, -1, -2, -3, -8, -17.2, -20.8)),
        (
            "eva",
            (0, 30, 150, 310, 370, 710, 1090, 1730, 2510),
            (0, -1.5, -1.4, -3.6, -0.6, -9.1, -7, -12, -16.9),
        ),
    ],
)
def test_profiles_correlate_over_frequency_as_their_delays_say(profile, delays_ns, powers_db):
    config = ChannelConfig(profile, rician_k_db=None)
    gains = np.array([Channel(config, seed).frame_gains(0)[0] for seed in range(2000)])
    power = 10 ** (np.array(powers_db) / 10)
    for step in (20, 60, 120):
        # All on one side of the centre, where there is no subcarrier.
        measured = np.mean(gains[:, step] * gains[:, 0].conj())
        turns = -np.array(delays_ns) * 1e-9 * step * 15e3
        expected = np.sum(power * np.exp(2j * np.pi * turns)) / power.sum()
        # A mean of 2000 products of standard deviation 1.
        assert abs(measured - expected) < 4 / np.sqrt(2000)


@pytest.mark.parametrize("k_db", [None, 3.0])
def test_gains_at_recurring_times_are_those_of_any_time(k_db):
    fading = Fading(ChannelConfig("eva", doppler_hz=97.0, rician_k_db=k_db), 4)
    offsets_s = np.array([0.0, 71.4e-6, 9.3e-3])
    recurring = fading.recurring(offsets_s)
    for start_s in (0.0, 0.01, 3600.0):
        np.testing.assert_allclose(recurring(start_s), fading.taps(start_s + offsets_s), atol=1e-5)
