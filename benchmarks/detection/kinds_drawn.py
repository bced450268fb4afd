"""Interferers of every kind with drawn parameters, and what each of them is called.

The middle third of the range of periods, or of widths where there is no period, is kept for tests.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.naming import NOISE
from edgespec.kinds import CHIRP, HOP, LTE_LIKE, PULSE, SWEEP, TONE
from edgespec.simulate.config import ChannelConfig, InterfererConfig
from edgespec.simulate.interferers import complete
from edgespec.simulate.rotate import rotate

__all__ = ["CLASSES", "THROUGH", "Drawn", "draw", "through_window"]

#: A sweep over more than the window: the observer hears a part of every period.
THROUGH = "sweep through the window"
#: What is simulated of each class.
CLASSES: dict[str, tuple[str, ...]] = {
    TONE: ("tone",),
    NOISE: ("barrage", "barrage", "qpsk", "bpsk"),
    LTE_LIKE: ("wideband", "unauthorised", "deceptive"),
    PULSE: ("pulse", "random-pulse", "wideband-pulse"),
    CHIRP: ("chirp",),
    SWEEP: ("sweep", THROUGH),
    HOP: ("hop",),
}
#: Share of the sample rate that an interferer keeps within, to either side of the centre.
_REACH = 0.45
#: Periods in s, widths as a share of the rate, duties: from, to.
_PERIODS_S = {
    "pulse": (4e-4, 15e-3),
    "random-pulse": (1e-3, 15e-3),
    "wideband-pulse": (4e-4, 15e-3),
    "chirp": (3e-4, 7e-3),
    "sweep": (8e-3, 80e-3),
    THROUGH: (8e-3, 80e-3),
    "hop": (1e-3, 15e-3),
}
_WIDTHS = {
    "barrage": (0.05, 0.85),
    "wideband": (0.15, 0.85),
    "wideband-pulse": (0.1, 0.6),
    "chirp": (0.05, 0.5),
    "sweep": (0.6, 0.9),
    "hop": (0.3, 0.9),
}
_NARROW_HZ = (30e3, 300e3)
_DUTIES = {"pulse": (0.08, 0.6), "random-pulse": (0.15, 0.5), "wideband-pulse": (0.08, 0.6)}
#: Widths of the unauthorised OFDM of Li et al. 2019, sec. 5.4, of so many MHz, by part.
_CHANNELS = ((1, 3), (2,))
#: How much wider than the window a sweep through it is.
_SPANS = (1.3, 5.0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An interferer, the class it belongs to, and whether its parameters are those of a test.

    ``span_hz`` is not 0 for a sweep through the window alone, which is not in ``config``.
    """

    kind: str
    name: str
    config: InterfererConfig
    is_held_out: bool
    span_hz: float = 0.0


def draw(
    rate_hz: float, channel: ChannelConfig, rng: np.random.Generator, *, is_held_out: bool
) -> Drawn:
    """Return an interferer of a class that is drawn, evenly."""
    kind = str(rng.choice(list(CLASSES)))
    name = str(rng.choice(CLASSES[kind]))
    width_hz = period_s = 0.0
    if name in _PERIODS_S:
        period_s = _period_s(_PERIODS_S[name], rng, is_held_out=is_held_out)
    if name in ("qpsk", "bpsk"):
        width_hz = _part(_NARROW_HZ, rng, is_held_out=is_held_out)
    elif name in _WIDTHS and period_s:
        width_hz = rate_hz * float(rng.uniform(*_WIDTHS[name]))
    elif name in _WIDTHS:
        width_hz = rate_hz * _part(_WIDTHS[name], rng, is_held_out=is_held_out)
    config = InterfererConfig(
        _simulated(name, rate_hz, rng, is_held_out=is_held_out),
        bandwidth_hz=width_hz,
        period_s=period_s,
        duty=float(rng.uniform(*_DUTIES[name])) if name in _DUTIES else 0.0,
    )
    full = complete(config, rate_hz)
    room_hz = max(_REACH * rate_hz - full.bandwidth_hz / 2, 0.0)
    if name == "deceptive":
        room_hz = 0.0
    own = replace(
        channel,
        profile=str(rng.choice(("epa", "eva"))),
        rician_k_db=float(rng.uniform(0.0, 15.0)),
        cfo_hz=float(rng.uniform(-500.0, 500.0)),
    )
    span_hz = rate_hz * float(rng.uniform(*_SPANS)) if name == THROUGH else 0.0
    placed = replace(config, offset_hz=float(rng.uniform(-room_hz, room_hz)), channel=own)
    return Drawn(kind, name, placed, is_held_out, span_hz)


def through_window(
    drawn: Drawn, rate_hz: float, first: int, n_samples: int
) -> NDArray[np.complex64]:
    """Return samples of a sweep over ``span_hz``, as a receiver of ``rate_hz`` lets them through.

    Power 1 while it is in the window, and nothing else.
    """
    period = drawn.config.period_s * rate_hz
    k = np.arange(first, first + n_samples, dtype=np.float64) % period
    slope = drawn.span_hz / rate_hz / period
    turns = slope * (k - period / 2.0)
    out: NDArray[np.complex64] = rotate(0.5 * slope * (k - period / 2.0) ** 2).astype(np.complex64)
    out[np.abs(turns) > 0.48] = 0
    return out


def _simulated(name: str, rate_hz: float, rng: np.random.Generator, *, is_held_out: bool) -> str:
    if name == THROUGH:
        return "sweep"
    if name != "unauthorised":
        return name
    fits = [n for n in _CHANNELS[is_held_out] if 0.9e6 * n <= 2.0 * _REACH * rate_hz]
    return f"ofdm-{rng.choice(fits or [1])}m"


def _part(limits: tuple[float, float], rng: np.random.Generator, *, is_held_out: bool) -> float:
    """Return a number of the middle third of a range for a test, else of the two others."""
    share = (1.0 + float(rng.random())) / 3.0
    if not is_held_out:
        share = (share + (1.0 / 3.0 if rng.random() < 0.5 else 2.0 / 3.0)) % 1.0
    return limits[0] + share * (limits[1] - limits[0])


def _period_s(limits: tuple[float, float], rng: np.random.Generator, *, is_held_out: bool) -> float:
    """Return a period that is no multiple of 1 ms: such would look like the cell's frames."""
    low, high = np.log(limits)
    while True:
        period_s = float(np.exp(_part((low, high), rng, is_held_out=is_held_out)))
        in_ms = 1e3 * period_s
        if in_ms < 0.95 or abs(in_ms - round(in_ms)) > 0.05:
            return period_s
