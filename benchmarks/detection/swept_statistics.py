"""Sweeps that are simulated beside real ones and beside what Peng et al. 2022 print.

``python -m benchmarks.detection.swept_statistics`` writes
``benchmarks/results/swept_statistics.md``. The simulated ones are a day at each of three places of
their own: no data set has their seed. Of real sweeps that others test forecasts on, the first 60 of
each block are taken, which are for training.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import chain, groupby
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import DATA, facts, save_rows
from converter.data.sweeps.open_sweeps import open_sweeps
from converter.data.sweeps.windows import N_FUTURE, N_PAST, gather_windows, window_starts
from converter.report.markdown_table import markdown_table
from converter.simulate.swept.population import swept_specs
from converter.simulate.swept.scene import simulate_sweeps
from converter.simulate.swept.swept_band import SWEPT_BANDS
from edgespec.screen.progress import Progress
from edgespec.sweep_table import SweepTable

__all__ = ["main", "markdown", "statistics_of"]

_SEED, _N_PLACES = 20_220_602, 3
_N_TRAIN = 60
#: Forecasts are made from so many sweeps in a block of real ones, as the notes on these data do.
_SHORT = 6
_OCCUPIED_DB = 6.0
#: What the papers' best network without hours and days reaches: MAE and RMSE (Peng et al. 2022,
#: tables 2 and 3), of the campaign in Aachen and of their own receiver.
_PAPER: Mapping[str, Sequence[tuple[float, float]]] = {
    "gsm900-ul": [(0.1068, 0.2850), (0.4281, 0.6231)],
    "gsm900-dl": [(0.0820, 0.2553), (0.1472, 0.9096)],
    "gsm1800-ul": [(0.01227, 0.1022)],
    "gsm1800-dl": [(0.3730, 0.7212)],
    "tv": [(0.1571, 0.3529), (0.4015, 0.5841)],
    "ism2400": [(0.4079, 0.8000)],
    "fm": [(0.5134, 0.7198)],
}


@dataclass(frozen=True, slots=True)
class Statistics:
    """One kind of sweeps in numbers; errors in dB, NaN where there are too few sweeps.

    ``mae_last`` and ``mae_six`` are of the next sweep, forecast as the last one and as the mean of
    the last six; ``mae``, ``ratio`` (RMSE over MAE) and ``unexplained`` (RMSE over the standard
    deviation of all levels) of the 40 sweeps behind 80, forecast as their mean. ``swing_db`` is how
    far the band's mean moves from hour to hour, ``neighbours`` the correlation of neighbouring
    points and ``sweeps`` that of a point with itself a sweep later, means over the points.
    ``occupied`` is the share of levels 6 dB over the quietest tenth of all.
    """

    name: str
    n_sweeps: int
    mae_last: float
    mae_six: float
    mae: float
    ratio: float
    unexplained: float
    swing_db: float
    neighbours: float
    sweeps: float
    occupied: float


def statistics_of(name: str, tables: Sequence[SweepTable]) -> Statistics:
    """Return the statistics of tables that are of one kind, each weighted by its sweeps."""
    rows = [_of_one(table) for table in tables]
    weights = np.array([table.n_sweeps for table in tables], float)
    means = (_mean(column, weights) for column in zip(*rows, strict=True))
    return Statistics(name, int(weights.sum()), *means)


def _mean(values: Sequence[float], weights: NDArray[np.float64]) -> float:
    known = np.isfinite(values)
    return (
        float(np.average(np.asarray(values)[known], weights=weights[known]))
        if known.any()
        else np.nan
    )


def _of_one(table: SweepTable) -> tuple[float, ...]:
    past, future, _ = gather_windows(table, window_starts(table, _SHORT, 1, hop=1), _SHORT, 1)
    mae_last = _mae(future[:, 0] - past[:, -1])
    mae_six = _mae(future[:, 0] - past.mean(axis=1))
    past, future, _ = gather_windows(table, window_starts(table))
    errors = future - past.mean(axis=1, keepdims=True)
    mae, rmse = _mae(errors), float(np.sqrt(np.mean(errors**2))) if errors.size else np.nan
    levels = table.levels_db
    hours = table.utc_s // 3600
    of_hour = [levels[hours == hour].mean() for hour in np.unique(hours)]
    varying = levels.std(axis=0) > 0
    neighbours = _correlations(levels[:, :-1], levels[:, 1:])[varying[:-1] & varying[1:]]
    occupied = float(np.mean(levels > np.quantile(levels, 0.1) + _OCCUPIED_DB))
    return (
        mae_last, mae_six, mae, rmse / mae if errors.size else np.nan, rmse / float(levels.std()),
        float(np.ptp(of_hour)), float(np.mean(neighbours)),
        float(np.mean(_correlations(levels[:-1], levels[1:])[varying])), occupied,
    )  # fmt: skip


def _mae(errors: NDArray[np.float32]) -> float:
    return float(np.mean(np.abs(errors))) if errors.size else np.nan


def _correlations(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Pearson's correlation of each column of one with that of the other."""
    with np.errstate(invalid="ignore"):
        standard = [(x - x.mean(axis=0)) / x.std(axis=0) for x in (one, other)]
        return np.asarray(np.mean(standard[0] * standard[1], axis=0), np.float64)


def _simulated() -> Iterator[tuple[str, list[SweepTable]]]:
    for band in SWEPT_BANDS:
        specs = swept_specs([band], _N_PLACES, 1.0, _SEED)
        yield band, [simulate_sweeps(spec).table for spec in specs]


def _real(folder: Path) -> Iterator[tuple[str, list[SweepTable]]]:
    for path in sorted(folder.glob("fmpsd_*.csv")):
        yield f"{path.stem}, 100 kHz of FM", list(open_sweeps(path))
    path = folder / "sweeps_bras_deau.npz"
    if path.exists():
        for band, blocks in groupby(open_sweeps(path), key=lambda table: table.name.split("-")[0]):
            yield f"Bras d'Eau, {band}", [_first(table) for table in blocks]


def _first(table: SweepTable) -> SweepTable:
    some = slice(0, _N_TRAIN)
    return SweepTable(
        table.name, table.utc_s[some], table.freqs_hz, table.levels_db[some], table.sweep_s,
        table.rbw_hz, table.unit,
    )  # fmt: skip


def markdown(rows: Sequence[Statistics]) -> str:
    """Return the table, with the paper's figures at the bands that it has."""
    head = [
        "sweeps", "n", "MAE, last", "MAE, mean of 6", f"MAE, {N_PAST} to {N_FUTURE}", "RMSE/MAE",
        "paper", "RMSE/std", "paper's RMSE", "swing, dB", "neighbours", "next sweep", "occupied",
    ]  # fmt: skip
    lines = []
    for row in rows:
        of_paper = _PAPER.get(row.name, ())
        ratios = ", ".join(f"{rmse / mae:.2f}" for mae, rmse in of_paper) or "-"
        errors = ", ".join(f"{rmse:.2f}" for _, rmse in of_paper) or "-"
        name, n, *numbers = astuple(row)
        texts = [f"{number:.2f}" if np.isfinite(number) else "-" for number in numbers]
        lines.append([name, n, *texts[:4], ratios, texts[4], errors, *texts[5:]])
    return markdown_table(head, lines, right_from=1)


_WORDS = """
The paper gives no unit. Its errors cannot be in dB of single levels: a point of its campaign is the
mean of about 48 independent looks, .6 dB of spread that nothing can forecast, and .012 is printed
for the GSM1800 uplink. All of its errors on that campaign are under 1, as those of standardised
levels would be; so the ratio of RMSE to MAE, which has no unit, and RMSE over the standard
deviation of all levels stand beside it. Two figures of the paper's two receivers are separated by a
comma. Where noise alone is left, the ratio is 1.25 and no model of a receiver with that noise has
the paper's 8 of the GSM1800 uplink: its levels must have been treated in a way that is not printed.
"""


@click.command()
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(save: bool) -> None:
    """Set statistics of simulated and of real sweeps beside each other."""
    rows = []
    with Progress() as progress:
        for name, tables in chain(_simulated(), _real(DATA)):
            progress.say(name)
            rows.append(statistics_of(name, tables))
    text = f"{markdown(rows)}\n{_WORDS}"
    found = [
        dict(zip((f.name for f in fields(Statistics)), astuple(row), strict=True)) for row in rows
    ]
    title = "Statistics of sweeps, simulated and real"
    click.echo(save_rows("swept_statistics", title, facts(), found, text, save=save))


if __name__ == "__main__":
    main()
