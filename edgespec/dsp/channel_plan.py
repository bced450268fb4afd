"""Which part of a source a band is: how far from its middle, at which share of its rate."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.stream import RATE_TOLERANCE
from edgespec.errors import ConfigError
from edgespec.records import SourceInfo
from edgespec.units import format_hz

__all__ = ["STOPBAND_DB", "ChannelPlan"]

#: What lies outside the band is weaker by this much where it folds into the inner nine tenths.
STOPBAND_DB = 70.0
#: Outputs that a filter reaches to either side: ``(A - 7.95) / (2.285 * 2 pi * 0.1)`` is its
#: length in outputs (Kaiser 1974; Oppenheim and Schafer, Discrete-Time Signal Processing, 7.6). The
#: transition from pass to stop is a tenth of the band's rate wide, about the band's edge.
_HALF_OUTPUTS = 22
#: Shape of the Kaiser window for 70 dB: ``0.1102 (A - 8.7)``, as above.
_BETA = 0.1102 * (STOPBAND_DB - 8.7)
_TURN = 1 << 64
#: The narrowest part, of what a source shows, that is taken where nothing says how wide it is.
_LEAST_PART = 16


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """A band of ``source_rate_hz / factor`` about ``offset_hz`` from the middle of a source."""

    source_rate_hz: float
    offset_hz: float
    factor: int

    @classmethod
    def of(cls, source: SourceInfo, center_freq_hz: float, rate_hz: float) -> "ChannelPlan":
        """Return the part of ``source`` that lies ``rate_hz`` wide about ``center_freq_hz``.

        Raises:
            ConfigError: the source does not show it, or its rate is no multiple of ``rate_hz``.
        """
        ratio = source.sample_rate_hz / rate_hz
        factor = max(1, round(ratio))
        if not cls.divides(source.sample_rate_hz, rate_hz):
            raise ConfigError(
                f"{source.uri} has {source.sample_rate_hz:.10g} samples/s, {ratio:.4g} times the "
                f"{rate_hz:.10g} of its bundle; a part of a source takes a whole number of times: "
                f"set source.sample_rate_hz to {factor * rate_hz:.10g}, where it is a radio, or "
                "leave band.model out, and the detectors that need no model watch at any rate"
            )
        plan = cls(source.sample_rate_hz, _offset_hz(source, center_freq_hz), factor)
        if not plan.is_shown:
            raise _not_shown(source, center_freq_hz, rate_hz)
        return plan

    @classmethod
    def widest(cls, source: SourceInfo, center_freq_hz: float) -> "ChannelPlan":
        """Return the widest part that ``source`` shows about ``center_freq_hz``.

        ``factor`` is the least with ``|offset| + edge / factor <= edge``.

        Raises:
            ConfigError: the source does not show as much as a sixteenth of its width there.
        """
        offset_hz = _offset_hz(source, center_freq_hz)
        for factor in range(1, _LEAST_PART + 1):
            plan = cls(source.sample_rate_hz, offset_hz, factor)
            if plan.is_shown:
                return plan
        raise _not_shown(source, center_freq_hz, source.sample_rate_hz / _LEAST_PART)

    @staticmethod
    def divides(source_rate_hz: float, rate_hz: float) -> bool:
        """Whether the rate of a source is a whole number of times another, but for rounding."""
        ratio = source_rate_hz / rate_hz
        return abs(ratio / max(1, round(ratio)) - 1.0) <= RATE_TOLERANCE

    @property
    def is_whole(self) -> bool:
        """Whether the band is all that the source shows."""
        return self.factor == 1

    @property
    def is_shown(self) -> bool:
        """Whether the source shows all of the band."""
        edge_hz = 0.5 * self.source_rate_hz
        reach_hz = abs(self.offset_hz) + edge_hz / self.factor
        return reach_hz <= edge_hz * (1.0 + RATE_TOLERANCE)

    @property
    def half_samples(self) -> int:
        """Samples of the source that the filter reaches to either side."""
        return _HALF_OUTPUTS * self.factor

    def low_pass(self) -> NDArray[np.float64]:
        """Return the taps ``(2 half_samples + 1,)``: a sinc in a Kaiser window, 1 at 0 Hz.

        They pass up to 0.45 and stop from 0.55 of the band's rate, so its outermost twentieths
        are uneven, as are those of a radio's own filter.
        """
        n = np.arange(-self.half_samples, self.half_samples + 1)
        taps = np.sinc(n / self.factor) * np.kaiser(len(n), _BETA)
        return np.asarray(taps / taps.sum())

    def rotation(self, sample: int, n: int = 1, step: int = 1) -> NDArray[np.complex64]:
        """Return ``exp(-2 pi i f k / fs)`` at ``k = sample, sample + step, ...``, ``(n,)``.

        Turns are counted in whole parts of 2^64, so that no month of samples adds an error.
        """
        per_sample = round(Fraction(self.offset_hz) / Fraction(self.source_rate_hz) * _TURN)
        turns = [(sample + k * step) * per_sample % _TURN / _TURN for k in range(n)]
        return np.exp(-2j * np.pi * np.array(turns)).astype(np.complex64)


def _offset_hz(source: SourceInfo, center_freq_hz: float) -> float:
    """Return how far a frequency is from the middle of ``source``."""
    if not source.center_freq_hz:
        raise ConfigError(
            f"center_freq_hz is given, but {source.uri} does not say what it is tuned to: give "
            "source.center_freq_hz, or source.dwell_s for a radio that takes turns with bands"
        )
    return center_freq_hz - source.center_freq_hz


def _not_shown(source: SourceInfo, center_freq_hz: float, rate_hz: float) -> ConfigError:
    edge_hz = 0.5 * source.sample_rate_hz
    return ConfigError(
        f"{format_hz(rate_hz)} about {format_hz(center_freq_hz)} reach outside of what "
        f"{source.uri} shows, {format_hz(source.center_freq_hz - edge_hz)} to "
        f"{format_hz(source.center_freq_hz + edge_hz)}: correct it, or let the radio take "
        "turns with its bands (source.dwell_s in place of source.center_freq_hz)"
    )
