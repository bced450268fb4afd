"""The simulated NR cell: its block, its prefixes, its load, and what does not go with it."""

import numpy as np
import pytest

from edgespec.dsp.ssb.search import find_nr_cell
from edgespec.errors import UsageError
from edgespec.nr.block import SYNC_SUBCARRIERS, block_symbol
from edgespec.nr.numerology import prefix_units, symbols_per_slot, useful_start
from edgespec.nr.sequences import primary_sync
from edgespec.simulate.config import ChannelConfig, NrConfig, SceneConfig, TddConfig
from edgespec.simulate.nr_cell import NrCell
from edgespec.simulate.scene import Scene
from edgespec.simulate.wanted import wanted_power

STILL = ChannelConfig("flat", snr_db=100.0)
both = pytest.mark.parametrize("spacing_hz", [15e3, 30e3])


def frames(config, n_frames, seeds=(1, 2, 3), channel=STILL):
    cell = NrCell(config, channel, list(seeds))
    return np.concatenate(
        [cell.next_iq([], np.empty(76_800, np.complex64)) for _ in range(n_frames)]
    )


@both
def test_every_symbol_has_its_prefix(spacing_hz):
    iq = frames(NrConfig(load=1.0, spacing_hz=spacing_hz), 1)
    n_useful = round(7.68e6 / spacing_hz)
    n_symbols = symbols_per_slot(spacing_hz)
    for symbol in range(20 * n_symbols):
        begin = useful_start(spacing_hz, symbol) // 4
        n = prefix_units(spacing_hz)[symbol % n_symbols] // 4
        np.testing.assert_array_equal(
            iq[begin - n : begin], iq[begin - n + n_useful : begin + n_useful]
        )


@both
def test_the_block_comes_every_20_ms(spacing_hz):
    iq = frames(NrConfig(5, spacing_hz, 0.0), 4)
    n = round(7.68e6 / spacing_hz)
    case = "A" if spacing_hz == 15e3 else "C"
    begin = useful_start(spacing_hz, block_symbol(spacing_hz, case, 0)) // 4
    for frame, is_there in enumerate((True, False, True, False)):
        spectrum = np.fft.fft(iq[frame * 76_800 + begin :][:n])[SYNC_SUBCARRIERS]
        assert bool(np.abs(spectrum).max() > 0.0) is is_there
        if is_there:
            product = spectrum * primary_sync(5)
            product /= product[0]
            gain = np.ones(127)
            np.testing.assert_allclose(np.abs(product), gain, rtol=1e-3)
    # An idle cell sends nothing else: 4 symbols of 20 ms, two of them of half the width.
    share = np.count_nonzero(iq) / len(iq)
    assert share < 5 / (40 * symbols_per_slot(spacing_hz))


@both
@pytest.mark.parametrize("load", [0.0, 0.1, 0.5, 1.0])
def test_the_load_is_the_share_of_the_elements(spacing_hz, load):
    cell = NrCell(NrConfig(load=load, spacing_hz=spacing_hz), STILL, [4, 5, 6])
    power = np.mean([cell.next_power() for _ in range(300)])
    assert power == pytest.approx(load, abs=0.03 + 0.15 * load)


@both
def test_power_is_that_of_the_samples(spacing_hz):
    config = NrConfig(load=0.4, spacing_hz=spacing_hz)
    channel = ChannelConfig("epa", 5.0)
    power = NrCell(config, channel, [1, 2, 3])
    said = [power.next_power().mean() for _ in range(20)]
    iq = frames(config, 20, channel=channel).reshape(20, -1)
    got = np.mean(np.abs(iq) ** 2, axis=1)
    np.testing.assert_allclose(said, got, rtol=0.1, atol=1e-3)


def test_skipped_frames_change_nothing_later():
    one, other = (NrCell(NrConfig(), STILL, [1, 2, 3]) for _ in range(2))
    one.skip()
    other.next_power()
    np.testing.assert_array_equal(one.next_power(), other.next_power())


@both
def test_a_scene_of_it_is_heard(spacing_hz):
    scene = SceneConfig(
        7.68e6, channel=ChannelConfig(snr_db=15.0), nr=NrConfig(500, spacing_hz, 0.3)
    )
    cell = find_nr_cell(Scene(scene, 3).read(800_000), 7.68e6)
    assert (cell.identity, cell.spacing_hz) == (500, spacing_hz)
    assert cell.snr_db == pytest.approx(15.0, abs=3.0)
    assert 0.0 < wanted_power(scene, 3, 0.0, 1.0) < 1.0


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: NrConfig(pci=1008), "0 to 1007"),
        (lambda: NrConfig(spacing_hz=60e3), "60000 Hz; 15e3 and 30e3"),
        (lambda: NrConfig(load=1.1), "load is 1.1"),
        (lambda: SceneConfig(nr=NrConfig(), tdd=TddConfig()), "simulated alone"),
    ],
)
def test_what_it_has_not_is_refused(made, words):
    with pytest.raises(UsageError, match=words):
        made()
