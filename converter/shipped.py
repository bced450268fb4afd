"""How the shipped bundle is made: ``python -m converter.shipped``, from simulated data alone.

Observers are simulated straight to frames, each by its own seed: those that train, those that stop
the training, those that set the thresholds and those that test are four different sets. Nothing is
chosen by the test set; its figures go into the card as they come.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np

from converter.calibrate import CalibrationRun, calibrate, score_recording
from converter.datasets import Dataset, Part, load_dataset, load_part, save_dataset
from converter.quantize import quantize
from converter.recordings import PreparedRecording, save_frames, split_recording
from converter.simulate.recordings import RecordingSpec, training_specs
from converter.splits import split_by_name
from converter.train import EpochReport, TrainSettings, train
from edgespec.detect.registry import resolve_names
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.pipeline import Scorer
from edgespec.records import Geometry, IqBlock, Spectrogram
from edgespec.simulate.scene import Scene

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
_CHUNK_SAMPLES = 1_280_000


def simulate_frames(spec: RecordingSpec, geometry: Geometry) -> Iterator[Spectrogram]:
    """Yield the frames of one simulated observer, as the device would make them."""
    scene = Scene(spec.scene, spec.seed)
    sample_format = spec.scene.receiver.sample_format
    front_end = FrontEnd(geometry, sample_format, max_block_samples=_CHUNK_SAMPLES)
    buffer = sample_format.empty(_CHUNK_SAMPLES)
    for start in range(0, spec.n_samples, _CHUNK_SAMPLES):
        samples = buffer[: min(_CHUNK_SAMPLES, spec.n_samples - start)]
        scene.read_into(samples)
        yield front_end.process(IqBlock(samples, spec.scene.sample_rate_hz, 0.0, start, 0))


def _prepare(spec: RecordingSpec, folder: Path, geometry: Geometry) -> PreparedRecording:
    return save_frames(
        simulate_frames(spec, geometry),
        folder / f"{spec.name}.npz",
        geometry,
        source=f"simulated with seed {spec.seed}: {spec.scene}",
    )


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
    parts: list[Part] = []
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        prepared = pool.map(
            _prepare, every, [folder] * len(every), [geometry] * len(every), chunksize=1
        )
        for number, recording in enumerate(prepared, 1):
            click.echo(f"simulated {number}/{len(every)}: {recording.name}", err=True)
            parts.extend(split_recording(recording, split, geometry))
    return save_dataset(folder, geometry, tuple(parts), dict(split.method))


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
