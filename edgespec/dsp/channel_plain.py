"""The filter of a channel in NumPy, one tap after the other."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray

__all__ = ["filter_samples"]


def filter_samples(
    items: FloatArray,
    start: int,
    n_out: int,
    factor: int,
    real: FloatArray,
    imag: FloatArray,
    coarse: NDArray[np.complex64],
    fine: NDArray[np.complex64],
    number: int,
    out: NDArray[np.complex64],
) -> None:
    """Write ``n_out`` outputs of a filter that moves a band to the middle.

    ``y[m] = r[m] sum_k g[k] x[start + m factor + k]``, where g are the taps of a low-pass, turned
    so that they pass the band where it lies, and ``r[m] = coarse[.] fine[.]`` turns the outcome
    back. The sum has the same order for every output, so no division of the stream shows.

    Args:
        items: float32 ``(2 n_samples,)``, I and Q alternating.
        start: first sample of the first window.
        n_out: how many outputs.
        factor: samples from one output to the next.
        real: float32 ``(2 n_taps,)``: what each item adds to I, ``Re g, -Im g, ...``.
        imag: the same for Q, ``Im g, Re g, ...``.
        coarse: turns at every ``len(fine)``-th output of the stream, from that of ``number`` on.
        fine: turns of the outputs in between.
        number: of the first output, counted from the begin of the stream.
        out: complex64 ``(>= n_out,)``.
    """
    # Sums of real products: those of complex ones are rounded otherwise at the end of an array.
    sum_i, sum_q = np.zeros(n_out, np.float32), np.zeros(n_out, np.float32)
    for k, (of_i, of_q) in enumerate(zip(real, imag, strict=True)):
        window = items[2 * start + k :: 2 * factor][:n_out]
        sum_i += of_i * window
        sum_q += of_q * window
    numbers = np.arange(number, number + n_out)
    first, n_fine = number // len(fine), len(fine)
    outer, inner = coarse[numbers // n_fine - first], fine[numbers % n_fine]
    turn_i = outer.real * inner.real - outer.imag * inner.imag
    turn_q = outer.real * inner.imag + outer.imag * inner.real
    out.real[:n_out] = turn_i * sum_i - turn_q * sum_q
    out.imag[:n_out] = turn_i * sum_q + turn_q * sum_i
