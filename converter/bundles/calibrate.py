"""Thresholds from normal signal: the device's chain on recordings no model was trained on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

from converter.bundles.calibration_run import CalibrationRun
from converter.bundles.sweep_scores import score_sweeps
from converter.data.dataset import Dataset, Part, load_part
from converter.data.sweeps.band_sweeps import BandSweeps
from edgespec.detect.detectors import PLAIN_DETECTORS, resolve_names
from edgespec.detect.discriminants.discriminant import USUAL, check_discriminant
from edgespec.detect.threshold import LEAST_SCORES, fit_thresholds
from edgespec.dsp.segments import Segmenter
from edgespec.errors import ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle, write_bundle
from edgespec.inference.manifest import Calibration
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import Geometry, Score, Spectrogram

__all__ = ["FALSE_ALARM_RATES", "WARMUP_S", "calibrate", "score_recording"]

#: False-alarm rates per segment that a bundle is calibrated for.
FALSE_ALARM_RATES = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
#: What the monitor waits unless it is told otherwise.
WARMUP_S = 4.0
#: The bundle's model, and every detector that needs none.
_DETECTORS = ("model", *PLAIN_DETECTORS)
#: Frames given to the segmenter at once; any number gives the same segments.
_CHUNK_FRAMES = 1024


def score_recording(
    frames: Spectrogram, geometry: Geometry, scorer: Scorer, run: CalibrationRun
) -> None:
    """Add the scores of one recording to ``run``, as the monitor would make them.

    The scorer starts cold; segments of the warm-up are not counted, because the monitor does not
    alarm on them.
    """
    scorer.reset()
    segmenter = Segmenter(geometry)
    run.add(scorer, _segments(frames, segmenter, scorer))


def _segments(
    frames: Spectrogram, segmenter: Segmenter, scorer: Scorer
) -> Iterator[tuple[Score, ...]]:
    """Yield the scores of every segment, warm or not."""
    for first in range(0, frames.n_frames, _CHUNK_FRAMES):
        chunk = slice(first, first + _CHUNK_FRAMES)
        segmenter.push(frames.part(chunk))
        for segment in segmenter.segments():
            yield scorer.score(segment)


def calibrate(
    bundle_path: Path,
    dataset: Dataset | BandSweeps,
    out: Path,
    *,
    split: str = "calibration",
    false_alarm_rates: tuple[float, ...] = FALSE_ALARM_RATES,
    warmup_s: float | None = None,
    n_offsets: int = 1,
    discriminant: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Bundle:
    """Write a copy of a bundle with thresholds for every detector, and return it.

    Args:
        bundle_path: the bundle; thresholds it has are replaced.
        dataset: holds the calibration recordings, at the bundle's geometry.
        out: the bundle to write.
        split: which recordings of the data set: not those of training, never those of the test.
        false_alarm_rates: per segment.
        warmup_s: what the monitor will be told to wait; the plain detectors learn from it. None
            is :data:`WARMUP_S`, and half of the longest recording where too little is left then.
        n_offsets: passes over each recording, each starting some frames later, which makes more
            of a short recording. Their segments overlap, so they are not independent: the figures
            get steadier, not surer.
        discriminant: how the model's forecast is compared with what is seen, from now on; None
            keeps that of a bundle that was calibrated before, and else is :data:`USUAL`.
        progress: told the name of each recording.

    Raises:
        ModelError: the data set has another geometry, no such recordings, or too few segments, or
            the discriminant is unknown.
    """
    bundle = load_bundle(bundle_path)
    if discriminant is not None:
        check_discriminant(discriminant)
        manifest = replace(bundle.manifest, discriminant=discriminant)
        bundle = replace(bundle, manifest=manifest)
    recipe, geometry = bundle.manifest.made_with, bundle.manifest.geometry
    if replace(dataset.recipe, hop_frames=recipe.hop_frames) != recipe:
        raise ModelError(
            f"the data set {dataset.folder} has the geometry {dataset.recipe}, but the bundle "
            f"{bundle_path} has {recipe}: build the data set with the bundle's geometry"
        )
    if not 1 <= n_offsets <= geometry.hop_frames:
        raise ModelError(
            f"the number of offsets is {n_offsets}; it must lie between 1 and the hop of "
            f"{geometry.hop_frames} frames"
        )
    is_forecast = bundle.manifest.model.role == "forecast"
    if discriminant is None and is_forecast and not bundle.manifest.detectors:
        bundle = replace(bundle, manifest=replace(bundle.manifest, discriminant=USUAL))
    parts = dataset.split(split)
    if not parts:
        raise ModelError(
            f"the data set {dataset.folder} has no recording in the split {split!r}: build it "
            "again with one, or choose another split"
        )
    backend = open_backend(bundle)
    check_golden(bundle, backend)
    options: dict[str, Any] = {"warmup_s": warmup_s, "n_offsets": n_offsets, "progress": progress}
    if isinstance(dataset, BandSweeps):
        run, warmup_s = score_sweeps(bundle, backend, dataset, dataset.split(split), **options)
    else:
        run, warmup_s = _score(bundle, backend, dataset, dataset.split(split), **options)
    detectors = {name: _calibration(run, name, false_alarm_rates, len(parts)) for name in run.sites}
    training = {
        **bundle.manifest.training,
        "calibration": {
            "dataset_sha256": dataset.sha256,
            "split": split,
            "recordings": [part.name for part in parts],
            "warmup_s": warmup_s,
            "n_offsets": n_offsets,
        },
    }
    manifest = replace(bundle.manifest, detectors=detectors, training=training)
    return write_bundle(
        out,
        manifest,
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        bundle.weights,
        bundle.golden_sides,
    )


def _score(
    bundle: Bundle,
    backend: Backend,
    dataset: Dataset,
    parts: Sequence[Part],
    *,
    warmup_s: float | None,
    n_offsets: int,
    progress: Callable[[str], None],
) -> tuple[CalibrationRun, float]:
    """Return the scores of some recordings, and how long the warm-up was."""
    geometry = bundle.manifest.geometry
    warmup_s = _warmup_s([part.n_frames for part in parts], geometry, warmup_s, n_offsets, progress)
    names = resolve_names(_DETECTORS, bundle.manifest.model.role)
    n_warmup = ceil(warmup_s / geometry.hop_s)
    scorer = Scorer(Forecaster(bundle, backend), names, geometry, n_warmup)
    run = CalibrationRun.empty(names, geometry.n_bins)
    for part in parts:
        progress(part.name)
        frames = load_part(dataset, part)
        for offset in range(n_offsets):
            later = slice(offset * geometry.hop_frames // n_offsets, None)
            score_recording(frames.part(later), geometry, scorer, run)
    return run, warmup_s


def _warmup_s(
    lengths: Sequence[int],
    geometry: Geometry,
    asked_s: float | None,
    n_offsets: int,
    progress: Callable[[str], None],
) -> float:
    """Return the warm-up, shortened where nobody asked for one and the recordings are short.

    Args:
        lengths: frames of each recording.
        geometry: how frames become segments.
        asked_s: the warm-up that was asked for, None for the usual one.
        n_offsets: passes over each recording.
        progress: told what was chosen.

    Raises:
        ModelError: fewer segments are left behind it than a threshold takes.
    """
    longest_s = max(lengths) * geometry.frame_s
    warmup_s = WARMUP_S if asked_s is None else asked_s
    n_left = _segments_left(lengths, geometry, warmup_s) * n_offsets
    if asked_s is None and n_left < LEAST_SCORES:
        warmup_s = longest_s / 2
        n_left = _segments_left(lengths, geometry, warmup_s) * n_offsets
        progress(
            f"a warm-up of {warmup_s:.3g} s, since no recording is longer than {longest_s:.3g} s: "
            "longer ones make steadier thresholds"
        )
    if n_left < LEAST_SCORES:
        scored_s = (geometry.n_segment + LEAST_SCORES * geometry.hop_frames) * geometry.frame_s
        least_s = 2 * scored_s if asked_s is None else warmup_s + scored_s
        raise ModelError(
            f"{n_left} segments of normal signal are left behind a warm-up of {warmup_s:.3g} s, "
            f"too few for a threshold, which takes {LEAST_SCORES}; the longest calibration "
            f"recording has {longest_s:.3g} s: give one of at least {least_s:.3g} s, or a shorter "
            "--warmup"
        )
    return warmup_s


def _segments_left(lengths: Sequence[int], geometry: Geometry, warmup_s: float) -> int:
    n_warmup = ceil(warmup_s / geometry.hop_s)
    n_segments = [(n - geometry.n_segment) // geometry.hop_frames + 1 for n in lengths]
    return sum(max(0, n - n_warmup) for n in n_segments)


def _calibration(
    run: CalibrationRun, name: str, rates: tuple[float, ...], n_recordings: int
) -> Calibration:
    site_std = run.site_std(name)
    fit = fit_thresholds(run.scores(name, site_std), rates)
    spread = run.spread[name]
    error_std_db = (
        tuple(round(float(value), 4) for value in spread.spread(0.05)) if spread.count else ()
    )
    return Calibration(
        mean=fit.mean,
        std=fit.std,
        n_scores=fit.n_scores,
        thresholds=fit.thresholds,
        error_std_db=error_std_db,
        recordings=n_recordings,
        site_std=site_std,
    )
