"""The command line of the training side: ``edgespec-converter``.

Results go to standard output, as one JSON object a line with ``--json``; progress goes to
standard error.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edgespec import __version__
from edgespec.clickglue import EdgespecGroup
from edgespec.inference.manifest import QUANTISATIONS
from edgespec.records import FFT_SIZES, TAPER_ENBW_BINS, Geometry
from edgespec.units import parse_quantity

__all__ = ["main"]

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group(cls=EdgespecGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgespec-converter")
def main() -> None:
    """Make models for edgespec: recordings -> data set -> training -> bundle."""


def _emit(result: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(result) if as_json else text)


def _note(text: str) -> None:
    click.echo(text, err=True)


@main.command()
@click.argument("recordings", nargs=-1, required=True)
@click.option("-o", "--out", type=_FOLDER, required=True, help="Folder of the data set.")
@click.option("--train", multiple=True, metavar="GLOB", help="Recordings to train on, by name.")
@click.option("--validation", multiple=True, metavar="GLOB", help="... to stop training by.")
@click.option("--calibration", multiple=True, metavar="GLOB", help="... to set thresholds by.")
@click.option("--test", multiple=True, metavar="GLOB", help="... to report on, never before.")
@click.option(
    "--fractions",
    default="0.5,0.15,0.15,0.2",
    show_default=True,
    help="Shares, if no GLOB is given.",
)
@click.option("--split-time", is_flag=True, help="Cut every recording in time: for who has one.")
@click.option("--seed", default=0, show_default=True, help="Seed of the split by shares.")
@click.option("--sample-rate", help="Samples a second; default: of the first recording.")
@click.option("--n-fft", type=click.Choice([str(n) for n in FFT_SIZES]), default="128")
@click.option("--averages", default=10, show_default=True, help="Power spectra in a frame.")
@click.option("--taper", type=click.Choice(sorted(TAPER_ENBW_BINS)), default="hann")
@click.option("--context", default=100, show_default=True, help="Frames the model sees.")
@click.option("--horizon", default=25, show_default=True, help="Frames it forecasts.")
@click.option("--hop", type=int, help="Frames from segment to segment; default: the horizon.")
@_json_option
def dataset(
    recordings: tuple[str, ...],
    out: Path,
    train: tuple[str, ...],
    validation: tuple[str, ...],
    calibration: tuple[str, ...],
    test: tuple[str, ...],
    fractions: str,
    split_time: bool,
    seed: int,
    sample_rate: str | None,
    n_fft: str,
    averages: int,
    taper: str,
    context: int,
    horizon: int,
    hop: int | None,
    as_json: bool,
) -> None:
    """Turn RECORDINGS (SigMF paths or source URIs) into a data set, split by recording."""
    from converter.recordings import (
        PreparedRecording,
        build_dataset,
        first_sample_rate,
        recording_name,
        recording_uri,
    )

    uris = [recording_uri(text) for text in recordings]
    patterns = {
        "train": train,
        "validation": validation,
        "calibration": calibration,
        "test": test,
    }
    split = _split([recording_name(uri) for uri in uris], patterns, fractions, split_time, seed)
    geometry = Geometry(
        sample_rate_hz=(
            parse_quantity(sample_rate, "--sample-rate") if sample_rate else first_sample_rate(uris)
        ),
        n_fft=int(n_fft),
        n_averages=averages,
        taper=taper,
        n_context=context,
        n_horizon=horizon,
        hop_frames=horizon if hop is None else hop,
    )

    def progress(done: PreparedRecording) -> None:
        _note(f"{done.name}: {done.n_frames} frames, {done.n_frames * geometry.frame_s:.2f} s")

    result = build_dataset(uris, out, geometry, split, progress)
    frames = {name: sum(p.n_frames for p in result.split(name)) for name in patterns}
    lines = [
        f"{name}: {len(result.split(name))} recordings, {n} frames" for name, n in frames.items()
    ]
    _emit(
        {"dataset": str(out), "sha256": result.sha256, "frames": frames},
        as_json,
        "\n".join([*lines, f"data set {out}"]),
    )


def _split(
    names: Sequence[str],
    patterns: dict[str, tuple[str, ...]],
    fractions: str,
    split_time: bool,
    seed: int,
) -> Any:
    from converter.splits import split_by_fraction, split_by_name, split_by_time

    if any(patterns.values()):
        if split_time:
            raise click.UsageError("--split-time and patterns exclude each other")
        return split_by_name(names, patterns)
    shares = [parse_quantity(share, "--fractions") for share in fractions.split(",")]
    return split_by_time(shares) if split_time else split_by_fraction(names, shares, seed)


@main.command()
@click.argument("dataset_folder", type=_FOLDER)
@click.option("-o", "--out", type=_FOLDER, required=True, help="Folder of the model.")
@click.option("--architecture", default="lstm", show_default=True, help="lstm or autoencoder.")
@click.option("--layers", type=int, help="Layers; default: 2 LSTM, or 4 of the autoencoder.")
@click.option("--units", type=int, help="Units of an LSTM layer; default 64.")
@click.option("--batch-norm", is_flag=True, help="Normalise after each LSTM layer.")
@click.option("--hop", type=int, help="Frames between training segments; default: by data.")
@click.option("--epochs", default=100, show_default=True, help="At most so many.")
@click.option("--patience", default=8, show_default=True, help="Epochs without progress.")
@click.option("--batch-size", default=64, show_default=True)
@click.option("--learning-rate", default=1e-3, show_default=True)
@click.option("--seed", default=0, show_default=True)
@_json_option
def train(
    dataset_folder: Path,
    out: Path,
    architecture: str,
    layers: int | None,
    units: int | None,
    batch_norm: bool,
    hop: int | None,
    epochs: int,
    patience: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    as_json: bool,
) -> None:
    """Train a network on a data set; the best weights by validation loss are kept."""
    from converter.datasets import load_dataset
    from converter.train import EpochReport, TrainSettings
    from converter.train import train as run

    hyper = {"n_layers": layers, "n_units": units, "batch_norm": batch_norm or None}
    settings = TrainSettings(
        architecture=architecture,
        hyper={key: value for key, value in hyper.items() if value is not None},
        hop_frames=hop,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        seed=seed,
    )

    def progress(report: EpochReport) -> None:
        if as_json:
            click.echo(json.dumps({"event": "epoch", **asdict(report)}))
            return
        mark = " best" if report.val_loss <= report.best_val_loss else ""
        _note(
            f"epoch {report.epoch}/{report.n_epochs}: loss {report.loss:.4f}, validation "
            f"{report.val_loss:.4f}{mark}, {report.seconds:.1f} s"
        )

    card = run(load_dataset(dataset_folder), out, settings, progress)
    training = card.training
    best = min(training["val_losses"])
    _emit(
        {"event": "trained", "model": str(out), "best_val_loss": best, **_short(training)},
        as_json,
        f"model {out}: validation loss {best:.4f} at epoch {training['best_epoch']} of "
        f"{training['epochs']}, {training['n_windows']} windows, {training['seconds']} s",
    )


def _short(training: Any) -> dict[str, Any]:
    names = ("best_epoch", "epochs", "n_windows", "n_parameters", "seconds")
    return {name: training[name] for name in names}


@main.command()
@click.argument("model_folder", type=_FOLDER)
@click.option("-o", "--out", type=_FILE, required=True, help="Bundle to write: NAME.edgespec.")
@click.option("--kind", type=click.Choice(QUANTISATIONS), default="float32", show_default=True)
@click.option(
    "--dataset", "dataset_folder", type=_FOLDER, help="Windows to convert and check with."
)
@click.option("--seed", default=0, show_default=True, help="Chooses the windows.")
@_json_option
def quantize(
    model_folder: Path,
    out: Path,
    kind: str,
    dataset_folder: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Convert a trained model to a bundle; refused if it differs too much from Keras."""
    from converter.datasets import load_dataset
    from converter.quantize import quantize as run

    windows = None if dataset_folder is None else load_dataset(dataset_folder)
    done = run(model_folder, out, kind, windows, seed)
    info, size = done.bundle.manifest.model, out.stat().st_size
    _emit(
        {
            "bundle": str(out),
            "sha256": done.bundle.sha256,
            "bytes": size,
            "kind": kind,
            "operators": list(info.operators),
            "parity": asdict(done.parity),
        },
        as_json,
        f"bundle {out}: {size / 1e3:.0f} kB, {kind}, {', '.join(info.operators)}\n"
        f"error against Keras: {done.parity.rms_error:.2g} RMS, {done.parity.max_error:.2g} at "
        f"most, on an output of {done.parity.keras_rms:.2g} RMS\nsha256 {done.bundle.sha256}",
    )


@main.command("import-keras")
@click.argument("keras_file", type=_FILE)
@click.option("-o", "--out", type=_FOLDER, required=True, help="Folder of the model.")
@click.option("--sample-rate", default="5M", show_default=True, help="Rate it was trained at.")
@click.option("--averages", default=10, show_default=True, help="Power spectra in a frame.")
@click.option("--reference", type=_FILE, help=".npz with x and y that it must reproduce.")
@_json_option
def import_keras(
    keras_file: Path,
    out: Path,
    sample_rate: str,
    averages: int,
    reference: Path | None,
    as_json: bool,
) -> None:
    """Import a Keras 1 or 2 model (HDF5) of stacked LSTM layers."""
    from converter.import_keras import import_keras as run

    rate_hz = parse_quantity(sample_rate, "--sample-rate")
    card = run(keras_file, out, rate_hz, averages, reference)
    error = card.training.get("reference_max_error")
    note = "not compared with a reference" if error is None else f"reference error {error:.2g}"
    _emit(
        {"model": str(out), "gate": card.gate, "reference_max_error": error},
        as_json,
        f"model {out}: gate {card.gate}, {note}",
    )


@main.command()
@click.argument("bundle", type=_FILE)
@click.option("--dataset", "dataset_folder", type=_FOLDER, required=True, help="Normal signal.")
@click.option("-o", "--out", type=_FILE, help="Bundle to write; default: BUNDLE itself.")
@click.option("--split", default="calibration", show_default=True, help="Which recordings.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="False-alarm rate per segment; may be given often. Default: 0.1 down to 0.001.",
)
@click.option("--warmup", default=2.0, show_default=True, help="Seconds the monitor will wait.")
@click.option("--offsets", default=1, show_default=True, help="Passes, each some frames later.")
@_json_option
def calibrate(
    bundle: Path,
    dataset_folder: Path,
    out: Path | None,
    split: str,
    rates: tuple[float, ...],
    warmup: float,
    offsets: int,
    as_json: bool,
) -> None:
    """Set a bundle's thresholds from recordings of normal signal."""
    from converter.calibrate import FALSE_ALARM_RATES
    from converter.calibrate import calibrate as run
    from converter.datasets import load_dataset

    done = run(
        bundle,
        load_dataset(dataset_folder),
        out or bundle,
        split=split,
        false_alarm_rates=rates or FALSE_ALARM_RATES,
        warmup_s=warmup,
        n_offsets=offsets,
        progress=_note,
    )
    lines = []
    for name, found in done.manifest.detectors.items():
        for rate, methods in found.thresholds.items():
            shown = ", ".join(f"{method} {value:.2f}" for method, value in methods.items())
            lines.append(f"{name} at {rate}: {shown} ({found.n_scores} segments)")
    _emit(
        {
            "bundle": str(out or bundle),
            "sha256": done.sha256,
            "detectors": {name: asdict(c) for name, c in done.manifest.detectors.items()},
        },
        as_json,
        "\n".join([*lines, f"bundle {out or bundle}", f"sha256 {done.sha256}"]),
    )


@main.command()
@click.option("-o", "--out", type=_FOLDER, required=True, help="Folder of the recordings.")
@click.option("--observers", default=3, show_default=True, help="Recordings to make.")
@click.option("--duration", default=5.0, show_default=True, help="Seconds of each.")
@click.option("--sample-rate", default="5M", show_default=True)
@click.option("--seed", default=0, show_default=True)
@_json_option
def simulate(
    out: Path, observers: int, duration: float, sample_rate: str, seed: int, as_json: bool
) -> None:
    """Write SigMF of what standing, walking and driving observers of LTE-like cells hear."""
    from converter.simulate.recordings import training_specs, write_recordings

    rate_hz = parse_quantity(sample_rate, "--sample-rate")
    specs = training_specs(observers, duration, rate_hz, seed)
    paths = []
    for spec in specs:
        paths += write_recordings(out, [spec])
        _note(f"{spec.name}: {spec.duration_s:g} s, {spec.context}")
    _emit(
        {"recordings": [str(path) for path in paths]},
        as_json,
        f"{len(paths)} recordings in {out}",
    )
