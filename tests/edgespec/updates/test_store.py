"""Installed models: whatever happens to the files, a whole model runs, the old one or the new."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import ConfigError, ModelError
from edgespec.updates.store import ModelStore
from tests.made import tiny
from tests.made.medium import Medium


@pytest.fixture
def make(tmp_path: Path, rng: np.random.Generator) -> Callable[[str], tuple[bytes, str]]:
    """Return what makes a bundle of a name: its bytes and its id."""

    def made(name: str) -> tuple[bytes, str]:
        path = tmp_path / f"{name}.edgespec"
        sha256 = tiny.bundle(path, rng, name=name).sha256
        return path.read_bytes(), sha256

    return made


Make = Callable[[str], tuple[bytes, str]]


def test_a_store_without_models_is_no_folder(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "state")
    assert (store.ids(), store.bands(), store.installed("b")) == ((), (), None)
    assert store.running("b").bundle is None
    assert store.running("b").caution == ""
    assert not (tmp_path / "state").exists()


def test_the_last_two_models_of_a_band_are_kept_and_no_more(tmp_path: Path, make: Make) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b), (c, id_c) = make("a"), make("b"), make("c")
    for content in (a, b, c):
        store.install("first", content, "by hand")
    found = store.install("second", a, "by hand")
    assert (found.current, found.previous) == (id_a, None)
    found = store.installed("first")
    assert found is not None
    assert (found.current, found.previous, found.why) == (id_c, id_b, "by hand")
    assert found.since_utc.endswith("Z")
    assert store.ids() == tuple(sorted({id_a, id_b, id_c}))
    assert store.bands() == ("first", "second")
    store.install("second", c, "by hand")
    store.install("second", b, "by hand")
    assert store.ids() == tuple(sorted({id_b, id_c}))
    # As anybody can see.
    assert store.path(id_c).read_bytes() == c


def test_the_same_model_again_keeps_its_predecessor(tmp_path: Path, make: Make) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b) = make("a"), make("b")
    for content in (a, b, b):
        found = store.install("band", content, "by hand")
    assert (found.current, found.previous) == (id_b, id_a)


def test_what_is_taken_back_is_refused_until_a_person_installs_it(
    tmp_path: Path, make: Make
) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b) = make("a"), make("b")
    store.install("band", a, "by hand")
    store.install("band", b, "by hand")
    found = store.roll_back("band", "too many events")
    assert (found.current, found.previous, found.refused) == (id_a, None, (id_b,))
    found = store.roll_back("band", "again")
    assert (found.current, found.refused) == (None, (id_a, id_b))
    assert store.running("band").bundle is None
    assert store.ids() == ()
    with pytest.raises(ModelError, match="no installed model runs"):
        store.roll_back("band", "once more")
    assert store.install("band", b, "by hand").refused == (id_a,)


def test_one_that_nobody_asked_to_take_back_leaves_what_was_not_judged(
    tmp_path: Path, make: Make
) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b) = make("a"), make("b")
    store.install("band", a, "by hand")
    store.install("band", b, "by hand")
    with pytest.raises(ModelError, match="another model was installed meanwhile"):
        store.roll_back("band", "too many events", judged=id_a)
    # The one before is damaged: a person is told, and what breaks its promise does not run on.
    store.path(id_a).write_bytes(b"PK")
    with pytest.raises(ModelError, match="zip"):
        store.roll_back("band", "by hand")
    found = store.roll_back("band", "too many events\n" * 9999, judged=id_b)
    assert (found.current, found.previous, found.refused) == (None, None, (id_b,))
    again = store.installed("band")
    assert again is not None
    assert len(again.why) <= 500


def test_a_candidate_takes_the_place_or_goes(tmp_path: Path, make: Make) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b) = make("a"), make("b")
    before = store.install("band", a, "by hand")
    found = store.try_out("band", b, "heard of it")
    assert (found.current, found.candidate) == (id_a, id_b)
    # What is tried beside it makes the current one no newer: it is not judged again for that.
    assert (found.since_utc, found.why) == (before.since_utc, "by hand")
    assert found.candidate_why == "heard of it"
    assert set(store.ids()) == {id_a, id_b}
    found = store.drop_candidate("band", "deaf", is_refused=True)
    assert (found.current, found.candidate, found.refused) == (id_a, None, (id_b,))
    assert store.ids() == (id_a,)
    with pytest.raises(ModelError, match="no model is tried"):
        store.promote("band", "good")
    store.try_out("band", b, "once more")
    found = store.promote("band", "good")
    assert (found.current, found.previous, found.candidate) == (id_b, id_a, None)
    assert found.refused == ()


@pytest.mark.parametrize("damage", [b"", b"PK", None])
def test_a_damaged_model_leaves_the_one_before_it_and_says_so(
    tmp_path: Path, make: Make, damage: bytes | None
) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b) = make("a"), make("b")
    store.install("band", a, "by hand")
    store.install("band", b, "by hand")
    path = store.path(id_b)
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    found = store.running("band")
    assert found.bundle is not None
    assert found.bundle.sha256 == id_a
    assert "the installed model cannot be used" in found.caution
    assert "the one before it runs, a" in found.caution
    # The sound one is what the next one may have to be taken back to.
    assert store.install("band", make("c")[0], "by hand").previous == id_a
    store.install("band", b, "by hand")
    assert store.running("band").caution == ""


def test_another_bundle_under_the_name_of_one_is_found(tmp_path: Path, make: Make) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, _) = make("a"), make("b")
    store.install("band", a, "by hand")
    store.path(id_a).write_bytes(b)
    found = store.running("band")
    assert found.bundle is None
    assert "not that of its name" in found.caution
    assert found.caution.endswith("the band runs as without an installed model")


@pytest.mark.parametrize("text", [b"", b"{}", b'{"schema": "edgespec.installed/9"}', b"\xff"])
def test_a_pointer_that_cannot_be_read_is_said_and_gets_another_name(
    tmp_path: Path, make: Make, text: bytes
) -> None:
    store = ModelStore(tmp_path)
    (a, id_a), (b, id_b) = make("a"), make("b")
    store.install("other", b, "by hand")
    pointer = tmp_path / "models" / "bands" / "band.json"
    pointer.write_bytes(text)
    found = store.running("band")
    assert found.bundle is None
    assert "which model is installed cannot be read" in found.caution
    with pytest.raises(ModelError, match=r"band\.json"):
        store.installed("band")
    assert store.install("band", a, "by hand").current == id_a
    assert pointer.with_name("band.damaged-1.json").read_bytes() == text
    assert store.bands() == ("band", "other")
    assert set(store.ids()) == {id_a, id_b}


def test_a_pointer_of_a_newer_edgespec_may_say_more(tmp_path: Path, make: Make) -> None:
    store = ModelStore(tmp_path)
    store.install("band", make("a")[0], "by hand")
    pointer = tmp_path / "models" / "bands" / "band.json"
    pointer.write_text(pointer.read_text().replace("{", '{"hue": 3,', 1))
    assert store.running("band").bundle is not None


def test_what_is_no_bundle_changes_nothing(tmp_path: Path, make: Make) -> None:
    store = ModelStore(tmp_path)
    store.install("band", make("a")[0], "by hand")
    before = store.installed("band")
    with pytest.raises(ModelError, match="not an intact zip"):
        store.install("band", b"PK and nothing behind it", "by hand")
    assert store.installed("band") == before


def test_a_full_disk_changes_nothing(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    store.install("band", make("a")[0], "by hand")
    before, other = store.installed("band"), make("b")[0]

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ConfigError, match="No space left on device"):
        store.install("band", other, "by hand")
    assert store.installed("band") == before


@pytest.mark.parametrize("first", ["nothing", "a"])
@pytest.mark.parametrize("change", ["install", "roll back", "promote"])
def test_a_power_cut_at_any_step_leaves_a_whole_model(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, first: str, change: str
) -> None:
    """Of all that was not forced to the medium, anything may be lost."""
    contents = {name: make(name) for name in ("a", "b")}
    names = {sha256: name for name, (_, sha256) in contents.items()}
    folder = tmp_path / "disk"
    with monkeypatch.context() as patched:
        medium = Medium(folder, patched)
        store = ModelStore(folder)
        if first == "a":
            store.install("band", contents["a"][0], "by hand")
        if change == "promote":
            store.try_out("band", contents["b"][0], "heard of it")
        if change == "roll back":
            store.install("band", contents["b"][0], "by hand")
        n_before = len(medium.cuts)
        expected = {
            "install": lambda: store.install("band", contents["b"][0], "by hand"),
            "promote": lambda: store.promote("band", "good"),
            "roll back": lambda: store.roll_back("band", "bad"),
        }[change]().current
    assert len(medium.cuts) > n_before
    found = []
    for number, cut in enumerate(medium.cuts[n_before:]):
        Medium.lay(cut, tmp_path / str(number))
        running = ModelStore(tmp_path / str(number)).running("band")
        assert running.caution == ""
        found.append(None if running.bundle is None else names[running.bundle.sha256])
        shutil.rmtree(tmp_path / str(number), ignore_errors=True)
    before = {"install": None, "promote": None, "roll back": "b"}[change]
    old = "a" if first == "a" and change != "roll back" else before
    assert set(found) <= {old, None if expected is None else names[expected]}
    # The last cut comes after all was forced.
    assert found[-1] == (None if expected is None else names[expected])
