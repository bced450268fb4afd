"""Whatever computes under Keras: the same commands, the same folder, the same forecast."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converter.bundles.quantize import quantize
from converter.data.views import WindowSet
from converter.lab.measures.predictor import open_predictor
from converter.models.runtime import BACKENDS, backend_name, load_keras, load_tensorflow, versions
from converter.training.modeldir import load_model
from edgespec.errors import ModelError
from tests.made import tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]

#: Trains, transfers in two ways and predicts, where TensorFlow cannot be imported.
_SCRIPT = """
import os, sys
sys.modules["tensorflow"] = None
from pathlib import Path
import numpy as np
from converter.data.dataset import load_dataset
from converter.lab.measures.predictor import open_predictor
from converter.training.settings import TrainSettings
from converter.training.train import train
from converter.training.transfer import transfer
from converter.data.views import WindowSet

data, out = load_dataset(sys.argv[1]), Path(sys.argv[2])
settings = TrainSettings("lstm", {"n_units": 8, "batch_norm": True}, epochs=3, seed=4)
train(data, out / "teacher", settings)
for method in ("1L", "closed-form"):
    transfer(out / "teacher", data, out / method, method, None, settings)
windows = WindowSet(data, ("test",))
pairs = [windows.segment(i) for i in range(len(windows))]
contexts, targets = (np.stack(arrays) for arrays in zip(*pairs))
for name in ("teacher", "1L", "closed-form"):
    np.save(out / f"{name}.npy", open_predictor(out / name).forecast(contexts, targets))
assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_model_of_another_backend_forecasts_the_same_here(tmp_path: Path, backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    data = tiny_training.dataset()
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(data.folder), str(tmp_path)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    windows = WindowSet(data, ("test",))
    pairs = [windows.segment(number) for number in range(len(windows))]
    contexts, targets = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    for name in ("teacher", "1L", "closed-form"):
        here = open_predictor(tmp_path / name).forecast(contexts, targets)
        # Rounding of float32 sums in another order, times some 10 dB of scale.
        np.testing.assert_allclose(here, np.load(tmp_path / f"{name}.npy"), rtol=0, atol=1e-3)
    card, _ = load_model(tmp_path / "teacher")
    assert card.training["versions"].keys() == {"keras", backend}
    losses = card.training["val_losses"]
    assert losses[-1] < losses[0]


def test_the_versions_are_those_of_what_is_used() -> None:
    found = versions()
    assert found.keys() == {"keras", backend_name()}
    assert found["keras"] == load_keras().__version__


def test_only_conversion_asks_for_tensorflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_training.trained("autoencoder")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ModelError, match="run it with KERAS_BACKEND=tensorflow"):
        load_tensorflow()
    with pytest.raises(ModelError, match="run it with KERAS_BACKEND=tensorflow"):
        quantize(folder, tmp_path / "x.edgespec", "float32")


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    with pytest.raises(ModelError, match="'numpy'; choose one of tensorflow, jax, torch"):
        load_keras()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_missing_backend_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelError, match=f"'{name}' is needed.*pip install.*KERAS_BACKEND"):
        load_keras()
