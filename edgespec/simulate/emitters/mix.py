"""Two interferers at once, one in the lower and one in the upper half of the bandwidth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters.kind import Baseband, Emitter, Kind

__all__ = ["mixed"]

_MEASURED_S = 0.04
#: The period of a mix whose parts have their usual ones; with another one theirs scale alike.
_USUAL_S = 1e-3


def mixed(first: Kind, second: Kind) -> Callable[[InterfererConfig, float, int], Baseband]:
    """Return what makes the sum of two kinds of equal power (Peng et al. 2022, sec. 4.1).

    The mean power is 1 while at least one of them transmits; who has the lower half is drawn.
    """

    def make(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
        rng = np.random.default_rng(seed)
        side = float(rng.choice([-1.0, 1.0]))
        parts = []
        for kind, sign in ((first, -side), (second, side)):
            usual_hz = kind.bandwidth_hz(sample_rate_hz)
            part = replace(
                config,
                offset_hz=sign * config.bandwidth_hz / 4,
                bandwidth_hz=min(usual_hz, config.bandwidth_hz / 2),
                period_s=kind.period_s * config.period_s / _USUAL_S,
                duty=0.0,
                sweep_hz_per_s=0.0,
            )
            parts.append(Emitter(kind, part, sample_rate_hz, int(rng.integers(2**31))))
        n = round(_MEASURED_S * sample_rate_hz)
        trial = parts[0].samples(0, n) + parts[1].samples(0, n)
        on = np.count_nonzero(trial) / n
        energy = parts[0].config.duty + parts[1].config.duty
        scale = np.float32(np.sqrt(on / energy))

        def baseband(start: int, n: int) -> NDArray[np.complex64]:
            return (parts[0].samples(start, n) + parts[1].samples(start, n)) * scale

        return baseband

    return make
