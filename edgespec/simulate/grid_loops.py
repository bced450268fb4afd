"""The resource grid of :mod:`edgespec.simulate.waveform` in compiled loops, behind its channel."""

import numpy as np

from edgespec.jit import kernel, scalar

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
    n_fft, n_symbols = out.shape[1], len(out) // len(modulation)
    gain_i, gain_q = np.empty(n, np.float32), np.empty(n, np.float32)
    row = np.empty(n, np.complex64)
    for line in range(len(out)):
        i, symbol = line // n_symbols, line % n_symbols
        if line < len(taps):
            _add_taps(taps[line], steering, scale, gain_i, gain_q)
        is_control = symbol < min(n_control[i], _N_CONTROL_MOST)
        for group in range(modulation.shape[1]):
            first, stop = group * _N_GROUP, min(n, (group + 1) * _N_GROUP)
            if is_control:
                for k in range(first, stop):
                    used = priority[symbol, k] < control_load[i]
                    level = control_amplitude if used else np.float32(0)
                    row[k] = _times(points[_QPSK + octets[line, k]], level)
            elif modulation[i, group]:
                begin = _QPSK if symbol < _N_CONTROL_MOST else 256 * modulation[i, group]
                level = amplitude[i, group]
                for k in range(first, stop):
                    row[k] = _times(points[begin + octets[line, k]], level)
            else:
                for k in range(first, stop):
                    row[k] = 0
        for at in range(starts[line], starts[line + 1]):
            k = places[at]
            if is_drawn[at]:
                row[k] = _times(points[_QPSK + octets[line, k]], values[at].real)
            else:
                row[k] = values[at]
        out[line, 0] = 0
        for k in range(half + 1, n_fft - half):
            out[line, k] = 0
        for k in range(half):
            low, high = row[k], row[half + k]
            a, b, c, d = gain_i[k], gain_q[k], gain_i[half + k], gain_q[half + k]
            out[line, n_fft - half + k] = complex(
                low.real * a - low.imag * b, low.real * b + low.imag * a
            )
            out[line, 1 + k] = complex(high.real * c - high.imag * d, high.real * d + high.imag * c)


@scalar
def _times(point, level):  # type: ignore[no-untyped-def]
    return complex(point.real * level, point.imag * level)


@scalar
def _add_taps(taps, steering, scale, gain_i, gain_q):  # type: ignore[no-untyped-def]
    """Write ``scale`` times the gains of the taps of one symbol."""
    for k in range(len(gain_i)):
        gain_i[k] = 0
        gain_q[k] = 0
    for tap in range(len(taps)):
        a, b = taps[tap].real * scale, taps[tap].imag * scale
        for k in range(len(gain_i)):
            c, d = steering[tap, k].real, steering[tap, k].imag
            gain_i[k] += a * c - b * d
            gain_q[k] += a * d + b * c
