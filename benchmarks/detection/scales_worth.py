"""What hours and days are worth where nothing has to be learnt by descent.

At each point of each simulated band, the mean of the sweeps to come is a linear function of the
mean over the context, with the means of the last three hours and days beside it or without. All
points share its weights, which are solved for on train places; errors are told at others. Where the
same inputs leave this error as it is, a network that makes no use of them has not failed: they hold
next to nothing that the context does not have. ``python -m
benchmarks.detection.scales_worth``; a minute of CPU a band.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import facts, save_rows
from converter.baselines.segments import context_scaling
from converter.data.side_inputs import side_rows, with_sides
from converter.data.sweeps.windows import N_FUTURE, N_PAST, gather_windows, window_starts
from converter.lab.numbers.intervals import Interval
from converter.report.markdown_table import markdown_table
from converter.report.resamples import Draws, Floats, interval
from converter.simulate.swept.population import swept_specs
from converter.simulate.swept.scene import simulate_sweeps
from converter.simulate.swept.swept_band import SWEPT_BANDS
from edgespec.screen.progress import Progress
from edgespec.side_input import DAYS, HOURS
from edgespec.sweep_table import SweepTable

__all__ = ["Errors", "Segments", "errors_of", "main", "segments_of", "solve"]

_SEED, _N_TRAIN, _N_TEST = 20261129, 3, 6
_DAYS, _FIRST_DAY, _N_SEGMENTS = 4.2, 3.0, 200
_DAY_S = 86_400.0
#: Inputs by the name of the column: rows of :attr:`Segments.given`.
INPUTS = {
    "context": slice(0, 1),
    "and hours": slice(0, 4),
    "and hours and days": slice(0, 7),
}
_WORDS = (
    f"Of each band {_N_TRAIN} places are fitted to and {_N_TEST} measured, {_N_SEGMENTS} segments "
    f"of each behind the first {_FIRST_DAY:g} of {_DAYS:g} days, {N_PAST} sweeps seen and "
    f"{N_FUTURE} to come; less than 0 is a gain, and 95% intervals draw places anew. MAE is in dB, "
    "MSE in standardised units, which is what networks are trained by. Hours and days are given as "
    "to a network: standardised by the context, which stands in where they are not known.\n"
)


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Segments of a place, standardised by their contexts.

    ``given`` float32 ``(n, 7, n_points)``: the mean over the context, three hours, three days.
    ``wanted`` ``(n, n_future, n_points)``, ``scale_db`` ``(n, 1, 1)`` what one of it is in dB.
    """

    given: NDArray[np.float32]
    wanted: NDArray[np.float32]
    scale_db: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute error in dB and mean square error in standardised units, of one place."""

    mae_db: float
    mse: float


def segments_of(table: SweepTable, first_day: float, n_segments: int) -> Segments:
    """Return segments of a table behind its first days, evenly spread."""
    starts = window_starts(table, N_PAST, N_FUTURE)
    starts = starts[table.utc_s[starts] - table.utc_s[0] >= first_day * _DAY_S]
    starts = starts[np.linspace(0, len(starts) - 1, n_segments).round().astype(np.int64)]
    past, future, _ = gather_windows(table, starts, N_PAST, N_FUTURE)
    given = with_sides(past, side_rows(table, (HOURS, DAYS), starts, N_PAST))
    mean_db, scale_db = context_scaling(past)
    rows = np.concatenate([given.windows.mean(axis=1, keepdims=True), *given.sides], axis=1)
    scale = np.asarray(scale_db, np.float32)
    return Segments(rows, np.asarray((future - mean_db) / scale_db, np.float32), scale)


def solve(places: Sequence[Segments], inputs: slice) -> NDArray[np.float64]:
    """Return the weights with the least squared error, the constant first."""
    x = np.concatenate([_columns(place, inputs) for place in places])
    y = np.concatenate([place.wanted.mean(axis=1).ravel() for place in places])
    return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], np.float64)


def errors_of(place: Segments, inputs: slice, weights: NDArray[np.float64]) -> Errors:
    """Return the errors of every sweep and point of a place."""
    n, _, n_points = place.given.shape
    expected = (_columns(place, inputs) @ weights).reshape(n, 1, n_points)
    error = place.wanted - expected
    return Errors(float(np.abs(error * place.scale_db).mean()), float(np.mean(error**2)))


def _columns(place: Segments, inputs: slice) -> NDArray[np.float64]:
    """Return a row a segment and point, the constant first."""
    given = np.moveaxis(place.given[:, inputs], 1, -1).astype(np.float64)
    flat = given.reshape(-1, given.shape[-1])
    return np.concatenate([np.ones((len(flat), 1)), flat], axis=1)


def _of_band(band: str) -> dict[str, Any]:
    specs = swept_specs([band], _N_TRAIN + _N_TEST, _DAYS, _SEED)
    places = [segments_of(simulate_sweeps(spec).table, _FIRST_DAY, _N_SEGMENTS) for spec in specs]
    train, test = places[:_N_TRAIN], places[_N_TRAIN:]
    draws = Draws([spec.name for spec in specs[_N_TRAIN:]], band)
    found: dict[str, dict[str, Floats]] = {}
    for name, inputs in INPUTS.items():
        weights = solve(train, inputs)
        errors = [errors_of(place, inputs, weights) for place in test]
        found[name] = {
            "MAE": draws.mean(np.array([one.mae_db for one in errors])),
            "MSE": draws.mean(np.array([one.mse for one in errors])),
        }
    alone = found.pop("context")
    row: dict[str, Any] = {"band": band, "MAE, dB": float(alone["MAE"][0])}
    for name, figures in found.items():
        for which, values in figures.items():
            row[f"{name}: {which}, %"] = asdict(interval(100 * (values / alone[which] - 1)))
    return row


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for row in rows:
        first, second, *gains = row.values()
        texts = [format(Interval(**gain), "+.2f") for gain in gains]
        lines.append([first, f"{second:.3f}", *texts])
    return markdown_table(list(rows[0]), lines, right_from=1)


@click.command()
@click.option("--bands", default=",".join(SWEPT_BANDS), show_default=True, help="With commas.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(bands: str, save: bool) -> None:
    """Say what hours and days are worth to a linear forecast of each simulated band."""
    rows = []
    with Progress() as progress:
        for band in bands.split(","):
            progress.say(band)
            rows.append(_of_band(band))
            click.echo(f"{rows[-1]}", err=True)
    title = "What hours and days are worth to a linear forecast"
    text = f"{_markdown(rows)}\n\n{_WORDS}"
    click.echo(save_rows("scales_worth", title, facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
