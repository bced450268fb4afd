"""Where a radio is tuned to in a sweep, and which of its bins are kept at each place."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.framing import TAPER_ENBW_BINS
from edgespec.grid import Grid
from edgespec.sources.uri import SourceUri
from edgespec.sweep_file import MOST_POINTS
from edgespec.units import format_hz

__all__ = ["HOP_KEYS", "HopPlan"]

#: What a ``sweep:`` takes beside what its radio takes.
HOP_KEYS = ("start", "stop", "step", "dwell_s", "crop", "dc_bins")
#: Points of a span where nobody says how fine they are to be.
_USUAL_POINTS = 512
_N_FFT = tuple(2**n for n in range(6, 14))
#: The filters of a dongle fall off beyond 80% of its rate, and fold back.
_CROP, _DC_BINS, _DWELL_S = 0.15, 1, 0.1
_MOST_HOPS = 4096


@dataclass(frozen=True, slots=True)
class HopPlan:
    """A sweep from ``start_hz`` to ``stop_hz`` at a sample rate.

    Of an FFT of ``n_fft`` the middle ``n_kept`` bins are kept, an even number, so that the hops lie
    side by side on one grid. The middle one, and ``dc_bins`` on either side of it, are those of the
    receiver's own offset; with 0 there is none.
    """

    start_hz: float
    stop_hz: float
    sample_rate_hz: float
    n_fft: int
    n_kept: int
    dwell_s: float
    dc_bins: int

    @classmethod
    def of(cls, uri: SourceUri, sample_rate_hz: float) -> "HopPlan":
        """Return the plan that a URI asks for.

        Raises:
            UsageError: a value is missing, or outside of its range.
        """
        start_hz, stop_hz = uri.number("start"), uri.number("stop")
        if start_hz is None or stop_hz is None:
            raise UsageError(
                f"{uri.text!r:.160} does not say what to sweep: add start=88M&stop=108M"
            )
        crop, dwell_s, dc_bins = uri.number("crop"), uri.number("dwell_s"), uri.whole("dc_bins")
        step_hz = uri.number("step") or (stop_hz - start_hz) / _USUAL_POINTS
        crop = _CROP if crop is None else crop
        dwell_s = _DWELL_S if dwell_s is None else dwell_s
        dc_bins = _DC_BINS if dc_bins is None else dc_bins
        for key, value, is_good, range_said in (
            ("start", start_hz, 0 < start_hz < stop_hz, "above 0 and below stop"),
            (
                "step",
                step_hz,
                "step" not in uri.options or step_hz * _N_FFT[-1] >= sample_rate_hz,
                f"at least {sample_rate_hz / _N_FFT[-1]:g} at this sample rate",
            ),
            ("crop", crop, 0 <= crop <= 0.45, "0 to 0.45, the share of the rate at either edge"),
            ("dwell_s", dwell_s, 0 < dwell_s <= 3600, "above 0 and up to 3600"),
            ("dc_bins", dc_bins, 0 <= dc_bins <= 8, "0 to 8"),
        ):
            if not is_good:
                raise UsageError(
                    f"{key} in {uri.text!r:.160} is {value:g}; it must be {range_said}"
                )
        n_fft = next((n for n in _N_FFT if n * step_hz >= sample_rate_hz), _N_FFT[-1])
        n_kept = max(2 * int(n_fft * (1.0 - 2.0 * crop) / 2.0), 2)
        dc_bins = min(dc_bins, n_fft // 2 - 2)
        plan = cls(start_hz, stop_hz, sample_rate_hz, n_fft, n_kept, dwell_s, dc_bins)
        if plan.n_hops > _MOST_HOPS or plan.n_points > MOST_POINTS:
            raise UsageError(
                f"{uri.text!r:.160} asks for {plan.n_hops} hops and {plan.n_points} points; at "
                f"most {_MOST_HOPS} and {MOST_POINTS}: give a narrower span, a wider step, or a "
                "higher sample_rate"
            )
        if round(dwell_s * sample_rate_hz) < n_fft:
            raise UsageError(
                f"dwell_s in {uri.text!r:.160} is {dwell_s:g}, which is less than one FFT of "
                f"{n_fft} samples: give at least {n_fft / sample_rate_hz:.2g}"
            )
        return plan

    @property
    def bin_hz(self) -> float:
        """Distance of two points."""
        return self.sample_rate_hz / self.n_fft

    @property
    def n_points(self) -> int:
        """Points of a sweep, the last of which lies at ``stop_hz`` at most."""
        return int((self.stop_hz - self.start_hz) / self.bin_hz + 1e-6) + 1

    @property
    def n_hops(self) -> int:
        """Places that the radio is tuned to."""
        return math.ceil(self.n_points / self.n_kept)

    @property
    def centers_hz(self) -> tuple[float, ...]:
        """Where it is tuned to: ``n_kept`` bins begin with ``start_hz`` at the first."""
        half_hz = self.n_kept / 2 * self.bin_hz
        return tuple(
            self.start_hz + half_hz + number * self.n_kept * self.bin_hz
            for number in range(self.n_hops)
        )

    def grid(self, interval_s: float) -> Grid:
        """Return the grid of its sweeps, of which one begins every ``interval_s``."""
        freqs_hz = self.start_hz + self.bin_hz * np.arange(self.n_points, dtype=np.float64)
        return Grid(freqs_hz, TAPER_ENBW_BINS["hann"] * self.bin_hz, 1, 1.0 / interval_s)

    def kept(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the bins of a hop that are kept, of an FFT-shifted ``power`` ``(n_fft,)``.

        The receiver's own offset stands in the middle: its bins have a straight line, in power,
        between those on either side.
        """
        middle, half = self.n_fft // 2, self.n_kept // 2
        if self.dc_bins:
            power = power.copy()
            lower, upper = middle - self.dc_bins - 1, middle + self.dc_bins + 1
            power[lower : upper + 1] = np.linspace(power[lower], power[upper], upper - lower + 1)
        return power[middle - half : middle + half]

    def words(self, settle_s: float = 0.0) -> str:
        """Return in words what a sweep is, where a radio settles so long behind each hop."""
        sweep_s = self.n_hops * (self.dwell_s + (settle_s if self.n_hops > 1 else 0.0))
        return (
            f"{format_hz(self.start_hz)} to {format_hz(self.stop_hz)} in {self.n_hops} hops, "
            f"{self.n_points} points {format_hz(self.bin_hz)} apart, a sweep takes at least "
            f"{sweep_s:.3g} s"
        )
