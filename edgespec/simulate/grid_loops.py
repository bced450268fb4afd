"""The resource grid of :mod:`edgespec.simulate.waveform` in compiled loops, value for value."""

import numpy as np

from edgespec.jit import kernel

__all__ = ["fill_amplitudes", "fill_points"]


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
