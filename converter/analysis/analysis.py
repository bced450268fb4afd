"""All that is said of a table of sweeps, and the numbers of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.analysis.correlation import correlate, fewer_columns
from converter.analysis.coverage import Coverage, measured_sweeps
from converter.analysis.day_cycle import DayCycle, day_cycle
from converter.analysis.periods import Periodogram, autocorrelation, find_periods
from converter.analysis.stationarity import Stationarity, judge
from converter.analysis.time_cells import TimeCells, even_cells, usual_levels
from converter.analysis.trend import Trend, detrend
from edgespec.sweep_table import SweepTable

__all__ = ["SweepAnalysis", "analyse", "numbers"]

#: Points and times of a heat map at most: about what a screen shows, and Peng et al. 2022 have 800
#: times a day.
_MOST_POINTS, _MOST_TIMES = 512, 800
_MOST_CELLS = 4096
_SCHEMA = "edgespec.analysis/1"


@dataclass(frozen=True, slots=True, eq=False)
class SweepAnalysis:
    """What is in the sweeps of one receiver.

    ``of_points`` float64 ``(n, n)`` is Pearson's correlation of every two points over the sweeps,
    ``of_times`` that of every two times over the points. ``cells`` are for the eye, ``pace`` finer
    ones for what follows: ``rest_db`` is the level of the band without its trend, and
    ``memory`` its autocorrelation up to half of the time.
    """

    name: str
    unit: str
    freqs_hz: NDArray[np.float64]
    coverage: Coverage
    cells: TimeCells
    of_points: NDArray[np.float64]
    of_times: NDArray[np.float64]
    pace: TimeCells
    trend: Trend
    rest_db: NDArray[np.float64]
    cycle: DayCycle | None
    memory: NDArray[np.float64]
    periodogram: Periodogram
    stationarity: Stationarity


def analyse(
    table: SweepTable, tell: Callable[[str, float | None], None] = lambda *_: None
) -> SweepAnalysis:
    """Return what is in a table of sweeps.

    Args:
        table: of one receiver in one setting.
        tell: takes what is done and how much of that.

    Raises:
        SourceError: there is too little to say anything.
    """
    tell(f"{table.name}: looking for gaps", None)
    whole, coverage = measured_sweeps(table)
    of_points = correlate(
        fewer_columns(whole.levels_db, _MOST_POINTS),
        lambda share: tell(f"{table.name}: correlations", share),
    )
    tell(f"{table.name}: the course of time", None)
    cells = even_cells(whole, coverage.interval_s, _MOST_TIMES)
    # The same points are loud at any time: what times have in common beyond that is looked for.
    usual = usual_levels(cells.levels_db).astype(np.float32)
    of_times = correlate(np.ascontiguousarray((cells.levels_db - usual).T))
    pace = even_cells(whole, coverage.interval_s, _MOST_CELLS)
    trend, rest_db = detrend(pace.utc_s, pace.band_db)
    cycle = day_cycle(pace.utc_s, rest_db)
    tell(f"{table.name}: periods", None)
    periodogram = find_periods(pace.utc_s, rest_db)
    # A quarter of a few days begins and ends at other hours than the next one.
    of_day_db = cycle.at(pace.utc_s) if cycle is not None and cycle.is_there else 0.0
    left = pace.band_db - of_day_db
    return SweepAnalysis(
        name=table.name,
        unit=table.unit,
        freqs_hz=table.freqs_hz,
        coverage=coverage,
        cells=cells,
        of_points=of_points,
        of_times=of_times,
        pace=pace,
        trend=trend,
        rest_db=rest_db,
        cycle=cycle,
        memory=autocorrelation(rest_db, len(rest_db) // 2),
        periodogram=periodogram,
        stationarity=judge(left, _next(left), trend, cycle),
    )


def numbers(found: SweepAnalysis) -> dict[str, Any]:
    """Return the numbers of an analysis, for JSON: what is not known is null.

    ``correlation`` has means over all pairs of points, and over neighbours; the heat map itself is
    ``of_points``.
    """
    apart = ~np.eye(len(found.of_points), dtype=bool)
    pairs, neighbours = found.of_points[apart], np.diagonal(found.of_points, 1)
    content = {
        "schema": _SCHEMA,
        "name": found.name,
        "unit": found.unit,
        "range_hz": [float(found.freqs_hz[0]), float(found.freqs_hz[-1])],
        "first_utc_s": float(found.pace.utc_s[0]),
        "coverage": asdict(found.coverage),
        "correlation": {"mean": _mean(pairs), "neighbours": _mean(neighbours)},
        "trend": asdict(found.trend),
        "day": None if found.cycle is None else asdict(found.cycle),
        "memory": {"step_s": found.pace.step_s, "next": found.periodogram.memory},
        "periods": [asdict(peak) for peak in found.periodogram.peaks],
        "stationarity": asdict(found.stationarity),
    }
    strict: dict[str, Any] = _strict(content)
    return strict


def _next(level_db: NDArray[np.float64]) -> float:
    """Return the correlation of a level with the next one, 0 to 0.999."""
    return float(np.clip(np.nan_to_num(autocorrelation(level_db, 1)[1]), 0.0, 0.999))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _strict(value: Any) -> Any:
    """Return a value with null in the place of what is not a number."""
    if isinstance(value, dict):
        return {key: _strict(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
