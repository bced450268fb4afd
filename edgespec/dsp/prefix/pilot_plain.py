"""The products of pilots in NumPy, symbol by symbol."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["measure_slots"]


def measure_slots(
    items: NDArray[Any],
    place: NDArray[np.float64],
    limits: NDArray[np.float64],
    steps: NDArray[np.float64],
    first_slot: int,
    first_pilot: int,
    turn: NDArray[np.complex64],
    cosines: NDArray[np.float32],
    sines: NDArray[np.float32],
    sequence: NDArray[np.complex64],
    active: NDArray[np.bool_],
    work: NDArray[np.float32],
    product: NDArray[np.complex64],
    power: NDArray[np.float32],
    totals: NDArray[np.float32],
    clipped: NDArray[np.int64],
) -> None:
    """Fill a row for each of the slots of one radio frame from ``first_slot`` on.

    ``product[k] = sum over symbols of Y[k] conj(Y[k + 1]) s[k] exp(2 pi i t (f[k + 1] - f[k]))``,
    where Y are the pilots with time counted from the middle of the transform, t is how long that
    lies behind the begin of the symbol's useful part, and s takes the sequence away. A symbol that
    arrives later by d than it should so has the angle ``2 pi d 90 kHz``.

    Args:
        items: I and Q alternating, as the source delivers them.
        place: start of the frame in samples from the first item, slot and prefix part in samples,
            and from the start of a slot to both transforms.
        limits: zero and scale of the items over the length of a symbol, and where they clip.
        steps: turns a sample between two pilots, and how many times that for the middle two.
        first_slot: 0 to 19.
        first_pilot: with ``turn``, ``cosines``, ``sines`` and ``sequence`` of a
            :class:`~edgespec.dsp.prefix.pilot_plan.PilotPlan`.
        active: bool ``(20, 2)``: symbols that are summed.
        work: float32, scratch.
        product: complex64 ``(n_slots, n_pilots - 1)``.
        power: float32 ``(n_slots, n_pilots)``.
        totals: float32 ``(n_slots, 2, 3)``: of each symbol, active or not, the product's real and
            imaginary part and the power, all over the band.
        clipped: int64 ``(n_slots,)``, components of both symbols.
    """
    del work
    n_samples, n_pairs = turn.shape[1], len(cosines)
    frame_start, slot_samples, early = place[:3]
    n_half = (n_samples + 1) // 2
    cosines, sines = cosines[:, :n_half], sines[:, :n_half]
    product[:] = 0
    power[:] = 0
    clipped[:] = 0
    for row in range(len(product)):
        slot = first_slot + row
        for symbol in range(len(turn)):
            begin = frame_start + slot * slot_samples + place[3 + symbol]
            first = math.floor(begin)
            raw = items[2 * first : 2 * (first + n_samples)]
            clipped[row] += np.count_nonzero((raw <= limits[2]) | (raw >= limits[3]))
            x = (raw.astype(np.float32) - np.float32(limits[0])) * np.float32(limits[1])
            y = x.view(np.complex64) * turn[symbol]
            up, down = y[n_samples // 2 :], y[n_half - 1 :: -1].copy()
            if n_samples % 2:
                down[0] = 0
            even, odd = _sums(cosines, up + down), -1j * _sums(sines, up - down)
            pilots = np.concatenate([(even - odd)[::-1], even + odd]).astype(np.complex64)
            pilots = pilots[first_pilot : first_pilot + power.shape[1]]
            turns = (first - begin + 0.5 * (n_samples - 1) - early) * steps[0]
            rotation = np.full(2 * n_pairs - 1, np.exp(2j * np.pi * turns), np.complex64)
            rotation[n_pairs - 1] = np.exp(2j * np.pi * turns * steps[1])
            rotation = rotation[first_pilot : first_pilot + product.shape[1]]
            turned = pilots[:-1] * pilots[1:].conj() * sequence[slot, symbol] * rotation
            squared = pilots.real**2 + pilots.imag**2
            total = turned.sum()
            totals[row, symbol] = total.real, total.imag, squared.sum()
            if active[slot, symbol]:
                product[row] += turned
                power[row] += squared


def _sums(table: NDArray[np.float32], values: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return the product of a real matrix and a complex vector."""
    sums: NDArray[np.complex64] = (table @ values.view(np.float32).reshape(-1, 2)).view(
        np.complex64
    )
    return sums[:, 0]
