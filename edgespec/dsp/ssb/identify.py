"""From a peak of the PSS of NR to a cell whose broadcast reference symbols prove it, or to none."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilots import coherence_of
from edgespec.dsp.prefix.proof import DELAYS, alike, deviations, gathered, snr_db
from edgespec.dsp.ssb.follow import fine, followed, settled
from edgespec.dsp.ssb.primary import Peak
from edgespec.dsp.ssb.symbols import BlockPlace, block_starts, symbols_at
from edgespec.lte.numerology import BASIC_RATE_HZ, FRAME_S
from edgespec.nr.block import SYNC_SUBCARRIERS, block_symbol, reference_places, usual_case
from edgespec.nr.numerology import useful_start
from edgespec.nr.sequences import (
    N_IDENTITIES,
    broadcast_references,
    primary_sync,
    secondary_sync,
)

__all__ = ["identify"]

#: The SSS is so much more coherent with the best group than with the next.
_LEAST_MARGIN = 1.2
#: Of one block the best of 336 groups has less in noise four times of five.
_LEAST_OF_ONE = 0.24
#: Subcarriers over which the channel of the PSS is averaged, for the SSS.
_N_SMOOTH = 7
#: Power at one delay of the reference symbols, in standard deviations above noise (as of LTE: see
#: edgespec/dsp/prefix/identify.py), and over that with other sequences. A PSS of another sector
#: looks like this one 43 subcarriers beside, and a wrong identity may then have the same elements:
#: these are the same in every block, so that chance is that of two sums. It passes once in 1e8.
_SURE_DEVIATIONS, _SURE_RATIO = 7.0, 14.0
#: Numbers of a block, of which one is its own, and identities with the same elements.
_N_NUMBERS, _N_WRONG = 8, 12


class _Proof(NamedTuple):
    deviations: float
    ratio: float
    number: int


def identify(
    samples: NDArray[np.complex64], sample_rate_hz: float, spacing_hz: float, peak: Peak
) -> Cell | None:
    """Return the cell whose PSS the peak is, or None where no reference symbols prove one.

    All blocks of the samples, 20 ms apart, count. The SSS names an identity; the reference symbols
    of the PBCH, in symbols 1 and 3 of the block, prove it and say which block of the half frame it
    is. Where 30 kHz are used the second half of a frame cannot be told from the first.
    """
    place = BlockPlace(sample_rate_hz, spacing_hz, peak.at, peak.cfo_hz, 0.0)
    place = fine(samples, place, peak.sector)
    starts = block_starts(place, len(samples))[:1]
    if not len(starts) or _groups(samples, place, starts, peak.sector)[0].max() < _LEAST_OF_ONE:
        return None
    place = followed(samples, place, peak.sector)
    starts = block_starts(place, len(samples))
    if not len(starts):
        return None
    sums, primary, secondary = _groups(samples, place, starts, peak.sector)
    group = int(sums.argmax())
    margin = float(sums[group] / max(float(np.delete(sums, group).max()), 1e-9))
    if margin < _LEAST_MARGIN:
        return None
    identity = 3 * group + peak.sector
    proof = _prove(samples, place, starts, identity)
    if proof.deviations < _SURE_DEVIATIONS or proof.ratio < _SURE_RATIO:
        return None
    both = np.concatenate([primary * primary_sync(identity), secondary * secondary_sync(identity)])
    place = settled(place, starts, identity, primary, secondary)
    return Cell(
        technology="nr",
        identity=identity,
        duplex="",
        prefix="normal",
        sample_rate_hz=sample_rate_hz,
        frame_start=_frame_start(place, proof.number),
        cfo_hz=place.cfo_hz,
        ppm=place.ppm,
        snr_db=snr_db(abs(coherence_of(both))),
        coherence=float(sums[group]),
        margin=margin,
        spacing_hz=spacing_hz,
    )


def _groups(
    samples: NDArray[np.complex64],
    place: BlockPlace,
    starts: NDArray[np.float64],
    sector: int,
) -> tuple[NDArray[np.float64], NDArray[np.complex64], NDArray[np.complex64]]:
    """Return the coherence of the SSS with that of each group, and PSS and SSS as received.

    The coherence is ``|sum z s| / sum |z|`` for products ``z`` of the SSS and the channel's
    conjugate: 1 without noise, about ``1 / sqrt(127 n_blocks)`` where there is none.
    """
    primary = symbols_at(samples, place, starts, 0, SYNC_SUBCARRIERS)
    secondary = symbols_at(samples, place, starts, 2, SYNC_SUBCARRIERS)
    products = secondary * _smoothed(primary * primary_sync(sector)).conj()
    products /= np.abs(products).mean(axis=1, keepdims=True) + np.float32(1e-30)
    total = max(float(np.abs(products).sum()), 1e-30)
    sums = np.abs(_table(sector) @ products.sum(axis=0)) / total
    return np.asarray(sums, np.float64), primary, secondary


def _frame_start(place: BlockPlace, number: int) -> float:
    """Return where a frame begins: before the block of this number, in samples.

    With 15 kHz, used below 3 GHz, a half frame has four blocks at most, and from 4 on the numbers
    are those of the second half. With 30 kHz most bands have eight.
    """
    half, block = 0.0, number
    if place.spacing_hz == 15e3 and number >= 4:
        half, block = FRAME_S / 2, number - 4
    symbol = block_symbol(place.spacing_hz, usual_case(place.spacing_hz), block)
    units = useful_start(place.spacing_hz, symbol)
    seconds = (half + units / BASIC_RATE_HZ) * (1.0 + place.ppm * 1e-6)
    n_frame = FRAME_S * place.sample_rate_hz * (1.0 + place.ppm * 1e-6)
    return (place.at - seconds * place.sample_rate_hz) % n_frame


def _smoothed(channel: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return the channel averaged over neighbouring subcarriers."""
    kernel = np.ones(_N_SMOOTH) / _N_SMOOTH
    rows = [np.convolve(row, kernel, mode="same") for row in channel]
    return np.asarray(rows, np.complex64)


@cache
def _table(sector: int) -> NDArray[np.float32]:
    """Return the SSS of all groups, float32 ``(336, 127)``."""
    return np.stack([secondary_sync(identity) for identity in range(sector, N_IDENTITIES, 3)])


def _prove(
    samples: NDArray[np.complex64],
    place: BlockPlace,
    starts: NDArray[np.float64],
    identity: int,
) -> _Proof:
    """Return how far the reference symbols of an identity stand out, and with which number."""
    places = reference_places(identity)
    seen_hz = 0.48 * place.sample_rate_hz
    received, kept = [], []
    for symbol in (1, 3):
        at = places[symbol - 1]
        is_seen = np.abs(at * place.spacing_hz + place.cfo_hz) < seen_hz
        values = symbols_at(samples, place, starts, symbol, at[is_seen])
        received.append(alike(values))
        kept.append(is_seen)
    # Symbols 1 and 3 have the first and the last 60 of a sequence.
    rows = slice(0, 60), slice(84, 144)
    numbers, others = np.arange(_N_NUMBERS), np.arange(_N_WRONG)
    identities = np.append(0 * numbers, 4 * (1 + others))
    identities = (identity + identities) % N_IDENTITIES
    numbers = np.append(numbers, others % _N_NUMBERS)
    table = np.stack(
        [
            np.mean(
                [
                    gathered(values * sequence[row][is_seen].conj())
                    for values, row, is_seen in zip(received, rows, kept, strict=True)
                ],
                axis=0,
            )
            for sequence in broadcast_references(identities, numbers)
        ]
    )
    number, best = np.unravel_index(int(table[:_N_NUMBERS].argmax()), (_N_NUMBERS, len(DELAYS)))
    value = float(table[number, best])
    wrong = np.delete(table[:, best], number) - 1.0
    ratio = (value - 1.0) / max(float(np.sqrt(np.mean(wrong**2))), 1e-9)
    return _Proof(deviations(value, 2 * len(starts)), ratio, int(number))
