"""A kind of interferer, and what makes its samples: waveform, offset, gate."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters.gate import Gate
from edgespec.simulate.rotate import rotate

__all__ = ["Baseband", "Emitter", "Kind", "complete"]

ComplexArray = NDArray[np.complex64]
#: Samples ``(start, n)`` of a waveform without its offset and gate, mean power 1.
Baseband = Callable[[int, int], ComplexArray]

#: Spectral width that an annotation gives to a tone.
_TONE_WIDTH_HZ = 1e3


@dataclass(frozen=True, slots=True)
class Kind:
    """The usual shape of a kind.

    ``bandwidth`` is a share of the sample rate, at most ``most_hz``, which alone counts where
    there is no share. ``sweeps`` says that a rate in Hz/s can set the period.
    """

    baseband: Callable[[InterfererConfig, float, int], Baseband]
    bandwidth: float
    period_s: float
    duty: float
    most_hz: float = 0.0
    sweeps: bool = False
    random_duty: bool = False

    def bandwidth_hz(self, sample_rate_hz: float) -> float:
        """Return the usual bandwidth at a sample rate; 0 follows from the pulses."""
        if not self.bandwidth:
            return self.most_hz
        share_hz = self.bandwidth * sample_rate_hz
        return min(share_hz, self.most_hz) if self.most_hz else share_hz


def complete(kind: Kind, config: InterfererConfig, sample_rate_hz: float) -> InterfererConfig:
    """Return ``config`` with the usual values of its kind where it has none.

    Raises:
        UsageError: it does not fit between the edges of the band, or has a rate but no sweep.
    """
    duty = config.duty or kind.duty
    bandwidth_hz = config.bandwidth_hz or kind.bandwidth_hz(sample_rate_hz)
    period_s = config.period_s or kind.period_s
    if config.sweep_hz_per_s:
        if not kind.sweeps or config.sweep_hz_per_s < 0 or config.period_s:
            raise UsageError(
                f"sweep_hz_per_s is {config.sweep_hz_per_s:g} for the kind {config.kind!r}; give a "
                "positive rate to a chirp or a sweep, and no period_s beside it"
            )
        period_s = bandwidth_hz / config.sweep_hz_per_s
    if not bandwidth_hz and period_s > 0:
        # A carrier is as wide as the main lobe of its pulses.
        bandwidth_hz = _TONE_WIDTH_HZ if duty == 1.0 else 2.0 / (duty * period_s)
    out = replace(
        config,
        bandwidth_hz=bandwidth_hz,
        period_s=period_s,
        duty=duty,
        random_duty=config.random_duty or kind.random_duty,
    )
    if out.bandwidth_hz < 0 or out.period_s * sample_rate_hz < 2:
        raise UsageError(
            f"bandwidth_hz {out.bandwidth_hz:g} and period_s {out.period_s:g} of an interferer "
            "must be positive, and the period longer than two samples"
        )
    if abs(out.offset_hz) + out.bandwidth_hz / 2 > sample_rate_hz / 2:
        raise UsageError(
            f"an interferer of {out.bandwidth_hz:g} Hz at an offset of {out.offset_hz:g} Hz "
            f"reaches over the edge of the band, {sample_rate_hz / 2:g} Hz from its centre"
        )
    return out


class Emitter:
    """One interferer as it leaves its antenna; equal seeds give equal samples.

    Phase, place in the pulse train and data are drawn from the seed. ``config`` is the completed
    one.
    """

    def __init__(
        self, kind: Kind, config: InterfererConfig, sample_rate_hz: float, seed: int
    ) -> None:
        self.config = complete(kind, config, sample_rate_hz)
        rng = np.random.default_rng(seed)
        self._turns = self.config.offset_hz / sample_rate_hz
        self._phase = rng.random()
        period = self.config.period_s * sample_rate_hz
        self._first = int(rng.integers(max(1, int(period))))
        self._baseband = kind.baseband(self.config, sample_rate_hz, int(rng.integers(2**31)))
        self._gate = Gate(self.config.duty, period, seed if self.config.random_duty else None)

    def samples(self, start: int, n: int) -> ComplexArray:
        """Return samples ``start`` to ``start + n`` since it was switched on, complex64 ``(n,)``.

        Silent parts of a pulse train are zero; the mean power of the rest is 1.
        """
        k = np.arange(start, start + n, dtype=np.float64)
        out = rotate(self._turns * k + self._phase)
        out *= self._baseband(start + self._first, n)
        if not self._gate.is_open:
            k += self._first
            out[self._gate.silent(k)] = 0
        return out
