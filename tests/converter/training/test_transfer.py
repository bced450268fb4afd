"""A teacher is fitted to another cell: with so much data and no more, and only where it should."""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from converter.cli import main
from converter.data.budget import spend
from converter.data.dataset import Dataset, load_part
from converter.data.views import WindowSet
from converter.lab.measures.predictor import open_predictor
from converter.models.architectures import build_model
from converter.models.runtime import load_keras
from converter.training.autoregression import head_of
from converter.training.lastlayer import L2_GRID, Head, choose_l2, fit_affine, sum_up
from converter.training.modeldir import ModelCard, load_model, save_model
from converter.training.settings import TrainSettings
from converter.training.train import train
from converter.training.transfer import METHODS, freeze_all_but, transfer
from edgespec.errors import ModelError, UsageError
from edgespec.framing import Recipe
from edgespec.records import FloatArray, Spectrogram
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]

FAST = TrainSettings(epochs=1, seed=5)
SECONDS = 0.1
FRAME_S = tiny.GEOMETRY.frame_s
N_BINS = tiny.GEOMETRY.n_bins
#: An LSTM beside an autoregression has no last layer to solve for.
SUMS = ("ar-lstm", "offset-lstm")
CLOSED = [name for name in tiny_training.ARCHITECTURES if name not in SUMS]


@cache
def other_cell() -> Dataset:
    """The same ridge, mirrored: what the network knows of time holds, its bins do not."""
    rng = np.random.default_rng(11)

    def mirrored(n_frames: int) -> Spectrogram:
        frames = tiny_training.moving_ridge(rng, n_frames)
        return replace(frames, power_dbfs=np.ascontiguousarray(frames.power_dbfs[:, ::-1]))

    lengths = {"train-a": 700, "train-b": 300, "test": 300}
    recordings = {name: mirrored(n) for name, n in lengths.items()}
    return tiny_training.make_dataset(tiny_training.folder() / "other", recordings)


@cache
def transferred(method: str) -> tuple[ModelCard, Path, bool]:
    """Card and folder of a model made from 0.1 s, and whether the teacher's files stayed."""
    out = tiny_training.folder() / f"to-other-{method}"
    teacher = tiny_training.trained("lstm")
    before = digests(teacher)
    card = transfer(teacher, other_cell(), out, method, SECONDS, FAST)
    return card, out, digests(teacher) == before


def mean_square(folder: Path, windows: WindowSet) -> float:
    card, model = load_model(folder)
    numbers = np.arange(len(windows))
    wanted = windows.gather(numbers)[1]
    outputs = np.asarray(model.predict_on_batch(windows.model_inputs(card.role, numbers)))
    return float(np.mean((outputs.reshape(wanted.shape) - wanted) ** 2, dtype=np.float64))


def fit_windows() -> WindowSet:
    return WindowSet(spend(other_cell(), None).fit, ("train",), hop_frames=1)


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def changed_layers(before: object, after: object) -> list[str]:
    """Kinds of layers, from the input on, whose weights differ."""
    return [
        type(new).__name__
        for old, new in zip(before.layers, after.layers, strict=True)
        if any(
            not np.array_equal(a, b)
            for a, b in zip(old.get_weights(), new.get_weights(), strict=True)
        )
    ]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_model_and_leaves_the_teacher(method: str) -> None:
    card, folder, teacher_stayed = transferred(method)
    assert teacher_stayed
    assert sorted(digests(folder)) == ["model.keras", "training.json"]
    loaded, model = load_model(folder)
    assert loaded.training == json.loads(json.dumps(card.training))
    assert all(layer.trainable for layer in model.layers)
    done = card.training["transfer"]
    assert done["method"] == method
    assert done["recalibrate"] == (method != "zero-shot")
    if METHODS[method].needs_data:
        assert SECONDS - FRAME_S < done["seconds_of_signal"] <= SECONDS


@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        ("zero-shot", []),
        ("threshold", []),
        ("affine", ["Dense"]),
        ("closed-form", ["Dense"]),
        ("1L", ["Dense"]),
        ("2L", ["LSTM", "Dense"]),
        ("All-L", ["LSTM", "LSTM", "Dense"]),
        ("self", ["LSTM", "LSTM", "Dense"]),
    ],
)
def test_frozen_layers_are_frozen(method: str, wanted: list[str]) -> None:
    _, teacher = load_model(tiny_training.trained("lstm"))
    _, model = load_model(transferred(method)[1])
    assert changed_layers(teacher, model) == wanted


def test_a_normalisation_is_frozen_with_its_layer(tmp_path: Path) -> None:
    load_keras().utils.set_random_seed(1)
    model = build_model("lstm", tiny.GEOMETRY, {"n_units": 6, "batch_norm": True})
    card = ModelCard("bn", "lstm", "forecast", "sigmoid", tiny.RECIPE)
    save_model(tmp_path / "teacher", card, model)
    transfer(tmp_path / "teacher", other_cell(), tmp_path / "2L", "2L", SECONDS, FAST)
    changed = changed_layers(model, load_model(tmp_path / "2L")[1])
    assert changed == ["LSTM", "BatchNormalization", "Dense"]
    assert len(freeze_all_but(model, 1)) == 1
    assert len(freeze_all_but(model, 2)) == 3
    with pytest.raises(ModelError, match="4 layers were to be tuned; the model has 3"):
        freeze_all_but(model, 4)


@pytest.mark.parametrize("architecture", CLOSED)
def test_closed_form_is_at_least_as_good_as_gradient_descent(
    tmp_path: Path, architecture: str
) -> None:
    teacher = tiny_training.trained(architecture)
    descent, solved = tmp_path / "1L", tmp_path / "closed-form"
    transfer(teacher, other_cell(), descent, "1L", None, TrainSettings(epochs=4, seed=2))
    transfer(teacher, other_cell(), solved, "closed-form", None, FAST)
    windows = fit_windows()
    error = mean_square(solved, windows)
    assert error <= mean_square(descent, windows)
    assert mean_square(descent, windows) < mean_square(teacher, windows)
    # The same rows without any pull: no layer at all has a smaller error.
    _, model = load_model(teacher)
    head = head_of(model)
    sums = sum_up(head, windows, load_model(teacher)[0].role)
    least = sums.mean_square_error(*sums.solve(0.0, head.weights))
    assert least <= error * (1 + 1e-5)


def test_the_error_in_the_card_is_that_of_the_model() -> None:
    card, folder, _ = transferred("closed-form")
    budget = spend(other_cell(), SECONDS)
    parts = [WindowSet(data, ("train",), hop_frames=1) for data in (budget.fit, budget.held_out)]
    for key, model in (
        ("loss_after", folder),
        ("loss_before", tiny_training.trained("lstm")),
    ):
        errors = [len(windows) * mean_square(model, windows) for windows in parts]
        wanted = sum(errors) / sum(len(windows) for windows in parts)
        assert card.training["transfer"][key] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("n_segments", "is_held_out"), [(1.5, False), (14.0, True)])
def test_little_data_change_the_teacher_little(
    tmp_path: Path, n_segments: float, is_held_out: bool
) -> None:
    """Too little is held out to vouch for a change, so there is next to none."""
    seconds = n_segments * tiny.GEOMETRY.n_segment * FRAME_S
    card = transfer(
        tiny_training.trained("lstm"), other_cell(), tmp_path, "closed-form", seconds, FAST
    )
    assert (card.training["transfer"]["n_windows_held_out"] > 0) == is_held_out
    assert card.training["transfer"]["l2"] == L2_GRID[-1]
    _, teacher = load_model(tiny_training.trained("lstm"))
    old, new = Head(teacher).weights, Head(load_model(tmp_path)[1]).weights
    assert np.abs(new[0] - old[0]).max() < 1e-3 * np.abs(old[0]).max()


def test_the_strength_is_chosen_by_what_was_held_out(rng: np.random.Generator) -> None:
    _, model = load_model(tiny_training.trained("lstm"))
    head = Head(model)
    teacher = head.weights
    sums = sum_up(head, fit_windows(), "forecast")
    own = sum_up(head, WindowSet(tiny_training.dataset(), ("validation",)), "forecast")
    # On its own cell the teacher is right, so what the other cell says is held off.
    assert choose_l2(sums, own, teacher) == L2_GRID[-1]
    assert choose_l2(sums, sums, teacher) == 0.0
    assert choose_l2(sums, None, teacher) == L2_GRID[-1]


class Distorted(WindowSet):
    """Segments whose targets are a given function of their contexts."""

    def gather(self, numbers: np.ndarray) -> tuple[FloatArray, FloatArray]:
        contexts, targets = super().gather(numbers)
        return contexts, self.distort(contexts).reshape(targets.shape)


def test_affine_recovers_a_distortion_of_every_bin(rng: np.random.Generator) -> None:
    _, model = load_model(tiny_training.trained("lstm"))
    slope = rng.uniform(0.5, 1.5, N_BINS).astype(np.float32)
    offset = rng.normal(0, 0.3, N_BINS).astype(np.float32)
    windows = Distorted(other_cell(), ("train",))
    plain = np.asarray(model.predict_on_batch(WindowSet.gather(windows, np.arange(8))[0]))

    def distort(contexts: FloatArray) -> FloatArray:
        forecast = np.asarray(model.predict_on_batch(contexts)).reshape(len(contexts), -1, N_BINS)
        return forecast * slope + offset

    windows.distort = distort
    wanted = distort(WindowSet.gather(windows, np.arange(8))[0])
    head = Head(model)
    affine = fit_affine(head, windows, "forecast", N_BINS)
    np.testing.assert_allclose(affine.slope, slope, rtol=1e-3)
    np.testing.assert_allclose(affine.offset, offset, atol=1e-3)
    head.replace(*affine.folded(*head.weights))
    contexts = WindowSet.gather(windows, np.arange(8))[0]
    folded = np.asarray(model.predict_on_batch(contexts)).reshape(wanted.shape)
    np.testing.assert_allclose(folded, wanted, atol=1e-3)
    assert np.abs(plain.reshape(wanted.shape) - wanted).max() > 0.1


def test_a_bin_whose_forecast_does_not_vary_is_only_moved() -> None:
    _, model = load_model(tiny_training.trained("lstm"))
    head = Head(model)
    weights, bias = head.weights
    head.replace(np.zeros_like(weights), bias)
    windows = Distorted(other_cell(), ("train",))
    bias_map = bias.reshape(-1, N_BINS)
    constant = np.zeros_like(bias_map) + bias_map[:1]
    head.replace(np.zeros_like(weights), constant.reshape(-1))
    windows.distort = lambda contexts: np.tile(constant + 2.5, (len(contexts), 1, 1))
    affine = fit_affine(head, windows, "forecast", N_BINS)
    assert (affine.slope == 1.0).all()
    np.testing.assert_allclose(affine.offset, 2.5, atol=1e-5)


def test_self_owes_nothing_to_the_teacher(tmp_path: Path) -> None:
    """With a rate of next to nothing its weights are those it began with."""
    settings = TrainSettings(epochs=1, learning_rate=1e-12, seed=8)
    transfer(tiny_training.trained("lstm"), other_cell(), tmp_path / "self", "self", 0.1, settings)
    fresh, teacher = load_model(tmp_path / "self")[1], load_model(tiny_training.trained("lstm"))[1]
    assert changed_layers(teacher, fresh) == ["LSTM", "LSTM", "Dense"]
    assert not np.any(fresh.layers[-1].get_weights()[1] > 1e-6)


@cache
def without_transform() -> Path:
    """A teacher that was trained with one scaling for all windows."""
    where = tiny_training.folder() / "global"
    settings = TrainSettings("lstm", {"n_units": 8}, epochs=3, transform=False, seed=3)
    train(tiny_training.dataset(), where, settings)
    return where


@pytest.mark.parametrize("method", ["affine", "1L", "closed-form", "self"])
def test_a_teacher_without_the_transform_stays_without(tmp_path: Path, method: str) -> None:
    """The new cell is 20 dB louder: only what learns anew is scaled anew."""
    cell = other_cell()
    teacher, _ = load_model(without_transform())
    louder = {
        part.name: replace(frames, power_dbfs=frames.power_dbfs + 20)
        for part in cell.parts
        for frames in [load_part(cell, part)]
    }
    cell = tiny_training.make_dataset(tmp_path / "set", louder)
    card = transfer(without_transform(), cell, tmp_path / "new", method, None, FAST)
    if method == "self":
        assert card.scaling.mean_db - teacher.scaling.mean_db == pytest.approx(20, abs=1.0)
    else:
        assert card.scaling == teacher.scaling
    windows = WindowSet(cell, ("test",))
    pairs = [windows.segment(number) for number in range(len(windows))]
    contexts, targets = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    before, after = (
        open_predictor(folder).errors_db(contexts, targets).mean()
        for folder in (without_transform(), tmp_path / "new")
    )
    assert after < before


def test_gradients_see_no_more_windows_than_asked_for(tmp_path: Path) -> None:
    settings = replace(FAST, n_windows=40)
    card = transfer(tiny_training.trained("lstm"), other_cell(), tmp_path, "1L", None, settings)
    done = card.training["transfer"]
    assert done["n_windows"] == 40
    assert 0 < done["n_windows_held_out"] <= 40


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.1, 0.2, None])
def test_a_budget_is_kept_and_cut_without_overlap(seconds: float | None) -> None:
    dataset = other_cell()
    budget = spend(dataset, seconds)
    n_train = sum(part.n_frames for part in dataset.split("train"))
    n_frames = n_train if seconds is None else int(seconds / FRAME_S * (1 + 1e-9))
    assert budget.seconds == pytest.approx(n_frames * FRAME_S)
    ends = {}
    for part in budget.fit.parts + budget.held_out.parts:
        assert part.split == "train"
        assert part.n_frames >= tiny.GEOMETRY.n_segment
    for part in budget.fit.parts:
        (whole,) = (p for p in dataset.parts if p.name == part.name)
        assert part.first_frame == whole.first_frame
        ends[part.name] = part.first_frame + part.n_frames
    for part in budget.held_out.parts:
        assert part.first_frame >= ends[part.name] + tiny.GEOMETRY.n_segment
        ends[part.name] = part.first_frame + part.n_frames
    used = sum(ends[part.name] - part.first_frame for part in budget.fit.parts)
    assert used == n_frames


def test_a_budget_is_shared_out_by_length() -> None:
    wide = spend(other_cell(), 0.1)
    ends = {p.name: p.first_frame + p.n_frames for p in wide.held_out.parts}
    assert ends["train-a"] / ends["train-b"] == pytest.approx(7 / 3, rel=0.02)
    # Two segments are too little for two recordings.
    short = spend(other_cell(), 2 * tiny.GEOMETRY.n_segment * FRAME_S)
    assert [part.name for part in short.fit.parts] == ["train-a"]


def test_a_budget_that_cannot_be_kept_is_refused() -> None:
    for seconds in (0.0, -1.0, 0.5 * tiny.GEOMETRY.n_segment * FRAME_S, 1e3):
        with pytest.raises(UsageError, match=r"were asked for; it has 0\.256 s"):
            spend(other_cell(), seconds)


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    teacher = tiny_training.trained("lstm")
    with pytest.raises(UsageError, match="choose one of zero-shot"):
        transfer(teacher, other_cell(), tmp_path, "3L")
    with pytest.raises(UsageError, match="teacher's own folder"):
        transfer(teacher, other_cell(), teacher / ".." / teacher.name, "affine")
    recipe = Recipe(2e6, n_fft=64, n_averages=4, n_context=8, n_horizon=4, hop_frames=4)
    with pytest.raises(ModelError, match="has the geometry"):
        transfer(teacher, replace(other_cell(), recipe=recipe), tmp_path, "affine")
    keras = load_keras()
    window = keras.Input((8, 64))
    dense = keras.layers.Dense(256, activation="relu")(keras.layers.Flatten()(window))
    with pytest.raises(ModelError, match="use 1L"):
        Head(keras.Model(window, dense))


def test_the_command_transfers(tmp_path: Path) -> None:
    arguments = [tiny_training.trained("lstm"), other_cell().folder, "-o", tmp_path / "new"]
    runner = CliRunner()
    result = runner.invoke(main, ["transfer", *map(str, arguments), "--seconds", "0.1", "--json"])
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["method"] == "closed-form"
    assert answer["seconds_of_signal"] == pytest.approx(0.1, abs=FRAME_S)
    assert answer["loss_after"] < answer["loss_before"]
    options = ["--method", "1L", "--epochs", "1"]
    result = runner.invoke(main, ["transfer", *map(str, arguments), *options])
    assert result.exit_code == 0, result.stderr
    assert "calibrate its bundle" in result.stdout
    assert "epoch 1/1" in result.stderr
    result = runner.invoke(main, ["transfer", *map(str, arguments), "--method", "magic"])
    assert result.exit_code == 2
    assert "closed-form" in result.stderr
