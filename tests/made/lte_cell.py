"""Cells of any bandwidth, duplex and prefix by TS 36.211, as a receiver hears them."""

import numpy as np

from edgespec.lte.numerology import PREFIX_UNITS, sync_places
from edgespec.lte.sequences import (
    cell_reference,
    primary_sync,
    reference_subcarriers,
    secondary_sync,
)

#: The built wave has this rate: eight times what six blocks need, so that lines join its samples.
WAVE_HZ = 15.36e6
_N_FFT = 1024
#: Configuration 0 of table 4.2-2, the one with the least downlink, and 3 symbols of pilots.
_TDD = "DSUUUDSUUU"
QPSK = np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j]) / np.sqrt(2)


def cell_wave(
    rng, identity, *, duplex="fdd", prefix="normal", n_blocks=6, n_frames=11, load=1.0, sync=True
):
    """complex64 at 15.36 MS/s: a whole number of frames, mean power of a full symbol 1."""
    lengths = [units // 2 for units in PREFIX_UNITS[prefix]]
    n_symbols = len(lengths)
    subcarriers = np.delete(np.arange(-6 * n_blocks, 6 * n_blocks + 1), 6 * n_blocks)
    reference = cell_reference(identity, n_blocks, prefix)
    places = reference_subcarriers(identity, n_blocks)
    middle = np.delete(np.arange(-36, 37), 36)
    synchronising = dict(
        zip(
            sync_places(duplex, prefix),
            ([primary_sync(identity)] * 2, secondary_sync(identity)),
            strict=True,
        )
    )
    pieces = []
    for index in range(20 * n_frames):
        slot = index % 20
        half, at = divmod(slot, 10)
        kind = _TDD[slot // 2] if duplex == "tdd" else "D"
        grids = np.zeros((n_symbols, _N_FFT), np.complex64)
        for symbol, grid in enumerate(grids):
            used = subcarriers[rng.random(len(subcarriers)) < load]
            grid[used] = rng.choice(QPSK, len(used))
            if symbol in (0, n_symbols - 3):
                row = int(symbol > 0)
                grid[places[row]] = reference[slot, row]
            if kind == "U" or (kind == "S" and (slot % 2 or symbol > 2)):
                grid[:] = 0.0
            if sync and (at, symbol) in synchronising:
                grid[middle] = 0.0
                grid[middle[5:-5]] = synchronising[at, symbol][half]
        waves = np.fft.ifft(grids, axis=1) * (_N_FFT / np.sqrt(12 * n_blocks))
        for wave, n_prefix in zip(waves, lengths, strict=True):
            pieces += [wave[-n_prefix:], wave]
    return np.concatenate(pieces).astype(np.complex64)


def received(rng, wave, rate_hz, *, start=0.0, cfo_hz=0.0, ppm=0.0, snr_db=30.0, n_blocks=6):
    """Samples of a wave at another rate, complex64: sample 0 lies ``start`` samples into it.

    With ``ppm`` there are more samples than nominal; ``snr_db`` is that of a subcarrier of full
    power in the noise of the receiver's band.
    """
    if rate_hz < WAVE_HZ:
        spectrum = np.fft.fft(wave)
        spectrum[np.abs(np.fft.fftfreq(len(wave))) > rate_hz / WAVE_HZ / 2] = 0.0
        wave = np.fft.ifft(spectrum).astype(np.complex64)
    n = int(len(wave) / WAVE_HZ * rate_hz * (1 - 2e-4) - start)
    place = (start + np.arange(n)) * (WAVE_HZ / rate_hz / (1.0 + ppm * 1e-6))
    whole = place.astype(np.int64)
    part = (place - whole).astype(np.float32)
    out = wave[whole] * (1 - part) + wave[whole + 1] * part
    out *= np.exp(2j * np.pi * cfo_hz / rate_hz * np.arange(n)).astype(np.complex64)
    power = rate_hz / (12 * n_blocks * 15e3) * 10.0 ** (-snr_db / 10.0)
    return (out + noise(rng, n, power)).astype(np.complex64)


def noise(rng, n, power=1.0):
    """White complex noise, complex64 ``(n,)``."""
    pairs = np.sqrt(power / 2) * rng.standard_normal((n, 2))
    return pairs.view(np.complex128)[:, 0].astype(np.complex64)
