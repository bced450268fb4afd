"""The loops of a network of LSTM and dense layers, for one window.

Matrices come packed (:mod:`edgespec.inference.packing`): the columns that are summed up in
registers together lie together, row after row. Gates lie in blocks of 16 units: 16 input gates, 16
forget gates, 16 candidates, 16 output gates, then those of the next 16 units.
"""

import numpy as np

from edgespec.inference.nonlinear import hard_sigmoid, sigmoid_parts, tanh_parts
from edgespec.inference.registers import NARROW, TILE_COLUMNS, TILE_ROWS, WIDE
from edgespec.jit import apart, kernel, scalar

__all__ = [
    "LANES",
    "LINEAR",
    "RELU",
    "SIGMOID",
    "TANH",
    "add_product",
    "dense",
    "project",
    "recur",
    "regress",
    "renew",
]

#: 16 floats are one AVX-512 register, two of AVX2, four of NEON.
LANES = NARROW // 4
LINEAR, RELU, TANH, SIGMOID = range(4)

_ZERO = np.float32(0.0)


@kernel
def project(x, n_in, panels, n_out, first, start, stop, n_ring, tile, out):  # type: ignore[no-untyped-def]
    """Write ``x @ W`` for rows ``start`` to ``stop`` of a ring whose row 0 lies at ``first``.

    ``x`` ``(n_ring * n_in,)`` and ``out`` ``(n_ring * n_out,)`` are rings alike: row t lies at
    ``(first + t) % n_ring``. ``panels`` hold W, ``TILE_COLUMNS`` columns after the other; ``n_out``
    is a multiple of that. ``tile`` is scratch for four rows of them.
    """
    for column in range(0, n_out, TILE_COLUMNS):
        panel = panels[column * n_in :]
        for t in range(start, stop, TILE_ROWS):
            # Past the end the last row is computed again, which is cheaper than a second loop.
            r0 = _row(first + t, n_ring)
            r1 = _row(first + min(t + 1, stop - 1), n_ring)
            r2 = _row(first + min(t + 2, stop - 1), n_ring)
            r3 = _row(first + min(t + 3, stop - 1), n_ring)
            _multiply_four(
                x[r0 * n_in :], x[r1 * n_in :], x[r2 * n_in :], x[r3 * n_in :], n_in, panel, tile
            )
            _store(tile, 0, out[r0 * n_out + column :])
            _store(tile, TILE_COLUMNS, out[r1 * n_out + column :])
            _store(tile, 2 * TILE_COLUMNS, out[r2 * n_out + column :])
            _store(tile, 3 * TILE_COLUMNS, out[r3 * n_out + column :])


@scalar
def _row(row, n_ring):  # type: ignore[no-untyped-def]
    # A division would take longer than a row of the tile.
    return row - n_ring if row >= n_ring else row


@apart
def _multiply_four(a, b, c, d, n_in, panel, tile):  # type: ignore[no-untyped-def]
    for j in range(TILE_COLUMNS):
        tile[j] = a[0] * panel[j]
        tile[TILE_COLUMNS + j] = b[0] * panel[j]
        tile[2 * TILE_COLUMNS + j] = c[0] * panel[j]
        tile[3 * TILE_COLUMNS + j] = d[0] * panel[j]
    for k in range(1, n_in):
        w = panel[k * TILE_COLUMNS :]
        for j in range(TILE_COLUMNS):
            tile[j] += a[k] * w[j]
            tile[TILE_COLUMNS + j] += b[k] * w[j]
            tile[2 * TILE_COLUMNS + j] += c[k] * w[j]
            tile[3 * TILE_COLUMNS + j] += d[k] * w[j]


@apart
def _store(tile, start, out):  # type: ignore[no-untyped-def]
    for j in range(TILE_COLUMNS):
        out[j] = tile[start + j]


@kernel
def recur(projected, first, n_ring, gain, offset, recurrent, n_units, is_hard, z, cell, order, out):  # type: ignore[no-untyped-def]
    """Run one LSTM layer over a ring of projections and write every output to ``out``.

    ``z(t) = gain * projected(t) + offset + h(t - 1) @ R``, then the cell of Hochreiter and
    Schmidhuber 1997 with the forget gate of Gers 2000, from zero on. ``offset`` ``(4 n_units,)``;
    ``z`` ``(4 n_units,)``, ``cell`` ``(n_units,)`` and ``order`` ``(2 n_units,)`` are scratch.
    """
    n_gates = 4 * n_units
    for j in range(n_units):
        cell[j] = _ZERO
        order[j] = order[2 * n_units - 1 - j] = j
    for t in range(n_ring):
        _scale(projected[(first + t) % n_ring * n_gates :], gain, offset, n_gates, z)
        if t > 0:
            # To and fro: what was read last is still in the first cache, which is smaller than R.
            rows = order[t % 2 * n_units :]
            add_product(out[(t - 1) * n_units :], rows, n_units, recurrent, n_units, n_gates, z)
        hidden = out[t * n_units :]
        for at in range(0, n_units, LANES):
            if is_hard:
                _hard_cells(z[4 * at :], cell[at:], hidden[at:])
            else:
                _soft_cells(z[4 * at :], cell[at:], hidden[at:])


@apart
def _scale(x, gain, offset, n, out):  # type: ignore[no-untyped-def]
    for j in range(n):
        out[j] = gain * x[j] + offset[j]


@apart
def _soft_cells(z, cell, hidden):  # type: ignore[no-untyped-def]
    for j in range(LANES):
        i, p = sigmoid_parts(z[j])
        f, q = sigmoid_parts(z[LANES + j])
        g, r = tanh_parts(z[2 * LANES + j])
        o, s = sigmoid_parts(z[3 * LANES + j])
        # f/q c + i/p g/r, with one division.
        pr = p * r
        c = (f * cell[j] * pr + i * g * q) / (pr * q)
        cell[j] = c
        c, r = tanh_parts(c)
        hidden[j] = o * c / (s * r)


@apart
def _hard_cells(z, cell, hidden):  # type: ignore[no-untyped-def]
    for j in range(LANES):
        g, r = tanh_parts(z[2 * LANES + j])
        c = hard_sigmoid(z[LANES + j]) * cell[j] + hard_sigmoid(z[j]) * g / r
        cell[j] = c
        c, r = tanh_parts(c)
        hidden[j] = hard_sigmoid(z[3 * LANES + j]) * c / r


@kernel
def add_product(x, rows, n_rows, matrix, n_in, n_out, out):  # type: ignore[no-untyped-def]
    """Add ``x @ matrix`` to ``out``, from the ``n_rows`` rows of the matrix that ``rows`` names.

    ``matrix`` ``(n_in * n_out,)`` is packed: ``WIDE`` columns after the other as long as that goes,
    then 64 after the other; ``n_out`` is a multiple of 64.
    """
    column = 0
    while column + WIDE <= n_out:
        _add_wide(x, rows, n_rows, matrix[column * n_in :], out[column:])
        column += WIDE
    while column < n_out:
        _add_narrow(x, rows, n_rows, matrix[column * n_in :], out[column:])
        column += NARROW


@apart
def _add_wide(x, rows, n_rows, panel, out):  # type: ignore[no-untyped-def]
    for n in range(n_rows):
        factor, w = x[rows[n]], panel[rows[n] * WIDE :]
        for j in range(WIDE):
            out[j] += factor * w[j]


@apart
def _add_narrow(x, rows, n_rows, panel, out):  # type: ignore[no-untyped-def]
    for n in range(n_rows):
        factor, w = x[rows[n]], panel[rows[n] * NARROW :]
        for j in range(NARROW):
            out[j] += factor * w[j]


@kernel
def dense(x, n_in, matrix, n_out, bias, activation, rows, out):  # type: ignore[no-untyped-def]
    """Write ``activation(x @ matrix + bias)`` to ``out``, which does not overlap ``x``.

    A layer costs what its matrix costs to read, and behind a rectifier about half of the inputs
    are 0: their rows are left out. ``rows`` ``(n_in,)`` is scratch.
    """
    for j in range(n_out):
        out[j] = bias[j]
    add_product(x, rows, _rows_that_count(x, n_in, rows), matrix, n_in, n_out, out)
    if activation == RELU:
        for j in range(n_out):
            # A comparison that NaN fails leaves it as it is.
            out[j] = _ZERO if out[j] < _ZERO else out[j]
    elif activation == TANH:
        for j in range(n_out):
            numerator, denominator = tanh_parts(out[j])
            out[j] = numerator / denominator
    elif activation == SIGMOID:
        for j in range(n_out):
            numerator, denominator = sigmoid_parts(out[j])
            out[j] = numerator / denominator


@kernel
def _rows_that_count(x, n_in, rows):  # type: ignore[no-untyped-def]
    n_rows = 0
    for k in range(n_in):
        rows[n_rows] = k
        n_rows += x[k] != _ZERO
    return n_rows


@kernel
def renew(window, level, ring, first, hop, n_in, n_ring):  # type: ignore[no-untyped-def]
    """Put a window, less ``level``, into a ring that holds the last one, ``hop`` rows earlier.

    Rows that are there already stay. Returns the ring's row for the window's row 0, and how many
    rows from there on are as they were: all that was computed from them still holds.
    """
    moved = (first + hop) % n_ring
    n_kept = 0
    while n_kept < n_ring - hop and _is_same(
        window[n_kept * n_in :], level, ring[(moved + n_kept) % n_ring * n_in :], n_in
    ):
        n_kept += 1
    for t in range(n_kept, n_ring):
        row, line = window[t * n_in :], ring[(moved + t) % n_ring * n_in :]
        for b in range(n_in):
            line[b] = row[b] - level
    return moved, n_kept


@kernel
def _is_same(row, level, line, n_in):  # type: ignore[no-untyped-def]
    n_different = 0
    for b in range(n_in):
        # NaN differs from all, itself included: nothing is kept of it.
        n_different += row[b] - level != line[b]
    return n_different == 0


@kernel
def regress(window, mean, gain, matrix, bias, n_bins, out):  # type: ignore[no-untyped-def]
    """Add ``gain * (window - mean)`` summed up by ``matrix`` over frames, and ``bias``, to ``out``.

    ``window`` ``(order * n_bins,)``, ``matrix`` ``(order * n_horizon,)``, ``bias`` ``(n_horizon,)``
    and ``out`` ``(n_horizon * n_bins,)``: every bin by itself, all by the same numbers.
    """
    n_horizon, order = len(bias), len(window) // n_bins
    for h in range(n_horizon):
        column, line = matrix[h:], out[h * n_bins :]
        for b in range(n_bins):
            line[b] += bias[h]
        t = 0
        # The sum so far is read and written as often as there are passes: four frames make one.
        while t + 4 <= order:
            _add_four(
                window[t * n_bins :], column[t * n_horizon :], n_horizon, mean, gain, n_bins, line
            )
            t += 4
        while t < order:
            _add_one(window[t * n_bins :], gain * column[t * n_horizon], mean, n_bins, line)
            t += 1


@apart
def _add_four(frames, weights, step, mean, gain, n_bins, out):  # type: ignore[no-untyped-def]
    w, x, y, z = weights[0], weights[step], weights[2 * step], weights[3 * step]
    f, g, h = frames[n_bins:], frames[2 * n_bins :], frames[3 * n_bins :]
    for b in range(n_bins):
        # The mean goes first: power in dB is far from zero, and float32 would lose digits.
        first = w * (frames[b] - mean) + x * (f[b] - mean)
        out[b] += gain * (first + y * (g[b] - mean) + z * (h[b] - mean))


@apart
def _add_one(frame, factor, mean, n_bins, out):  # type: ignore[no-untyped-def]
    for b in range(n_bins):
        out[b] += factor * (frame[b] - mean)
