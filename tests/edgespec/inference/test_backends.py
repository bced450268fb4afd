"""Every runtime gives the model's output for one window, whatever came before it."""

import os
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle
from edgespec.inference.interpreter import InterpreterBackend
from edgespec.inference.quiet import without_banner
from edgespec.records import FloatArray
from tests.made import tiny


class FakeInterpreter:
    """Returns gain times the first frames of its input, plus how often it ran since a reset."""

    dtype: ClassVar[Any] = np.float32
    quantization: ClassVar[tuple[float, int]] = (0.0, 0)
    input_shape: ClassVar[tuple[int, ...]] = (1, 8, 64)

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        if model_content == b"broken":
            raise ValueError("Model provided has\nmodel identifier 'brok'")
        self._tensors = [np.zeros(self.input_shape, self.dtype), np.zeros((1, 256), self.dtype)]
        self._runs = 0
        self.num_threads = num_threads

    def allocate_tensors(self) -> None:
        pass

    def _details(self, index: int) -> list[dict[str, Any]]:
        tensor = self._tensors[index]
        shape = np.array(tensor.shape, np.int32)
        return [
            {
                "index": index,
                "shape": shape,
                "dtype": self.dtype,
                "quantization": self.quantization,
            }
        ]

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._details(0)

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._details(1)

    def tensor(self, index: int) -> Callable[[], Any]:
        return lambda: self._tensors[index]

    def reset_all_variables(self) -> None:
        self._runs = 0

    def invoke(self) -> None:
        self._tensors[1][0] = self._tensors[0].reshape(-1)[:256] + self._runs
        self._runs += 1


class QuantisedInterpreter(FakeInterpreter):
    dtype = np.int8
    quantization = (0.05, -3)


class HalfInterpreter(FakeInterpreter):
    dtype = np.float16


class NarrowInterpreter(FakeInterpreter):
    input_shape = (1, 8, 32)


@pytest.fixture
def bundle(tmp_path: Path, rng: np.random.Generator) -> Bundle:
    return tiny.bundle(tmp_path / "tiny.edgespec", rng)


def window(rng: np.random.Generator) -> FloatArray:
    return rng.standard_normal((8, 64), np.float32)


def test_state_is_reset_before_each_window(bundle: Bundle, rng: np.random.Generator) -> None:
    backend = InterpreterBackend("fake", FakeInterpreter, bundle)
    for _ in range(3):
        x = window(rng)
        assert np.array_equal(backend.predict(x), x[:4])


def test_quantised_tensors_are_scaled_and_limited(bundle: Bundle, rng: np.random.Generator) -> None:
    backend = InterpreterBackend("fake", QuantisedInterpreter, bundle)
    x = window(rng)
    x[0, 0], x[0, 1] = 1e6, -1e6
    y = backend.predict(x)
    inside = np.abs(x[:4]) < 5
    # Rounding moves a value by half a step at most.
    assert np.abs(y - x[:4])[inside].max() <= 0.05 / 2 + 1e-6
    # int8 from -128 to 127 around -3, in steps of 0.05.
    assert y[0, 0] == pytest.approx((127 + 3) * 0.05)
    assert y[0, 1] == pytest.approx((-128 + 3) * 0.05)


@pytest.mark.parametrize(
    ("interpreter", "message"),
    [
        (NarrowInterpreter, r"has the shapes \[\(1, 8, 32\)\]"),
        (HalfInterpreter, "float16"),
    ],
)
def test_a_model_that_is_not_the_manifests_is_refused(
    bundle: Bundle, interpreter: type[FakeInterpreter], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        InterpreterBackend("fake", interpreter, bundle)


def test_a_model_that_cannot_be_loaded_is_one_sentence(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="convert the model again") as caught:
        InterpreterBackend("fake", FakeInterpreter, replace(bundle, model=b"broken"))
    assert "\n" not in str(caught.value)


def test_operators_of_tensorflow_are_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    flex = replace(
        tiny.bundle(tmp_path / "flex.edgespec", rng),
        manifest=tiny.manifest(model=tiny.model_info(operators=("FlexErf",))),
    )
    with pytest.raises(ModelError, match="FlexErf"):
        InterpreterBackend("fake", FakeInterpreter, flex)


@pytest.mark.parametrize("shape", [(4, 64), (8, 63), (1, 8, 64), (512,)])
def test_a_window_of_another_shape_is_refused(bundle: Bundle, shape: tuple[int, ...]) -> None:
    backend = InterpreterBackend("fake", FakeInterpreter, bundle)
    with pytest.raises(ModelError, match="the model takes"):
        backend.predict(np.zeros(shape, np.float32))


def test_golden_vectors_decide(bundle: Bundle) -> None:
    backend = InterpreterBackend("fake", FakeInterpreter, bundle)
    with pytest.raises(ModelError, match="differs from the golden vectors"):
        check_golden(bundle, backend)
    right = replace(bundle, golden_outputs=bundle.golden_inputs[:, :4] + np.float32(5e-5))
    assert check_golden(right, backend) == pytest.approx(5e-5, rel=0.01)
    broken = replace(right, golden_inputs=bundle.golden_inputs * np.float32(np.nan))
    with pytest.raises(ModelError, match="differs from the golden vectors"):
        check_golden(broken, backend)


def test_unknown_backend_lists_the_known(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="auto, litert, tflite_runtime"):
        open_backend(bundle, "onnx")
    with pytest.raises(ModelError, match="n_threads is 0"):
        open_backend(bundle, n_threads=0)


def test_without_a_runtime_the_message_names_the_fix(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    for name in ("auto", "litert", "tflite_runtime"):
        with pytest.raises(ModelError, match="pip install ai-edge-litert"):
            open_backend(bundle, name)


@pytest.mark.parametrize(("version", "works"), [("1.26.4", True), ("2.4.6", False)])
def test_tflite_runtime_needs_numpy_1(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, version: str, works: bool
) -> None:
    runtime = types.ModuleType("tflite_runtime.interpreter")
    runtime.Interpreter = FakeInterpreter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tflite_runtime", types.ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", runtime)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setattr("edgespec.inference.tflite_runtime.np.__version__", version)
    if works:
        assert open_backend(bundle).name == "tflite_runtime"
    else:
        with pytest.raises(ModelError, match="pip install ai-edge-litert"):
            open_backend(bundle)


def test_only_the_banner_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with without_banner(b"INFO: banner"):
        os.write(2, b"INFO: banner of a library\nerror: kept\n")

    def fail() -> None:
        with without_banner(b"INFO"):
            os.write(2, b"INFO\nlast words")
            raise ValueError("on")

    with pytest.raises(ValueError, match="on"):
        fail()
    assert capfd.readouterr().err == "error: kept\nlast words"


def test_a_network_of_noise_is_refused_by_the_runtime(bundle: Bundle) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(ModelError, match="litert cannot load the model"):
        open_backend(bundle, "litert")
