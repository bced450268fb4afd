"""What a network learns from: segments to fit to and to stop by, of recordings or of sweeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from converter.data.dataset import Dataset
from converter.data.segment_set import SegmentSet
from converter.data.sweeps.band_sweeps import BandSweeps
from converter.data.sweeps.sweep_windows import SweepWindows
from converter.data.views import WindowSet, global_scaling
from converter.models.architectures import MODELS
from converter.training.settings import TrainSettings
from edgespec.errors import ModelError, SourceError, UsageError
from edgespec.records import Scaling

__all__ = ["Lessons", "lessons_of", "training_hop", "training_windows"]


@dataclass(frozen=True, slots=True)
class Lessons:
    """Segments to fit to, and others to stop by.

    ``scaling`` is the one of all segments, None where each has that of its own context. ``facts``
    are what the card of the model says of them besides.
    """

    windows: SegmentSet
    held_out: SegmentSet
    scaling: Scaling | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def lessons_of(data: Dataset | BandSweeps, settings: TrainSettings) -> Lessons:
    """Return what a data set has for a network to learn.

    Raises:
        SourceError: a split has no segment, or all that is known of hours and days is nothing.
        ModelError: the network takes means of hours and days, which recordings do not have.
        UsageError: sweeps are to be trained on without the transform.
    """
    return _of_sweeps(data, settings) if isinstance(data, BandSweeps) else _of(data, settings)


def _of(dataset: Dataset, settings: TrainSettings) -> Lessons:
    sides = MODELS[settings.architecture].sides
    if sides:
        short = settings.architecture.removesuffix("-oh").removesuffix("-od") + "-c"
        raise ModelError(
            f"the network {settings.architecture!r} is also given means of {' and '.join(sides)}, "
            "which recordings of seconds do not have: train it on sweeps, or train its variant "
            f"without them, {short}"
        )
    scaling = None if settings.transform else global_scaling(dataset)
    windows = training_windows(dataset, settings, scaling)
    held_out = WindowSet(
        dataset,
        ("validation",),
        leave_noise_out=True,
        n_windows=settings.n_windows,
        seed=settings.seed,
        scaling=scaling,
    )
    return Lessons(windows, held_out, scaling)


def _of_sweeps(band: BandSweeps, settings: TrainSettings) -> Lessons:
    if not settings.transform:
        raise UsageError(
            "a network of sweeps is trained with the transform, as the device standardises each "
            "segment by its context: leave transform at 'context'"
        )
    sides = MODELS[settings.architecture].side_inputs
    n_sweeps = sum(part.n_sweeps for part in band.split("train"))
    windows = SweepWindows(
        band,
        ("train",),
        sides,
        hop_frames=settings.hop_frames or _hop(n_sweeps, settings.n_windows, band),
        n_windows=settings.n_windows,
        seed=settings.seed,
    )
    unknown = [name for name, share in windows.known.items() if not share]
    if unknown:
        base = settings.architecture.removesuffix("-oh").removesuffix("-od")
        raise SourceError(
            f"the network {settings.architecture!r} is also given means of {' and '.join(unknown)};"
            f" of these {str(band.folder)!r} knows none before any segment of the split train: its "
            "recordings are too short, or have less than three sweeps an hour; give longer ones, "
            f"or train {base}-c, which takes none"
        )
    held_out = SweepWindows(
        band, ("validation",), sides, n_windows=settings.n_windows, seed=settings.seed
    )
    facts: dict[str, Any] = {"band": band.band}
    if sides:
        facts["side_inputs_known"] = windows.known
    return Lessons(windows, held_out, facts=facts)


def training_hop(dataset: Dataset, n_windows: int) -> int:
    """Return the hop, at most the data set's, that gives about ``n_windows`` segments.

    A hop that shares a divisor with the frame structure of the signal shows the network only some
    of its phases: on one-second recordings of LTE at 1.92 MS/s a hop of 25 frames learnt nothing
    (validation loss 1.05), a hop of 1 did (0.16). Such segments overlap, but never across splits.
    """
    return _hop(sum(part.n_frames for part in dataset.split("train")), n_windows, dataset)


def _hop(n_frames: int, n_windows: int, data: Dataset | BandSweeps) -> int:
    return min(max(1, n_frames // n_windows), data.geometry.hop_frames)


def training_windows(
    dataset: Dataset, settings: TrainSettings, scaling: Scaling | None
) -> WindowSet:
    """Return the segments of the train split that the settings ask for, without noise.

    Raises:
        SourceError: there is not one.
    """
    return WindowSet(
        dataset,
        ("train",),
        hop_frames=settings.hop_frames or training_hop(dataset, settings.n_windows),
        leave_noise_out=True,
        n_windows=settings.n_windows,
        seed=settings.seed,
        scaling=scaling,
    )
