"""A stateful model beside ours, in quality and in cost: ``python -m benchmarks.speed.stateful``.

Ours begins every window of 100 frames from zero. A stateful one goes on: one step for each of the
25 new frames, and its memory is all that it has heard. Both are trained here on the same simulated
observers, the same windows, and for the same number of epochs, and forecast the same windows of
observers that neither has heard. Each knows the level and spread of the last 100 frames.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.arm64 import CORES, compile_kernels
from benchmarks.speed.boards import SHAPES, instructions_of
from benchmarks.speed.networks import Case, make_cases
from benchmarks.speed.runtimes.bundled import plain, with_reuse
from benchmarks.speed.turns import take_turns
from converter.models.lstm import build
from converter.models.runtime import load_keras
from converter.report.markdown_table import markdown_table
from converter.simulate.frames import simulate_frames
from converter.simulate.population import Population
from edgespec.dsp.transform import log_power_floor_db
from edgespec.framing import Recipe
from edgespec.inference.network import network_from_npz
from edgespec.inference.numba_network import NumbaBackend
from edgespec.records import FloatArray

__all__ = ["Quality", "main", "scalings_of", "windows_of"]

RECIPE = Recipe(5e6)
GEOMETRY = RECIPE.geometry
_POPULATION = Population(cells=("B",))
_SEEDS = {"train": 11, "test": 12}
_BATCH = 96
_LEARNING_RATE = 2e-3
#: A training sequence: frames that fill the memory, then so many windows whose error counts.
_N_TARGETS = 12
_PLAIN, _REUSE, _STATEFUL = "from zero", "from zero, with reuse", "stateful"
#: What a model comes to that has learnt nothing else.
_MEAN = "no model: mean of each bin over the context"


@dataclass(frozen=True, slots=True)
class Quality:
    """Root mean square error in dB over the test windows of one training, mean over observers."""

    model: str
    seed: int
    rmse_db: float
    by_observer_db: tuple[float, ...]


def scalings_of(power_db: FloatArray) -> FloatArray:
    """Return mean and standard deviation of the last 100 frames at the end of every hop.

    ``power_db`` ``(n_frames, n_bins)``; the result is float32 ``(n_hops, 2)``. While there are
    fewer frames than 100, those there are count.
    """
    hop, n_context = GEOMETRY.hop_frames, GEOMETRY.n_context
    stops = range(hop, len(power_db) + 1, hop)
    pieces = [power_db[max(stop - n_context, 0) : stop] for stop in stops]
    return np.array([(piece.mean(), piece.std()) for piece in pieces], np.float32)


def windows_of(power_db: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the hops of a recording, standardised, the horizons behind them, and the scalings.

    Hop k, ``(n_hops, 25, n_bins)``, and the horizon that follows it have the scaling of the 100
    frames that end with hop k: what the device would know of them.
    """
    scalings, hop = scalings_of(power_db), GEOMETRY.hop_frames
    mean, std = scalings[:-1, 0, None, None], scalings[:-1, 1, None, None]
    hops = power_db[: hop * len(scalings)].reshape(len(scalings), hop, -1)
    return (hops[:-1] - mean) / std, (hops[1:] - mean) / std, scalings[:-1]


def _recordings(split: str, n: int, seconds: float) -> Iterator[FloatArray]:
    for spec in _POPULATION.specs(n, seconds, RECIPE.sample_rate_hz, _SEEDS[split]):
        yield np.concatenate([frames.power_dbfs.copy() for frames in simulate_frames(spec, RECIPE)])


def _contexts(power_db: FloatArray, scalings: FloatArray) -> FloatArray:
    """Return for every hop from the fourth on the 100 frames that end with it, standardised."""
    hop, n_context = GEOMETRY.hop_frames, GEOMETRY.n_context
    first = n_context // hop - 1
    return np.stack(
        [
            (power_db[hop * (k + 1) - n_context : hop * (k + 1)] - mean) / std
            for k, (mean, std) in enumerate(scalings)
            if k >= first
        ]
    )


def _stateful_model(keras: Any) -> Any:
    """Return the same layers over a stream: one forecast at the end of every hop."""
    frames = keras.Input((None, GEOMETRY.n_bins))
    x = frames
    for _ in range(2):
        x = keras.layers.LSTM(64, return_sequences=True)(x)
    hop = GEOMETRY.hop_frames
    outputs = keras.layers.Dense(hop * GEOMETRY.n_bins)(x[:, hop - 1 :: hop])
    return keras.Model(frames, outputs)


def _train(
    recordings: list[FloatArray], seed: int, epochs: int, progress: Callable[[str], None]
) -> tuple[Any, Any]:
    """Return both models after the same number of epochs over the same windows."""
    keras, first = load_keras(), GEOMETRY.n_context // GEOMETRY.hop_frames - 1
    contexts, horizons, streams, targets = [], [], [], []
    for power_db in recordings:
        hops, following, scalings = windows_of(power_db)
        n_sequences = (len(hops) - first) // _N_TARGETS
        n_used = n_sequences * _N_TARGETS
        contexts.append(_contexts(power_db, scalings)[:n_used])
        horizons.append(following[first : first + n_used].reshape(n_used, -1))
        streams += [
            hops[start : start + first + _N_TARGETS].reshape(-1, GEOMETRY.n_bins)
            for start in range(0, n_used, _N_TARGETS)
        ]
        targets.append(horizons[-1].reshape(n_sequences, _N_TARGETS, -1))
    found = []
    for name, model, x, y, n_batch in (
        (_PLAIN, build(GEOMETRY), np.concatenate(contexts), np.concatenate(horizons), _BATCH),
        (_STATEFUL, _stateful_model(keras), np.stack(streams), None, _BATCH // _N_TARGETS),
    ):
        keras.utils.set_random_seed(seed)
        for layer in model.layers:
            # The order in which both are made must not decide on their first weights.
            if layer.weights:
                layer.set_weights(
                    [w if w.ndim == 1 else _glorot(w.shape, seed) for w in layer.get_weights()]
                )
        trained, outputs = model, y
        if outputs is None:
            trained = keras.Model(model.input, model.output[:, first:])
            outputs = np.concatenate(targets)
        trained.compile(keras.optimizers.Adam(_LEARNING_RATE, clipnorm=1.0), "mse")
        progress(f"training {name}, seed {seed}, on {len(x)} sequences of {x.shape[1]} frames")
        trained.fit(x, outputs, batch_size=n_batch, epochs=epochs, verbose=0)
        found.append(model)
    return found[0], found[1]


def _glorot(shape: tuple[int, ...], seed: int) -> FloatArray:
    limit = np.sqrt(6.0 / sum(shape))
    return np.random.default_rng((seed, *shape)).uniform(-limit, limit, shape).astype(np.float32)


def _qualities(
    from_zero: Any, stateful: Any, recordings: list[FloatArray], seed: int
) -> Iterator[Quality]:
    first = GEOMETRY.n_context // GEOMETRY.hop_frames - 1
    errors: dict[str, list[float]] = {_PLAIN: [], _STATEFUL: [], _MEAN: []}
    for power_db in recordings:
        hops, following, scalings = windows_of(power_db)
        expected = following[first:].reshape(len(following) - first, -1)
        stream = hops.reshape(1, -1, GEOMETRY.n_bins)
        contexts = _contexts(power_db, scalings)
        outputs = {
            _MEAN: np.tile(contexts.mean(axis=1), GEOMETRY.n_horizon),
            _PLAIN: from_zero.predict(contexts, verbose=0),
            _STATEFUL: np.asarray(stateful.predict(stream, verbose=0))[0, first:],
        }
        for name, output in outputs.items():
            error_db = (output - expected) * scalings[first:, 1:]
            errors[name].append(float(np.mean(np.sqrt(np.mean(error_db**2, axis=1)))))
    for name, own in errors.items():
        yield Quality(name, seed, float(np.mean(own)), tuple(own))


def _costs(case: Case, n_rounds: int, turn_s: float) -> dict[str, float]:
    """Return the processor time of one segment in microseconds, at best.

    A window of 25 frames costs what 25 steps cost, wherever they begin.
    """
    bundle = case.bundles["float32"]
    manifest, hop = bundle.manifest, GEOMETRY.hop_frames
    short = replace(
        manifest,
        made_with=replace(manifest.recipe, n_context=hop),
        model=replace(manifest.model, input_shape=(1, hop, GEOMETRY.n_bins)),
    )
    network = network_from_npz(bundle.weights or b"", case.name)
    stepping = NumbaBackend(replace(bundle, manifest=short), network)
    windows = np.ascontiguousarray(case.windows[:, :hop])
    calls = {
        _PLAIN: plain(case, "numba", "float32"),
        _REUSE: with_reuse(case),
        _STATEFUL: lambda number: stepping.predict(windows[number % len(windows)]),
    }
    return {name: 1e6 * t.min_s for name, t in take_turns(calls, n_rounds, turn_s).items()}


def _instructions() -> dict[str, float]:
    """Return millions of instructions of one segment on an ARM core, counted in its code."""
    core = CORES[-1]
    codes = {code.kernel: code for code in compile_kernels() if code.core == core}
    shapes = {
        _PLAIN: SHAPES["LSTM 2x64"],
        _REUSE: SHAPES["LSTM 2x64, with reuse"],
        _STATEFUL: SHAPES["LSTM 2x64, stateful"],
    }
    return {name: instructions_of(shape, codes) / 1e6 for name, shape in shapes.items()}


def table(result: dict[str, Any]) -> str:
    """Return Markdown."""
    errors: dict[str, list[float]] = {}
    for quality in result["qualities"]:
        errors.setdefault(quality["model"], []).append(quality["rmse_db"])
    errors[_REUSE] = errors[_PLAIN]
    rows = [
        [
            name,
            f"{np.mean(errors[name]):.3f}",
            ", ".join(f"{error:.3f}" for error in errors[name]),
            f"{result['us'][name]:.0f}" if name in result["us"] else "",
            f"{result['arm_millions'][name]:.2f}" if name in result["arm_millions"] else "",
        ]
        for name in (_PLAIN, _REUSE, _STATEFUL, _MEAN)
    ]
    head = ["LSTM 2x64", "error, dB", "of each seed", "us here", "million instructions on ARM"]
    floor_db = log_power_floor_db(RECIPE.n_averages)
    return (
        f"{markdown_table(head, rows)}\n\n"
        f"Error: root mean square over a horizon, mean over {result['n_test_windows']} windows of "
        f"{result['n_test']} observers; no forecast can be below {floor_db:.2f} dB. Trained "
        f"{result['epochs']} epochs on {result['n_train_windows']} windows of {result['n_train']} "
        "observers of the simulated cell B, in batches of as many windows. Reuse gives the same "
        "output."
    )


@click.command()
@click.option("--epochs", default=8, show_default=True)
@click.option("--observers", default=12, show_default=True, help="Trained on, 4 s each.")
@click.option("--tested", default=6, show_default=True, help="Tested on, 3 s each.")
@click.option("--seeds", default=2, show_default=True, help="Trainings of each model.")
@click.option("--rounds", default=40, show_default=True, help="Turns of each when timed.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Keep models here, or take those that are."
)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    epochs: int, observers: int, tested: int, seeds: int, rounds: int, work: Path | None, save: bool
) -> None:
    """Train both variants, compare their forecasts and what one segment costs."""
    record.on_one_core()

    def progress(text: str) -> None:
        click.echo(text, err=True)

    progress("simulating")
    train, test = (list(_recordings(*what)) for what in
                   (("train", observers, 4.0), ("test", tested, 3.0)))  # fmt: skip
    qualities: list[Quality] = []
    for seed in range(1, seeds + 1):
        models = _train(train, seed, epochs, progress)
        qualities += _qualities(*models, test, seed)
        progress(", ".join(f"{q.model} {q.rmse_db:.3f} dB" for q in qualities[-3:]))
    with tempfile.TemporaryDirectory() as temporary:
        cases, _ = make_cases(work or Path(temporary), None, progress)
        us = _costs(cases[0], rounds, 0.01)
    first = GEOMETRY.n_context // GEOMETRY.hop_frames - 1
    result: dict[str, Any] = {
        "machine": record.facts(("keras", "tensorflow-cpu")),
        "epochs": epochs,
        "n_train": observers,
        "n_test": tested,
        "n_train_windows": sum(
            (len(windows_of(p)[0]) - first) // _N_TARGETS * _N_TARGETS for p in train
        ),
        "n_test_windows": sum(len(windows_of(p)[0]) - first for p in test),
        "qualities": [asdict(quality) for quality in qualities],
        "us": us,
        "arm_millions": _instructions(),
    }
    text = table(result)
    click.echo(text)
    if save:
        title = "A stateful LSTM beside ours"
        click.echo(record.save("stateful", title, result, text), err=True)


if __name__ == "__main__":
    main()
