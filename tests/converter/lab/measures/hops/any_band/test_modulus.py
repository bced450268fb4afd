"""A constant envelope is found, and what breaks it is heard."""

import numpy as np
import pytest

from converter.lab.measures.hops.any_band.modulus import (
    Channel,
    Modulus,
    channels,
    choose_channels,
)

N_HOP = 16_000


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
