"""Packets of Wi-Fi are found where they are, and nothing else is taken for one."""

import numpy as np
import pytest

from edgespec.dsp.wifi.packets import find_packets
from edgespec.dsp.wifi.training import LONG_SUBCARRIERS, long_sequence, long_wave
from edgespec.simulate.config import ChannelConfig, NrConfig, SceneConfig
from edgespec.simulate.scene import Scene
from tests.edgespec.dsp.prefix.test_search import NO_CELL, RECORDED, recording
from tests.made.lte_cell import cell_wave, noise, received
from tests.made.wifi import packet


def on_air(rng, places, n, rate_hz=20e6, *, snr_db=15.0, cfo_hz=0.0, n_symbols=30):
    out = np.zeros(n, np.complex64)
    for place in places:
        one = packet(rng, n_symbols, rate_hz)
        out[place : place + len(one)] += one[: n - place]
    out *= np.exp(2j * np.pi * cfo_hz / rate_hz * np.arange(n))
    return (out + noise(rng, n, 10 ** (-snr_db / 10))).astype(np.complex64)


def test_the_long_sequence_is_the_standards():
    signs = long_sequence()
    # Equation 17-8, from -26 up and from 1 up.
    assert signs[:8].tolist() == [1, 1, -1, -1, 1, 1, -1, 1]
    assert signs[26:34].tolist() == [1, -1, -1, 1, 1, -1, 1, -1]
    assert len(signs) == len(LONG_SUBCARRIERS) == 52
    wave = long_wave(20e6)
    assert len(wave) == 64
    assert np.linalg.norm(wave) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("rate_hz", [19.2e6, 20e6, 25e6])
@pytest.mark.parametrize("snr_db", [8.0, 25.0])
def test_packets_are_found_where_they_are(rng, rate_hz, snr_db):
    places = [2000, 9000, 19_000]
    cfo_hz = float(rng.uniform(-150e3, 150e3))
    found = find_packets(
        on_air(rng, places, 30_000, rate_hz, snr_db=snr_db, cfo_hz=cfo_hz), rate_hz
    )
    assert len(found) == 3
    for one, place in zip(found, places, strict=True):
        # Half a sample at 20 MS/s is not whole at other rates.
        assert abs(one.start - place) <= 2
        assert one.cfo_hz == pytest.approx(cfo_hz, abs=4e3)
        # Where a long symbol is no whole number of samples, its subcarriers are not quite apart.
        assert one.snr_db == pytest.approx(snr_db, abs=3.0 if rate_hz == 20e6 else 6.0)
        # 16 us and 30 symbols of 4 us, ended by steps of a symbol.
        assert one.n_samples / rate_hz == pytest.approx(136e-6, abs=9e-6)


@pytest.mark.parametrize("gain", [1e-4, 1e4])
def test_gain_does_not_matter(rng, gain):
    samples = on_air(rng, [500], 6000)
    (one,) = find_packets((gain * samples).astype(np.complex64), 20e6)
    (other,) = find_packets(samples, 20e6)
    assert (one.start, one.n_samples) == (other.start, other.n_samples)


def test_a_packet_ends_where_the_next_begins(rng):
    first = packet(rng, 10)
    samples = on_air(rng, [1000, 1000 + len(first)], 8000, n_symbols=10)
    one, other = find_packets(samples, 20e6)
    assert one.start + one.n_samples == other.start


def test_packets_at_the_seam_of_pieces_are_found_once(rng, monkeypatch):
    from edgespec.dsp.wifi import packets

    samples = on_air(rng, [2000, 9000], 14_000)
    whole = find_packets(samples, 20e6)
    for n_piece in (2010, 2100, 2300, 4500):
        monkeypatch.setattr(packets, "_N_PIECE", n_piece)
        assert [one.long_start for one in find_packets(samples, 20e6)] == [
            one.long_start for one in whole
        ]


def test_what_is_not_finite_hides_nothing_else(rng):
    samples = on_air(rng, [2000], 8000)
    samples[[100, 7000]] = np.nan, np.inf
    assert len(find_packets(samples, 20e6)) == 1


def not_wifi(rng):
    n = 400_000
    t = np.arange(n) / 20e6
    yield "noise", noise(rng, n)
    yield "silence", np.zeros(n)
    yield "constant", np.ones(n)
    yield "tone", np.exp(2j * np.pi * 1.25e6 * t) + noise(rng, n, 1e-3)
    yield "chirp", np.exp(2j * np.pi * 1e11 * ((t % 1e-4) - 5e-5) ** 2) + noise(rng, n, 1e-3)
    comb = sum(np.exp(2j * np.pi * 1.25e6 * k * t + 1j * k * k) for k in range(-6, 7))
    yield "what repeats after 0.8 us", comb * (t % 1e-4 < 2e-5) + noise(rng, n, 0.1)
    yield "LTE", received(rng, cell_wave(rng, 5, n_blocks=50, n_frames=3), 20e6)[:n]
    scene = SceneConfig(20e6, channel=ChannelConfig(snr_db=30.0), nr=NrConfig(load=0.8))
    yield "NR", Scene(scene, 1).read(n)


def test_what_is_no_wifi_is_refused(rng):
    for name, samples in not_wifi(rng):
        assert find_packets(samples.astype(np.complex64), 20e6) == [], name


def test_low_rates_and_short_stretches_find_none(rng):
    samples = on_air(rng, [500], 6000)
    assert find_packets(samples, 10e6) == []
    for n in (0, 1, 100, 700):
        assert find_packets(samples[:n], 20e6) == []


@pytest.mark.parametrize("name", [*RECORDED, *(name for name in NO_CELL if name != "wifi")])
def test_other_recordings_hold_no_wifi(shared_data, name):
    samples, rate_hz = recording(shared_data, name, 0.4)
    assert find_packets(samples, rate_hz if rate_hz >= 18e6 else 20e6) == []


def test_the_recording_of_wifi_is_full_of_packets(shared_data):
    samples, rate_hz = recording(shared_data, "wifi", 0.1)
    found = find_packets(samples, rate_hz)
    # Its author has cut the gaps away; two stations are 20 kHz apart.
    assert len(found) > 50
    assert sum(one.n_samples for one in found) > 0.85 * len(samples)
    assert {round(one.cfo_hz / 20e3) for one in found} <= {-2, -1, 0}
