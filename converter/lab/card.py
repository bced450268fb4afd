"""The card of a bundle: what it is for, what it learnt from, how good it is, and where it ends.

Every figure is read from the tables of the laboratory run that made the model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converter.lab.engine.folder import WorkFolder
from converter.lab.experiment import Experiment
from converter.lab.measures.prediction_error import irreducible_error_db
from converter.lab.numbers.intervals import clopper_pearson, poisson_rate
from converter.lab.tables import read_table
from edgespec.errors import SourceError

__all__ = ["make_card"]


def make_card(experiment: Experiment, folder: WorkFolder, episodes: str) -> dict[str, Any]:
    """Return headings with a text or a list of points, for ``training["card"]`` of a manifest.

    Args:
        experiment: the one that was run.
        folder: where it was run.
        episodes: the name of the episodes that the bundle was played with.

    Raises:
        SourceError: the tables are not there.
    """
    played = experiment.episodes[episodes]
    model = experiment.quantisations[played.model].model
    population = experiment.models[model].population
    errors = _columns(folder.path / "tables" / "prediction")
    events = _columns(folder.path / "tables" / "episodes" / episodes)
    return {
        "for": "one LTE-like downlink carrier of 5 MHz, received at 5 MS/s",
        "data": _data(experiment, population),
        "figures": [
            *_prediction(errors, model, population, experiment.geometry.n_averages),
            *_events(events),
        ],
        "limits": [
            "trained, calibrated and measured on simulated signal only: calibrate it at your site",
            "not for an uplink, for time division, or for other bandwidths",
            "what fills the whole band alike is seen by the energy detector alone",
        ],
        "command": f"edgespec-converter evaluate benchmarks/experiments/{experiment.name}.toml, "
        "then python -m converter.lab.shipped",
    }


def _data(experiment: Experiment, population: str) -> list[str]:
    drawn = experiment.populations[population]
    observers = experiment.observers_of(population)
    band = drawn.band or "any band"
    return [
        f"simulated {drawn.direction}, {band}, {', '.join(drawn.contexts)}, {drawn.traffic} "
        f"traffic, {len(drawn.cells) or 'as many cells as observers'}"
        f"{' cells' if drawn.cells else ''}; seed {experiment.seed}",
        f"{observers.train} observers of {observers.train_s:g} s train, {observers.validation} of "
        f"{observers.validation_s:g} s stop, {observers.calibration} of "
        f"{observers.calibration_s:g} s set thresholds, {observers.test * observers.n_seeds} test",
    ]


def _prediction(
    errors: Mapping[str, np.ndarray], model: str, population: str, n_averages: int
) -> list[str]:
    rows = (errors["model"] == model) & (errors["population"] == population)
    # The same observers are in every table that has this model on this population.
    tables = errors["prediction"][rows]
    found = errors["rmse_db"][rows][tables == tables[0]] if rows.any() else errors["rmse_db"][:0]
    if not len(found):
        raise SourceError(
            f"no prediction of the laboratory has the model {model!r} on {population!r}: add one "
            "to the experiment"
        )
    return [
        f"prediction error {np.mean(found):.2f} dB (standard deviation {np.std(found):.2f} over "
        f"observers); no forecast is below {irreducible_error_db(n_averages):.2f} dB"
    ]


def _events(events: Mapping[str, np.ndarray]) -> list[str]:
    normal = events["kind"] == ""
    n_false = int(events["n_events"][normal].sum())
    hours = float(events["seconds"][normal].sum()) / 3600.0
    rate = poisson_rate(n_false, hours)
    lines = [
        f"{n_false} false events in {60 * hours:.0f} min of normal signal: {rate.value:.3g} an "
        f"hour, at most {rate.high:.3g} (95 %)"
    ]
    for isr_db in sorted(set(events["isr_db"][~normal])):
        rows = ~normal & (events["isr_db"] == isr_db)
        n_found, n = int(events["detected"][rows].sum()), int(rows.sum())
        found = clopper_pearson(n_found, n)
        line = f"ISR {isr_db:g} dB: {n_found} of {n} interferers found ({found:.0%})"
        if n_found:
            seen = rows & events["detected"].astype(bool)
            line += (
                f", median delay {np.median(events['delay_ms'][seen]):.0f} ms, frequency IoU "
                f"{np.nanmedian(events['iou'][seen].astype(float)):.2f}"
            )
        lines.append(line)
    return lines


def _columns(path: Path) -> dict[str, np.ndarray]:
    table = read_table(path)
    return {name: np.asarray(table[name].to_pylist()) for name in table.column_names}
