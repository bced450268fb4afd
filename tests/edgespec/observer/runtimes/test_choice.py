"""The fastest runtime is measured, checked on the golden vectors, and remembered."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec import machine
from edgespec.computing import Computing
from edgespec.config import Config, override
from edgespec.errors import ModelError
from edgespec.inference import backends
from edgespec.inference.bundle import Bundle
from edgespec.observer.runtimes import choice, turns
from edgespec.observer.runtimes.choice import (
    Candidate,
    candidates_for,
    fastest,
    open_fastest,
    remember,
    remembered,
)
from edgespec.observer.startup import open_model
from edgespec.records import FloatArray
from tests.made import tiny_network
from tests.made.clock import Clock
from tests.made.observer import run

NAMES = ("slow", "quick", "wrong", "absent")


def kept(bundle: Bundle, state_dir: Path, names: Sequence[str] = NAMES) -> str | None:
    """The name of the runtime that is remembered."""
    chosen = remembered(bundle, state_dir, names)
    return chosen and chosen.backend


class Fake:
    """Gives the golden outputs, after a while, or nothing but zeros."""

    def __init__(
        self, name: str, bundle: Bundle, clock: Clock, pause_s: float, share: float = 1.0
    ) -> None:
        self.name = name
        self._clock = clock
        self._bundle, self._pause_s, self._share = bundle, pause_s, np.float32(share)

    def predict(self, window: FloatArray) -> FloatArray:
        self._clock.sleep(self._pause_s)
        same = [np.array_equal(window, known) for known in self._bundle.golden_inputs]
        return self._bundle.golden_outputs[same.index(True)] * self._share


def absent(bundle: Bundle, n_threads: int) -> Fake:
    raise ImportError("not here")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runtimes that were opened, in order; there are only the four of NAMES."""
    names: list[str] = []
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)

    def maker(name: str, pause_s: float, share: float) -> Callable[[Bundle, int], Fake]:
        def make(bundle: Bundle, n_threads: int) -> Fake:
            names.append(name)
            return Fake(name, bundle, clock, pause_s, share)

        return make

    fakes = {
        "slow": maker("slow", 0.02, 1.0),
        "quick": maker("quick", 0.002, 1.0),
        "wrong": maker("wrong", 0.0, 0.5),
        "absent": absent,
    }
    monkeypatch.setattr(backends, "BACKENDS", fakes)
    monkeypatch.setattr(choice, "BACKENDS", fakes)
    return names


def test_the_fastest_that_is_right_is_taken(opened: list[str], tmp_path: Path) -> None:
    bundle = tiny_network.bundle()
    said: list[str] = []
    slow, quick, wrong, missing = choice.measure(bundle, NAMES, said.append)
    assert said
    assert slow.call_s is not None
    assert quick.call_s is not None
    assert (slow.call_s, quick.call_s) == (pytest.approx(0.02), pytest.approx(0.002))
    assert quick.max_error == 0.0
    assert wrong.call_s is missing.call_s is None
    assert "golden vectors" in wrong.problem
    assert "not here" in missing.problem
    assert fastest((slow, quick, wrong, missing)) is quick
    assert open_fastest(bundle, tmp_path / "state", NAMES).name == "quick"


def test_what_was_measured_is_not_measured_again(opened: list[str], tmp_path: Path) -> None:
    bundle = tiny_network.bundle()
    open_fastest(bundle, tmp_path, NAMES)
    opened.clear()
    assert open_fastest(bundle, tmp_path, NAMES).name == "quick"
    assert opened == ["quick"]


@pytest.mark.parametrize("what", ["bundle", "version", "names", "file"])
def test_a_choice_holds_for_what_it_was_made_with(
    what: str, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, names = tiny_network.bundle(), NAMES
    assert remember(bundle, tmp_path, names, [Candidate("slow", 1.0, 0.0)])
    assert kept(bundle, tmp_path, names) == "slow"
    if what == "bundle":
        bundle = replace(bundle, sha256="0" * 64)
    elif what == "version":
        facts = {**machine.machine_facts(), "numba": "9.9"}
        monkeypatch.setattr(choice, "machine_facts", lambda: facts)
    elif what == "names":
        names = ("slow", "quick")
    else:
        (tmp_path / "backends.json").write_text('{"schema": "edgespec.backends/1", "choi')
    assert kept(bundle, tmp_path, names) is None
    assert open_fastest(bundle, tmp_path, names).name == "quick"
    assert kept(bundle, tmp_path, names) == "quick"


def test_one_choice_does_not_replace_another(tmp_path: Path) -> None:
    bundle = tiny_network.bundle()
    other = replace(bundle, sha256="0" * 64)
    remember(bundle, tmp_path, NAMES, [Candidate("slow", 1.0, 0.0)])
    remember(other, tmp_path, NAMES, [Candidate("quick", 1.0, 0.0)])
    assert kept(bundle, tmp_path, NAMES) == "slow"
    assert kept(other, tmp_path, NAMES) == "quick"
    assert [path.name for path in tmp_path.iterdir()] == ["backends.json"]


def test_a_choice_that_no_longer_works_is_made_anew(
    opened: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = tiny_network.bundle()
    remember(bundle, tmp_path, NAMES, [Candidate("absent", 1.0, 0.0)])
    assert open_fastest(bundle, tmp_path, NAMES).name == "quick"
    assert "cannot be used any more" in caplog.text
    assert kept(bundle, tmp_path, NAMES) == "quick"


def test_a_folder_that_takes_nothing_costs_only_the_memory(
    opened: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    bundle = tiny_network.bundle()
    assert not remember(bundle, tmp_path / "file", NAMES, [Candidate("slow", 1.0, 0.0)])
    assert open_fastest(bundle, tmp_path / "file", NAMES).name == "quick"


def test_where_none_works_all_reasons_are_given(opened: list[str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no runtime.*golden vectors.*not here"):
        open_fastest(tiny_network.bundle(), tmp_path, ("wrong", "absent"))


def test_a_named_backend_is_not_put_in_question(
    opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = override(Config(), model=tiny_network.bundle().path, state_dir=tmp_path)
    assert open_model(override(config, backend="slow"))[1].name == "slow"
    assert opened == ["slow"]
    assert open_model(config)[1].name == "quick"
    with pytest.raises(ModelError, match="golden vectors"):
        open_model(override(config, backend="wrong"))


def test_numba_is_no_candidate_where_it_must_not_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict.fromkeys(("litert", "numba"), absent)
    monkeypatch.setattr(choice, "BACKENDS", known)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    assert candidates_for(Computing.COMPILED) == ("litert", "numba")
    assert candidates_for(Computing.PLAIN) == ("litert",)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert candidates_for(Computing.COMPILED) == ("litert",)


@pytest.mark.slow_without_jit
def test_bench_chooses_and_says_so(tmp_path: Path) -> None:
    bundle = tiny_network.bundle()
    code, observer = run("bench", "--choose", "--model", bundle.path, "--json", home=tmp_path)
    assert code == 0
    found = json.loads(observer.text)
    assert found["schema"] == "edgespec.observer.choice/1"
    assert found["sha256"] == bundle.sha256
    usable = [one for one in found["candidates"] if one["call_s"] is not None]
    assert min(usable, key=lambda one: one["call_s"])["backend"] == found["backend"]
    assert all(one["max_error"] <= bundle.manifest.golden_atol for one in usable)
    assert all(one["problem"] for one in found["candidates"] if one not in usable)
    names = candidates_for(Computing.COMPILED)
    assert kept(bundle, tmp_path / "edgespec", names) == found["backend"]
    code, observer = run("bench", "--choose", "--model", bundle.path, home=tmp_path)
    assert code == 0
    assert any(line.startswith("* ") for line in observer.text.splitlines())
    assert str(tmp_path / "edgespec") in observer.text


# --- where machine code is kept


@pytest.fixture
def no_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had loaded Numba yet, and nobody had said where its cache is."""
    monkeypatch.delitem(machine.sys.modules, "numba", raising=False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")


@pytest.mark.usefixtures("no_numba")
def test_machine_code_is_kept_in_the_state_directory(tmp_path: Path) -> None:
    machine.keep_machine_code(tmp_path / "new")
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "new" / "jit")
    machine.keep_machine_code(tmp_path / "other")
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "new" / "jit")


@pytest.mark.usefixtures("no_numba")
def test_a_state_directory_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    machine.keep_machine_code(tmp_path / "file")
    assert not os.environ["NUMBA_CACHE_DIR"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[" * 100_000, b"[]", b"\xff", b'{"schema": 1}', b"9" * 5000, b" " * 2_000_000],
)
def test_f6_a_file_of_choices_with_anything_in_it_holds_none(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "backends.json").write_bytes(content)
    assert kept(tiny_network.bundle(), tmp_path) is None
