"""The secondary synchronisation signal (SSS): identity, frame, duplex and kind of prefix."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.dsp.prefix.primary import HALF_FRAME, N_USEFUL, SYNC_BINS, Peak, primary_wave
from edgespec.dsp.prefix.rate import SEARCH_RATE_HZ
from edgespec.lte.numerology import BASIC_RATE_HZ, sync_places, useful_units
from edgespec.lte.sequences import primary_sync, secondary_sync

__all__ = ["SETTINGS", "Identity", "identities", "place_of_primary"]

#: Duplex and prefix of every arrangement of the synchronisation signals.
SETTINGS = (("fdd", "normal"), ("fdd", "extended"), ("tdd", "normal"), ("tdd", "extended"))
_N_GROUPS = 168
_UNITS_PER_SAMPLE = int(BASIC_RATE_HZ / SEARCH_RATE_HZ)
#: Begin this much inside the prefix, so that neither a late path nor a late guess cuts the symbol.
_EARLY = 2
#: A subcarrier with more power than this times the median counts as much less.
_LOUD = 4.0


class Identity(NamedTuple):
    """What an SSS says: ``coherence`` with its sequence, and ``margin`` over the next group.

    ``second`` says that the first half frame of the samples is the second of its radio frame.
    """

    coherence: float
    margin: float
    identity: int
    duplex: str
    prefix: str
    second: bool
    cfo_hz: float


def place_of_primary(duplex: str, prefix: str) -> int:
    """Return where the useful part of PSS begins in a half frame, in samples at 1.92 MS/s."""
    return useful_units(prefix, sync_places(duplex, prefix)[0]) // _UNITS_PER_SAMPLE


def identities(
    samples: NDArray[np.complex64], peak: Peak, n_halves: int, n_most: int
) -> list[Identity]:
    """Return what the SSS beside a peak of the PSS may say, the most coherent first.

    The channel is what PSS shows; all half frames add up, in amplitude over the subcarriers and
    the half frames of one parity. The coherence is ``|sum z s| / sum |z|`` for products ``z`` of
    received SSS and the channel's conjugate with sequences ``s``: 1 without noise, about
    ``1 / sqrt(62 n_halves)`` where there is none. It always gives an identity; who asks has to
    confirm it.

    Args:
        samples: complex64 at 1.92 MS/s.
        peak: where PSS may be, with its drift.
        n_halves: half frames to use; those that the samples do not hold are left out.
        n_most: how many to return.
    """
    lags = [_lag(*setting) for setting in SETTINGS]
    halves = np.arange(n_halves)
    starts = peak.at + np.round(halves * (HALF_FRAME + peak.drift)).astype(np.int64)
    held = (starts - max(lags) - _EARLY >= 0) & (starts + N_USEFUL <= len(samples))
    starts, parity = starts[held], halves[held] % 2
    if not len(starts):
        return []
    cfo_hz = peak.cfo_hz + _offset_within(samples, starts, peak)
    ramp = np.exp(-2j * np.pi * cfo_hz / SEARCH_RATE_HZ * np.arange(N_USEFUL)).astype(np.complex64)
    channel = _evenly(_symbols(samples, starts, ramp) * primary_sync(peak.sector).conj())
    table = _table(peak.sector)
    found = []
    for (duplex, prefix), lag in zip(SETTINGS, lags, strict=True):
        received = _symbols(samples, starts - lag, ramp)
        products = _evenly(received) * channel.conj()
        products /= np.abs(products).mean(axis=1, keepdims=True) + np.float32(1e-30)
        total = float(np.abs(products).sum())
        # Each symbol is turned back from its own start on: what lies between them is not.
        known = np.exp(2j * np.pi * cfo_hz * lag / SEARCH_RATE_HZ)
        even, odd = (products[parity == half].sum(axis=0) for half in (0, 1))
        for second in (False, True):
            first = np.stack([odd, even] if second else [even, odd])
            # Not by BLAS: its threads cost more than these few products.
            sums = np.einsum("ghk,hk->g", table, first) / total
            quality = np.abs(sums)
            for group in np.argsort(quality)[::-1][: n_most + 1]:
                turn = -np.angle(sums[group] * known) * SEARCH_RATE_HZ / (2 * np.pi * lag)
                found.append(
                    Identity(
                        float(quality[group]), 1.0, 3 * int(group) + peak.sector, duplex, prefix,
                        second, cfo_hz + float(turn),
                    )
                )  # fmt: skip
    found.sort(reverse=True)
    return [one._replace(margin=_margin(one, found)) for one in found[:n_most]]


def _margin(one: Identity, found: list[Identity]) -> float:
    others = (other.coherence for other in found if other.identity != one.identity)
    return one.coherence / max(max(others, default=0.0), 1e-9)


@cache
def _table(sector: int) -> NDArray[np.complex64]:
    """Return the SSS of all groups, complex64 ``(168, 2, 62)``: group, half frame, subcarrier."""
    return np.stack([secondary_sync(3 * group + sector) for group in range(_N_GROUPS)])


def _lag(duplex: str, prefix: str) -> int:
    """Return how many samples before PSS the useful part of SSS begins."""
    primary, secondary = (useful_units(prefix, at) for at in sync_places(duplex, prefix))
    return (primary - secondary) // _UNITS_PER_SAMPLE


def _symbols(
    samples: NDArray[np.complex64], starts: NDArray[np.int64], ramp: NDArray[np.complex64]
) -> NDArray[np.complex64]:
    """Return the 62 subcarriers of the symbols that begin there, complex64 ``(n, 62)``."""
    pieces = samples[starts[:, None] - _EARLY + np.arange(N_USEFUL)] * ramp
    spectrum: NDArray[np.complex64] = fft.fft(pieces, axis=1)[:, SYNC_BINS]
    return spectrum


def _evenly(values: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return the subcarriers with the loud ones, an interferer's, down at the others' level."""
    power = np.mean(values.real**2 + values.imag**2, axis=0)
    most = _LOUD * np.median(power) + np.finfo(np.float32).tiny
    out: NDArray[np.complex64] = values * (most / np.maximum(power, most))
    return out


def _offset_within(samples: NDArray[np.complex64], starts: NDArray[np.int64], peak: Peak) -> float:
    """Return what the frequency is beyond the peak's, by the turn from half to half of PSS, Hz."""
    half = N_USEFUL // 2
    turns = -2j * np.pi * peak.cfo_hz / SEARCH_RATE_HZ * np.arange(N_USEFUL)
    wave = (primary_wave(peak.sector).conj() * np.exp(turns)).astype(np.complex64)
    pieces = samples[starts[:, None] + np.arange(N_USEFUL)] * wave
    first, last = pieces[:, :half].sum(axis=1), pieces[:, half:].sum(axis=1)
    return float(np.angle(np.vdot(first, last))) * SEARCH_RATE_HZ / (2 * np.pi * half)
