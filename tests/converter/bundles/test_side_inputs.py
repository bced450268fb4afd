"""A network with side inputs goes the whole way: sweeps, training, every kind, bundle, runtime."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.bundles.parity import LIMITS
from converter.bundles.quantize import quantize
from converter.training.modeldir import load_card, load_model, save_model
from edgespec.errors import ModelError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.manifest import QUANTISATIONS
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.records import Segment
from edgespec.side_input import DAYS, HOURS
from tests.made import history, tiny, tiny_sided, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_every_kind_stays_near_keras_on_what_it_was_not_golden_for(kind: str) -> None:
    bundle = tiny_sided.bundle(kind)
    _, model = load_model(tiny_sided.trained())
    some = tiny_sided.given()[0].some(slice(3, None, 97))
    expected = model.predict(some.for_keras, verbose=0)
    backend = open_backend(bundle)
    actual = np.stack([backend.predict(*given).copy().ravel() for given in some])
    error = np.sqrt(np.mean((actual - expected) ** 2))
    assert error <= LIMITS[kind].rms * np.sqrt(np.mean(expected**2))
    assert check_golden(bundle, backend) <= bundle.manifest.golden_atol


@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_each_side_input_counts_and_none_is_taken_for_another(kind: str) -> None:
    bundle = tiny_sided.bundle(kind)
    backend = open_backend(bundle)
    window, hours, days = next(bundle.golden_windows())
    right = backend.predict(window, hours, days).copy()
    assert not np.allclose(right, backend.predict(window, days, hours), atol=1e-2)
    assert not np.allclose(right, backend.predict(window, hours * 0, days), atol=1e-2)
    assert np.array_equal(right, backend.predict(window, hours, days))


@pytest.mark.parametrize("start", [0, 250, 700])
def test_the_device_gives_the_model_what_it_was_trained_with(start: int) -> None:
    table, geometry = tiny_sided.sweeps(), tiny.GEOMETRY
    bundle = tiny_sided.bundle("float32")
    memory = BandMemory(tiny_sided.SIDES, geometry)
    minute = history.minute_of(0, np.random.default_rng(1))
    utc_ns = np.round(table.utc_s * 1e9).astype(np.int64)
    for number in range(start + geometry.n_context):
        level = table.levels_db[number]
        memory.take(replace(minute, utc_ns=int(utc_ns[number]), mean_dbfs=level))
    memory.at(int(utc_ns[start + geometry.n_context]))
    forecaster = Forecaster(bundle, open_backend(bundle), memory=memory)
    context, target = np.split(
        table.levels_db[start : start + geometry.n_segment], [geometry.n_context]
    )
    found = forecaster.forecast(Segment(context, target, np.arange(geometry.n_segment)))
    _, model = load_model(tiny_sided.trained())
    given = tiny_sided.given()[0].some([start])
    expected = model.predict(given.for_keras, verbose=0).reshape(target.shape)
    expected = expected * context.std() + context.mean()
    np.testing.assert_allclose(found.power_dbfs, expected, rtol=0, atol=1e-3)


def test_the_bundle_says_what_it_takes() -> None:
    bundle = tiny_sided.bundle("float32")
    assert bundle.manifest.side_inputs == (HOURS, DAYS)
    assert bundle.manifest.model.operators.count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 1
    assert [side.shape for side in bundle.golden_sides] == [(4, 3, 64), (4, 3, 64)]
    assert load_card(tiny_sided.trained()).side_inputs == (HOURS, DAYS)


def test_our_own_kernels_say_that_they_take_one_input() -> None:
    bundle = tiny_sided.bundle("float32")
    assert bundle.weights is None
    with pytest.raises(ModelError, match="has side inputs, which the backend numba"):
        open_backend(bundle, "numba")


def test_without_windows_it_is_checked_with_noise(tmp_path: Path) -> None:
    done = quantize(tiny_sided.trained(), tmp_path / "x.edgespec", "float16")
    assert [side.shape for side in done.bundle.golden_sides] == [(4, 3, 64), (4, 3, 64)]
    with pytest.raises(ModelError, match="int8 needs windows"):
        quantize(tiny_sided.trained(), tmp_path / "y.edgespec", "int8")


def test_recordings_have_no_hours(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="side inputs, which are made of hours"):
        quantize(tiny_sided.trained(), tmp_path / "x.edgespec", "float32", tiny_training.dataset())


def test_a_card_must_have_the_inputs_of_its_model(tmp_path: Path) -> None:
    card, model = load_model(tiny_sided.trained())
    for sides, said in (((), "none"), ((DAYS, HOURS), "days, hours"), ((HOURS,), "hours")):
        save_model(tmp_path / said, replace(card, side_inputs=sides), model)
        with pytest.raises(ModelError, match=f"inputs hours, days behind.*side inputs {said}:"):
            quantize(tmp_path / said, tmp_path / "x.edgespec", "float32")


def test_inputs_of_another_shape_are_refused(tmp_path: Path) -> None:
    inputs = tiny_sided.given()[0]
    for wrong in (
        replace(inputs, sides=inputs.sides[:1]),
        replace(inputs, windows=inputs.windows[:, 1:]),
    ):
        with pytest.raises(ModelError, match="but the model takes"):
            quantize(tiny_sided.trained(), tmp_path / "x.edgespec", "float32", inputs=wrong)
