"""Packets of Wi-Fi in samples: found by their short symbols, proven by their long ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.pilots import coherence_of
from edgespec.dsp.prefix.proof import snr_db
from edgespec.dsp.wifi.training import (
    LONG_START_S,
    LONG_SUBCARRIERS,
    PREAMBLE_S,
    SHORT_S,
    SPACING_HZ,
    long_sequence,
    long_wave,
)

__all__ = ["LEAST_RATE_HZ", "Packet", "find_packets"]

#: A channel of 20 MHz has 16.6 MHz of subcarriers.
LEAST_RATE_HZ = 18e6

#: Seven of ten short symbols are compared with the next; with less than this they are none.
_WINDOW_S, _LEAST_SHORT = 5.6e-6, 0.4
#: Samples that are looked at together.
_N_PIECE = 1 << 19
#: The long symbols are looked for so far behind where short ones are first seen.
_REACH_S = 16e-6
#: Coherence of neighbours in the phases of the channel by the long symbols, and of one of these
#: with the other: noise has more than .6 of the first once in 1e8 tries.
_LEAST_LONG = 0.6
#: A packet ends where its power does, in steps of one symbol; the longest has 5.5 ms.
_STEP_S, _LONGEST_S = 4e-6, 5.5e-3
_SNR_MOST_DB = 35.0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its first sample (a fraction of one counts not), length, carrier and SNR.

    ``long_start`` is the sample in which the first long symbol begins, by which its timing is
    known; ``snr_db`` is that of the samples, from how the two long symbols differ.
    """

    start: int
    n_samples: int
    long_start: int
    cfo_hz: float
    snr_db: float


def find_packets(samples: NDArray[np.complex64], sample_rate_hz: float) -> list[Packet]:
    """Return the packets of the Wi-Fi channel in the middle of a band, in order.

    Short symbols repeat after 0.8 us, ``|sum conj(x[n]) x[n + L]|^2`` over both energies; behind
    them the two long ones must have a smooth channel and differ by noise alone. A packet that no
    preamble opens, as when one of a stronger station covers it, is not found.

    Args:
        samples: complex64.
        sample_rate_hz: of the samples, 18 MS/s or more; less finds nothing.
    """
    if sample_rate_hz < LEAST_RATE_HZ:
        return []
    found: list[Packet] = []
    n_ahead = round((_WINDOW_S + SHORT_S) * sample_rate_hz) + 1
    wave = long_wave(sample_rate_hz)
    for first in range(0, len(samples), _N_PIECE):
        piece = samples[first : first + _N_PIECE + n_ahead]
        for at, cfo_hz in _short(piece, sample_rate_hz):
            if found and first + at < found[-1].long_start + 2 * len(wave):
                continue
            packet = _prove(samples, sample_rate_hz, first + at, cfo_hz, wave)
            if packet is not None:
                found.append(packet)
    stops = [*(one.start for one in found[1:]), len(samples)]
    return [
        _ended(samples, sample_rate_hz, one, stop) for one, stop in zip(found, stops, strict=False)
    ]


def _short(samples: NDArray[np.complex64], rate_hz: float) -> list[tuple[int, float]]:
    """Return where short symbols may begin, each with its carrier."""
    lag, n = round(SHORT_S * rate_hz), round(_WINDOW_S * rate_hz)
    if len(samples) <= n + lag:
        return []
    finite = np.where(np.isfinite(samples), samples, 0)
    power = finite.real**2 + finite.imag**2
    products = _sums(finite[:-lag].conj() * finite[lag:], n)
    energy = _sums(power, n)
    both = energy[: len(products)] * energy[lag : lag + len(products)]
    least = float(np.mean(power)) ** 2 * n**2 * 1e-6 + 1e-30
    is_short = np.abs(products) ** 2 > _LEAST_SHORT * np.maximum(both, least)
    edges = np.flatnonzero(np.diff(is_short.astype(np.int8), prepend=0) == 1)
    # A little later the window is full of them.
    inner = np.minimum(edges + lag, len(products) - 1)
    cfo_hz = np.angle(products[inner]) * rate_hz / (2.0 * np.pi * lag)
    return list(zip(edges.tolist(), cfo_hz.tolist(), strict=True))


def _sums(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Return the sums of ``n`` values from each on."""
    wide = np.complex128 if np.iscomplexobj(values) else np.float64
    sums = np.zeros(len(values) + 1, wide)
    np.cumsum(values, out=sums[1:])
    return np.asarray(sums[n:] - sums[:-n])


def _prove(
    samples: NDArray[np.complex64],
    rate_hz: float,
    at: int,
    cfo_hz: float,
    wave: NDArray[np.complex64],
) -> Packet | None:
    """Return the packet whose long symbols come behind a place; None where none prove it."""
    n, n_long = round(_REACH_S * rate_hz), len(wave)
    piece = samples[at : at + n + 2 * n_long]
    if len(piece) < 3 * n_long:
        return None
    turns = np.exp(-2j * np.pi * cfo_hz / rate_hz * np.arange(len(piece)))
    piece = (piece * turns).astype(np.complex64)
    power = np.abs(np.correlate(piece, wave, "valid")) ** 2
    # A long symbol is one period of all subcarriers, though no whole number of samples: the second
    # may begin a sample later.
    second_most = np.maximum(power[n_long:-1], power[n_long + 1 :])
    long_at = int((power[: len(second_most)] + second_most).argmax())
    seconds = np.arange(2 * n_long) / rate_hz
    waves = np.exp(-2j * np.pi * np.outer(LONG_SUBCARRIERS * SPACING_HZ, seconds))
    both_long = waves * piece[long_at : long_at + 2 * n_long]
    first, second = both_long[:, :n_long].sum(axis=1), both_long[:, n_long:].sum(axis=1)
    channel = ((first + second) * long_sequence()).astype(np.complex64)
    # Whoever has a part of the channel only, however loud, has no say in the rest.
    channel /= np.abs(channel) + np.float32(1e-30)
    cross = np.vdot(first, second)
    energy = 0.5 * float(np.sum(np.abs(first) ** 2 + np.abs(second) ** 2)) + 1e-30
    alike = abs(cross) / energy
    if min(abs(coherence_of(channel)), alike) < _LEAST_LONG:
        return None
    start = at + long_at - round(LONG_START_S * rate_hz)
    fine_hz = float(np.angle(cross)) * rate_hz / (2.0 * np.pi * n_long)
    return Packet(max(start, 0), 0, at + long_at, cfo_hz + fine_hz, snr_db(alike, _SNR_MOST_DB))


def _ended(samples: NDArray[np.complex64], rate_hz: float, packet: Packet, stop: int) -> Packet:
    """Return the packet with its length: up to where less than half of its decibels are left."""
    n_step = round(_STEP_S * rate_hz)
    body = packet.start + round(PREAMBLE_S * rate_hz)
    stop = min(stop, packet.start + round(_LONGEST_S * rate_hz))
    preamble = samples[packet.long_start : body]
    level = float(np.mean(np.abs(preamble) ** 2)) if len(preamble) else 0.0
    least = level / np.sqrt(1.0 + 10.0 ** (packet.snr_db / 10.0))
    n_steps = max((stop - body) // n_step, 0)
    steps = samples[body : body + n_steps * n_step].reshape(n_steps, n_step)
    quiet = np.flatnonzero(np.mean(np.abs(steps) ** 2, axis=1) < least)
    end = body + int(quiet[0]) * n_step if len(quiet) else stop
    return Packet(packet.start, end - packet.start, packet.long_start, packet.cfo_hz, packet.snr_db)
