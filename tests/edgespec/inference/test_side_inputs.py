"""Side inputs of a bundle: named in its manifest, in its golden vectors, and in its file."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.inference.backend import refuse_sides
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path, write_bundle
from edgespec.inference.interpreter import InterpreterBackend
from edgespec.inference.manifest_json import manifest_from_json, manifest_to_json
from edgespec.side_input import DAYS, HOURS, SideInput
from tests.edgespec.inference.test_backends import FakeInterpreter
from tests.made import tiny

SIDES = (HOURS, DAYS)


def bundle(path: Path, rng: np.random.Generator, **changes: Any) -> Bundle:
    """A bundle whose model returns a sum of its window, its hours, and its days."""
    inputs = rng.standard_normal((2, 8, 64), np.float32)
    sides = [rng.standard_normal((2, 3, 64), np.float32) for _ in SIDES]
    outputs = inputs[:, :4] + sides[0][:, -1:] - 3 * sides[1][:, -1:]
    manifest = tiny.manifest(side_inputs=SIDES)
    parts = {"golden_inputs": inputs, "golden_outputs": outputs, "golden_sides": sides}
    return write_bundle(path, manifest, b"not a network", **{**parts, **changes})


class SidedInterpreter(FakeInterpreter):
    """Has its inputs in an order of its own, as a converted file may."""

    order = ("days", "window", "hours")

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        super().__init__(model_content, num_threads)
        shapes = {"days": (1, 3, 64), "window": (1, 8, 64), "hours": (1, 3, 64)}
        self._tensors = [np.zeros(shapes.get(name, (1, 1)), np.float32) for name in self.order]
        self._tensors.append(np.zeros((1, 256), np.float32))

    def get_input_details(self) -> list[dict[str, Any]]:
        return [
            {**self._details(at)[0], "name": f"serving_default_{name}:0"}
            for at, name in enumerate(self.order)
        ]

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._details(len(self.order))

    def invoke(self) -> None:
        named = dict(zip(self.order, self._tensors, strict=False))
        output = named["window"][0, :4] + named["hours"][0, -1] - 3 * named["days"][0, -1]
        self._tensors[-1][0] = output.reshape(-1)


def test_a_bundle_keeps_its_side_inputs(tmp_path: Path, rng: np.random.Generator) -> None:
    written = bundle(tmp_path / "x.edgespec", rng)
    loaded = load_bundle(tmp_path / "x.edgespec")
    assert loaded.manifest.side_inputs == SIDES
    assert loaded.manifest.side_shapes == ((3, 64), (3, 64))
    for one, other in zip(loaded.golden_sides, written.golden_sides, strict=True):
        assert np.array_equal(one, other)
    assert [len(given) for given in loaded.golden_windows()] == [3, 3]


def test_older_bundles_are_what_they_were() -> None:
    assert "side_inputs" not in json.loads(manifest_to_json(tiny.manifest()))
    shipped = load_bundle(shipped_bundle_path())
    assert shipped.manifest.side_inputs == ()
    again = manifest_to_json(manifest_from_json(manifest_to_json(shipped.manifest)))
    assert again == manifest_to_json(shipped.manifest)
    assert [len(given) for given in shipped.golden_windows()] == [1] * len(shipped.golden_inputs)


def test_the_manifest_says_each_of_them_whole() -> None:
    text = manifest_to_json(tiny.manifest(side_inputs=SIDES))
    data = json.loads(text)
    assert data["side_inputs"][1] == {
        "name": "days",
        "n_rows": 3,
        "span_hours": 24,
        "step_hours": 24,
    }
    assert manifest_from_json(text).side_inputs == SIDES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sides: sides[0].pop("n_rows"), r"side_inputs\[0\]\.n_rows is missing"),
        (lambda sides: sides[1].update(n_rows=0), r"side_inputs\[1\]\.n_rows is 0"),
        (lambda sides: sides[1].update(n_rows=True), r"side_inputs\[1\]\.n_rows is True"),
        (lambda sides: sides[1].update(span_hours=25), "not over yet"),
        (lambda sides: sides[1].update(step_hours=10**6), "h back"),
        (lambda sides: sides[1].update(name="hours"), "no two may have one name"),
        (lambda sides: sides[1].update(name="../x"), r"side_inputs\[1\]\.name is '\.\./x'"),
        (lambda sides: sides[1].update(mean="median"), r"side_inputs\[1\]\.mean is no known"),
        (lambda sides: sides.append(7), r"side_inputs\[2\] is 7"),
    ],
)
def test_what_a_manifest_must_not_say(change: Callable[[Any], Any], message: str) -> None:
    data = json.loads(manifest_to_json(tiny.manifest(side_inputs=SIDES)))
    change(data["side_inputs"])
    with pytest.raises(ModelError, match=message):
        manifest_from_json(json.dumps(data))


def test_golden_vectors_must_have_them_all(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "x.edgespec"
    good = bundle(path, rng)
    sides = good.golden_sides
    for wrong, message in (
        (sides[:1], "has 2 side inputs, but golden vectors of 1"),
        ((sides[0], sides[1][:1]), "2 golden inputs but 1 side_days"),
        ((sides[0], sides[1][:, :2]), r"golden side_days are float32 \(2, 2, 64\)"),
        ((sides[0], sides[1] * np.float32(np.nan)), "golden side_days are not all finite"),
    ):
        with pytest.raises(ModelError, match=message):
            bundle(path, rng, golden_sides=wrong)
    with pytest.raises(ModelError, match="has 0 side inputs"):
        write_bundle(
            path, tiny.manifest(), b"m", good.golden_inputs, good.golden_outputs, None, sides
        )


def test_inputs_are_known_by_their_names(tmp_path: Path, rng: np.random.Generator) -> None:
    made = bundle(tmp_path / "x.edgespec", rng)
    backend = InterpreterBackend("fake", SidedInterpreter, made)
    assert check_golden(made, backend) < 1e-5
    turned = replace(made, golden_sides=made.golden_sides[::-1])
    with pytest.raises(ModelError, match="differs from the golden vectors"):
        check_golden(turned, backend)


@pytest.mark.parametrize(
    "order", [("window", "hours"), ("window", "hours", "years"), ("window", "days", "hours", "x")]
)
def test_a_file_with_other_inputs_is_refused(
    tmp_path: Path, rng: np.random.Generator, order: tuple[str, ...]
) -> None:
    class Other(SidedInterpreter):
        pass

    Other.order = order
    with pytest.raises(ModelError, match="the model file has"):
        InterpreterBackend("fake", Other, bundle(tmp_path / "x.edgespec", rng))


def test_a_window_without_its_side_inputs_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    made = bundle(tmp_path / "x.edgespec", rng)
    backend = InterpreterBackend("fake", SidedInterpreter, made)
    window, hours, days = next(made.golden_windows())
    for given in ((window,), (window, hours), (window, hours, days, days)):
        with pytest.raises(ModelError, match="but the model takes 2"):
            backend.predict(*given)
    with pytest.raises(ModelError, match=r"a side input is \(2, 64\)"):
        backend.predict(window, hours[:2], days)


def test_a_model_without_any_takes_none(tmp_path: Path, rng: np.random.Generator) -> None:
    backend = InterpreterBackend("fake", FakeInterpreter, tiny.bundle(tmp_path / "x.edgespec", rng))
    with pytest.raises(ModelError, match="1 side inputs are given, but the model takes 0"):
        backend.predict(np.zeros((8, 64), np.float32), np.zeros((3, 64), np.float32))
    refuse_sides(())
    with pytest.raises(ModelError, match="takes none"):
        refuse_sides((np.zeros(3, np.float32),))
    shipped = load_bundle(shipped_bundle_path())
    (window,) = next(shipped.golden_windows())
    with pytest.raises(ModelError, match="takes none"):
        open_backend(shipped, "numba").predict(window, window)


def test_a_side_input_is_a_record_of_its_own() -> None:
    with pytest.raises(ModelError, match="no two may have one name"):
        tiny.manifest(side_inputs=(HOURS, SideInput("hours", 1, 1, 1)))
