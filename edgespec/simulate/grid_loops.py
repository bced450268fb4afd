"""The resource grid of :mod:`edgespec.simulate.waveform` in compiled loops, behind its channel."""

import numpy as np

from edgespec.jit import apart, kernel, scalar

__all__ = ["fill_amplitudes", "fill_behind", "fill_points"]

_N_CONTROL_MOST = 3
_N_GROUP = 24
_QPSK = 256


@kernel
def fill_amplitudes(data, groups, control, n_control, is_data, fixed, out):  # type: ignore[no-untyped-def]
    """Write the amplitude of every element, float32 ``(10, 14, 300)``.

    Elements of data have that of their group, ``data`` ``(10, 13)``; where ``is_data``, the first
    ``n_control`` ``(10,)`` symbols that of ``control`` ``(10, 3, 300)``; all others ``fixed``.
    """
    row = np.empty(out.shape[2], np.float32)
    for i in range(out.shape[0]):
        for k in range(out.shape[2]):
            row[k] = data[i, groups[k]]
        for symbol in range(out.shape[1]):
            used = row
            if symbol < min(n_control[i], control.shape[1]):
                used = control[i, symbol]
            for k in range(out.shape[2]):
                out[i, symbol, k] = used[k] if is_data[i, symbol, k] else fixed[i, symbol, k]


@kernel
def fill_points(first, groups, is_plain, octets, points, amplitudes, places, values, out):  # type: ignore[no-untyped-def]
    """Write the symbol of every element, complex64 ``(10, 14, 300)``.

    It is ``points[first + octet] * amplitude``: ``points`` ``(1024,)`` are all constellations,
    ``first`` ``(10, 13)`` where that of a group begins; where ``is_plain`` it is the one at 256.
    Those at ``places`` of the flat grid have ``values``.
    """
    for i in range(out.shape[0]):
        for symbol in range(out.shape[1]):
            for k in range(out.shape[2]):
                begin = np.int64(256) if is_plain[i, symbol, k] else first[i, groups[k]]
                point = points[begin + octets[i, symbol, k]]
                amplitude = amplitudes[i, symbol, k]
                out[i, symbol, k] = complex(point.real * amplitude, point.imag * amplitude)
    flat = out.ravel()
    for place in range(len(places)):
        flat[places[place]] = values[place]


@kernel
def fill_behind(  # type: ignore[no-untyped-def]
    schedule, control, always, points, octets, taps, steering, scale, out
):
    """Write the elements of a frame as they arrive, ``out`` complex64 ``(140, n_fft)``.

    Subcarriers lie where an inverse FFT wants them: those above the centre from 1 on, those below
    it at the end; all between is 0.

    Args:
        schedule: modulation and amplitude ``(10, 13)`` of each group, and ``(10,)`` control
            symbols and their load.
        control: ``(3, 300)``, the load from which on an element of control is in use, and its
            amplitude.
        always: what is always sent: where elements of a symbol begin ``(141,)``, and of each its
            subcarrier, its value, and whether that is the amplitude of a symbol that is drawn.
        points: complex64 ``(1024,)``, all constellations, from 256 on that of control.
        octets: uint8 ``(140, 300)``, the draw of every element.
        taps: complex64 ``(140, n_taps)``, or ``(1, n_taps)`` of a channel that stands still.
        steering: complex64 ``(n_taps, 300)``.
        scale: factor of all elements.
    """
    modulation, amplitude, n_control, control_load = schedule
    priority, control_amplitude = control
    starts, places, values, is_drawn = always
    n, half = steering.shape[1], steering.shape[1] // 2
    steering_i, steering_q = steering.real.copy(), steering.imag.copy()
    n_fft, n_symbols = out.shape[1], len(out) // len(modulation)
    gain_i, gain_q = np.empty(n, np.float32), np.empty(n, np.float32)
    row_i, row_q = np.empty(n, np.float32), np.empty(n, np.float32)
    for line in range(len(out)):
        i, symbol = line // n_symbols, line % n_symbols
        if line < len(taps):
            _add_taps(taps[line], steering_i, steering_q, scale, gain_i, gain_q)
        is_control = symbol < min(n_control[i], _N_CONTROL_MOST)
        for group in range(modulation.shape[1]):
            first, stop = group * _N_GROUP, min(n, (group + 1) * _N_GROUP)
            if is_control:
                for k in range(first, stop):
                    used = priority[symbol, k] < control_load[i]
                    level = control_amplitude if used else np.float32(0)
                    _put(points[_QPSK + octets[line, k]], level, row_i, row_q, k)
            elif modulation[i, group]:
                begin = _QPSK if symbol < _N_CONTROL_MOST else 256 * modulation[i, group]
                level = amplitude[i, group]
                for k in range(first, stop):
                    _put(points[begin + octets[line, k]], level, row_i, row_q, k)
            else:
                for k in range(first, stop):
                    row_i[k] = 0
                    row_q[k] = 0
        for at in range(starts[line], starts[line + 1]):
            k = places[at]
            if is_drawn[at]:
                _put(points[_QPSK + octets[line, k]], values[at].real, row_i, row_q, k)
            else:
                _put(values[at], np.float32(1), row_i, row_q, k)
        out[line, 0] = 0
        for k in range(half + 1, n_fft - half):
            out[line, k] = 0
        below, above = out[line, n_fft - half :], out[line, 1 : half + 1]
        _multiply(row_i[:half], row_q[:half], gain_i[:half], gain_q[:half], below)
        _multiply(row_i[half:], row_q[half:], gain_i[half:], gain_q[half:], above)


@scalar
def _put(point, level, row_i, row_q, k):  # type: ignore[no-untyped-def]
    row_i[k] = point.real * level
    row_q[k] = point.imag * level


@apart
def _multiply(row_i, row_q, gain_i, gain_q, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        a, b, c, d = row_i[k], row_q[k], gain_i[k], gain_q[k]
        out[k] = complex(a * c - b * d, a * d + b * c)


@scalar
def _add_taps(taps, steering_i, steering_q, scale, gain_i, gain_q):  # type: ignore[no-untyped-def]
    """Write ``scale`` times the gains of the taps of one symbol."""
    for k in range(len(gain_i)):
        gain_i[k] = 0
        gain_q[k] = 0
    for tap in range(len(taps)):
        a, b = taps[tap].real * scale, taps[tap].imag * scale
        _add_tap(a, b, steering_i[tap], steering_q[tap], gain_i, gain_q)


@apart
def _add_tap(a, b, steering_i, steering_q, gain_i, gain_q):  # type: ignore[no-untyped-def]
    for k in range(len(gain_i)):
        c, d = steering_i[k], steering_q[k]
        gain_i[k] += a * c - b * d
        gain_q[k] += a * d + b * c
