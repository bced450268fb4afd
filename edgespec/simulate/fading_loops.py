"""Sums of the waves of :mod:`edgespec.simulate.fading` in compiled loops."""

import math

import numpy as np

from edgespec.jit import kernel, scalar

__all__ = ["add_waves", "taps_at"]


@scalar
def add_waves(angular, phase, amplitude, turned, direct_angular, direct, start_s, out):  # type: ignore[no-untyped-def]
    """Write ``amplitude sum_w exp(i (angular_w start_s + phase_w)) turned_w`` of each tap.

    Args:
        angular: of the waves, rad/s, float64 ``(n_taps, n_waves)``.
        phase: of the same, rad.
        amplitude: float64 ``(n_taps,)``.
        turned: how each wave turns from the start on, complex128 ``(n_taps, n_waves, n_times)``.
        direct_angular: of the direct path, which the first tap has, rad/s.
        direct: its gain at each time but for the start, complex128 ``(n_times,)``.
        start_s: when the times begin.
        out: complex64 ``(n_times, n_taps)``.
    """
    n_times = len(direct)
    sum_i, sum_q = np.empty(n_times), np.empty(n_times)
    for tap in range(len(amplitude)):
        for k in range(n_times):
            sum_i[k] = 0.0
            sum_q[k] = 0.0
        if tap == 0:
            angle = direct_angular * start_s
            _add_turned(math.cos(angle), math.sin(angle), direct, sum_i, sum_q)
        for wave in range(angular.shape[1]):
            angle = angular[tap, wave] * start_s + phase[tap, wave]
            a, b = amplitude[tap] * math.cos(angle), amplitude[tap] * math.sin(angle)
            _add_turned(a, b, turned[tap, wave], sum_i, sum_q)
        for k in range(n_times):
            out[k, tap] = complex(sum_i[k], sum_q[k])


@scalar
def _add_turned(a, b, turned, sum_i, sum_q):  # type: ignore[no-untyped-def]
    for k in range(len(sum_i)):
        c, d = turned[k].real, turned[k].imag
        sum_i[k] += a * c - b * d
        sum_q[k] += a * d + b * c


@kernel
def taps_at(angular, phase, amplitude, turned, direct_angular, direct, start_s, out):  # type: ignore[no-untyped-def]
    """Write the gains of the taps of one channel; see :func:`add_waves`."""
    add_waves(angular, phase, amplitude, turned, direct_angular, direct, start_s, out)
