"""Training learns what can be learnt, keeps the best weights and says where they are from."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.data.dataset import load_part
from converter.data.views import WindowSet, global_scaling
from converter.lab.measures.predictor import open_predictor
from converter.models.architectures import MODELS, build_model
from converter.models.runtime import load_keras, versions
from converter.training.lessons import training_hop
from converter.training.modeldir import load_model
from converter.training.settings import TrainSettings
from converter.training.train import EpochReport, train
from edgespec.errors import ModelError, QualityError, SourceError, UsageError
from edgespec.records import FrameFlag
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]
#: Networks of samples; those of swept bands have tests of their own (`test_architectures.py`).
FAST = {
    "lstm": {"n_units": 8},
    "autoencoder": {},
    "linear-ar": {},
    "ar-lstm": {"n_units": 8},
    "offset-lstm": {"n_units": 8},
}
DESCENDING = [name for name, architecture in MODELS.items() if architecture.descends]


@pytest.mark.parametrize("name", FAST)
def test_every_network_maps_its_window_to_the_horizon(name: str) -> None:
    model = build_model(name, tiny.GEOMETRY, {})
    frames = {"forecast": 8, "reconstruction": 4}[MODELS[name].role]
    assert model.input_shape == (None, frames, 64)
    assert model.output_shape == (None, 4 * 64)


def test_layers_are_those_of_the_paper() -> None:
    def kinds(name: str, **hyper: object) -> list[str]:
        layers = build_model(name, tiny.GEOMETRY, hyper).layers
        return [re.sub(r"_\d+$", "", type(layer).__name__) for layer in layers[1:]]

    assert kinds("lstm") == ["LSTM", "LSTM", "Dense"]
    assert kinds("lstm", n_layers=3).count("LSTM") == 3
    assert kinds("lstm", batch_norm=True) == [*["LSTM", "BatchNormalization"] * 2, "Dense"]
    assert kinds("autoencoder").count("Dense") == 4
    assert kinds("autoencoder", n_layers=6).count("Dense") == 6


def test_wrong_parameters_are_refused() -> None:
    for name, hyper in (("lstm", {"n_layers": 0}), ("autoencoder", {"n_layers": 5})):
        with pytest.raises(ModelError, match="n_layers is"):
            build_model(name, tiny.GEOMETRY, hyper)
    with pytest.raises(ModelError, match="does not take"):
        build_model("autoencoder", tiny.GEOMETRY, {"n_units": 3})
    with pytest.raises(ModelError, match="lstm, autoencoder"):
        build_model("transformer", tiny.GEOMETRY, {})
    for changes in (
        {"architecture": "x"},
        {"epochs": 0},
        {"learning_rate": -1},
        {"seed": -1},
        {"hop_frames": 0},
        {"n_windows": 0},
        {"patience": 0},
    ):
        with pytest.raises(UsageError):
            TrainSettings(**changes)


def test_f7_a_recording_that_clips_all_along_is_said_to_do_so(tmp_path: Path) -> None:
    """Long enough, but no segment of it has only valid frames: more of the like are no help."""
    frames = tiny_training.moving_ridge(np.random.default_rng(2), 300)
    frames.flags[::5] = FrameFlag.CLIPPED
    frames.flags[7] |= FrameFlag.NONFINITE
    dataset = tiny_training.make_dataset(tmp_path, {"validation": frames})
    with pytest.raises(SourceError, match="of 300 frames 60 clipped, 1 nonfinite") as caught:
        WindowSet(dataset, ("validation",))
    assert "without such frames" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("role", ["forecast", "reconstruction"])
def test_an_epoch_sees_every_window_once_in_a_new_order(role: str) -> None:
    load_keras()
    from converter.data.batches import Batches

    windows = WindowSet(tiny_training.dataset(), ("train",))
    batches = Batches(windows, role, 32, shuffle_seed=1)
    contexts, targets = windows.gather(np.arange(len(windows)))
    wanted = (contexts if role == "forecast" else targets)[:, 0, 0]

    def epoch() -> list[np.ndarray]:
        return [
            np.concatenate(columns)
            for columns in zip(*(batches[i] for i in range(len(batches))), strict=True)
        ]

    inputs, outputs = epoch()
    assert np.array_equal(np.sort(inputs[:, 0, 0]), np.sort(wanted))
    assert outputs.shape == (len(windows), 4 * 64)
    if role == "reconstruction":
        assert np.array_equal(inputs.reshape(outputs.shape), outputs)
    batches.on_epoch_end()
    again, _ = epoch()
    assert not np.array_equal(again, inputs)
    assert np.array_equal(np.sort(again[:, 0, 0]), np.sort(wanted))


@pytest.mark.parametrize("architecture", FAST)
def test_the_best_weights_are_kept(tmp_path: Path, architecture: str) -> None:
    reports: list[EpochReport] = []
    settings = TrainSettings(
        architecture, FAST[architecture], epochs=6, learning_rate=0.02, patience=2, seed=1
    )
    dataset = tiny_training.dataset()
    card = train(dataset, tmp_path, settings, reports.append)
    losses = [report.val_loss for report in reports]
    assert min(losses) < losses[0] or architecture not in DESCENDING
    assert card.training["best_epoch"] == int(np.argmin(losses)) + 1
    assert reports[-1].best_val_loss == min(losses)
    loaded, model = load_model(tmp_path)
    # JSON has lists where Python has tuples; nothing else may differ.
    assert loaded.recipe == card.recipe
    assert loaded.training == json.loads(json.dumps(card.training))
    held_out = WindowSet(dataset, ("validation",), leave_noise_out=True)
    numbers = np.arange(len(held_out))
    _, targets = held_out.gather(numbers)
    forecast = model.predict(held_out.model_inputs(card.role, numbers), verbose=0)
    error = np.mean((forecast - targets.reshape(forecast.shape)) ** 2)
    assert error == pytest.approx(min(losses), rel=1e-3)


def test_the_hop_of_training_makes_more_of_little_data(tmp_path: Path) -> None:
    dataset = tiny_training.dataset()
    assert training_hop(dataset, 20_000) == 1
    long = tuple(replace(part, n_frames=30_000) for part in dataset.split("train"))
    assert training_hop(replace(dataset, parts=long), 20_000) == 3
    longer = tuple(replace(part, n_frames=10**7) for part in dataset.split("train"))
    assert training_hop(replace(dataset, parts=longer), 20_000) == dataset.geometry.hop_frames
    settings = TrainSettings("lstm", FAST["lstm"], hop_frames=2, epochs=1)
    card = train(dataset, tmp_path, settings)
    assert card.training["hop_frames"] == 2
    assert card.training["n_windows"] == 2 * ((500 - dataset.geometry.n_segment) // 2 + 1)


def test_no_more_windows_are_taken_than_asked_for(tmp_path: Path) -> None:
    dataset = tiny_training.dataset()
    settings = TrainSettings("autoencoder", epochs=1, n_windows=50, seed=3)
    card = train(dataset, tmp_path, settings)
    # Even the hop of the data set leaves more than 200 of its 1000 frames.
    assert card.training["hop_frames"] == dataset.geometry.hop_frames
    assert card.training["n_windows"] == 50
    assert card.training["n_windows_validation"] == 50


def test_windows_are_chosen_by_seed_from_all_of_the_data() -> None:
    dataset = tiny_training.dataset()
    every = WindowSet(dataset, ("train",), hop_frames=1)

    def chosen(seed: int, **changes: bool) -> list[tuple[float, float]]:
        some = WindowSet(dataset, ("train",), hop_frames=1, n_windows=60, seed=seed, **changes)
        assert len(some) == 60
        return [corner(some, number) for number in range(60)]

    def corner(windows: WindowSet, number: int) -> tuple[float, float]:
        context, target = windows.segment(number)
        return float(context[0, 0]), float(target[-1, -1])

    known = {corner(every, number): number for number in range(len(every))}
    numbers = [known[item] for item in chosen(1)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] < len(every) / 4
    assert numbers[-1] > 3 * len(every) / 4
    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)
    # There is no noise to leave out, so leaving it out changes nothing.
    assert chosen(1, leave_noise_out=True) == chosen(1)
    assert len(WindowSet(dataset, ("train",), n_windows=10**6)) == len(
        WindowSet(dataset, ("train",))
    )


def test_noise_that_is_left_out_is_made_up_for(tmp_path: Path, rng: np.random.Generator) -> None:
    geometry = tiny.GEOMETRY
    frames = tiny_training.moving_ridge(rng, 400)
    powers = rng.exponential(size=(200, geometry.n_bins, tiny.FRAMING.n_averages)).mean(axis=2)
    frames.power_dbfs[:200] = 10 * np.log10(powers) - 70
    dataset = tiny_training.make_dataset(tmp_path, {"train": frames, "validation": frames})
    options = {"hop_frames": 4, "leave_noise_out": True}
    every = WindowSet(dataset, ("train",), **options)
    assert every.n_noise_only > 40
    some = WindowSet(dataset, ("train",), n_windows=45, seed=2, **options)
    assert len(some) == 45 < len(every)
    assert 0 < some.n_noise_only <= every.n_noise_only


@pytest.mark.parametrize("architecture", FAST)
def test_without_the_transform_there_is_one_scaling_for_all(
    tmp_path: Path, architecture: str
) -> None:
    dataset = tiny_training.dataset()
    settings = TrainSettings(architecture, FAST[architecture], epochs=3, transform=False, seed=1)
    card = train(dataset, tmp_path, settings)
    parts = [load_part(dataset, part).power_dbfs for part in dataset.split("train")]
    power = np.concatenate(parts).astype(np.float64)
    assert card.scaling.mean_db == pytest.approx(power.mean(), rel=1e-9)
    assert card.scaling.scale_db == pytest.approx(power.std(), rel=1e-9)
    assert load_model(tmp_path)[0].scaling == card.scaling
    losses = card.training["val_losses"]
    assert min(losses) < losses[0] or architecture not in DESCENDING
    # The validation loss is that of windows scaled so, which the predictor must do as well.
    held_out = WindowSet(dataset, ("validation",))
    pairs = [held_out.segment(number) for number in range(len(held_out))]
    contexts, targets = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    errors_db = open_predictor(tmp_path).errors_db(contexts, targets)
    loss = np.mean((errors_db / card.scaling.scale_db) ** 2)
    assert loss == pytest.approx(min(card.training["val_losses"]), rel=1e-3)


def test_flagged_frames_take_no_part_in_the_one_scaling(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    frames = tiny_training.moving_ridge(rng, 300)
    expected = frames.power_dbfs[20:].astype(np.float64)
    frames.power_dbfs[:20] = -200.0
    frames.flags[:20] = FrameFlag.CONSTANT
    dataset = tiny_training.make_dataset(tmp_path, {"train": frames})
    scaling = global_scaling(dataset)
    assert scaling.mean_db == pytest.approx(expected.mean(), rel=1e-9)
    assert scaling.scale_db == pytest.approx(expected.std(), rel=1e-9)
    with pytest.raises(SourceError, match="no valid frame"):
        global_scaling(dataset, "test")


def test_training_stops_early(tmp_path: Path) -> None:
    settings = TrainSettings("autoencoder", epochs=50, learning_rate=0.05, patience=1, seed=0)
    card = train(tiny_training.dataset(), tmp_path, settings)
    assert card.training["epochs"] < 50
    assert card.training["epochs"] == card.training["best_epoch"] + 1


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    def losses(name: str, seed: int) -> list[float]:
        settings = TrainSettings("lstm", FAST["lstm"], epochs=2, seed=seed)
        card = train(tiny_training.dataset(), tmp_path / name, settings)
        return list(card.training["val_losses"])

    first = losses("a", 1)
    # Threads of TensorFlow add in any order; seeds differ by far more.
    assert losses("b", 1) == pytest.approx(first, rel=1e-4)
    assert losses("c", 2) != pytest.approx(first, rel=1e-4)


def test_provenance_names_the_data(tmp_path: Path) -> None:
    dataset = tiny_training.dataset()
    card = train(dataset, tmp_path, TrainSettings("lstm", FAST["lstm"], epochs=1))
    assert card.training["dataset_sha256"] == dataset.sha256
    assert card.training["recordings"] == {
        "train": ["train-a", "train-b"],
        "validation": ["validation"],
    }
    assert card.training["settings"]["batch_size"] == 64
    assert card.training["versions"] == versions()


def test_a_diverging_loss_is_an_error(tmp_path: Path) -> None:
    settings = TrainSettings("autoencoder", epochs=20, learning_rate=1e18)
    with pytest.raises(QualityError, match="diverged"):
        train(tiny_training.dataset(), tmp_path, settings)
    assert not (tmp_path / "model.keras").exists()


def test_a_data_set_without_validation_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = tiny_training.moving_ridge(rng, 100)
    dataset = tiny_training.make_dataset(tmp_path / "set", {"train": frames})
    with pytest.raises(SourceError, match="validation"):
        train(dataset, tmp_path / "model", TrainSettings(epochs=1))


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="give a folder"):
        load_model(tmp_path)
    (tmp_path / "training.json").write_text("{}")
    with pytest.raises(ModelError, match="schema"):
        load_model(tmp_path)
    card = json.loads((tiny_training.trained("lstm") / "training.json").read_text())
    (tmp_path / "training.json").write_text(json.dumps({**card, "role": "oracle"}))
    with pytest.raises(ModelError, match="oracle"):
        load_model(tmp_path)
    for scaling in ({"mean_db": 0.0}, {"mean_db": 0.0, "scale_db": 0.0}, 3.0):
        damaged = {**card, "training": {**card["training"], "scaling": scaling}}
        (tmp_path / "training.json").write_text(json.dumps(damaged))
        with pytest.raises(ModelError, match="positive scale_db"):
            load_model(tmp_path)
    (tmp_path / "training.json").write_text(json.dumps({**card, "training": []}))
    with pytest.raises(ModelError, match=r"training is \[\]; it must be an object"):
        load_model(tmp_path)
    (tmp_path / "training.json").write_text(json.dumps(card))
    (tmp_path / "model.keras").write_bytes(b"not a zip")
    with pytest.raises(ModelError, match=r"model\.keras.* cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize("may_be_stopped", [True, False])
def test_who_stops_a_training_keeps_the_best_of_it(may_be_stopped: bool, tmp_path: Path) -> None:
    reports: list[EpochReport] = []

    def stop_behind_the_third(report: EpochReport) -> None:
        reports.append(report)
        if len(reports) == 3:
            raise KeyboardInterrupt

    settings = TrainSettings("autoencoder", epochs=9, n_windows=30, seed=1)
    call = (tiny_training.dataset(), tmp_path / "model", settings, stop_behind_the_third)
    if not may_be_stopped:
        with pytest.raises(KeyboardInterrupt):
            train(*call)
        assert not (tmp_path / "model").exists()
        return
    card = train(*call, may_be_stopped=True)
    assert card.training["epochs"] == 3
    _, model = load_model(tmp_path / "model")
    held_out = WindowSet(tiny_training.dataset(), ("validation",), leave_noise_out=True)
    assert len(held_out)
    assert model.count_params() == card.training["n_parameters"]


def test_who_stops_before_an_epoch_is_over_has_no_model(tmp_path: Path) -> None:
    def stop(report: EpochReport) -> None:
        raise KeyboardInterrupt

    settings = TrainSettings("linear-ar", seed=1)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_training.dataset(), tmp_path / "model", settings, stop, may_be_stopped=True)
    assert not (tmp_path / "model").exists()
