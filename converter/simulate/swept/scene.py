"""One band at one place: its sweeps from a start on, the same for one seed whatever the blocks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from converter.simulate.swept.loops import CALLS, follow_calls, hear
from converter.simulate.swept.receiver import Drift, SweptReceiver, gain_db, heard_sweeps
from converter.simulate.swept.swept_band import N_POINTS, POINT_HZ, SWEEP_S, SWEPT_BANDS, SweptBand
from converter.simulate.swept.week import busyness, warmth
from edgespec.errors import UsageError
from edgespec.sweep_table import SweepTable

__all__ = ["SweptRecording", "SweptSpec", "simulate_sweeps"]

_BLOCK_SWEEPS = 4096
#: What a narrow carrier leaves in the points beside it, in power.
_LEAK = 10**-2.5


@dataclass(frozen=True, slots=True)
class SweptSpec:
    """A recording of sweeps to be made; equal specs give equal recordings.

    ``band`` is a name of :data:`SWEPT_BANDS`, ``utc_s`` when the first sweep begins, in seconds
    since 1970 in UTC, and ``n_sweeps`` how many there are, with those in gaps.

    Raises:
        UsageError: the band is unknown, or there is no sweep.
    """

    name: str
    band: str
    seed: int
    utc_s: float
    n_sweeps: int
    receiver: SweptReceiver = field(default_factory=SweptReceiver)

    def __post_init__(self) -> None:
        if self.band not in SWEPT_BANDS:
            raise UsageError(
                f"the band of {self.name!r} is {self.band!r}; known are {', '.join(SWEPT_BANDS)}"
            )
        if self.n_sweeps < 1:
            raise UsageError(f"{self.name!r} has {self.n_sweeps} sweeps; it takes at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class SweptRecording:
    """Sweeps, and what only a simulator knows of them.

    ``signal_mw`` float32 ``(n_sweeps,)`` is the power that the band's own signals have in each
    sweep, summed over its points, without noise and drift; ``noise_mw`` that of the noise.
    """

    table: SweepTable
    signal_mw: NDArray[np.float32]
    noise_mw: float


def simulate_sweeps(spec: SweptSpec) -> SweptRecording:
    """Return the sweeps of one band at one place, with what they are made of."""
    place = _Place(spec)
    heard = heard_sweeps(spec.receiver, spec.n_sweeps, place.stream())
    utc_s = spec.utc_s + SWEEP_S * np.arange(spec.n_sweeps, dtype=np.float64)
    levels_dbm = np.empty((spec.n_sweeps, N_POINTS), np.float32)
    signal_mw = np.empty(spec.n_sweeps, np.float32)
    for sweeps in _blocks(spec.n_sweeps):
        place.sweep(utc_s[sweeps], levels_dbm[sweeps], signal_mw[sweeps])
    if not heard.all():
        utc_s, levels_dbm, signal_mw = utc_s[heard], levels_dbm[heard], signal_mw[heard]
    table = SweepTable(
        spec.name, utc_s, place.freqs_hz, levels_dbm, sweep_s=SWEEP_S, rbw_hz=POINT_HZ, unit="dBm"
    )
    return SweptRecording(table, signal_mw, float(place.noise_mw.sum()))


def _blocks(n_sweeps: int) -> Iterator[slice]:
    for first in range(0, n_sweeps, _BLOCK_SWEEPS):
        yield slice(first, min(first + _BLOCK_SWEEPS, n_sweeps))


class _Place:
    """What is drawn once for a band at a place, and the state of all that goes on there.

    Every random process has a stream of its own, so that blocks of any length give the same.
    """

    def __init__(self, spec: SweptSpec) -> None:
        self._seeds = np.random.SeedSequence(spec.seed)
        self._band = band = SWEPT_BANDS[spec.band]
        self._receiver = receiver = spec.receiver
        self.freqs_hz = band.first_hz + POINT_HZ * np.arange(N_POINTS, dtype=np.float64)
        rng = self.stream()
        ripple_db = np.convolve(rng.standard_normal(N_POINTS + 8), np.ones(9) / 3.0, "valid")
        self.noise_mw = 10 ** ((receiver.floor_dbm + receiver.ripple_db * ripple_db) / 10)
        self._carriers(rng)
        n = len(self._first)
        self._n_calls = rng.binomial(CALLS, band.load[0], n).astype(np.int64)
        self._own_db = band.call_db * rng.standard_normal(n)
        self._calls, self._levels, self._dwells, self._looks, self._flutter = (
            self.stream() for _ in range(5)
        )
        self._fades = Drift(band.fade_db, band.fade_s, n, self.stream())
        self._drift = Drift(receiver.drift_db, receiver.drift_s, 1, self.stream())

    def stream(self) -> np.random.Generator:
        """Return the next stream of random numbers of its own."""
        return np.random.default_rng(self._seeds.spawn(1)[0])

    def _carriers(self, rng: np.random.Generator) -> None:
        band = self._band
        n_heard = max(round(band.carriers * band.n_places), 1)
        places = np.sort(rng.permutation(band.n_places)[:n_heard])
        self._shape = _shape(band)
        # The shape has the points beside a carrier, too.
        self._first = band.spacing_points * places.astype(np.int64) - 1
        self._level_dbm = self._receiver.floor_dbm + rng.uniform(*band.level_db, n_heard)
        # As many as the share says, not by chance: a band without one would be another band.
        order = rng.permutation(n_heard)
        self._is_steady = np.zeros(n_heard, np.bool_)
        self._is_steady[order[: round(band.steady * n_heard)]] = True

    def sweep(
        self,
        utc_s: NDArray[np.float64],
        levels_dbm: NDArray[np.float32],
        signal: NDArray[np.float32],
    ) -> None:
        """Write the next sweeps into ``levels_dbm`` and the power of signals into ``signal``."""
        band, receiver = self._band, self._receiver
        n, n_carriers = len(utc_s), len(self._first)
        share = np.empty((n, n_carriers), np.float32)
        own_db = np.empty_like(share)
        quiet, busy = band.load
        follow_calls(
            self._calls.random((n, n_carriers, 2), np.float32),
            self._levels.standard_normal((n, n_carriers), np.float32),
            quiet + (busy - quiet) * busyness(utc_s, band.weekend),
            min(SWEEP_S / band.hold_s, 1.0 / CALLS),
            band.call_db,
            self._n_calls,
            self._own_db,
            share,
            own_db,
        )
        share = np.where(self._is_steady, np.float32(1.0), band.idle + (1 - band.idle) * share)
        day_db = 0.5 * band.day_db * warmth(utc_s)
        level = self._level_dbm + own_db + self._fades.next(n) + day_db[:, None]
        n_runs = -(-len(self._shape) // band.run_points)
        flutter = 10 ** (
            0.1 * band.flutter_db * self._flutter.standard_normal((n, N_POINTS), np.float32)
        )
        heard = np.zeros((n, N_POINTS), np.float32)
        hear(
            self._dwells.random((n, n_carriers, n_runs), np.float32),
            flutter,
            share.astype(np.float32),
            (10 ** (level / 10)).astype(np.float32),
            self._first,
            self._shape,
            band.run_points,
            heard,
        )
        np.sum(heard, axis=1, out=signal)
        heard += self.noise_mw.astype(np.float32)
        np.log10(heard, out=levels_dbm)
        levels_dbm *= 10
        looks = self._looks.standard_normal((n, N_POINTS), np.float32)
        looks *= np.float32(receiver.look_db)
        levels_dbm += looks
        levels_dbm += gain_db(receiver, self._drift, utc_s).astype(np.float32)[:, None]


def _shape(band: SweptBand) -> NDArray[np.float64]:
    """Return the power of a carrier at its points and the two beside it, 1 at the strongest."""
    body = np.ones(band.width_points)
    return np.concatenate([[_LEAK], body, [_LEAK]])
