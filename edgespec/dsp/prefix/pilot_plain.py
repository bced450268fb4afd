"""The products of pilots in NumPy, symbol by symbol."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.active import JOIN_SHARE, LEAST_COHERENCE, LEAVE_SHARE
from edgespec.records import FrameFlag

__all__ = ["learn_active", "measure_slots", "note_slots", "sum_active"]


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


def note_slots(
    row: int,
    n_slots: int,
    first_slot: int,
    place: NDArray[np.float64],
    first_sample: int,
    block_flags: int,
    most_clipped: int,
    active: NDArray[np.bool_],
    totals: NDArray[np.float32],
    clipped: NDArray[np.int64],
    flags: NDArray[np.uint8],
    count: NDArray[np.uint8],
    numbers: NDArray[np.int64],
    ticks: NDArray[np.int64],
    frame_totals: NDArray[np.float32],
) -> None:
    """Write what is wrong with slots, of their block and by the rules of quality, and their place.

    Args:
        row: the first row of what :func:`measure_slots` has written, and ``n_slots`` how many.
        first_slot: 0 to 19, of that row.
        place: as for :func:`measure_slots`.
        first_sample: of the items, on the stream's count.
        block_flags: of the block that they were in.
        most_clipped: components that a good slot may have clipped.
        active: bool ``(20, 2)``: symbols that were summed.
        totals: float32 ``(n_rows, 2, 3)``, and ``clipped`` int64 ``(n_rows,)``: as written there.
        flags: uint8 ``(n_rows,)``, written, as are ``count`` (uint8), ``numbers`` and ``ticks``
            (int64).
        frame_totals: float32 ``(20, 2, 3)``, written: the totals by their place in the frame.
    """
    rows, frame = slice(row, row + n_slots), slice(first_slot, first_slot + n_slots)
    power = totals[rows, 0, 2] + totals[rows, 1, 2]
    flags[rows] = block_flags
    flags[rows][clipped[rows] > most_clipped] |= np.uint8(FrameFlag.CLIPPED)
    flags[rows][~np.isfinite(power)] |= np.uint8(FrameFlag.NONFINITE)
    flags[rows][power == 0.0] |= np.uint8(FrameFlag.CONSTANT)
    count[rows] = active[frame].sum(axis=1)
    numbers[rows] = np.arange(frame.start, frame.stop)
    ticks[rows] = np.rint(first_sample + place[0] + numbers[rows] * place[1])
    frame_totals[frame] = totals[rows]


def sum_active(
    frame_totals: NDArray[np.float32], active: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """Return the product's real and imaginary part and the power, over a frame's active symbols."""
    re, im, power = frame_totals[active].sum(axis=0, dtype=np.float64).tolist()
    return re, im, power


def learn_active(
    frame_totals: NDArray[np.float32],
    kept_share: float,
    is_believed: bool,
    sums: NDArray[np.float64],
    coherence: NDArray[np.float64],
    active: NDArray[np.bool_],
) -> bool:
    """Take a frame into the sums of each symbol, and what they say into the active ones.

    Args:
        frame_totals: float32 ``(20, 2, 3)``.
        kept_share: of the sums so far.
        is_believed: whether they are enough to say what is active.
        sums: float64 ``(20, 2, 3)``, changed.
        coherence: float64 ``(20, 2)``, written: modulus of the product over the power.
        active: bool ``(20, 2)``, changed.

    Returns:
        Whether the frame was taken: not one that is not finite.
    """
    if not np.isfinite(frame_totals).all():
        return False
    sums *= kept_share
    sums += frame_totals
    if is_believed:
        np.hypot(sums[..., 0], sums[..., 1], out=coherence)
        coherence /= np.maximum(sums[..., 2], 1e-30)
        best = float(coherence.max())
        if best >= LEAST_COHERENCE:
            active |= coherence > JOIN_SHARE * best
            active &= coherence > LEAVE_SHARE * best
    return True


def _sums(table: NDArray[np.float32], values: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return the product of a real matrix and a complex vector."""
    sums: NDArray[np.complex64] = (table @ values.view(np.float32).reshape(-1, 2)).view(
        np.complex64
    )
    return sums[:, 0]
