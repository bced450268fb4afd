"""A network of the smallest useful size with side inputs, and sweeps with a day to learn from."""

import functools
from pathlib import Path

import numpy as np

from converter.data.model_inputs import ModelInputs
from converter.data.side_inputs import side_rows, with_sides
from converter.training.modeldir import ModelCard, save_model
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.records import FloatArray
from edgespec.side_input import DAYS, HOURS
from edgespec.sweep_table import SweepTable
from tests.made import tiny, tiny_training

SIDES = (HOURS, DAYS)
#: A whole day of UTC.
DAY_S = 20_000 * 86_400.0
STEP_S = 600.0


def sweeps(n_days: float = 6.0, seed: int = 5) -> SweepTable:
    """A sweep each ten minutes; bins rise by day and fall by night, each at its own time."""
    rng = np.random.default_rng(seed)
    utc_s = DAY_S + STEP_S * np.arange(round(n_days * 86_400 / STEP_S))
    bins = np.arange(tiny.GEOMETRY.n_bins)
    phase = 2 * np.pi * utc_s[:, None] / 86_400 + bins / 10
    levels = -80 + 0.2 * bins + 6 * np.sin(phase) + rng.normal(0, 1.0, (len(utc_s), len(bins)))
    freqs_hz = 925e6 + 2e5 * bins
    return SweepTable("tiny", utc_s, freqs_hz, levels.astype(np.float32), STEP_S, 2e5)


@functools.cache
def given() -> tuple[ModelInputs, FloatArray]:
    """What the network is given for each segment, and what it should say."""
    table, geometry = sweeps(), tiny.GEOMETRY
    starts = np.arange(0, table.n_sweeps - geometry.n_segment + 1)
    rows = side_rows(table, SIDES, starts, geometry.n_context)
    segments = np.stack([table.levels_db[i : i + geometry.n_segment] for i in starts])
    contexts, targets = np.split(segments, [geometry.n_context], axis=1)
    mean = contexts.mean((1, 2), keepdims=True)
    scale = contexts.std((1, 2), keepdims=True)
    wanted = ((targets - mean) / scale).reshape(len(starts), -1)
    return with_sides(contexts, rows), wanted.astype(np.float32)


@functools.cache
def trained() -> Path:
    from converter.models.runtime import load_keras

    keras = load_keras()
    keras.utils.set_random_seed(3)
    layers, geometry = keras.layers, tiny.GEOMETRY
    shapes = {"context": geometry.n_context} | {side.name: side.n_rows for side in SIDES}
    inputs = [keras.Input((n, geometry.n_bins), name=name) for name, n in shapes.items()]
    together = layers.Concatenate(axis=1)([inputs[2], inputs[1], inputs[0]])
    x = layers.LSTM(16)(together)
    linear = layers.Dense(geometry.n_horizon * geometry.n_bins)(layers.Flatten()(inputs[1]))
    output = layers.Add()([layers.Dense(geometry.n_horizon * geometry.n_bins)(x), linear])
    model = keras.Model(inputs, output)
    model.compile(keras.optimizers.Adam(1e-2), loss="mse")
    inputs_, wanted = given()
    model.fit(inputs_.for_keras, wanted, batch_size=64, epochs=6, verbose=0)
    where = tiny_training.folder() / "sided"
    card = ModelCard("sided", "sided", "forecast", "sigmoid", tiny.RECIPE, side_inputs=SIDES)
    save_model(where, card, model)
    return where


@functools.cache
def bundle(kind: str) -> Bundle:
    from converter.bundles.quantize import quantize

    path = tiny_training.folder() / f"sided-{kind}.edgespec"
    quantize(trained(), path, kind, inputs=given()[0])
    return load_bundle(path)
