"""Commands that make models: ``train``, ``transfer`` and ``import-keras``."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from converter.cli.output import FILE, FOLDER, emit, json_option, note
from converter.cli.training import hyper_of, training_options
from converter.models.architectures import MODELS
from converter.training.settings import TrainSettings
from edgespec.finite import Finite
from edgespec.screen.progress import Progress
from edgespec.units import parse_quantity

__all__ = ["import_keras", "train", "transfer"]


@click.command()
@click.argument("dataset_folder", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the model.")
@click.option(
    "--architecture",
    default="lstm",
    show_default=True,
    help=f"{', '.join(MODELS)}.",
)
@click.option(
    "--layers",
    type=click.IntRange(1, 100_000),
    help="Layers; default: 2 LSTM, or 4 of the autoencoder.",
)
@click.option(
    "--units", type=click.IntRange(1, 100_000), help="Units of an LSTM layer; default 64."
)
@click.option("--batch-norm", is_flag=True, help="Normalise after each LSTM layer.")
@click.option(
    "--order",
    type=click.IntRange(1, 100_000),
    help="Frames that an autoregression sees; default: the whole context.",
)
@click.option(
    "--transform",
    type=click.Choice(["context", "global"]),
    default="context",
    show_default=True,
    help="Standardise each segment by its context, or all alike.",
)
@click.option(
    "--set",
    "more",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another parameter of the network, such as n_filters=8 or residual_of=mean.",
)
@click.option("--band", help="Of a data set of sweeps: which band, if it has several.")
@click.option(
    "--context", type=click.IntRange(1, 100_000), help="Sweeps the model sees.  [default: 80]"
)
@click.option(
    "--horizon", type=click.IntRange(1, 100_000), help="Sweeps it forecasts.  [default: 40]"
)
@click.option(
    "--step",
    type=click.IntRange(1, 100_000),
    help="Sweeps from one that the device judges to the next.  [default: the horizon]",
)
@training_options
@json_option
def train(
    dataset_folder: Path,
    out: Path,
    architecture: str,
    layers: int | None,
    units: int | None,
    batch_norm: bool,
    order: int | None,
    transform: str,
    more: tuple[str, ...],
    band: str | None,
    context: int | None,
    horizon: int | None,
    step: int | None,
    as_json: bool,
    **training: Any,
) -> None:
    """Train a network on a data set; the best weights by validation loss are kept.

    The data set is one of recordings, whose frames and segments are as `dataset` made them, or of
    sweeps, of which --context, --horizon and --step make segments.

    So they are where Ctrl-C ends it, behind its first epoch.
    """
    from converter.training.train import train as run

    hyper = {
        "n_layers": layers,
        "n_units": units,
        "batch_norm": batch_norm or None,
        "order": order,
        **hyper_of(more),
    }
    settings = TrainSettings(
        architecture=architecture,
        hyper={key: value for key, value in hyper.items() if value is not None},
        transform=transform == "context",
        **training,
    )
    sizes = {"context": context, "horizon": horizon, "step": step}
    data = _opened(dataset_folder, band, sizes)
    with Progress() as progress:
        told = _epoch_printer(as_json, progress)
        card = run(data, out, settings, told, may_be_stopped=True)
    done = card.training
    for name, share in done.get("side_inputs_known", {}).items():
        note(f"{name}: {share:.0%} known; the mean of the context stands in for the rest")
    best = min(done["val_losses"])
    emit(
        {"event": "trained", "model": str(out), "best_val_loss": best, **_short(done)},
        as_json,
        f"model {out}: validation loss {best:.4f} at epoch {done['best_epoch']} of "
        f"{done['epochs']}, {done['n_windows']} windows, {done['seconds']} s",
    )


def _opened(folder: Path, band: str | None, sizes: dict[str, int | None]) -> Any:
    """Return a data set of recordings, or a band of one of sweeps."""
    from converter.data.dataset import load_dataset
    from converter.data.sweeps.band_sweeps import open_band
    from converter.data.sweeps.sweep_dataset import is_sweep_dataset
    from converter.data.sweeps.windows import N_FUTURE, N_PAST

    if is_sweep_dataset(folder):
        return open_band(
            folder,
            band,
            n_context=sizes["context"] or N_PAST,
            n_horizon=sizes["horizon"] or N_FUTURE,
            hop_frames=sizes["step"],
        )
    given = [f"--{name}" for name, value in {"band": band, **sizes}.items() if value is not None]
    if given:
        raise click.UsageError(
            f"{' and '.join(given)} is for sweeps; {str(folder)!r} is no data set of those, and of "
            "recordings the command dataset says it"
        )
    return load_dataset(folder)


def _short(training: Any) -> dict[str, Any]:
    names = ("best_epoch", "epochs", "n_windows", "n_parameters", "seconds")
    return {name: training[name] for name in names}


def _epoch_printer(as_json: bool, progress: Progress) -> Callable[[Any], None]:
    progress.at("training")

    def show(report: Any) -> None:
        if report.epoch < report.n_epochs:
            progress.at(
                f"epoch {report.epoch + 1}/{report.n_epochs}", report.epoch / report.n_epochs
            )
        if as_json:
            click.echo(json.dumps({"event": "epoch", **asdict(report)}))
            return
        mark = " best" if report.val_loss <= report.best_val_loss else ""
        note(
            f"epoch {report.epoch}/{report.n_epochs}: loss {report.loss:.4f}, validation "
            f"{report.val_loss:.4f}{mark}, {report.seconds:.1f} s"
        )

    return show


@click.command()
@click.argument("teacher_folder", type=FOLDER)
@click.argument("dataset_folder", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the new model.")
@click.option(
    "--method",
    default="closed-form",
    show_default=True,
    help="zero-shot, threshold, affine, 1L, 2L, All-L, closed-form or self.",
)
@click.option("--seconds", type=Finite(), help="Signal to use; default: the whole train split.")
@training_options
@json_option
def transfer(
    teacher_folder: Path,
    dataset_folder: Path,
    out: Path,
    method: str,
    seconds: float | None,
    as_json: bool,
    **training: Any,
) -> None:
    """Fit a copy of a trained model to another cell or band, with little data of it."""
    from converter.data.dataset import load_dataset
    from converter.training.transfer import transfer as run

    settings = TrainSettings(**training)
    data = load_dataset(dataset_folder)
    with Progress() as progress:
        told = _epoch_printer(as_json, progress)
        card = run(teacher_folder, data, out, method, seconds, settings, told)
    done = card.training["transfer"]
    names = ("recalibrate", "seconds_of_signal", "n_windows", "l2", "loss_before", "loss_after")
    found = {name: done[name] for name in names if name in done}
    used = f" on {done['seconds_of_signal']:g} s of signal" if "seconds_of_signal" in done else ""
    advice = "; calibrate its bundle on the new cell" if done["recalibrate"] else ""
    emit(
        {"event": "transferred", "model": str(out), "method": method, **found},
        as_json,
        f"model {out}: {method}{used}, {done['seconds']:.1f} s{advice}",
    )


@click.command("import-keras")
@click.argument("keras_file", type=FILE)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the model.")
@click.option("--sample-rate", default="5M", show_default=True, help="Rate it was trained at.")
@click.option(
    "--averages",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Power spectra in a frame.",
)
@click.option("--reference", type=FILE, help=".npz with x and y that it must reproduce.")
@json_option
def import_keras(
    keras_file: Path,
    out: Path,
    sample_rate: str,
    averages: int,
    reference: Path | None,
    as_json: bool,
) -> None:
    """Import a model of stacked LSTM layers that Keras 1, 2 or 3 has saved (.h5, .keras)."""
    from converter.bundles.import_keras import import_keras as run

    rate_hz = parse_quantity(sample_rate, "--sample-rate")
    with Progress() as progress:
        progress.at("converting")
        card = run(keras_file, out, rate_hz, averages, reference)
    error = card.training.get("reference_max_error")
    note = "not compared with a reference" if error is None else f"reference error {error:.2g}"
    emit(
        {"model": str(out), "gate": card.gate, "reference_max_error": error},
        as_json,
        f"model {out}: gate {card.gate}, {note}",
    )
