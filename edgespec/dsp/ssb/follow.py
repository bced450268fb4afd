"""Time, clock and carrier of the blocks of an NR cell, from block to block."""

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.ssb.primary import STEP
from edgespec.dsp.ssb.symbols import BlockPlace
from edgespec.nr.block import SYNC_SUBCARRIERS
from edgespec.nr.sequences import primary_sync, secondary_sync

__all__ = ["fine", "followed", "settled"]

#: A clock is at most this far off.
_MOST_PPM = 105.0
#: A block is there with this share of the power that a PSS can have.
_LEAST_SHARE = 0.08
#: Steps of a fine look at frequencies, in subcarriers.
_FINE = np.arange(-16, 17) * (STEP / 32)
#: Delays are measured between subcarriers so far apart, within which a channel is about the same.
_APART_HZ = 120e3


def fine(samples: NDArray[np.complex64], place: BlockPlace, sector: int) -> BlockPlace:
    """Return time and frequency of the first block more exactly than a peak has them."""
    rate_hz = place.sample_rate_hz
    wave = _wave(place, primary_sync(sector))
    reach = max(2, round(1.5 * rate_hz / (128 * place.spacing_hz)))
    n_all = len(wave) + 2 * reach
    first = min(max(round(place.at) - reach, 0), len(samples) - n_all)
    if first < 0:
        return place
    pieces = np.lib.stride_tricks.sliding_window_view(samples[first : first + n_all], len(wave))
    seconds = np.arange(len(wave)) / rate_hz
    turns = np.exp(-2j * np.pi * np.outer(seconds, _FINE * place.spacing_hz)).astype(np.complex64)
    sums = np.abs(np.einsum("tn,nf->tf", pieces * wave.conj(), turns))
    at, which = np.unravel_index(int(sums.argmax()), sums.shape)
    cfo_hz = place.cfo_hz + float(_FINE[which]) * place.spacing_hz
    return place._replace(at=float(first + at), cfo_hz=cfo_hz)


def followed(samples: NDArray[np.complex64], place: BlockPlace, sector: int) -> BlockPlace:
    """Return the place with the clock that the PSS of all blocks shows.

    From block to block the PSS is looked for within 105 ppm of where the last one leads; a line
    through what was found is the clock. Blocks that are not there (a period of more than 20 ms)
    are passed over.
    """
    wave = _wave(place, primary_sync(sector))
    seen = min(1.0, 128 * place.spacing_hz / place.sample_rate_hz)
    reach = int(_MOST_PPM * 1e-6 * place.period) + 2
    numbers, times = [0], [place.at]
    number = 1
    while True:
        expected = times[-1] + (number - numbers[-1]) * place.period
        if len(times) > 2:
            expected = float(np.polyval(np.polyfit(numbers, times, 1), number))
        wide = reach * (number - numbers[-1])
        first = round(expected) - wide
        if first + len(wave) + 2 * wide > len(samples):
            break
        pieces = np.lib.stride_tricks.sliding_window_view(
            samples[first : first + len(wave) + 2 * wide], len(wave)
        )
        power = np.abs(pieces @ wave.conj()) ** 2
        power /= np.sum(np.abs(pieces) ** 2, axis=1) + np.float32(1e-30)
        best = int(power.argmax())
        if power[best] > _LEAST_SHARE * seen:
            numbers.append(number)
            times.append(float(first + best))
        number += 1
    return _clocked(place, np.array(numbers), np.array(times), np.ones(len(times)))


def settled(
    place: BlockPlace,
    starts: NDArray[np.float64],
    identity: int,
    primary: NDArray[np.complex64],
    secondary: NDArray[np.complex64],
) -> BlockPlace:
    """Return the place with time, clock and carrier measured on the PSS and SSS of all blocks.

    By the turn of the phase over subcarriers 120 kHz apart, block by block, and from the first half
    of each symbol to the second. What a transmitter does to the phase from symbol to symbol
    (TS 38.211, sec. 5.4) does not matter.

    Args:
        place: of the blocks.
        starts: where the useful parts of their PSS begin.
        identity: of the cell.
        primary: PSS as received there, complex64 ``(n_blocks, 127)``.
        secondary: SSS alike.
    """
    n_apart = round(_APART_HZ / place.spacing_hz)
    halves = np.zeros(0, np.complex128)
    products = np.zeros(len(starts), np.complex128)
    sent = primary_sync(identity), secondary_sync(identity)
    for received, sequence in zip((primary, secondary), sent, strict=True):
        channel = received * sequence
        channel /= np.sqrt(np.mean(np.abs(channel) ** 2, axis=1, keepdims=True)) + 1e-30
        products += np.sum(channel[:, n_apart:] * channel[:, :-n_apart].conj(), axis=1)
        halves = np.append(halves, _halves(received, sequence, place.spacing_hz))
    # The mean delay is taken off first: what is left of each block does not wrap.
    mean = products.sum()
    turns = np.angle(mean) + np.angle(products * mean.conj())
    late = -turns / (2.0 * np.pi * _APART_HZ) * place.sample_rate_hz
    numbers = np.round((starts - place.at) / place.period)
    place = _clocked(place, numbers, starts + late, np.abs(products))
    half_s = 0.5 / place.spacing_hz
    return place._replace(
        cfo_hz=place.cfo_hz + float(np.angle(halves.sum())) / (2.0 * np.pi * half_s)
    )


def _halves(
    received: NDArray[np.complex64], sequence: NDArray[np.float32], spacing_hz: float
) -> NDArray[np.complex128]:
    """Return how a symbol turns from its first half to its second, complex128, one a block.

    The waves of what was received and of what was sent are made of their subcarriers, so no
    fraction of a sample counts; their product is summed by halves.
    """
    seconds = (np.arange(128) + 0.5) / 128 / spacing_hz
    waves = np.exp(2j * np.pi * np.outer(SYNC_SUBCARRIERS * spacing_hz, seconds))
    parts = (received @ waves) * (sequence @ waves).conj()
    first, second = parts[:, :64].sum(axis=1), parts[:, 64:].sum(axis=1)
    return np.asarray(first.conj() * second, np.complex128)


def _clocked(
    place: BlockPlace,
    numbers: NDArray[np.generic],
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> BlockPlace:
    """Return the place with the clock and the time of a line through blocks."""
    if len(times) < 2:
        return place._replace(at=float(times[0]))
    slope, at = np.polyfit(numbers.astype(float), times, 1, w=np.sqrt(weights))
    nominal = place._replace(ppm=0.0).period
    ppm = float(np.clip((slope / nominal - 1.0) * 1e6, -_MOST_PPM, _MOST_PPM))
    return place._replace(at=float(at), ppm=ppm)


def _wave(place: BlockPlace, sequence: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Return a symbol at the rate of the samples, of energy 1, at its frequency."""
    n = int(place.sample_rate_hz / place.spacing_hz)
    seconds = np.arange(n) / place.sample_rate_hz
    waves = np.exp(2j * np.pi * np.outer(seconds, SYNC_SUBCARRIERS * place.spacing_hz))
    wave = waves @ sequence * np.exp(2j * np.pi * place.cfo_hz * seconds)
    return np.asarray(wave / np.linalg.norm(wave), np.complex64)
