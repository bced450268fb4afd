"""Misconfiguration of the cell: a power step, frequencies that are down, a station that is lost."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import FaultConfig
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIER_HZ,
    SYMBOL_START,
)

__all__ = ["Fault"]

_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
_SYMBOL_S = SYMBOL_START / SAMPLE_RATE_HZ


class Fault:
    """One fault: amplitudes for the grid, and where it lies.

    ``start_s`` and ``stop_s`` are the beginnings of the first symbol with it and of the first
    one without it again; ``edges_hz`` its frequencies against the centre.
    """

    def __init__(self, config: FaultConfig, seed: int) -> None:
        self.config = config
        self.start_s = _next_symbol_s(config.start_s)
        self.stop_s = None if config.stop_s is None else _next_symbol_s(config.stop_s)
        n_down = N_SUBCARRIERS
        if config.kind == "frequencies-down":
            n_down = max(1, round(config.share * N_SUBCARRIERS))
        first = int(np.random.default_rng((seed, 6)).integers(N_SUBCARRIERS - n_down + 1))
        self._gain = np.ones(N_SUBCARRIERS, np.float32)
        is_step = config.kind == "power-step"
        self._gain[first : first + n_down] = 10.0 ** (config.step_db / 20.0) if is_step else 0.0
        low_hz = (first - N_SUBCARRIERS // 2) * SUBCARRIER_HZ
        self.edges_hz = (low_hz, low_hz + n_down * SUBCARRIER_HZ)

    def apply(self, below: NDArray[np.complex64], above: NDArray[np.complex64], frame: int) -> None:
        """Change a frame in place: its elements below and above the centre, ``(140, 150)`` each."""
        begin_s = frame * _FRAME_S + _SYMBOL_S
        # Half a sample of slack: both are sums of the same sample numbers in floating point.
        rows = begin_s >= self.start_s - 0.5 / SAMPLE_RATE_HZ
        if self.stop_s is not None:
            rows &= begin_s < self.stop_s - 0.5 / SAMPLE_RATE_HZ
        if rows.any():
            below[rows] *= self._gain[: N_SUBCARRIERS // 2]
            above[rows] *= self._gain[N_SUBCARRIERS // 2 :]

    def describe(self) -> str:
        """Return the fault in words."""
        if self.config.kind == "power-step":
            return f"power step of {self.config.step_db:+g} dB"
        if self.config.kind == "frequencies-down":
            return f"{self.config.share:.0%} of the frequencies down"
        return "base station lost"


def _next_symbol_s(time_s: float) -> float:
    """Return the beginning of the first symbol at or after a time."""
    frame, rest_s = divmod(time_s, _FRAME_S)
    starts_s = np.append(_SYMBOL_S, _FRAME_S)
    row = int(np.searchsorted(starts_s, rest_s - 1e-9))
    return float(frame * _FRAME_S + starts_s[row])
