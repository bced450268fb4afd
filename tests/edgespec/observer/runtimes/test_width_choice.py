"""Widths of vectors are chosen by measuring, kernel by kernel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.inference.bundle import Bundle
from edgespec.inference.network import Dense, Network, network_to_npz
from edgespec.inference.widths import KERNELS, Widths
from edgespec.observer.runtimes import choice, turns
from edgespec.observer.runtimes.choice import Candidate, remember, remembered
from edgespec.observer.runtimes.width_choice import fastest_widths
from edgespec.records import FloatArray
from tests.made import tiny_network
from tests.made.clock import Clock

WIDEST = Widths(512, 512, 512)


class Fake:
    """A runtime of which each kernel takes so many milliseconds at its width."""

    name = "fake"

    def __init__(self, bundle: Bundle, clock: Clock, pause_s: float) -> None:
        self._bundle, self._clock, self._pause_s = bundle, clock, pause_s

    def predict(self, window: FloatArray) -> FloatArray:
        self._clock.sleep(self._pause_s)
        return self._bundle.golden_outputs[0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which widths are measured."""
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    return clock


@pytest.mark.parametrize("narrow", [(), ("dense",), ("project", "recur")])
def test_each_kernel_gets_the_width_that_is_faster(narrow: tuple[str, ...], clock: Clock) -> None:
    opened: list[Widths] = []

    def open_at(bundle: Bundle, n_threads: int, widths: Widths) -> Fake:
        opened.append(widths)
        slow = sum((getattr(widths, name) == 256) != (name in narrow) for name in KERNELS)
        return Fake(bundle, clock, 1e-3 * (1 + slow))

    best = fastest_widths(tiny_network.bundle(), (512, 256), open_at=open_at)
    assert best == replace(WIDEST, **dict.fromkeys(narrow, 256))
    assert opened[0] == WIDEST
    assert len(opened) == 4


def test_a_network_without_lstm_has_one_kernel_to_try(
    rng: np.random.Generator, clock: Clock
) -> None:
    layer = Dense("linear", rng.standard_normal((2, 3), np.float32), np.zeros(3, np.float32))
    bundle = replace(tiny_network.bundle(), weights=network_to_npz(Network((), (layer,))))
    opened: list[Widths] = []

    def open_at(bundle: Bundle, n_threads: int, widths: Widths) -> Fake:
        opened.append(widths)
        return Fake(bundle, clock, 0.001)

    fastest_widths(bundle, (512, 256), open_at=open_at)
    assert opened == [WIDEST, replace(WIDEST, dense=256)]


def test_where_there_is_one_width_nothing_is_measured() -> None:
    assert fastest_widths(tiny_network.bundle(), (256,), open_at=None) == Widths()  # type: ignore[arg-type]


def test_equal_widths_stay_wide(clock: Clock) -> None:
    bundle = tiny_network.bundle()
    same = Fake(bundle, clock, 0.002)
    assert fastest_widths(bundle, (512, 256), open_at=lambda *_: same) == WIDEST


def test_widths_are_remembered_with_the_runtime(tmp_path: Path) -> None:
    bundle, widths = tiny_network.bundle(), Widths(512, 256, 512)
    remember(bundle, tmp_path, ["numba"], [Candidate("numba", 1.0, 0.0, widths=widths)])
    chosen = remembered(bundle, tmp_path, ["numba"])
    assert chosen is not None
    assert chosen.widths == widths
    assert str(widths) == "project 512, recur 256, dense 512"
    assert str(Widths()) == ""


@pytest.mark.parametrize("content", [None, [], {"project": "wide"}, {"recur": 7}, {"dense": True}])
def test_widths_that_make_no_sense_are_left_to_the_default(content: object) -> None:
    assert Widths.from_json(content) == Widths()


def test_the_runtime_is_measured_with_its_widths(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = replace(tiny_network.bundle(), weights=b"some")
    seen: list[Widths] = []

    def open_numba(bundle: Bundle, n_threads: int = 1, widths: Widths = WIDEST) -> Fake:
        seen.append(widths)
        return Fake(replace(bundle, golden_inputs=bundle.golden_inputs[:1]), Clock(), 0.0)

    chosen = Widths(512, 512, 256)
    monkeypatch.setattr(choice, "fastest_widths", lambda *_: chosen)
    monkeypatch.setattr(choice, "open_numba", open_numba)
    monkeypatch.setattr(choice, "check_golden", lambda *_: 0.0)
    (candidate,) = choice.measure(bundle, ["numba"])
    assert candidate.widths == chosen
    assert seen == [chosen]
