"""The way from an interferer to the observer: its own fading and multipath, in the time domain."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import ChannelConfig, InterfererConfig
from edgespec.simulate.emitters.kind import Baseband
from edgespec.simulate.fading import Fading
from edgespec.simulate.rotate import rotate

__all__ = ["Path"]

#: Gains are worked out so often and interpolated between; a tenth of a turn at 200 Hz.
_KNOT_S = 5e-4
_SINC_REACH = 4
_POWER_TIMES = 400
_POWER_FREQS = 9


class Path:
    """Delays samples by the taps of a profile, whose gains fade, and turns them by ``cfo_hz``.

    The mean power over ``active_s`` and the interferer's bandwidth is kept, so that its ISR is
    what was asked for and not the luck of a fade. Taps between samples are spread by a windowed
    sinc.
    """

    def __init__(
        self,
        channel: ChannelConfig,
        config: InterfererConfig,
        sample_rate_hz: float,
        active_s: float,
        seed: int,
    ) -> None:
        self._fading = Fading(channel, seed)
        self._knot = max(1, round(_KNOT_S * sample_rate_hz))
        self._knot_s = self._knot / sample_rate_hz
        self._turns = channel.cfo_hz / sample_rate_hz
        delays = self._fading.delays_s * sample_rate_hz
        if not delays.any():
            self._lags = np.zeros(1, int)
            self._spread = np.ones((1, 1))
        else:
            self._lags = np.arange(-_SINC_REACH, int(np.ceil(delays.max())) + _SINC_REACH + 1)
            away = self._lags[:, None] - delays
            window = np.where(np.abs(away) < _SINC_REACH, np.cos(np.pi / 2 * away / _SINC_REACH), 0)
            self._spread = np.sinc(away) * window**2
        self._taper = self._spread.T.astype(np.float32)
        self._scale = np.float32(self._mean_power(config, sample_rate_hz, active_s) ** -0.5)

    def apply(self, source: Baseband, start: int, n: int) -> NDArray[np.complex64]:
        """Return samples ``start`` to ``start + n`` of what ``source`` gives, behind the path."""
        x = source(start, n + len(self._lags) - 1)
        windows = np.lib.stride_tricks.sliding_window_view(x, len(self._lags))
        out = np.empty(n, np.complex64)
        # Newest sample last in a window, so the earliest lag goes with it.
        if not self._fading.moves:
            np.matmul(windows, self._gains(0, 1)[0, ::-1], out=out)
        else:
            first, last = start // self._knot, (start + n - 1) // self._knot
            gains = self._gains(first, last - first + 2)[:, ::-1]
            for knot in range(first, last + 1):
                here = slice(
                    max(start, knot * self._knot) - start,
                    min(start + n, (knot + 1) * self._knot) - start,
                )
                # Filtering is linear, so its ends are interpolated in place of the gains.
                ends = windows[here] @ gains[knot - first : knot - first + 2].T
                share = np.arange(here.start, here.stop) + start - knot * self._knot
                share = (share / self._knot).astype(np.float32)
                out[here] = ends[:, 0] + share * (ends[:, 1] - ends[:, 0])
        if self._turns:
            out *= rotate(self._turns * np.arange(start, start + n, dtype=np.float64))
        return out

    def _gains(self, first: int, n_knots: int) -> NDArray[np.complex64]:
        """Return the gain of every lag at some knots, complex64 ``(n_knots, n_lags)``."""
        time_s = np.arange(first, first + n_knots, dtype=np.float64) * self._knot_s
        gains: NDArray[np.complex64] = self._scale * (self._fading.taps(time_s) @ self._taper)
        return gains

    def _mean_power(
        self, config: InterfererConfig, sample_rate_hz: float, active_s: float
    ) -> float:
        times_s = np.linspace(0.0, active_s, _POWER_TIMES) if self._fading.moves else np.zeros(1)
        half_hz = config.bandwidth_hz / 2
        freqs = config.offset_hz + np.linspace(-half_hz, half_hz, _POWER_FREQS)
        response = np.exp(-2j * np.pi * self._lags[:, None] * freqs / sample_rate_hz)
        gains = self._fading.taps(times_s) @ (self._spread.T @ response)
        return float(np.mean(np.abs(gains) ** 2, dtype=float))
