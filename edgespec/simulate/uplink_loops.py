"""The grid of :mod:`edgespec.simulate.uplink_grid` in compiled loops, within rounding."""

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.jit import kernel, scalar
from edgespec.simulate.fading_loops import add_waves
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    N_SYMBOLS,
    SAMPLE_RATE_HZ,
    SUBFRAMES_PER_FRAME,
)
from edgespec.simulate.uplink_sequences import (
    N_SHIFTS,
    QAM16,
    QPSK,
    SOUNDING,
    control_sequence,
    reference,
)
from edgespec.simulate.uplink_users import UplinkSchedule
from edgespec.simulate.uplink_ways import DATA, REFERENCES, SYMBOL_S, UserWays

__all__ = ["LoopGrid"]

ComplexArray = NDArray[np.complex64]

_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
#: Bytes that NumPy takes from its generator for the 14 of a control message.
_CONTROL_BYTES = 16
_HALF_SLOT = N_SYMBOLS // 2
_FIRST_REFERENCE, _SECOND_REFERENCE = REFERENCES
_COMB_FIRST, _COMB_STEP = SOUNDING.start, 2


class LoopGrid:
    """See :class:`edgespec.simulate.uplink_grid.UplinkGrid`."""

    def __init__(self, ways: UserWays, seed: int) -> None:
        self._ways = ways
        self._data = np.random.default_rng(seed)
        waves = [one.waves(SYMBOL_S[:, 0]) for one in ways.fading]
        self._waves = tuple(
            np.stack([np.asarray(one) for one in part]) for part in zip(*waves, strict=True)
        )
        self._users = ways.amplitude, ways.cfo_hz, ways.shift, ways.steering
        self._controls = np.stack([control_sequence(shift) for shift in range(N_SHIFTS)])
        n_users, n_taps = len(ways.amplitude), len(ways.steering)
        self._taps = np.empty((n_users, SUBFRAMES_PER_FRAME, n_taps), np.complex64)
        self._is_known = np.zeros(n_users, np.bool_)
        self._n_comb = len(range(N_SUBCARRIERS)[SOUNDING])

    def fill(
        self,
        schedule: UplinkSchedule,
        frame: int,
        sounding_subframes: tuple[int, ...],
        out: ComplexArray,
    ) -> None:
        """See :class:`edgespec.simulate.uplink_grid.UplinkGrid`."""
        sizes = [12 * grant.n_blocks for grant in schedule.grants]
        ends = list(accumulate((len(DATA) * n for n in sizes), initial=0))
        n_bytes = ends[-1] + _CONTROL_BYTES * len(schedule.control)
        octets = self._data.bit_generator.random_raw(n_bytes // 8).astype("<u8").view(np.uint8)
        values = np.empty(ends[-1], np.complex64)
        known = np.empty((len(sizes) + len(schedule.sounding), N_SUBCARRIERS), np.complex64)
        for row, (grant, n, first, stop) in enumerate(
            zip(schedule.grants, sizes, ends, ends[1:], strict=False)
        ):
            points = QAM16 if self._ways.is_16qam[grant.user] else QPSK
            drawn = points[octets[first:stop] & (len(points) - 1)].reshape(-1, n)
            values[first:stop].reshape(-1, n)[:] = fft.fft(drawn, axis=1, norm="ortho")
            known[row, :n] = reference(n, grant.user)
        grants = [
            (grant.user, grant.subframe, 12 * grant.first_block, n, first)
            for grant, n, first in zip(schedule.grants, sizes, ends, strict=False)
        ]
        for row, (_, user) in enumerate(schedule.sounding, len(sizes)):
            known[row, : self._n_comb] = reference(self._n_comb, user)
        self._is_known[:] = False
        _fill(
            (_rows(grants, 5), _rows(schedule.control, 2), _rows(schedule.sounding, 2)),
            _rows([(one,) for one in sounding_subframes if schedule.sounding], 1),
            (values, known, octets[ends[-1] :], self._controls),
            self._users,
            self._waves,
            (self._taps, self._is_known),
            frame * _FRAME_S,
            out,
        )


def _rows(items: Sequence[tuple[int, ...]], n: int) -> NDArray[np.int64]:
    return np.array(items, np.int64).reshape(-1, n)


@scalar
def _product(a, b):  # type: ignore[no-untyped-def]
    return complex(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


@scalar
def _turned(user, subframe, symbol, users, start_s):  # type: ignore[no-untyped-def]
    """Return how the carrier of a user has turned at the begin of a symbol, complex64."""
    turns = users[1][user] * (start_s + SYMBOL_S[subframe, symbol])
    angle = 2 * math.pi * (turns - math.floor(turns))
    return np.complex64(complex(math.cos(angle), math.sin(angle)))


@scalar
def _shape(  # type: ignore[no-untyped-def]
    user, subframe, first, step, n, users, waves, memory, start_s, gain_i, gain_q
):
    """Write the gains of ``n`` subcarriers of a user in a subframe, from ``first`` on."""
    amplitude, _, shift, steering = users
    taps, is_known = memory
    if not is_known[user]:
        is_known[user] = True
        angular, phase, level, turned, direct_angular, direct = waves
        add_waves(
            angular[user], phase[user], level[user], turned[user], direct_angular[user],
            direct[user], start_s, taps[user],
        )  # fmt: skip
    for k in range(n):
        gain_i[k] = 0
        gain_q[k] = 0
    for tap in range(len(steering)):
        here = taps[user, subframe, tap]
        for k in range(n):
            gain = _product(here, steering[tap, first + k * step])
            gain_i[k] += gain.real
            gain_q[k] += gain.imag
    for k in range(n):
        gain = _product(complex(gain_i[k], gain_q[k]), shift[user, first + k * step])
        gain_i[k] = gain.real * amplitude[user]
        gain_q[k] = gain.imag * amplitude[user]


@scalar
def _add(values, turn, gain_i, gain_q, first, step, n, line):  # type: ignore[no-untyped-def]
    """Add ``n`` values behind their gains, turned, to a spectrum."""
    half = N_SUBCARRIERS // 2
    for k in range(n):
        at = first + k * step - half
        if at < 0:
            at += len(line)
        line[at] += _product(_product(values[k], turn), complex(gain_i[k], gain_q[k]))


@kernel
def _fill(terms, silent, sent, users, waves, memory, start_s, out):  # type: ignore[no-untyped-def]
    """Write the spectra of a frame, complex64 ``(140, n_fft)``.

    Args:
        terms: int64 rows: of data user, subframe, first subcarrier, their number and where values
            begin; of control and of sounding subframe and user.
        silent: int64 ``(n, 1)``, subframes whose last symbol is left to sounding.
        sent: values of data, reference and sounding sequences, octets of control, and its
            sequences.
        users: amplitude, frequency error, shift and steering; see ``UserWays``.
        waves: those of all users; see ``Waves``.
        memory: taps of each user, complex64 ``(n_users, 10, n_taps)``, and whether they are those
            of this frame, which is False at first.
        start_s: when the frame begins.
        out: filled.
    """
    grants, controls, soundings = terms
    values, known, octets, sequences = sent
    gain_i, gain_q = np.empty(N_SUBCARRIERS, np.float32), np.empty(N_SUBCARRIERS, np.float32)
    for line in range(len(out)):
        for k in range(out.shape[1]):
            out[line, k] = 0
    for row in range(len(grants)):
        grant = grants[row]
        user, subframe, first, n, at = grant[0], grant[1], grant[2], grant[3], grant[4]
        _shape(user, subframe, first, 1, n, users, waves, memory, start_s, gain_i, gain_q)
        for symbol in range(N_SYMBOLS):
            turn = _turned(user, subframe, symbol, users, start_s)
            line = subframe * N_SYMBOLS + symbol
            if symbol in (_FIRST_REFERENCE, _SECOND_REFERENCE):
                _add(known[row], turn, gain_i, gain_q, first, 1, n, out[line])
            else:
                _add(values[at : at + n], turn, gain_i, gain_q, first, 1, n, out[line])
                at += n
    for row in range(len(controls)):
        subframe, user = controls[row, 0], controls[row, 1]
        for slot in range(2):
            first = 0 if (user + slot) % 2 else N_SUBCARRIERS - N_SHIFTS
            _shape(
                user, subframe, first, 1, N_SHIFTS, users, waves, memory, start_s, gain_i, gain_q
            )
            for symbol in range(slot * _HALF_SLOT, (slot + 1) * _HALF_SLOT):
                point = QPSK[octets[_CONTROL_BYTES * row + symbol] & 3]
                turn = _product(point, _turned(user, subframe, symbol, users, start_s))
                line = subframe * N_SYMBOLS + symbol
                sequence = sequences[user % N_SHIFTS]
                _add(sequence, turn, gain_i, gain_q, first, 1, N_SHIFTS, out[line])
    for row in range(len(silent)):
        line = silent[row, 0] * N_SYMBOLS + N_SYMBOLS - 1
        for k in range(out.shape[1]):
            out[line, k] = 0
    n = (N_SUBCARRIERS - 2 * _COMB_FIRST) // _COMB_STEP
    for row in range(len(soundings)):
        subframe, user = soundings[row, 0], soundings[row, 1]
        first = _COMB_FIRST + user % 2
        _shape(user, subframe, first, _COMB_STEP, n, users, waves, memory, start_s, gain_i, gain_q)
        turn = _turned(user, subframe, N_SYMBOLS - 1, users, start_s)
        line = subframe * N_SYMBOLS + N_SYMBOLS - 1
        sequence = known[len(grants) + row]
        _add(sequence, turn, gain_i, gain_q, first, _COMB_STEP, n, out[line])
