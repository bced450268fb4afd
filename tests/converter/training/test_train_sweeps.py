"""Networks learn from tables of sweeps, with hours and days or without."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.bundles.parity import LIMITS
from converter.bundles.quantize import quantize
from converter.data.model_inputs import ModelInputs
from converter.data.splits import split_by_time
from converter.data.sweeps.band_sweeps import open_band
from converter.data.sweeps.sweep_file import save_sweeps
from converter.data.sweeps.sweep_ingest import build_sweep_dataset, open_tables
from converter.data.sweeps.sweep_windows import SweepWindows
from converter.training.modeldir import load_card, load_model
from converter.training.train import train
from edgespec.errors import ModelError, SourceError, UsageError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import load_bundle
from edgespec.side_input import DAYS, HOURS
from tests.made import tiny_sweeps, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


def test_a_network_learns_hours_and_days_and_says_so() -> None:
    folder = tiny_sweeps.trained()
    card, model = load_model(folder)
    assert card.side_inputs == (DAYS, HOURS)
    assert card.made_with == tiny_sweeps.band().recipe
    assert card.training["band"] == "uplink"
    known = card.training["side_inputs_known"]
    assert 0.3 < known["days"] < known["hours"] < 1.0
    held_out = SweepWindows(tiny_sweeps.band(), ("validation",), card.side_inputs)
    numbers = np.arange(len(held_out))
    contexts, targets = held_out.gather(numbers)
    given = [contexts, *held_out.sides(numbers)]
    wanted = targets.reshape(len(targets), -1)
    loss = np.mean((model.predict(given, verbose=0) - wanted) ** 2)
    assert loss == pytest.approx(min(card.training["val_losses"]), rel=1e-3)
    mean = contexts.mean(axis=1, keepdims=True)
    assert loss < np.mean((targets - mean) ** 2)


def test_a_bundle_of_sweeps_is_checked_with_sweeps() -> None:
    bundle = load_bundle(tiny_sweeps.bundle())
    manifest = bundle.manifest
    assert manifest.made_with == tiny_sweeps.band().recipe
    assert [side.shape for side in bundle.golden_sides] == [(4, 3, 10), (4, 3, 10)]
    # Golden vectors are of the band, whose points rise, and not of noise.
    for rows in (bundle.golden_inputs, *bundle.golden_sides):
        assert np.corrcoef(rows.mean(axis=(0, 1)), np.arange(tiny_sweeps.N_POINTS))[0, 1] > 0.95
    with pytest.raises(ModelError, match=r"made for sweeps of 10 points.*here are samples"):
        _ = manifest.recipe


@pytest.mark.parametrize("kind", ["float16", "int8"])
def test_a_network_of_sweeps_goes_into_fewer_bits(kind: str, tmp_path: Path) -> None:
    quantize(tiny_sweeps.trained(), tmp_path / "x.edgespec", kind, tiny_sweeps.band())
    bundle = load_bundle(tmp_path / "x.edgespec")
    assert bundle.manifest.model.quantisation == kind
    assert "DEQUANTIZE" in bundle.manifest.model.operators
    backend = open_backend(bundle)
    assert check_golden(bundle, backend) <= bundle.manifest.golden_atol
    # Sweeps that fixed no range and were no golden vectors.
    card, model = load_model(tiny_sweeps.trained())
    held_out = SweepWindows(tiny_sweeps.band(), ("validation",), card.side_inputs)
    numbers = np.arange(0, len(held_out), 5)
    some = ModelInputs(held_out.gather(numbers)[0], held_out.sides(numbers))
    expected = model.predict(some.for_keras, verbose=0)
    found = np.stack([backend.predict(*given).copy().ravel() for given in some])
    error = np.sqrt(np.mean((found - expected) ** 2))
    assert error <= LIMITS[kind].rms * np.sqrt(np.mean(expected**2))


def test_others_learn_without_them(tmp_path: Path) -> None:
    settings = tiny_sweeps.settings("linear-ar", epochs=1)
    card = train(tiny_sweeps.band(), tmp_path / "m", settings)
    assert load_card(tmp_path / "m") == card
    assert "side_inputs_known" not in card.training
    assert np.isfinite(card.training["val_losses"]).all()


def test_what_cannot_be_learnt_is_said(tmp_path: Path) -> None:
    save_sweeps(tmp_path / "a.npz", tiny_sweeps.sweeps(0.4))
    tables = open_tables([tmp_path / "a.npz"])
    build_sweep_dataset(tables, tmp_path / "set", split_by_time((0.5, 0.3, 0.1, 0.1)))
    band = open_band(tmp_path / "set", n_context=6, n_horizon=3)
    with pytest.raises(SourceError, match=r"means of days; of these .* train spatio-temporal-c"):
        train(band, tmp_path / "m", tiny_sweeps.settings())
    with pytest.raises(UsageError, match="leave transform at 'context'"):
        train(band, tmp_path / "m", replace(tiny_sweeps.settings("lstm"), transform=False))
    with pytest.raises(ModelError, match="train it on sweeps, or train its variant"):
        train(tiny_training.dataset(), tmp_path / "m", tiny_sweeps.settings())
