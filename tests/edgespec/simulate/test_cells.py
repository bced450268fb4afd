"""What cells, bands, faults and receivers do to what is heard."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.lte.sequences import primary_sync
from edgespec.records import SampleFormat
from edgespec.simulate.bands import BANDS
from edgespec.simulate.cells import CELLS, DAY_CURVE
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    FaultConfig,
    NeighbourConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.simulate.inject import mean_power
from edgespec.simulate.scene import Scene
from edgespec.simulate.shadowing import Shadowing
from edgespec.simulate.traffic import Traffic
from edgespec.simulate.wanted import Wanted, wanted_power

RATE_HZ = 5e6
#: No noise to speak of, and a channel that does nothing.
PURE = ChannelConfig("flat", rician_k_db=100.0, snr_db=80.0)
RAW = ReceiverConfig(SampleFormat.CF32, 0, level_dbfs=0.0)


def db(ratio):
    return 10 * np.log10(ratio)


def heard(seconds: float, seed: int = 3, **parts) -> np.ndarray:
    config = SceneConfig(RATE_HZ, receiver=RAW, **({"channel": PURE} | parts))
    return Scene(config, seed).read(round(seconds * RATE_HZ))


def used_share(cell: CellConfig, n_frames: int) -> float:
    traffic = Traffic(cell, 1)
    return float(np.mean([traffic.next_frame().modulation > 0 for _ in range(n_frames)]))


# --- cells ---------------------------------------------------------------------------------


def test_cells_differ():
    assert len(set(CELLS.values())) == len({cell.pci for cell in CELLS.values()}) == len(CELLS)


def test_load_follows_the_time_of_day():
    cell = CellConfig(load=0.4, load_curve=(0.2, 2.0), clock_s=43_200.0 - 15.0)
    traffic = Traffic(cell, 4)
    used = [np.mean(traffic.next_frame().modulation > 0) for _ in range(3000)]
    night, day = np.mean(used[:1500]), np.mean(used[1500:])
    assert night == pytest.approx(0.08, abs=0.05)
    assert day == pytest.approx(0.8, abs=0.15)


def test_the_day_curve_has_a_factor_an_hour_and_a_quiet_night():
    assert len(DAY_CURVE) == 24
    assert min(range(24), key=DAY_CURVE.__getitem__) in range(2, 6)
    assert 0.8 < np.mean(DAY_CURVE) < 1.1


def test_users_with_few_groups_keep_their_place():
    cell = CellConfig(load=0.1, n_users=1, user_groups=2)
    traffic = Traffic(cell, 2)
    used = np.concatenate([traffic.next_frame().modulation > 0 for _ in range(300)])
    # SIB1 and paging are not the user's.
    used[5::20] = used[9::10] = False
    assert used.sum(axis=1).max() <= 2
    both = used[:-1] & used[1:]
    assert both.sum() > 0.5 * used.sum()
    assert used_share(cell, 300) > 0.05


@pytest.mark.parametrize("n_control", [1, 2, 3])
def test_the_control_region_may_be_fixed(n_control):
    traffic = Traffic(CellConfig(load=0.5, n_control=n_control), 2)
    assert all((traffic.next_frame().n_control == n_control).all() for _ in range(20))


@pytest.mark.parametrize("offset_db", [-3.0, 3.0])
def test_power_offsets_reach_their_signals(offset_db):
    def symbol_power(symbol: int, **offsets) -> float:
        config = SceneConfig(7.68e6, CellConfig(load=0.0, **offsets), PURE)
        x = Wanted(config, 1).next_frame()
        start = 40 + 36 * symbol + 512 * symbol
        return mean_power(x[start : start + 512])

    # Symbol 6 holds the PSS alone, symbol 4 reference signals alone.
    for symbol, name in ((6, "sync_db"), (4, "reference_db")):
        change = db(symbol_power(symbol, **{name: offset_db}) / symbol_power(symbol))
        assert change == pytest.approx(offset_db, abs=0.05)
    assert db(symbol_power(0, control_db=offset_db) / symbol_power(0)) * offset_db > 0


@pytest.mark.parametrize("level_db", [-15.0, -3.0])
def test_a_neighbour_comes_at_its_level_and_time(level_db):
    other = CellConfig(pci=5, load=0.0)
    quiet = CellConfig(load=0.0)
    delay_s = 1234 / 7.68e6
    config = SceneConfig(7.68e6, quiet, PURE, RAW)
    with_it = replace(config, neighbours=(NeighbourConfig(other, level_db, delay_s, PURE),))
    added = Scene(with_it, 1).read(153_600) - Scene(config, 1).read(153_600)
    alone = Scene(replace(config, cell=other), 1).read(153_600)
    assert db(mean_power(added) / mean_power(alone)) == pytest.approx(level_db, abs=0.3)
    spectrum = np.zeros(512, np.complex64)
    spectrum[1:32], spectrum[-31:] = primary_sync(5)[31:], primary_sync(5)[:31]
    replica = np.fft.fft(np.pad(np.fft.ifft(spectrum), (0, 38_400 - 512)))
    piece = added[38_400:76_800]
    match = np.abs(np.fft.ifft(np.fft.fft(piece) * replica.conj()))
    assert match.argmax() == 40 + 6 * 36 + 6 * 512 + 1234


def test_a_neighbour_leaves_the_power_of_the_isr_alone():
    config = SceneConfig(RATE_HZ, CellConfig(load=0.3), PURE)
    other = replace(config, neighbours=(NeighbourConfig(CellConfig(pci=5)),))
    assert wanted_power(config, 1, 0.0, 0.1) == wanted_power(other, 1, 0.0, 0.1)


# --- bands and shadows ---------------------------------------------------------------------


def test_bands_stretch_doppler_with_the_carrier():
    low, high = BANDS["b12"], BANDS["b7"]
    # 25 mph at 2.645 GHz: 11.2 m/s over 11.3 cm.
    assert high.doppler_hz(11.2) == pytest.approx(98.8, abs=0.5)
    assert low.doppler_hz(11.2) / high.doppler_hz(11.2) == pytest.approx(739 / 2645)
    assert all(6.0 <= band.shadow_db <= 8.0 for band in BANDS.values())


def test_shadows_have_their_spread_and_correlation():
    time_s = np.linspace(0.0, 40.0, 400)
    paths = np.array([Shadowing(7.0, 5.0, seed).gain_db(time_s) for seed in range(2000)])
    assert paths.std() == pytest.approx(7.0, rel=0.05)
    for lag, expected in ((0, 1.0), (50, np.exp(-1.0)), (100, np.exp(-2.0))):
        product = np.mean(paths[:, : 400 - lag] * paths[:, lag:]) / np.mean(paths**2)
        assert product == pytest.approx(expected, abs=0.08)


def test_a_shadow_at_offsets_that_recur_is_that_of_its_time():
    shadow = Shadowing(7.0, 5.0, 3)
    offsets_s = np.linspace(0.0, 0.01, 140, endpoint=False)
    gain_db = shadow.recurring(offsets_s)
    for start_s in (0.0, 12.34, 86_400.0):
        np.testing.assert_allclose(gain_db(start_s), shadow.gain_db(start_s + offsets_s), atol=1e-8)


def test_a_shadow_moves_the_signal_and_its_isr_power():
    shadowed = replace(PURE, shadow_db=8.0, shadow_s=0.2)
    clear = heard(0.4, cell=CellConfig(load=0.0))
    dark = heard(0.4, cell=CellConfig(load=0.0), channel=shadowed)
    change_db = db(
        np.mean(np.abs(dark.reshape(-1, 25_000)) ** 2, axis=1)
        / np.mean(np.abs(clear.reshape(-1, 25_000)) ** 2, axis=1)
    )
    assert np.ptp(change_db) > 3.0
    config = SceneConfig(RATE_HZ, CellConfig(load=0.0), shadowed)
    expected = db(wanted_power(config, 3, 0.0, 0.4))
    assert db(mean_power(dark)) == pytest.approx(expected, abs=0.1)


# --- faults --------------------------------------------------------------------------------


@pytest.mark.parametrize("step_db", [-5.0, 3.0, 5.0])
def test_a_power_step_is_as_high_as_it_says_and_where_it_is_annotated(step_db):
    fault = FaultConfig("power-step", 0.0123, 0.0312, step_db=step_db)
    before, after = heard(0.05), heard(0.05, faults=(fault,))
    config = SceneConfig(RATE_HZ, channel=PURE, receiver=RAW, faults=(fault,))
    (note,) = Scene(config, 3).annotations(250_000)
    start, stop = note.sample_start, note.sample_start + note.sample_count
    # At the first symbol of at most 71.9 us after the time.
    assert 0 <= start - 0.0123 * RATE_HZ <= 360
    ratio = mean_power(after[start + 50 : stop - 50]) / mean_power(before[start + 50 : stop - 50])
    assert db(ratio) == pytest.approx(step_db, abs=0.05)
    for outside in (slice(0, start - 50), slice(stop + 50, None)):
        np.testing.assert_allclose(after[outside], before[outside], atol=0.02)
    assert note.isr_db is None
    assert f"{step_db:+g} dB" in note.comment


@pytest.mark.parametrize("share", [0.33, 0.66, 1.0])
def test_frequencies_are_down_where_they_are_annotated(share):
    fault = FaultConfig("frequencies-down", share=share)
    cell = CellConfig(load=1.0)
    config = SceneConfig(7.68e6, cell, PURE, RAW, faults=(fault,))
    x = Scene(config, 3).read(768_000)
    (note,) = Scene(config, 3).annotations(768_000)
    width_hz = note.freq_upper_hz - note.freq_lower_hz
    assert width_hz == pytest.approx(share * 4.5e6, abs=15e3)
    pieces = x.reshape(-1, 3840) * np.hanning(3840)
    power = np.fft.fftshift(np.mean(np.abs(np.fft.fft(pieces)) ** 2, axis=0))
    freqs_hz = (np.arange(3840) - 1920) * 2000.0
    guard_hz = 60e3
    down = (freqs_hz > note.freq_lower_hz + guard_hz) & (freqs_hz < note.freq_upper_hz - guard_hz)
    occupied = np.abs(freqs_hz) < 2.2e6
    up = occupied & ~(
        (freqs_hz > note.freq_lower_hz - guard_hz) & (freqs_hz < note.freq_upper_hz + guard_hz)
    )
    if share < 1.0:
        assert db(power[up].mean() / power[down].mean()) > 25.0
    else:
        assert mean_power(x) < 1e-6


def test_a_lost_station_leaves_noise_alone():
    noisy = ChannelConfig("flat", rician_k_db=100.0, snr_db=20.0)
    fault = FaultConfig("station-lost", 0.02)
    after = heard(0.04, channel=noisy, faults=(fault,))[105_000:]
    # SNR counts in the subcarriers, 4.5 MHz of the 5 sampled.
    assert db(mean_power(after)) == pytest.approx(-20.0 + db(5.0 / 4.5), abs=0.2)


def test_faults_that_cannot_be():
    with pytest.raises(UsageError, match="known are power-step"):
        FaultConfig("fire")
    with pytest.raises(UsageError, match="stop must come after"):
        FaultConfig("power-step", 2.0, 1.0)
    with pytest.raises(UsageError, match="share of a fault is 0"):
        FaultConfig("frequencies-down", share=0.0)


# --- receivers -----------------------------------------------------------------------------


def test_given_gain_steps_are_taken_and_annotated():
    receiver = replace(RAW, gain_times_s=(0.0101, 0.0205), gain_steps_db=(6.0, -9.0))
    config = SceneConfig(RATE_HZ, channel=PURE, receiver=receiver)
    plain, stepped = heard(0.03), Scene(config, 3).read(150_000)
    gain_db = db(np.abs(stepped / plain) ** 2)
    assert gain_db[:50_500] == pytest.approx(0.0, abs=1e-3)
    assert gain_db[50_500:102_500] == pytest.approx(6.0, abs=1e-3)
    assert gain_db[102_500:] == pytest.approx(-3.0, abs=1e-3)
    notes = Scene(config, 3).annotations(150_000)
    assert [(n.sample_start, n.label) for n in notes] == [
        (50_500, "gain-step"),
        (102_500, "gain-step"),
    ]


def test_random_gain_steps_stay_in_range_and_do_not_depend_on_reads(rng):
    receiver = replace(RAW, agc_every_s=0.004, agc_range_db=5.0)
    config = SceneConfig(RATE_HZ, channel=PURE, receiver=receiver)
    n = 500_000
    stepped = Scene(config, 3).read(n)
    gain_db = db(np.abs(stepped / heard(n / RATE_HZ)) ** 2)
    assert np.abs(gain_db).max() <= 5.001
    steps = np.flatnonzero(np.abs(np.diff(gain_db)) > 0.01) + 1
    notes = [note.sample_start for note in Scene(config, 3).annotations(n)]
    assert 12 <= len(notes) <= 45
    assert set(steps) <= set(notes)
    assert len(steps) >= len(notes) - 1
    scene, pieces = Scene(config, 3), []
    while scene.n_samples < n:
        pieces.append(scene.read(min(int(rng.integers(1, 30_000)), n - scene.n_samples)))
    np.testing.assert_array_equal(np.concatenate(pieces), stepped)


def test_receivers_that_cannot_be():
    with pytest.raises(UsageError, match="give each step its time"):
        ReceiverConfig(gain_steps_db=(3.0,))
    with pytest.raises(UsageError, match="must grow"):
        ReceiverConfig(gain_times_s=(2.0, 1.0), gain_steps_db=(3.0, 3.0))
