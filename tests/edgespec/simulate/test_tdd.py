"""Time division: a cell and its users in turns."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.lte.sequences import primary_sync, secondary_sync
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    FaultConfig,
    InterfererConfig,
    NeighbourConfig,
    SceneConfig,
    TddConfig,
    UplinkConfig,
)
from edgespec.simulate.duplex import downlink_symbols, special_subframes, uplink_subframes
from edgespec.simulate.inject import mean_power
from edgespec.simulate.numerology import SYMBOL_START
from edgespec.simulate.scene import Scene
from edgespec.simulate.traffic import Traffic
from edgespec.simulate.uplink_users import UplinkUsers
from edgespec.simulate.wanted import Wanted, wanted_power

QUIET = ChannelConfig("flat", rician_k_db=100.0, snr_db=25.0)
PATTERNS = range(7)


def db(ratio):
    return 10 * np.log10(ratio)


def frames(config: SceneConfig, n: int, seed: int = 1) -> np.ndarray:
    """Wanted signal, ``(n, samples of 10 ms)``."""
    source = Wanted(config, seed)
    return np.array([source.next_frame() for _ in range(n)])


def grids(config: SceneConfig, n: int) -> np.ndarray:
    """Downlink grids read back, ``(n, 10, 14, 300)``: plain OFDM at 7.68 MS/s."""
    prefixes = np.tile([40, 36, 36, 36, 36, 36, 36], 20)
    useful = np.array(
        [
            [
                frame[start + p : start + p + 512]
                for start, p in zip(SYMBOL_START, prefixes, strict=True)
            ]
            for frame in frames(replace(config, sample_rate_hz=7.68e6), n)
        ]
    )
    spectrum = np.fft.fft(useful) / 512 * np.sqrt(300)
    return np.concatenate([spectrum[..., -150:], spectrum[..., 1:151]], axis=2).reshape(
        n, 10, 14, 300
    )


def subframe_power(x: np.ndarray) -> np.ndarray:
    return np.mean(np.abs(x.reshape(len(x), 10, -1)) ** 2, axis=(0, 2))


def longest_gap_s(x: np.ndarray, rate_hz: float) -> float:
    """Longest time in 5 ms that stays below the middle of the levels, over all half frames."""
    n_bins = 480
    n = round(5e-3 * rate_hz)
    power = np.abs(x[: len(x) // n * n].reshape(-1, n_bins, n // n_bins)) ** 2
    level_db = db(power.mean(axis=(0, 2)))
    quiet = level_db < (level_db.min() + level_db.max()) / 2
    runs = "".join("q" if q else " " for q in np.tile(quiet, 2)).split()
    return max(map(len, runs)) * 5e-3 / n_bins


@pytest.mark.parametrize(
    ("pattern", "special", "uplink"),
    [
        (0, (1, 6), (2, 3, 4, 7, 8, 9)),
        (1, (1, 6), (2, 3, 7, 8)),
        (2, (1, 6), (2, 7)),
        (3, (1,), (2, 3, 4)),
        (4, (1,), (2, 3)),
        (5, (1,), (2,)),
        (6, (1, 6), (2, 3, 4, 7, 8)),
    ],
)
def test_subframes_are_those_of_the_standard(pattern, special, uplink):
    tdd = TddConfig(pattern)
    assert special_subframes(tdd) == special
    assert uplink_subframes(tdd) == uplink
    assert tuple(np.flatnonzero(downlink_symbols(tdd).sum(axis=1) == 10)) == special


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("special", [0, 3, 7])
def test_the_cell_is_silent_between_its_subframes_and_never_elsewhere(pattern, special):
    config = SceneConfig(
        cell=CellConfig(load=1.0, user_spread_db=0.0),
        channel=QUIET,
        tdd=TddConfig(pattern, special),
    )
    power = np.mean(np.abs(grids(config, 12)[2:]) ** 2, axis=(0, 3))
    sent = downlink_symbols(config.tdd)
    assert power[~sent].max() < 1e-4
    assert power[sent].min() > 0.1
    x = frames(config, 3)
    for subframe in uplink_subframes(config.tdd):
        assert subframe_power(x)[subframe] < 1e-3


@pytest.mark.parametrize("load", [0.0, 0.7])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_synchronisation_comes_every_5_ms_where_it_belongs(pattern, load):
    pci = 124
    config = SceneConfig(cell=CellConfig(pci=pci, load=load), channel=QUIET, tdd=TddConfig(pattern))
    middle = slice(150 - 31, 150 + 31)
    for grid in grids(config, 3):
        for half, subframe in enumerate((0, 5)):
            for values, place in (
                (primary_sync(pci), (subframe + 1, 2)),
                (secondary_sync(pci)[half], (subframe, 13)),
            ):
                received = grid[*place, middle]
                norm = np.linalg.norm(received) * np.linalg.norm(values)
                assert abs(np.vdot(values, received)) / norm > 0.99


def test_primary_sync_stands_out_of_the_samples():
    config = SceneConfig(7.68e6, CellConfig(pci=7, load=0.6), QUIET, tdd=TddConfig(1))
    samples = Scene(config, 1).read(6 * 38_400)
    spectrum = np.zeros(512, np.complex64)
    spectrum[1:32], spectrum[-31:] = primary_sync(7)[31:], primary_sync(7)[:31]
    replica = np.pad(np.fft.ifft(spectrum), (0, 38_400 - 512))
    for half_frame in samples.reshape(6, 38_400):
        match = np.abs(np.fft.ifft(np.fft.fft(half_frame) * np.fft.fft(replica).conj()))
        # A subframe, and three prefixes (40 and 2 of 36) and two symbols of 512.
        assert match.argmax() == 7680 + 40 + 2 * 36 + 2 * 512


@pytest.mark.parametrize("pattern", [0, 2, 5])
@pytest.mark.parametrize("load", [0.1, 0.5])
def test_load_is_the_share_of_what_there_is(pattern, load):
    tdd = TddConfig(pattern)
    mine = np.setdiff1d(np.arange(10), uplink_subframes(tdd))
    traffic = Traffic(CellConfig(load=load), 5, tdd)
    used = np.mean([traffic.next_frame().modulation > 0 for _ in range(3000)], axis=0)
    assert not used[list(uplink_subframes(tdd))].any()
    # SIB1 and paging come on top, to a cell that may have only four subframes.
    assert used[mine].mean() == pytest.approx(load, abs=0.03 + 0.15 * load)
    users = UplinkUsers(UplinkConfig(load=load, prach_rate=0.0), 3, tdd)
    grants = [grant for _ in range(2500) for grant in users.next_frame().grants]
    assert {grant.subframe for grant in grants} == set(uplink_subframes(tdd))
    n_blocks = 2500 * 23 * len(uplink_subframes(tdd))
    assert sum(grant.n_blocks for grant in grants) / n_blocks == pytest.approx(load, rel=0.3)


@pytest.mark.parametrize("uplink_db", [-20.0, 0.0])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_users_are_heard_in_their_subframes_at_their_level(pattern, uplink_db):
    # Without sounding and control between data, and with prefixes longer than their delays.
    users = UplinkConfig(load=1.0, gain_sigma_db=0.0, timing_s=0.0, srs_period_s=0.0)
    tdd = TddConfig(pattern, uplink_db=uplink_db)
    both = SceneConfig(7.68e6, CellConfig(load=0.8), QUIET, uplink=users, tdd=tdd)
    x, alone = frames(both, 60)[20:], frames(replace(both, uplink=None), 60)[20:]
    added = subframe_power(x - alone)
    theirs = list(uplink_subframes(tdd))
    ours = np.setdiff1d(np.arange(10), theirs)
    assert added[ours].max() < 1e-3 * added[theirs].min()
    # Most subframes are full: 23 of the 25 blocks, which are those between the control channels.
    typical = np.median(
        np.mean(np.abs((x - alone).reshape(len(x), 10, -1)) ** 2, axis=2)[:, theirs]
    )
    assert db(typical) == pytest.approx(uplink_db + db(23 / 25), abs=0.5)
    silent = subframe_power(alone)
    assert silent[theirs].max() < 1e-3 * silent[ours].min()


@pytest.mark.parametrize("uplink", [None, UplinkConfig(load=0.6, prach_rate=0.0)])
def test_power_for_the_isr_is_that_of_the_samples(uplink):
    channel = ChannelConfig("epa", 20.0, 5.0)
    config = SceneConfig(5e6, CellConfig(load=0.4), channel, uplink=uplink, tdd=TddConfig())
    x = frames(config, 30, seed=8).ravel()
    assert db(mean_power(x) / wanted_power(config, 8, 0.0, 0.3)) == pytest.approx(0.0, abs=0.1)
    late = x[: 30 * 50_000][-500_000:]
    assert db(mean_power(late) / wanted_power(config, 8, 0.2, 0.3)) == pytest.approx(0.0, abs=0.15)


def test_any_chunking_gives_the_same_samples(rng):
    config = SceneConfig(
        5e6,
        interferers=(InterfererConfig("qpsk", start_s=0.004, stop_s=0.017),),
        faults=(FaultConfig("power-step", 0.02, step_db=5.0),),
        neighbours=(NeighbourConfig(CellConfig(pci=9)),),
        uplink=UplinkConfig(prach_rate=1.0),
        tdd=TddConfig(3),
    )
    n = 175_000
    whole = Scene(config, 11).read(n)
    pieces, scene = [], Scene(config, 11)
    while scene.n_samples < n:
        pieces.append(scene.read(min(int(rng.integers(1, 20_000)), n - scene.n_samples)))
    np.testing.assert_array_equal(whole, np.concatenate(pieces))


def test_a_neighbour_keeps_silent_with_the_cell():
    neighbour = NeighbourConfig(CellConfig(pci=9, load=1.0), -3.0)
    config = SceneConfig(7.68e6, channel=QUIET, neighbours=(neighbour,), tdd=TddConfig(0))
    power = subframe_power(frames(config, 5))
    assert power[[2, 3, 4, 7, 8, 9]].max() < 1e-3 * power.max()


@pytest.mark.parametrize("freq", ["2644.8", "2645", "2645.1", "2645.3"])
def test_the_gap_is_as_long_as_that_of_a_real_carrier(shared_data, freq):
    name = f"lte_tdd_f{freq}_s1.92_g20_SamplingPPM26.2_1s.sigmf-data"
    octets = np.fromfile(shared_data / name, np.uint8).astype(np.float32)
    # So short that 26.2 ppm of the clock are half a bin of 10 us.
    theirs = ((octets - 127.5) / 127.5).view(np.complex64)[: round(0.2 * 1.92e6)]
    # Its special subframes carry no data: silence from the reference signal of symbol 7 on.
    idle = SceneConfig(1.92e6, CellConfig(load=0.0), QUIET, tdd=TddConfig(2, 7))
    ours = Scene(idle, 3).read(len(theirs))
    for x in (theirs, ours):
        assert longest_gap_s(x, 1.92e6) * 14e3 == pytest.approx(6 + 14, abs=0.3)


@pytest.mark.parametrize("special", range(10))
def test_the_gap_of_a_busy_cell_is_that_of_its_special_subframe(special):
    tdd = TddConfig(2, special)
    busy = SceneConfig(1.92e6, CellConfig(load=1.0, user_spread_db=0.0), QUIET, tdd=tdd)
    n_symbols = (~downlink_symbols(tdd))[:5].sum()
    assert longest_gap_s(Scene(busy, 3).read(384_000), 1.92e6) * 14e3 == pytest.approx(
        n_symbols, abs=0.3
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pattern": 7}, "pattern of time division is 7; it must be 0 to 6"),
        ({"special": -1}, "special of time division is -1; it must be 0 to 9"),
    ],
)
def test_time_division_that_cannot_be(values, message):
    with pytest.raises(UsageError, match=message):
        TddConfig(**values)
