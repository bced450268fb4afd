"""Train and measure: ``python -m benchmarks.papers.peng2022.run EXPERIMENT --work WORK``.

Each band is simulated, each of its bars fitted and each network trained and measured; what is
written to WORK is not done again, so that a run may be ended at any time. Then ``python -m
benchmarks.papers.peng2022 WORK -o OUT`` makes the report, of what there is.
"""

import fnmatch
import json
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.papers.peng2022.band_forecasts import (
    BandForecaster,
    bar_of,
    trained_network,
)
from benchmarks.papers.peng2022.swept_experiment import SweptExperiment, load_swept_experiment
from benchmarks.papers.peng2022.unseen_place import AnomalyScores, cut_of
from converter.data.sweeps.sweep_dataset import SweepDataset, load_sweep_dataset
from converter.lab.measures.swept.places import UnseenPlace, open_place
from converter.simulate.swept.anomalies import ANOMALY_CLASSES
from converter.simulate.swept.population import simulate_sweep_dataset, swept_specs
from edgespec.newfile import replace_file

__all__ = [
    "INDEX",
    "key_of",
    "main",
    "measure",
    "model_folder",
    "row_path",
    "run",
    "sweeps_of",
]

#: What was asked for, beside the rows.
INDEX = "experiment.json"
_VERSION = 1

Tell = Callable[[str], None]


def key_of(experiment: SweptExperiment) -> str:
    """Return what changes with all that a row depends on, but for which rows there are."""
    asked = asdict(experiment)
    for name in ("name", "note", "bands", "networks", "bars"):
        del asked[name]
    return sha256(json.dumps([_VERSION, asked], sort_keys=True).encode()).hexdigest()[:16]


def row_path(work: Path, band: str, name: str) -> Path:
    """Return the file of what a forecaster came to in a band."""
    return work / "rows" / band / f"{name}.json"


def model_folder(work: Path, band: str, name: str) -> Path:
    """Return the folder of a network that was trained for a band."""
    return work / "models" / band / name


def sweeps_of(experiment: SweptExperiment, band: str, work: Path, tell: Tell) -> SweepDataset:
    """Return the simulated places of a band, which are made where WORK has them no more."""
    folder = _data(work, band, key_of(experiment))
    if (folder / "sweeps.json").exists():
        return load_sweep_dataset(folder)
    counts = (experiment.train_places, experiment.validation_places, 0, experiment.test_places)
    specs = swept_specs([band], sum(counts), experiment.days, experiment.seed)
    shares = [count / sum(counts) for count in counts]
    tell(f"{band}: {len(specs)} places of {experiment.days:g} days are simulated")
    folder.mkdir(parents=True, exist_ok=True)
    return simulate_sweep_dataset(specs, folder, shares, experiment.seed)


def measure(
    forecaster: BandForecaster, places: list[tuple[UnseenPlace, AnomalyScores]]
) -> list[dict[str, Any]]:
    """Return errors and areas at each place."""
    rows = []
    for place, anomalies in places:
        expected = forecaster.inner.expect(place)
        mae_db, mse = place.errors(expected)
        areas = {name: found.tolist() for name, found in anomalies.areas(expected).items()}
        rows.append({"place": place.name, "mae_db": mae_db, "mse": mse, "auc": areas})
    return rows


def run(
    experiment: SweptExperiment,
    work: Path,
    tell: Tell,
    only: str = "*",
    until_s: float = float("inf"),
    *,
    keep_data: bool = False,
) -> None:
    """Fill a folder with what is missing.

    Args:
        experiment: what is asked.
        work: the folder.
        tell: told of the progress.
        only: pattern of BAND/NAME.
        until_s: on the monotonic clock: nothing is begun behind it.
        keep_data: simulated sweeps stay there when a band is done.
    """
    work.mkdir(parents=True, exist_ok=True)
    key = key_of(experiment)
    replace_file(work / INDEX, json.dumps(asdict(experiment), indent=1).encode())
    for band in experiment.bands:
        names = experiment.names_in(band)
        missing = [
            name
            for name in names
            if fnmatch.fnmatch(f"{band}/{name}", only)
            and not _is_done(experiment, work, band, name)
        ]
        if not missing or time.monotonic() > until_s:
            continue
        dataset = sweeps_of(experiment, band, work, tell)
        places = list(_places(experiment, dataset))
        for name in missing:
            if time.monotonic() > until_s:
                tell("the time is over: run again to go on")
                return
            tell(f"{band}, {name}")
            started_s, cpu_s = time.monotonic(), _cpu_s()
            forecaster = _forecaster(experiment, band, name, dataset, work, tell)
            row = {
                "key": key,
                "band": band,
                "name": name,
                "classes": list(ANOMALY_CLASSES),
                "isrs_db": list(experiment.isrs_db),
                "network": _network(experiment, name),
                "facts": forecaster.facts,
                "places": measure(forecaster, places),
                "wall_s": round(time.monotonic() - started_s, 1),
                "cpu_s": round(_cpu_s() - cpu_s, 1),
                "machine": record.facts(["keras", "tensorflow"]),
            }
            path = row_path(work, band, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, json.dumps(row, allow_nan=False).encode())
        if not keep_data and all(_is_done(experiment, work, band, name) for name in names):
            shutil.rmtree(_data(work, band, key))


def _forecaster(
    experiment: SweptExperiment,
    band: str,
    name: str,
    dataset: SweepDataset,
    work: Path,
    tell: Tell,
) -> BandForecaster:
    if name in experiment.bars:
        return bar_of(experiment, name, dataset)
    network = experiment.networks[name]
    out = model_folder(work, band, name)
    return trained_network(experiment, network, band, dataset.folder, out, tell)


def _places(
    experiment: SweptExperiment, dataset: SweepDataset
) -> Iterator[tuple[UnseenPlace, AnomalyScores]]:
    for part in dataset.split("test"):
        place = open_place(cut_of(experiment), dataset, part)
        yield place, AnomalyScores(experiment, place)


def _is_done(experiment: SweptExperiment, work: Path, band: str, name: str) -> bool:
    path = row_path(work, band, name)
    if not path.exists():
        return False
    row = json.loads(path.read_bytes())
    return (row.get("key"), row.get("network")) == (key_of(experiment), _network(experiment, name))


def _network(experiment: SweptExperiment, name: str) -> dict[str, Any] | None:
    """Return how a network is built, None for a bar; in which other bands it is does not matter."""
    if name not in experiment.networks:
        return None
    built = asdict(experiment.networks[name])
    del built["bands"]
    return built


def _data(work: Path, band: str, key: str) -> Path:
    return work / "data" / f"{band}-{key}"


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@click.command(help=__doc__)
@click.argument("experiment", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--only", default="*", metavar="PATTERN", help="BAND/NAME, such as 'tv/*'.")
@click.option("--minutes", type=float, help="Begin nothing later than this.")
@click.option("--keep-data", is_flag=True, help="Keep the simulated sweeps of a band.")
def main(experiment: Path, work: Path, only: str, minutes: float | None, keep_data: bool) -> None:
    """Fill the WORK folder."""
    started_s = time.monotonic()

    def tell(text: str) -> None:
        click.echo(f"{time.monotonic() - started_s:6.0f} s  {text}", err=True)

    until_s = float("inf") if minutes is None else started_s + 60 * minutes
    run(load_swept_experiment(experiment), work, tell, only, until_s, keep_data=keep_data)
    click.echo(f"rows in {work / 'rows'}")


if __name__ == "__main__":
    main()
