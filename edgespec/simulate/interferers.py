"""What does not belong on the band, by name: the kinds of interferer and one at an observer.

Each is a function of the sample number since it was switched on, with mean power 1 while it
transmits, so any stretch can be asked for in any order.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters import kind as kinds
from edgespec.simulate.emitters.barrage import barrage
from edgespec.simulate.emitters.carriers import carrier, chirp, hop
from edgespec.simulate.emitters.kind import Emitter, Kind
from edgespec.simulate.emitters.lte_like import LTE_WIDTH_HZ, deceptive, unauthorised
from edgespec.simulate.emitters.mix import mixed
from edgespec.simulate.emitters.ofdm import ofdm
from edgespec.simulate.emitters.path import Path
from edgespec.simulate.emitters.psk import bpsk, qpsk

__all__ = ["ISR_MOST_S", "KINDS", "Interferer", "complete", "settle"]

#: Longest stretch over which powers are averaged for the ISR.
ISR_MOST_S = 10.0

#: The four of Peng et al. 2022, sec. 4.1, whose pairs are mixed.
_PURE = {
    "tone": Kind(carrier, bandwidth=0.0, period_s=1e-3, duty=1.0),
    "pulse": Kind(carrier, bandwidth=0.0, period_s=1e-3, duty=0.25),
    "chirp": Kind(chirp, bandwidth=0.2, period_s=1e-3, duty=1.0, sweeps=True),
    "wideband-pulse": Kind(ofdm, bandwidth=0.4, period_s=2e-3, duty=0.5),
}

#: Every kind of interferer by its name. ``ofdm-1m`` to ``ofdm-5m``, ``bpsk`` and ``qpsk`` are
#: the unauthorised transmissions of Li et al. 2019, sec. 5.4; 10 % of a channel is guard.
KINDS: dict[str, Kind] = {
    "tone": _PURE["tone"],
    "pulse": _PURE["pulse"],
    "chirp": _PURE["chirp"],
    "wideband": Kind(ofdm, bandwidth=0.4, period_s=1e-3, duty=1.0),
    "wideband-pulse": _PURE["wideband-pulse"],
    **{
        f"{a}+{b}": Kind(mixed(_PURE[a], _PURE[b]), bandwidth=0.8, period_s=1e-3, duty=1.0)
        for a, b in combinations(_PURE, 2)
    },
    "bpsk": Kind(bpsk, bandwidth=0.0, period_s=1e-3, duty=1.0, most_hz=200e3),
    "qpsk": Kind(qpsk, bandwidth=0.0, period_s=1e-3, duty=1.0, most_hz=200e3),
    **{
        f"ofdm-{n}m": Kind(unauthorised, bandwidth=0.0, period_s=0.01, duty=1.0, most_hz=n * 0.9e6)
        for n in (1, 2, 3, 5)
    },
    "barrage": Kind(barrage, bandwidth=0.9, period_s=1e-3, duty=1.0),
    "sweep": Kind(chirp, bandwidth=0.9, period_s=0.02, duty=1.0, sweeps=True),
    "hop": Kind(hop, bandwidth=0.8, period_s=2e-3, duty=1.0),
    "deceptive": Kind(deceptive, bandwidth=0.9, period_s=0.01, duty=1.0, most_hz=LTE_WIDTH_HZ),
    "random-pulse": Kind(carrier, bandwidth=0.0, period_s=1e-3, duty=0.3, random_duty=True),
}


def complete(config: InterfererConfig, sample_rate_hz: float) -> InterfererConfig:
    """Return ``config`` with the usual values of its kind where it has none.

    Raises:
        UsageError: the kind is unknown, or it does not fit between the edges of the band.
    """
    if config.kind not in KINDS:
        raise UsageError(f"the interferer is {config.kind!r}; known are {', '.join(KINDS)}")
    return kinds.complete(KINDS[config.kind], config, sample_rate_hz)


def settle(config: InterfererConfig, seed: int) -> InterfererConfig:
    """Return ``config`` at the start and offset that the seed draws within its jitter."""
    if not (config.start_jitter_s or config.offset_jitter_hz):
        return config
    rng = np.random.default_rng((seed, 3))
    later_s = config.start_jitter_s * float(rng.random())
    return replace(
        config,
        start_s=config.start_s + later_s,
        stop_s=None if config.stop_s is None else config.stop_s + later_s,
        offset_hz=config.offset_hz + config.offset_jitter_hz * float(rng.uniform(-1.0, 1.0)),
        start_jitter_s=0.0,
        offset_jitter_hz=0.0,
    )


class Interferer:
    """One interferer as the observer hears it, at one sample rate; equal seeds, equal samples.

    Phase, place in the pulse train, data and fading are drawn from the seed. With a channel of
    its own the mean power over its fading is 1, while it is active or over its first 10 s.
    """

    def __init__(self, config: InterfererConfig, sample_rate_hz: float, seed: int) -> None:
        complete(config, sample_rate_hz)
        self._emitter = Emitter(KINDS[config.kind], config, sample_rate_hz, seed)
        self.config = self._emitter.config
        self._path: Path | None = None
        if config.channel is not None:
            stop_s = config.start_s + ISR_MOST_S if config.stop_s is None else config.stop_s
            active_s = min(stop_s - config.start_s, ISR_MOST_S)
            self._path = Path(config.channel, self.config, sample_rate_hz, active_s, seed)

    def samples(self, start: int, n: int) -> NDArray[np.complex64]:
        """Return samples ``start`` to ``start + n`` since it was switched on, complex64 ``(n,)``.

        Silent parts of a pulse train are zero; the mean power of the rest is 1.
        """
        if self._path is None:
            return self._emitter.samples(start, n)
        return self._path.apply(self._emitter.samples, start, n)
