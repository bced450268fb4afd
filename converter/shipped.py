"""How the shipped bundle is made: ``python -m converter.shipped``, from simulated data alone.

Observers are simulated straight to frames, each by its own seed: those that train, those that stop
the training, those that set the thresholds and those that test are four different sets. Nothing is
chosen by the test set; its figures go into the card as they come.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from converter.calibrate import CalibrationRun, calibrate, score_recording
from converter.datasets import Dataset, load_dataset, load_part
from converter.quantize import quantize
from converter.simulate.dataset import simulate_dataset as dataset_of
from converter.simulate.recordings import training_specs
from converter.splits import split_by_name
from converter.train import EpochReport, TrainSettings, train
from edgespec.detect.registry import resolve_names
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.pipeline import Scorer
from edgespec.records import Geometry

__all__ = ["main", "simulate_dataset"]

GEOMETRY = Geometry(5e6)
#: Observers, seconds of each, and seed, for each split. A false-alarm rate of 0.001 wants at
#: least 10,000 normal segments of 6.4 ms to set it and as many to test it.
OBSERVERS = {
    "train": (45, 6.4, 1001),
    "validation": (9, 4.0, 2001),
    "calibration": (12, 12.8, 3001),
    "test": (12, 8.0, 4001),
}


def simulate_dataset(
    folder: Path, observers: dict[str, tuple[int, float, int]], geometry: Geometry, n_workers: int
) -> Dataset:
    """Simulate every observer, each a recording of one split, and return the data set."""
    specs = {
        split: [
            replace(spec, name=f"{split}-{spec.name}")
            for spec in training_specs(n, duration_s, geometry.sample_rate_hz, seed)
        ]
        for split, (n, duration_s, seed) in observers.items()
    }
    every = [spec for group in specs.values() for spec in group]
    split = split_by_name(
        [spec.name for spec in every], {name: [f"{name}-*"] for name in observers}
    )
    return dataset_of(
        every,
        folder,
        geometry,
        split,
        n_workers,
        lambda done: click.echo(f"simulated {done.name}", err=True),
    )


def realised_rates(bundle: Bundle, dataset: Dataset) -> dict[str, dict[str, float]]:
    """Return, for each detector and calibrated rate, the share of normal test segments above it."""
    manifest = bundle.manifest
    geometry = manifest.geometry
    names = resolve_names(tuple(manifest.detectors), manifest.model.role)
    warmup_s = float(manifest.training["calibration"]["warmup_s"])
    scorer = Scorer.for_bundle(bundle, open_backend(bundle), names, warmup_s)
    run = CalibrationRun.empty(names, geometry.n_fft)
    for part in dataset.split("test"):
        score_recording(load_part(dataset, part), geometry, scorer, run)
    return {
        name: {
            rate: round(float(np.mean(run.scores(name) > methods["quantile"])), 6)
            for rate, methods in manifest.detectors[name].thresholds.items()
            if "quantile" in methods
        }
        for name in names
    }


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("edgespec/models/lte-dl-5m.edgespec"),
    show_default=True,
    help="Bundle to write.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Keep data set and model here, and go on from there.",
)
@click.option("--workers", default=2, show_default=True, help="Processes that simulate.")
@click.option("--scale", default=1.0, show_default=True, help="Share of the usual seconds.")
@click.option("--epochs", default=18, show_default=True, help="At most so many.")
def main(out: Path, work: Path | None, workers: int, scale: float, epochs: int) -> None:
    """Simulate, train, convert and calibrate the bundle that comes with the package."""
    observers = {name: (n, scale * s, seed) for name, (n, s, seed) in OBSERVERS.items()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = work or Path(temporary)
        if (folder / "dataset" / "dataset.json").exists():
            dataset = load_dataset(folder / "dataset")
        else:
            dataset = simulate_dataset(folder / "dataset", observers, GEOMETRY, workers)
        if not (folder / "model").exists():
            settings = TrainSettings(epochs=epochs, patience=4, seed=1)
            train(dataset, folder / "model", settings, _progress)
        draft = folder / out.name
        # Half the size of float32, a tenth faster, and 3e-4 of the output away from it.
        quantize(folder / "model", draft, "float16", dataset)
        bundle = calibrate(draft, dataset, draft, progress=lambda name: click.echo(name, err=True))
        rates = realised_rates(bundle, dataset)
    card = {
        **bundle.manifest.training,
        "data": "simulated LTE-like downlink only: " + _describe(observers),
        "realised_false_alarm_rates": rates,
        "command": "python -m converter.shipped",
    }
    shipped = write_bundle(
        out,
        replace(bundle.manifest, name=out.stem, training=card),
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        bundle.weights,
    )
    click.echo(f"{out}: {out.stat().st_size / 1e6:.2f} MB, sha256 {shipped.sha256}")
    for name, realised in rates.items():
        click.echo(f"{name}: realised on the test observers {realised}")


def _describe(observers: dict[str, tuple[int, float, int]]) -> str:
    return ", ".join(
        f"{name} {n} observers of {duration_s:g} s"
        for name, (n, duration_s, _) in observers.items()
    )


def _progress(report: EpochReport) -> None:
    click.echo(
        f"epoch {report.epoch}: loss {report.loss:.4f}, validation {report.val_loss:.4f}, "
        f"{report.seconds:.0f} s",
        err=True,
    )


if __name__ == "__main__":
    main()
