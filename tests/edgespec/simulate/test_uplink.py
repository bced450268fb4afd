"""The LTE-like uplink."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    FaultConfig,
    InterfererConfig,
    NeighbourConfig,
    ReceiverConfig,
    SceneConfig,
    UplinkConfig,
)
from edgespec.simulate.inject import mean_power
from edgespec.simulate.prach import add_preamble
from edgespec.simulate.scene import Scene
from edgespec.simulate.uplink_grid import PlainGrid, open_uplink_grid
from edgespec.simulate.uplink_sequences import zadoff_chu
from edgespec.simulate.uplink_users import UplinkUsers
from edgespec.simulate.uplink_ways import UserWays
from edgespec.simulate.wanted import Wanted, wanted_power

PURE = ChannelConfig("flat", rician_k_db=100.0, snr_db=80.0)
#: Users whose gains and clocks are all right, so that the grid can be read back.
EXACT = UplinkConfig(n_users=5, gain_sigma_db=0.0, timing_s=0.0, cfo_hz=0.0, prach_rate=0.0)
RAW = ReceiverConfig(SampleFormat.CF32, 0, level_dbfs=0.0)


def db(ratio):
    return 10 * np.log10(ratio)


def frames(uplink: UplinkConfig, n: int, channel: ChannelConfig = PURE, rate_hz=7.68e6):
    source = Wanted(SceneConfig(rate_hz, channel=channel, uplink=uplink), 2)
    return [source.next_frame() for _ in range(n)]


def demodulate(frame: np.ndarray) -> np.ndarray:
    """Grid ``(10, 14, 300)`` of a frame at 7.68 MS/s: plain OFDM at the 7.5 kHz shift."""
    prefixes = ([40] + [36] * 6) * 20
    grid, start = [], 0
    for prefix in prefixes:
        useful = frame[start + prefix : start + prefix + 512]
        turned = useful * np.exp(-2j * np.pi * 7.5e3 / 7.68e6 * np.arange(512))
        spectrum = np.fft.fftshift(np.fft.fft(turned)) / 512 * np.sqrt(300)
        grid.append(spectrum[256 - 150 : 256 + 150])
        start += prefix + 512
    return np.reshape(grid, (10, 14, 300))


@pytest.mark.parametrize("load", [0.1, 0.4, 0.8])
def test_load_is_the_mean_share_of_the_blocks(load):
    users = UplinkUsers(UplinkConfig(load=load, prach_rate=0.0), 3)
    n_frames = 2500
    used = sum(g.n_blocks for _ in range(n_frames) for g in users.next_frame().grants)
    assert used / (n_frames * 10 * 23) == pytest.approx(load, rel=0.25)


def test_grants_are_contiguous_of_allowed_sizes_and_do_not_overlap():
    users = UplinkUsers(UplinkConfig(load=0.7, prach_rate=0.3), 3)
    for _ in range(200):
        schedule = users.next_frame()
        taken = np.zeros((10, 25), int)
        for grant in schedule.grants:
            taken[grant.subframe, grant.first_block : grant.first_block + grant.n_blocks] += 1
            n = grant.n_blocks
            for prime in (2, 3, 5):
                while n % prime == 0:
                    n //= prime
            assert n == 1
        if schedule.newcomer is not None:
            taken[1, 4:10] += 1
        assert taken.max() <= 1
        assert not taken[:, [0, 24]].any()


def test_references_are_of_one_modulus_and_data_are_not():
    uplink = replace(EXACT, load=0.8, control_rate=0.0, srs_period_s=0.0)
    grids = np.array([demodulate(frame) for frame in frames(uplink, 12)[2:]])
    level = np.abs(grids)
    for symbol in (3, 10):
        used = level[:, :, symbol][level[:, :, symbol] > 0.2]
        # The anti-alias filter and a flat channel leave the modulus.
        assert used.std() / used.mean() < 0.03
    data = level[:, :, 6][level[:, :, 3] > 0.2]
    # The DFT makes data nearly Gaussian, whose modulus has a relative deviation of 0.52.
    assert data.std() / data.mean() > 0.4


def test_control_hops_between_the_edges():
    uplink = replace(EXACT, load=0.0, control_rate=0.03, srs_period_s=0.0)
    grids = np.concatenate([demodulate(frame) for frame in frames(uplink, 40)])
    power = np.abs(grids) ** 2
    low, high = power[:, :, :12].mean(axis=2), power[:, :, -12:].mean(axis=2)
    one = (low[:, 0] + high[:, 0] > 0.5) & (low[:, 0] * high[:, 0] < 0.05)
    assert one.sum() > 10
    for first, second in ((low, high), (high, low)):
        begins = one & (first[:, 0] > 0.5)
        assert begins.any()
        assert (first[begins, :7] > 0.5).all()
        assert (second[begins, 7:] > 0.5).all()
        assert (first[begins, 7:] < 0.05).all()
    assert power[:, :, 24:-24].mean() < 1e-3


def test_sounding_is_a_comb_in_the_last_symbol():
    uplink = replace(EXACT, load=0.0, control_rate=0.0, srs_period_s=0.02)
    grids = np.concatenate([demodulate(frame) for frame in frames(uplink, 8)])
    power = np.abs(grids) ** 2
    assert power[:, :13].mean() < 1e-3
    last = power[:, 13]
    sounding = last.mean(axis=1) > 0.1
    assert set(np.flatnonzero(sounding) % 5) == {0}
    single = last[sounding][(last[sounding].mean(axis=1) < 0.6)]
    even, odd = single[:, 6:-6:2].mean(axis=1), single[:, 7:-6:2].mean(axis=1)
    assert (np.minimum(even, odd) < 0.05).all()
    assert (np.maximum(even, odd) > 0.9).all()


def test_single_carrier_keeps_peaks_below_ofdm():
    one = replace(EXACT, n_users=1, load=1.0, control_rate=0.0, srs_period_s=0.0)
    x = np.concatenate(frames(one, 60)[30:])
    power = np.abs(x) ** 2
    busy = power.reshape(-1, 768).mean(axis=1).repeat(768) > 0.5
    peak_db = db(np.quantile(power[busy], 0.999) / power[busy].mean())
    # A complex Gaussian, which OFDM is close to, exceeds 8.4 dB with probability 0.001.
    assert peak_db < 7.5


def test_a_preamble_is_one_block_group_wide_and_as_long_as_it_should_be():
    frame = np.zeros(76_800, np.complex64)
    add_preamble(frame, 7, 1.0, 0.0, 1)
    on = np.flatnonzero(frame)
    assert on[0] == 7680
    assert len(on) == 792 + 6144
    useful = frame[7680 + 792 : 7680 + 792 + 6144]
    np.testing.assert_allclose(frame[7680 : 7680 + 792], useful[-792:], atol=1e-6)
    power = np.abs(np.fft.fft(useful)) ** 2
    assert (power > 0.5 * power.max()).sum() == 839
    # 839 of 3600 subcarriers of 1.25 kHz, at the power density of a full symbol.
    assert mean_power(useful) == pytest.approx(839 / 3600, rel=0.01)


@pytest.mark.parametrize("n", [12, 36, 60, 276])
def test_reference_sequences_have_modulus_1_and_low_correlation(n):
    a, b = zadoff_chu(n, 3), zadoff_chu(n, 4)
    np.testing.assert_allclose(np.abs(a), 1.0, atol=1e-5)
    assert abs(np.vdot(a, b)) / n < 0.6


def test_gains_spread_and_keep_their_mean():
    uplink = UplinkConfig(n_users=40, gain_sigma_db=12.0)
    amplitude = UserWays.drawn(uplink, PURE, 4).amplitude
    assert mean_power(amplitude.astype(np.complex64)) == pytest.approx(1.0, rel=1e-4)
    assert 8.0 < np.std(20 * np.log10(amplitude)) < 14.0


def test_power_for_the_isr_is_that_of_the_samples():
    uplink = UplinkConfig(load=0.6, prach_rate=0.0)
    config = SceneConfig(5e6, channel=ChannelConfig("epa", 20.0, 5.0), uplink=uplink)
    source = Wanted(config, 8)
    x = np.concatenate([source.next_frame() for _ in range(30)])
    assert db(mean_power(x) / wanted_power(config, 8, 0.0, 0.3)) == pytest.approx(0.0, abs=0.1)


def test_timing_errors_stay_near_the_prefix_and_frequency_errors_near_the_carrier():
    late = replace(EXACT, n_users=1, load=0.9, timing_s=5e-6, control_rate=0.0, srs_period_s=0.0)
    shifted = np.array(frames(late, 30)[10:]).ravel()
    exact = np.array(frames(replace(late, timing_s=0.0), 30)[10:]).ravel()
    cross = np.abs(np.fft.ifft(np.fft.fft(shifted) * np.fft.fft(exact).conj()))
    delay = (cross.argmax() + len(cross) // 2) % len(cross) - len(cross) // 2
    assert 1 <= abs(delay) <= 39


def test_any_chunking_gives_the_same_samples(rng):
    interferer = InterfererConfig("qpsk", start_s=0.004, stop_s=0.017)
    fault = FaultConfig("power-step", 0.02, step_db=5.0)
    config = SceneConfig(
        5e6, interferers=(interferer,), faults=(fault,), uplink=UplinkConfig(prach_rate=1.0)
    )
    n = 175_000
    whole = Scene(config, 11).read(n)
    pieces, scene = [], Scene(config, 11)
    while scene.n_samples < n:
        pieces.append(scene.read(min(int(rng.integers(1, 20_000)), n - scene.n_samples)))
    np.testing.assert_array_equal(whole, np.concatenate(pieces))


@pytest.mark.parametrize("profile", ["flat", "eva"])
def test_what_arrives_is_the_same_in_loops(profile):
    uplink = UplinkConfig(n_users=9, load=0.7, control_rate=0.2, srs_period_s=0.01)
    ways = UserWays.drawn(uplink, ChannelConfig(profile, 60.0, 3.0), 5)
    users, grids = UplinkUsers(uplink, 6), (PlainGrid(ways, 7), open_uplink_grid(ways, 7))
    spectra = np.full((2, 140, 512), np.nan, np.complex64)
    n_grants = n_control = n_sounding = 0
    for frame in (0, 1, 180_000):
        schedule = users.next_frame()
        n_grants += len(schedule.grants)
        n_control += len(schedule.control)
        n_sounding += len(schedule.sounding)
        for grid, out in zip(grids, spectra, strict=True):
            grid.fill(schedule, frame, users.sounding_subframes, out)
        largest = np.abs(spectra[0]).max()
        np.testing.assert_allclose(spectra[1], spectra[0], atol=2e-6 * largest)
    assert min(n_grants, n_control, n_sounding) > 10


def test_uplinks_that_cannot_be():
    with pytest.raises(UsageError, match="no neighbours"):
        SceneConfig(uplink=UplinkConfig(), neighbours=(NeighbourConfig(CellConfig()),))
    with pytest.raises(UsageError, match="load of an uplink is 2"):
        UplinkConfig(load=2)
    with pytest.raises(UsageError, match="n_users of an uplink is 0"):
        UplinkConfig(n_users=0)
