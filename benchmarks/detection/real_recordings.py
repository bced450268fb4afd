"""The whole path on real recordings: train on some, monitor another, with and without interferers.

``python -m benchmarks.detection.real_recordings`` trains bundles on real LTE captures, runs
``edgespec monitor`` on captures that no bundle has seen, untouched and with an interferer added at
IQ, and writes a table and two pictures to ``benchmarks/results``. The recordings stay where they
are.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.real_cases import (
    Case,
    Detect,
    Outcome,
    Recording,
    judge,
    levels_of_horizons,
    monitor,
    read_recording,
)
from benchmarks.detection.real_report import Results, draw, markdown
from benchmarks.record import DATA, RESULTS
from converter.bundles.calibrate import calibrate
from converter.bundles.import_keras import import_keras
from converter.bundles.quantize import quantize
from converter.data.dataset import Dataset, Part, save_dataset
from converter.data.ingest import build_dataset, prepare_recording, split_recording
from converter.data.splits import split_by_name, split_by_time
from converter.simulate.sigmf_files import write_recordings
from converter.simulate.specs import training_specs
from converter.training.settings import TrainSettings
from converter.training.train import EpochReport, train
from edgespec.errors import QualityError
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.simulate.config import InterfererConfig

__all__ = ["CAPTURES", "CASES", "Training", "g20_dataset", "main", "monitor_cases", "train_bundle"]

Progress = Callable[[str], None]

#: Four captures of a second of one LTE TDD cell at a fixed gain, 0.1 to 0.5 MHz apart.
CAPTURES = tuple(
    f"lte_tdd_f{mhz}_s1.92_g20_SamplingPPM26.2_1s" for mhz in ("2644.8", "2645", "2645.1", "2645.3")
)
#: Captures with automatic gain.
AGC_CAPTURES = (
    "lte_tdd_f2585_s1.92_g0_1s",
    "lte_tdd_f2604.9_s1.92_g0_0.8s",
    "lte_tdd_f1890_s1.92_g0_1s",
)
SYNTH = "synth_srsran_lte25prb_5M_varying"
#: The capture that is drawn.
DRAWN = CAPTURES[0]

CAPTURE_RECIPE = Recipe(1.92e6)
SYNTH_RECIPE = Recipe(5e6)
#: Warm-up of 24 segments, at both geometries. That is shorter than the memory of ``ewma``, so it is
#: left out.
CAPTURE_DETECT = Detect(warmup_s=0.4, detectors=("model", "zscore"))
SYNTH_DETECT = Detect(warmup_s=24 * SYNTH_RECIPE.geometry.hop_s, detectors=("model", "zscore"))
#: The default rate of the shipped bundle, and all that comes before the interferer as warm-up.
SHIPPED_DETECT = Detect(warmup_s=0.96, false_alarm_rate=0.001)
#: What leaving ``ewma`` out is good for: the untouched captures with it.
EWMA_DETECT = replace(CAPTURE_DETECT, detectors=("model", "zscore", "ewma"))
INJECTED_S = 0.5

#: Shares of the second capture that train and that stop the training.
SECOND_SHARES = (0.7, 0.3, 0.0, 0.0)
#: Frames of the one synthetic recording that train, validate, calibrate, and are monitored.
SYNTH_FRAMES = (1400, 500, 1075, 2884)


def cases(tone_hz: float, pulse_hz: float) -> tuple[Case, ...]:
    """Return the untouched signal, a tone, one pulse and a train of pulses of 400 kHz.

    The single pulse lasts the half second.
    """
    return (
        Case("untouched"),
        Case("tone", InterfererConfig("tone", offset_hz=tone_hz)),
        Case(
            "wideband pulse",
            InterfererConfig("wideband", offset_hz=pulse_hz, bandwidth_hz=400e3),
        ),
        Case(
            "train of wideband pulses",
            InterfererConfig("wideband-pulse", offset_hz=pulse_hz, bandwidth_hz=400e3),
        ),
    )


CASES = cases(300e3, -200e3)
SYNTH_CASES = cases(900e3, -1000e3)


@dataclass(frozen=True, slots=True)
class Training:
    """How each bundle is trained and calibrated; the same for all of them."""

    epochs: int = 40
    patience: int = 5
    hop_frames: int = 1
    n_offsets: int = 25
    seed: int = 1


def g20_dataset(data: Path, monitored: str, folder: Path) -> Dataset:
    """Return a data set of the captures but one: training, both, and calibration.

    The last sets the thresholds, the one before it is cut in time to train and to stop the
    training; they follow ``monitored`` in the order of :data:`CAPTURES`.
    """
    at = CAPTURES.index(monitored)
    first, second, third = (CAPTURES[(at + step) % len(CAPTURES)] for step in (1, 2, 3))
    splits = {
        first: split_by_name([first], {"train": "*"}),
        second: split_by_time(SECOND_SHARES),
        third: split_by_name([third], {"calibration": "*"}),
    }
    parts: list[Part] = []
    for name, split in splits.items():
        uri = f"sigmf:{data / name}.sigmf-meta"
        recording = prepare_recording(uri, folder, CAPTURE_RECIPE)
        parts.extend(split_recording(recording, split, CAPTURE_RECIPE.geometry))
    method = {"kind": "name and time", "train": first, second: list(SECOND_SHARES)}
    return save_dataset(folder, CAPTURE_RECIPE, tuple(parts), method)


def synth_dataset(data: Path, folder: Path) -> Dataset:
    """Return a data set of one recording, cut in time; its last part is for the monitor."""
    shares = [frames / sum(SYNTH_FRAMES) for frames in SYNTH_FRAMES]
    uri = f"sigmf:{data / SYNTH}.sigmf-meta"
    return build_dataset([uri], folder, SYNTH_RECIPE, split_by_time(shares))


def train_bundle(
    dataset: Dataset, folder: Path, warmup_s: float, training: Training, progress: Progress
) -> Path:
    """Train, convert and calibrate; return the bundle.

    A model that is in the folder already is taken as it is.
    """

    def report(epoch: EpochReport) -> None:
        progress(f"  epoch {epoch.epoch}: loss {epoch.loss:.3f}, validation {epoch.val_loss:.3f}")

    settings = TrainSettings(
        hop_frames=training.hop_frames,
        epochs=training.epochs,
        patience=training.patience,
        seed=training.seed,
    )
    if not (folder / "model").is_dir():
        train(dataset, folder / "model", settings, report)
    bundle = folder / "real.edgespec"
    quantize(folder / "model", bundle, "float32", dataset)
    calibrate(bundle, dataset, bundle, warmup_s=warmup_s, n_offsets=training.n_offsets)
    return bundle


def monitor_cases(
    recording: Recording,
    bundle: Path,
    detect: Detect,
    some: Sequence[Case],
    folder: Path,
    progress: Progress,
    offset_s: float = 0.0,
) -> Iterator[Outcome]:
    """Yield what the monitor made of each case; interferers fill the last half second.

    Files of samples are removed when they were heard.
    """
    recipe = load_bundle(bundle).manifest.recipe
    info = recording.info
    start_s = len(recording.samples) / info.sample_rate_hz - INJECTED_S
    for case in some:
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            uri = recording.write(case, start_s, Path(inner))
            heard = monitor(uri, bundle, detect, Path(inner))
        outcome = judge(
            recording.name,
            case,
            heard,
            recipe,
            info.center_freq_hz,
            detect,
            start_s,
            offset_s,
        )
        progress(f"  {recording.name}, {case.name}: {outcome.n_events} events")
        yield outcome


def g20_rotations(
    data: Path, folder: Path, training: Training, progress: Progress
) -> tuple[list[Outcome], list[Outcome], dict[str, Path]]:
    """Leave each of the four captures out in turn.

    Returns:
        The rows, those of the untouched captures with ``ewma``, and the bundles.
    """
    outcomes: list[Outcome] = []
    with_ewma: list[Outcome] = []
    bundles: dict[str, Path] = {}
    for name in CAPTURES:
        progress(f"leaving {name} out")
        home = folder / name
        dataset = g20_dataset(data, name, home / "dataset")
        bundles[name] = train_bundle(dataset, home, CAPTURE_DETECT.warmup_s, training, progress)
        recording = read_recording(data / f"{name}.sigmf-meta")
        bundle = bundles[name]
        outcomes += monitor_cases(recording, bundle, CAPTURE_DETECT, CASES, folder, progress)
        with_ewma += monitor_cases(recording, bundle, EWMA_DETECT, CASES[:1], folder, progress)
    return outcomes, with_ewma, bundles


def synth_parts(
    data: Path, folder: Path, training: Training, progress: Progress
) -> tuple[list[Outcome], Path]:
    """Train on the first part of the synthetic recording, monitor the last; return the bundle."""
    progress(f"training on the first part of {SYNTH}")
    home = folder / SYNTH
    dataset = synth_dataset(data, home / "dataset")
    bundle = train_bundle(dataset, home, SYNTH_DETECT.warmup_s, training, progress)
    first = SYNTH_RECIPE.samples_in(dataset.split("test")[0].first_frame)
    recording = read_recording(data / f"{SYNTH}.sigmf-meta", first)
    offset_s = first / SYNTH_RECIPE.sample_rate_hz
    outcomes = monitor_cases(
        recording, bundle, SYNTH_DETECT, SYNTH_CASES, folder, progress, offset_s
    )
    return list(outcomes), bundle


def agc_captures(data: Path, bundle: Path, folder: Path, progress: Progress) -> list[Outcome]:
    """Monitor the captures with automatic gain, which no bundle was trained on."""
    outcomes: list[Outcome] = []
    for name in AGC_CAPTURES:
        recording = read_recording(data / f"{name}.sigmf-meta")
        outcomes += monitor_cases(recording, bundle, CAPTURE_DETECT, CASES[:1], folder, progress)
    return outcomes


def shipped_on_synth(data: Path, folder: Path, progress: Progress) -> list[Outcome]:
    """Monitor the whole synthetic recording with the bundle that comes with the package."""
    recording = read_recording(data / f"{SYNTH}.sigmf-meta")
    shipped = shipped_bundle_path()
    return list(monitor_cases(recording, shipped, SHIPPED_DETECT, SYNTH_CASES, folder, progress))


def published_model(data: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """Take the model published with Li et al. 2019 from its HDF5 file to an alarm.

    Its thresholds are set on, and its run is monitored on, simulated cells: what its inputs were
    scaled by is not known, so this says that it runs, not that it is good.
    """
    progress("the published model: import, convert, calibrate, monitor")
    home = folder / "published"
    reference = data / "keras_LTE_880M_reference_io.npz"
    card = import_keras(data / "LTE_880M.h5", home / "model", 5e6, reference=reference)
    bundle = home / "published.edgespec"
    conversion = quantize(home / "model", bundle, "float32")
    try:
        quantize(home / "model", home / "refused.edgespec", "dynamic_int8")
        int8 = "accepted"
    except QualityError as error:
        int8 = f"refused: {error}"
    specs = training_specs(2, 4.0, 5e6, seed=11)
    uris = [f"sigmf:{path}" for path in write_recordings(home / "simulated", specs)]
    split = split_by_name([spec.name for spec in specs], {"calibration": ["*"]})
    dataset = build_dataset(uris, home / "dataset", conversion.bundle.manifest.recipe, split)
    calibrate(bundle, dataset, bundle, warmup_s=1.0)
    tone = "&kind=tone&isr_db=0&offset_hz=9e5&start_s=2&stop_s=2.5"
    uri = f"sim:lte-dl?seed=7&duration_s=3{tone}"
    heard = monitor(uri, bundle, Detect(warmup_s=1.0), home)
    return {
        "reference_max_error": card.training["reference_max_error"],
        "float32_max_error": conversion.parity.max_error,
        "dynamic_int8": int8,
        "source": uri,
        "n_segments": heard.state.n_segments,
        "times_real_time": round(heard.state.speed, 1),
        "events_s": [
            (e[-1].sample_start / 5e6, (e[-1].sample_start + e[-1].n_samples) / 5e6)
            for e in heard.events()
        ],
    }


def _synth_levels_dbfs(data: Path) -> tuple[float, ...]:
    """Return least, median and largest power of the band over a horizon."""
    recording = read_recording(data / f"{SYNTH}.sigmf-meta")
    levels = levels_of_horizons(recording, SYNTH_RECIPE)
    return tuple(float(level) for level in np.quantile(levels, (0.0, 0.5, 1.0)))


def _card(bundle: Path) -> dict[str, Any]:
    """Return how the training of a bundle went."""
    training = load_bundle(bundle).manifest.training
    return {
        "val_loss": min(training["val_losses"]),
        "epochs": training["epochs"],
        "seconds": training["seconds"],
        "n_windows": training["n_windows"],
    }


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=DATA,
    help="Folder of the recordings; default: ../shared/data beside the project.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Keep models here, or take up those that are there.",
)
@click.option("--epochs", default=Training().epochs, show_default=True, help="At most so many.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(data: Path, work: Path | None, epochs: int, save: bool) -> None:
    """Train on real recordings, monitor others, and write what was found."""

    def progress(text: str) -> None:
        click.echo(text, err=True)

    training = Training(epochs=epochs)
    with tempfile.TemporaryDirectory() as temporary:
        folder = work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rotations, with_ewma, bundles = g20_rotations(data, folder, training, progress)
        agc = agc_captures(data, bundles[DRAWN], folder, progress)
        synth, synth_bundle = synth_parts(data, folder, training, progress)
        shipped = shipped_on_synth(data, folder, progress)
        published = published_model(data, folder, progress)
        results = Results(
            training=training,
            bundles={path.parent.name: _card(path) for path in [*bundles.values(), synth_bundle]},
            g20=rotations,
            g20_with_ewma=with_ewma,
            synth=synth,
            shipped=shipped,
            shipped_bundle=shipped_bundle_path().name,
            synth_levels_dbfs=_synth_levels_dbfs(data),
            agc=agc,
            published=published,
        )
        text = markdown(results)
        click.echo(text)
        if not save:
            return
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "real_recordings.md").write_text(text)
        (RESULTS / "real_recordings.json").write_text(json.dumps(asdict(results), indent=1) + "\n")
        recording = read_recording(data / f"{DRAWN}.sigmf-meta")
        start_s = len(recording.samples) / recording.info.sample_rate_hz - INJECTED_S
        for outcome, case in zip(rotations[1:3], CASES[1:3], strict=True):
            stem = f"real_recordings-{case.name.replace(' ', '-')}.png"
            samples = recording.mixed(case, start_s)
            draw(samples, recording.info, CAPTURE_RECIPE, outcome, RESULTS / stem)


if __name__ == "__main__":
    main()
