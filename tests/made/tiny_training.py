"""A data set and models of the smallest useful size, made once for all tests that want them."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np

from converter.data.dataset import Dataset, Part, save_dataset
from converter.data.ingest import save_frames, split_recording
from converter.data.splits import split_by_name
from edgespec.framing import Framing, Recipe
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.records import Spectrogram
from tests.made import tiny

#: Keras 3.15 hands numpy 2 an __array__ without the copy keyword. Not ours to mend.
KERAS_WARNINGS = "ignore:__array__ implementation:DeprecationWarning"
ARCHITECTURES = ("lstm", "autoencoder", "linear-ar", "ar-lstm", "offset-lstm")


@functools.cache
def folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="edgespec-tests-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def moving_ridge(
    rng: np.random.Generator, n_frames: int, framing: Framing = tiny.FRAMING
) -> Spectrogram:
    """A band whose bins rise and fall by 8 dB in turn, under 1.4 dB of estimation noise."""
    t, q = np.arange(n_frames)[:, None], np.arange(framing.n_bins)[None, :]
    shape = 20 * np.exp(-(((q - framing.n_bins / 2) / (framing.n_bins / 6)) ** 2))
    power = -60 + shape + 8 * np.sin(2 * np.pi * t / 12 + q / 5)
    power = power + rng.normal(0, 1.4, power.shape)
    return Spectrogram(
        power.astype(np.float32),
        np.zeros(n_frames, np.uint8),
        np.arange(n_frames, dtype=np.int64) * framing.frame_samples,
        framing.grid(),
    )


def make_dataset(
    where: Path, recordings: dict[str, Spectrogram], recipe: Recipe = tiny.RECIPE
) -> Dataset:
    """A data set of recordings that are called by their split, and anything after a dash."""
    names = {name.partition("-")[0] for name in recordings}
    split = split_by_name(list(recordings), {name: [f"{name}*"] for name in names})
    parts: list[Part] = []
    for name, frames in recordings.items():
        saved = save_frames([frames], where / f"{name}.npz", recipe, source=f"test:{name}")
        parts.extend(split_recording(saved, split, recipe.geometry))
    return save_dataset(where, recipe, tuple(parts), split.method)


@functools.cache
def dataset() -> Dataset:
    rng = np.random.default_rng(7)
    lengths = {"train-a": 500, "train-b": 500, "validation": 300, "calibration": 300, "test": 300}
    recordings = {name: moving_ridge(rng, n) for name, n in lengths.items()}
    return make_dataset(folder() / "dataset", recordings)


@functools.cache
def trained(architecture: str) -> Path:
    from converter.training.settings import TrainSettings
    from converter.training.train import train

    where = folder() / architecture
    hyper = {"n_units": 16} if architecture.endswith("lstm") else {}
    train(dataset(), where, TrainSettings(architecture, hyper, epochs=12, seed=3))
    return where


@functools.cache
def bundle(architecture: str, kind: str) -> Bundle:
    from converter.bundles.quantize import quantize

    path = folder() / f"{architecture}-{kind}.edgespec"
    quantize(trained(architecture), path, kind, dataset())
    return load_bundle(path)
