"""Who is put on the air in an experiment: of a kind, with parameters, place and channel drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgespec.errors import UsageError
from edgespec.simulate.config import ChannelConfig, InterfererConfig, SceneConfig
from edgespec.simulate.interferers import KINDS, complete
from edgespec.simulate.numerology import N_SUBCARRIERS, SUBCARRIER_HZ

__all__ = ["FAMILIES", "PERIODS_S", "draw_period_s", "draw_stranger", "family_of"]

#: An interferer keeps this share of the sample rate to either side of the centre, and the band.
_REACH: Final = 0.45
_BAND_HZ: Final = N_SUBCARRIERS * SUBCARRIER_HZ
_PROFILES: Final = ("epa", "eva")
#: Direct path of an interferer over the scattered ones, and its frequency error.
_RICIAN_K_DB: Final = (0.0, 15.0)
_CFO_HZ: Final = 500.0

#: Periods of pulses, chirps and hops, and of sweeps over the band.
PERIODS_S: Final = (3e-4, 7e-3)
_SWEEP_S: Final = (3e-3, 4e-2)
#: A period, or two of them, may not come nearer to a multiple of 1 ms than this, in ms: it would
#: look like the cell's own frame.
_APART_MS: Final = 0.05
_DUTIES: Final = (0.15, 0.6)
_KEYED_HZ: Final = (30e3, 250e3)


@dataclass(frozen=True, slots=True)
class _Draws:
    """What is drawn for a kind: widths in shares of the sample rate, periods, duties."""

    width: tuple[float, float] | None = None
    period_s: tuple[float, float] | None = None
    duty: tuple[float, float] | None = None


_MIX: Final = _Draws((0.3, 0.8), PERIODS_S)
_DRAWS: Final[Mapping[str, _Draws]] = {
    "pulse": _Draws(None, PERIODS_S, _DUTIES),
    "random-pulse": _Draws(None, PERIODS_S, _DUTIES),
    "chirp": _Draws((0.05, 0.4), PERIODS_S),
    "sweep": _Draws((0.5, 0.9), _SWEEP_S),
    "hop": _Draws((0.3, 0.8), PERIODS_S),
    "wideband": _Draws((0.1, 0.45)),
    "wideband-pulse": _Draws((0.1, 0.4), PERIODS_S, _DUTIES),
    "barrage": _Draws((0.05, 0.9)),
    **{kind: _MIX for kind in KINDS if "+" in kind},
}

#: Kinds that resemble each other: what is trained on some is tested on another.
FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "carriers": ("tone", "pulse", "random-pulse", "tone+pulse"),
    "sweeps": ("chirp", "sweep", "hop", "tone+chirp", "pulse+chirp"),
    "noise": ("wideband", "wideband-pulse", "barrage"),
    "mixes": tuple(kind for kind in KINDS if kind.endswith("+wideband-pulse")),
    "ofdm": ("ofdm-1m", "ofdm-2m", "ofdm-3m", "ofdm-5m", "deceptive"),
    "keyed": ("bpsk", "qpsk"),
}


def family_of(kind: str) -> str:
    """Return the family of a kind, or the kind itself where it has none."""
    return next((name for name, kinds in FAMILIES.items() if kind in kinds), kind)


def draw_stranger(kind: str, scene: SceneConfig, rng: np.random.Generator) -> InterfererConfig:
    """Return an interferer within the band, with a channel of its own that moves as the observer.

    Width, period, duty and offset are drawn, but for kinds whose name says the width and for those
    that follow LTE's own frame. Start, stop and ISR are left to the caller.

    Raises:
        UsageError: the kind is unknown, or wider than the band.
    """
    rate_hz = scene.sample_rate_hz
    complete(InterfererConfig(kind), rate_hz)
    draws = _DRAWS.get(kind, _Draws())
    width_hz = 0.0
    if kind in FAMILIES["keyed"]:
        width_hz = float(rng.uniform(*_KEYED_HZ))
    elif draws.width is not None:
        width_hz = float(rng.uniform(*draws.width)) * rate_hz
    config = InterfererConfig(
        kind,
        bandwidth_hz=width_hz,
        period_s=0.0 if draws.period_s is None else draw_period_s(draws.period_s, rng),
        duty=0.0 if draws.duty is None else float(rng.uniform(*draws.duty)),
    )
    full_hz = complete(config, rate_hz).bandwidth_hz
    reach_hz = max(min(_REACH * rate_hz, _BAND_HZ / 2) - full_hz / 2, 0.0)
    channel = ChannelConfig(
        profile=str(rng.choice(_PROFILES)),
        doppler_hz=scene.channel.doppler_hz,
        rician_k_db=float(rng.uniform(*_RICIAN_K_DB)),
        cfo_hz=float(rng.uniform(-_CFO_HZ, _CFO_HZ)),
    )
    return replace(config, offset_hz=float(rng.uniform(-1.0, 1.0)) * reach_hz, channel=channel)


def draw_period_s(between_s: tuple[float, float], rng: np.random.Generator) -> float:
    """Return a period, uniform in its logarithm, of which one and two are no multiple of 1 ms.

    Raises:
        UsageError: there is no such period between the two.
    """
    low, high = np.log(between_s)
    for _ in range(1000):
        period_s = float(np.exp(rng.uniform(low, high)))
        if all(_is_apart(1e3 * n * period_s) for n in (1, 2)):
            return period_s
    raise UsageError(
        f"no period of {between_s[0]:g} to {between_s[1]:g} s lies {_APART_MS:g} ms away from "
        "every multiple of 1 ms, once and twice over: let them lie further apart"
    )


def _is_apart(in_ms: float) -> bool:
    return in_ms < 1.0 - _APART_MS or abs(in_ms - round(in_ms)) > _APART_MS
