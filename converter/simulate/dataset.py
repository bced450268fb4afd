"""Simulated observers as a data set, without a recording in between."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from converter.data.dataset import Dataset, Part, save_dataset
from converter.data.ingest import PreparedRecording, split_recording
from converter.data.splits import Split
from converter.simulate.frames import prepare_simulated
from converter.simulate.specs import RecordingSpec, check_names
from edgespec.framing import Recipe

__all__ = ["each_in_turn", "simulate_dataset"]

Spec = TypeVar("Spec")
Result = TypeVar("Result")


def simulate_dataset(
    specs: Sequence[RecordingSpec],
    folder: Path,
    recipe: Recipe,
    split: Split,
    n_workers: int = 1,
    progress: Callable[[PreparedRecording], None] = lambda _: None,
) -> Dataset:
    """Simulate every observer straight to frames and write the index of the data set.

    The frames are those of the recordings that would be written of the same specs.

    Args:
        specs: the observers, of the sample rate of the recipe.
        folder: made if need be.
        recipe: of the frames.
        split: by the names of the observers.
        n_workers: processes; 1 simulates in this one.
        progress: called with every observer that is done.

    Raises:
        UsageError: two observers have one name.
        ModelError: the sample rate of an observer is not that of the recipe.
        SourceError: the folder cannot be written.
    """
    check_names(specs)
    parts: list[Part] = []
    work = partial(prepare_simulated, folder=folder, recipe=recipe)

    def keep(recording: PreparedRecording) -> None:
        parts.extend(split_recording(recording, split, recipe.geometry))
        progress(recording)

    each_in_turn(work, specs, n_workers, keep)
    method = dict(split.method)
    if split.of_time:
        method["gap_frames"] = recipe.geometry.n_segment
    return save_dataset(folder, recipe, tuple(parts), method)


def each_in_turn(
    work: Callable[[Spec], Result],
    specs: Sequence[Spec],
    n_workers: int,
    keep: Callable[[Result], None],
) -> None:
    """Do the work for every recording, in ``n_workers`` processes, and keep what comes in order."""
    if n_workers <= 1:
        for spec in specs:
            keep(work(spec))
        return
    # A fork of a process with threads, as NumPy's libraries start them, may hang.
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        for result in pool.map(work, specs, chunksize=1):
            keep(result)
