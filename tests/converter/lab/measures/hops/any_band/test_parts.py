"""The parts of the detector for any band: known is near, louder is far, and nothing else is."""

import numpy as np
import pytest

from converter.lab.measures.hops.any_band.modulus import (
    Channel,
    Modulus,
    channels,
    choose_channels,
)
from converter.lab.measures.hops.any_band.peaks import Peaks
from converter.lab.measures.hops.any_band.scenes import WIDTHS, Scenes, run_means

N_HOP = 16_000


def frames(rng: np.random.Generator, n: int = 200) -> np.ndarray:
    return rng.normal(-60.0, 1.0, (n, 32)).astype(np.float32)


def test_runs_are_those_of_the_plain_mean(rng: np.random.Generator) -> None:
    levels = frames(rng, 3)
    for width in WIDTHS:
        wide = min(width, 32)
        plain = np.stack([levels[:, k : k + wide].mean(axis=1) for k in range(33 - wide)], axis=1)
        np.testing.assert_allclose(run_means(levels, width), plain, rtol=1e-5)


def test_what_was_heard_is_near_and_only_louder_is_far(rng: np.random.Generator) -> None:
    known = frames(rng, 60)
    scenes = Scenes(known, (1, 4))
    (one, _) = scenes.distances_db(known[:4])
    assert one == pytest.approx(0.0, abs=1e-4)
    quiet, usual = known[:8] - 20.0, frames(rng, 8)
    loud = usual.copy()
    loud[3:6, 10:14] += 15.0
    assert max(scenes.distances_db(quiet)) < 0.0
    assert max(scenes.distances_db(loud)) > max(scenes.distances_db(usual)) + 8.0


def test_peaks_and_floors_are_above_the_highest_of_the_warmup(rng: np.random.Generator) -> None:
    hops = [frames(rng, 25) for _ in range(40)]
    peaks = Peaks(hops)
    usual = frames(rng, 25)
    pulse, filled = usual.copy(), usual.copy()
    pulse[7, 5] += 20.0
    filled[:, 5:9] += 6.0
    peak, fill = peaks.above_db(usual)
    assert peaks.above_db(pulse)[0] > peak + 10.0
    assert peaks.above_db(pulse)[1] == pytest.approx(fill, abs=0.5)
    assert peaks.above_db(filled)[1] > fill + 2.0


def fm(rng: np.random.Generator, middle: float = 0.1) -> np.ndarray:
    turns = np.cumsum(middle + 0.01 * np.repeat(rng.standard_normal(N_HOP // 32), 32))
    noise = 0.01 * (rng.standard_normal(N_HOP) + 1j * rng.standard_normal(N_HOP))
    return (np.exp(2j * np.pi * turns) + noise).astype(np.complex64)


def test_channels_lie_within_the_band_and_keep_what_is_in_them(rng: np.random.Generator) -> None:
    for channel in channels():
        assert abs(channel.middle) + channel.width / 2 <= 0.5 + 1e-9
    tone = np.exp(2j * np.pi * 0.21 * np.arange(N_HOP)).astype(np.complex64)
    spectrum = np.fft.fft(tone).astype(np.complex64)
    inside = Channel(0.2, 0.1).heard(spectrum)
    outside = Channel(-0.2, 0.1).heard(spectrum)
    assert np.abs(inside).mean() == pytest.approx(1.0, abs=0.01)
    assert np.abs(outside).max() < 1e-3


def test_a_constant_envelope_is_found_and_what_breaks_it_is_heard(rng: np.random.Generator) -> None:
    chosen = choose_channels([fm(rng) for _ in range(10)])
    assert chosen
    assert all(abs(c.middle - 0.1) < c.width / 2 + 0.05 for c in chosen)
    modulus = Modulus(chosen)
    for _ in range(20):
        modulus.learn(fm(rng))
    usual = [modulus.above_db(fm(rng)) for _ in range(10)]
    beside = fm(rng) + np.float32(0.2) * fm(rng, 0.102)
    assert modulus.above_db(beside.astype(np.complex64)) > max(usual) + 3.0


def test_noise_has_no_constant_envelope(rng: np.random.Generator) -> None:
    noise = [
        (rng.standard_normal(N_HOP) + 1j * rng.standard_normal(N_HOP)).astype(np.complex64)
        for _ in range(10)
    ]
    assert choose_channels(noise) == []
    assert Modulus([]).above_db(noise[0]) == -np.inf
