"""Files of the central unit with anything in them: one short sentence (F6)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgespec.npz import read_npz
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.site import Site
from edgespec.twin.trained import load_trained
from tests.made.mutations import check_door, mutated
from tests.made.twin_site import hall, write_maps

_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def maps(folder: Path) -> tuple[Site, bytes]:
    site = write_maps(folder / "maps.npz", hall(), np.full((12, 2, 3, 4), -80.0))
    return site, (folder / "maps.npz").read_bytes()


@given(st.data())
@_SETTINGS
def test_f6_maps_of_damaged_bytes(folder: Path, maps: tuple[Site, bytes], data: Any) -> None:
    site, good = maps
    (folder / "maps.npz").write_bytes(data.draw(st.binary() | mutated(good)))
    check_door(lambda: Maps(site))


def test_f6_arrays_that_say_they_are_huge(folder: Path, maps: tuple[Site, bytes]) -> None:
    site, good = maps
    for wrong in (b"9" * 7, b"-" + b"1" * 6):
        at = good.index(b"'shape': (") + len(b"'shape': (")
        forged = good[:at] + wrong + good[at + 7 :]
        (folder / "maps.npz").write_bytes(forged)
        assert "edgespec-converter raytrace" in check_door(lambda: Maps(site))


@pytest.mark.parametrize(
    "meta",
    [
        "[" * 100_000,
        "[]",
        json.dumps({"schema": "edgespec.twin-trained/1"}),
        json.dumps({"schema": "edgespec.twin-trained/1", "site": "9" * 5000, "nodes": 5}),
        "{" + '"a":1,' * 400_000 + '"b":1}',
    ],
    ids=range(5),
)
def test_f6_a_trained_twin_that_says_anything(tmp_path: Path, meta: str) -> None:
    path = tmp_path / "twin.npz"
    np.savez(path, meta=np.array(meta), bias_db=np.zeros(3))
    assert "edgespec twin train" in check_door(lambda: load_trained(path, hall()))


def test_f6_an_archive_of_many_arrays_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    np.savez(path, **{f"a{n}": np.zeros(1) for n in range(1100)})
    with pytest.raises(ValueError, match="1100 arrays"):
        read_npz(path)
    np.savez_compressed(path, a=np.zeros(20_000_000))
    with pytest.raises(ValueError, match="160000128 bytes"):
        read_npz(path)
