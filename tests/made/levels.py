"""Slots of a plane of reference signals, made up: a level, noise, and what happens to them."""

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid, Span
from edgespec.lte.reference_slots import ReferenceSlots

N_BINS = 24
SLOT_TICKS = 960
RATE_HZ = 1.92e6


def slots_of(
    level: NDArray[np.float64],
    rng: np.random.Generator,
    noise: float = 0.05,
    first_slot: int = 0,
    count: NDArray[np.uint8] | None = None,
    flags: NDArray[np.uint8] | None = None,
) -> ReferenceSlots:
    """Return slots with levels ``(n_slots, N_BINS)`` in noise of a power a pilot.

    Pilots of level L are ``sqrt(L)`` and noise, twice a slot, as the plane would sum them.
    """
    n_slots = len(level)
    gain = np.sqrt(np.concatenate([level, level[:, -1:]], axis=1))[:, None]
    shape = (n_slots, 2, N_BINS + 1)
    waves = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    pilots = gain + np.sqrt(noise / 2) * waves
    count = np.full(n_slots, 2, np.uint8) if count is None else count
    used = (count > 0)[:, None]
    product = (pilots[..., :-1] * pilots[..., 1:].conj()).sum(axis=1) * used
    numbers = first_slot + np.arange(n_slots)
    freqs_hz = 800e6 + 90e3 * (np.arange(N_BINS) - N_BINS / 2)
    return ReferenceSlots(
        product=product.astype(np.complex64),
        power=((np.abs(pilots) ** 2).sum(axis=1) * used).astype(np.float32),
        count=count,
        slot=numbers % 20,
        flags=np.zeros(n_slots, np.uint8) if flags is None else flags,
        tick_start=(numbers * SLOT_TICKS).astype(np.int64),
        grid=Grid(freqs_hz, 90e3, SLOT_TICKS, RATE_HZ),
        span=Span(),
    )


def still(n_slots: int, level: float = 1.0) -> NDArray[np.float64]:
    """Return a level that stays."""
    return np.full((n_slots, N_BINS), level)


def fading(n_slots: int, rng: np.random.Generator, doppler_hz: float = 20.0) -> NDArray[np.float64]:
    """Return a level in Rayleigh fading that is alike over the band: eight waves."""
    time_s = np.arange(n_slots) * 0.5e-3
    angles = 2 * np.pi * rng.random((2, 8, 1))
    waves = np.exp(1j * (2 * np.pi * doppler_hz * np.cos(angles[0]) * time_s + angles[1]))
    power = np.abs(waves.sum(axis=0)) ** 2 / 8
    return np.repeat(power[:, None], N_BINS, axis=1)
