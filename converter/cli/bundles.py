"""Commands that make bundles of models: ``quantize``, ``add-weights`` and ``calibrate``."""

from dataclasses import asdict
from pathlib import Path

import click

from converter.cli.output import FILE, FOLDER, emit, json_option, note
from edgespec.finite import Finite
from edgespec.inference.manifest import QUANTISATIONS
from edgespec.screen.progress import Progress

__all__ = ["add_weights", "calibrate", "quantize"]

_band_option = click.option(
    "--band", help="Of a data set of sweeps: which band.  [default: that of the training]"
)


@click.command()
@click.argument("model_folder", type=FOLDER)
@click.option("-o", "--out", type=FILE, required=True, help="Bundle to write: NAME.edgespec.")
@click.option("--kind", type=click.Choice(QUANTISATIONS), default="float32", show_default=True)
@click.option("--dataset", "dataset_folder", type=FOLDER, help="Windows to convert and check with.")
@_band_option
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Chooses the windows."
)
@json_option
def quantize(
    model_folder: Path,
    out: Path,
    kind: str,
    dataset_folder: Path | None,
    band: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Convert a trained model to a bundle; refused if it differs too much from Keras."""
    from converter.bundles.quantize import quantize as run
    from converter.data.data_for import data_for
    from converter.training.modeldir import load_card

    card = load_card(model_folder)
    windows = (
        None
        if dataset_folder is None
        else data_for(dataset_folder, card.made_with, card.training, band)
    )
    with Progress() as progress:
        progress.at("converting")
        done = run(model_folder, out, kind, windows, seed)
    info, size = done.bundle.manifest.model, out.stat().st_size
    if done.no_weights:
        note(f"without weights for the backend numba: {done.no_weights}")
    emit(
        {
            "bundle": str(out),
            "sha256": done.bundle.sha256,
            "bytes": size,
            "kind": kind,
            "operators": list(info.operators),
            "parity": asdict(done.parity),
            "has_weights": done.bundle.weights is not None,
        },
        as_json,
        f"bundle {out}: {size / 1e3:.0f} kB, {kind}, {', '.join(info.operators)}\n"
        f"error against Keras: {done.parity.rms_error:.2g} RMS, {done.parity.max_error:.2g} at "
        f"most, on an output of {done.parity.keras_rms:.2g} RMS\nsha256 {done.bundle.sha256}",
    )


@click.command("add-weights")
@click.argument("bundle", type=FILE)
@click.option("-o", "--out", type=FILE, help="Bundle to write; default: BUNDLE itself.")
@click.option("--model", "model_folder", type=FOLDER, help="What the bundle was converted from.")
@json_option
def add_weights(bundle: Path, out: Path | None, model_folder: Path | None, as_json: bool) -> None:
    """Give a float bundle the weights that the backend numba needs; all else stays."""
    from converter.bundles.weights import add_weights as run

    done = run(bundle, out or bundle, model_folder)
    size = len(done.weights or b"")
    emit(
        {"bundle": str(out or bundle), "sha256": done.sha256, "weights_bytes": size},
        as_json,
        f"bundle {out or bundle}: weights of {size / 1e3:.0f} kB\nsha256 {done.sha256}",
    )


@click.command()
@click.argument("bundle", type=FILE)
@click.option("--dataset", "dataset_folder", type=FOLDER, required=True, help="Normal signal.")
@click.option("-o", "--out", type=FILE, help="Bundle to write; default: BUNDLE itself.")
@_band_option
@click.option("--split", default="calibration", show_default=True, help="Which recordings.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=Finite(0, 1, min_open=True, max_open=True),
    help="False-alarm rate per segment; may be given often. Default: 0.1 down to 0.001.",
)
@click.option(
    "--warmup",
    type=Finite(0),
    help="Seconds the monitor will wait.  [default: 4, or half of a short recording]",
)
@click.option(
    "--offsets",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Passes, each some frames later.",
)
@click.option(
    "--discriminant",
    help="How forecast and signal are compared: rmse, mae, dtw, dtw:3, ramp:2, hausdorff, "
    "percentile:95.  [default: as the bundle has it; the first time percentile:99]",
)
@json_option
def calibrate(
    bundle: Path,
    dataset_folder: Path,
    out: Path | None,
    band: str | None,
    split: str,
    rates: tuple[float, ...],
    warmup: float | None,
    offsets: int,
    discriminant: str | None,
    as_json: bool,
) -> None:
    """Set a bundle's thresholds from recordings of normal signal."""
    from converter.bundles.calibrate import FALSE_ALARM_RATES
    from converter.bundles.calibrate import calibrate as run
    from converter.data.data_for import data_for
    from edgespec.inference.bundle import load_bundle

    manifest = load_bundle(bundle).manifest
    data = data_for(dataset_folder, manifest.made_with, manifest.training, band)
    with Progress() as progress:
        done = run(
            bundle,
            data,
            out or bundle,
            split=split,
            false_alarm_rates=rates or FALSE_ALARM_RATES,
            warmup_s=warmup,
            n_offsets=offsets,
            discriminant=discriminant,
            progress=progress.say,
        )
    lines = []
    for name, found in done.manifest.detectors.items():
        for rate, methods in found.thresholds.items():
            shown = ", ".join(f"{method} {value:.2f}" for method, value in methods.items())
            lines.append(f"{name} at {rate}: {shown} ({found.n_scores} segments)")
    emit(
        {
            "bundle": str(out or bundle),
            "sha256": done.sha256,
            "discriminant": done.manifest.discriminant,
            "detectors": {name: asdict(c) for name, c in done.manifest.detectors.items()},
        },
        as_json,
        "\n".join([*lines, f"bundle {out or bundle}", f"sha256 {done.sha256}"]),
    )
