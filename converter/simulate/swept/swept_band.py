"""Bands as a swept receiver hears them: where they lie, what sends there, and how it is used."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["N_POINTS", "POINT_HZ", "SWEEP_S", "SWEPT_BANDS", "SweptBand"]

#: Points of a sweep, their distance, and the time from sweep to sweep (Peng et al. 2022, sec. 3.1
#: and 4.2). A point's resolution bandwidth is its distance.
N_POINTS, POINT_HZ, SWEEP_S = 80, 200e3, 1.8

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SweptBand:
    """What sends in a band; ranges are uniform draws a carrier, or from the quiet to the busy hour.

    ``first_hz`` is the lowest point. A carrier is ``width_points`` wide; they may stand
    ``spacing_points`` apart, and ``carriers`` is the share of these places that is heard at all, at
    ``level_db`` over the noise of a point. A share ``steady`` of the carriers is always on. Each of
    the others serves up to eight calls, of ``hold_s`` in the mean: a sweep dwells on a point for a
    fraction of a millisecond, and finds the carrier on with the probability ``idle`` plus an
    eighth of the rest for each call. ``load`` is the mean share of the eight that is taken, at the
    quietest and the busiest time of the week; in an uplink every call comes at a level of its own,
    with a standard deviation of ``call_db``. One dwell's luck stands for ``run_points``.

    ``flutter_db`` is what modulation moves from sweep to sweep, ``fade_db`` and ``fade_s`` what the
    path does slowly, and ``day_db`` how far the level of the whole band rises and falls in a day.
    ``weekend`` is the traffic of Saturday and Sunday as a share of that of other days.
    """

    first_hz: float
    width_points: int
    spacing_points: int
    carriers: float
    level_db: Range
    steady: float
    load: Range = (0.0, 0.0)
    idle: float = 0.0
    hold_s: float = 90.0
    call_db: float = 0.0
    run_points: int = 1
    flutter_db: float = 0.0
    fade_db: float = 0.5
    fade_s: float = 600.0
    day_db: float = 0.0
    weekend: float = 0.8

    @property
    def n_places(self) -> int:
        """Places where a carrier may stand."""
        return (N_POINTS - self.width_points) // self.spacing_points + 1


#: Sixteen megahertz of each band of Peng et al. 2022, table 1. They print no level, occupancy or
#: unit; what they print is the ratio of RMSE to MAE of their forecasts, which has none, and a day's
#: swing of 5 dB of the GSM1800 downlink: ``benchmarks.detection.swept_statistics`` sets these, and
#: those of real sweeps, beside what these bands have.
SWEPT_BANDS: Mapping[str, SweptBand] = {
    "gsm900-ul": SweptBand(
        886.4e6, 1, 1, 0.5, (2.0, 6.0), 0.0, load=(0.004, 0.05), call_db=10.0,
        fade_db=1.5, fade_s=20,
    ),
    "gsm900-dl": SweptBand(
        940e6, 1, 1, 0.55, (6.0, 35.0), 0.9, load=(0.1, 0.6), flutter_db=0.3, day_db=1.0
    ),
    "gsm1800-ul": SweptBand(
        1740e6, 1, 1, 0.2, (1.0, 4.0), 0.0, load=(2e-4, 6e-3), call_db=12.0, fade_db=1.5, fade_s=20
    ),
    "gsm1800-dl": SweptBand(
        1840e6, 1, 1, 0.75, (6.0, 22.0), 0.3, load=(0.01, 0.7), flutter_db=0.3, day_db=2.5
    ),
    "tv": SweptBand(
        630e6, 38, 40, 1.0, (8.0, 25.0), 1.0, flutter_db=0.3, fade_db=1.0, fade_s=900, day_db=0.8
    ),
    "ism2400": SweptBand(
        2432e6, 80, 80, 1.0, (8.0, 20.0), 0.0, load=(0.0, 0.15), idle=0.02, hold_s=20.0,
        run_points=3, flutter_db=1.5, fade_db=1.5, fade_s=120, weekend=0.6,
    ),
    "fm": SweptBand(
        90e6, 2, 2, 0.5, (6.0, 40.0), 1.0, flutter_db=1.0, fade_db=0.4, fade_s=300, day_db=0.5
    ),
}  # fmt: skip
