"""Bundles that are not what they say: one short sentence, before anything large is read."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgespec.errors import ModelError
from edgespec.inference.arrays import arrays_from_npz, npz_from_arrays, zip_bytes, zip_members
from edgespec.inference.bundle import load_bundle
from edgespec.inference.manifest_json import manifest_from_json, manifest_to_json
from tests.made import tiny
from tests.made.mutations import check_door, mutated, odd_values

_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "tiny.edgespec"
    tiny.bundle(path, np.random.default_rng(1), model=b"network")
    return path


def refusal(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    message = check_door(lambda: load_bundle(path))
    assert message
    return message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n_averages", 10**9),
        ("n_averages", 10**400),
        ("hop_frames", 10**6),
        ("hop_frames", -(10**400)),
        ("n_context", 10**7),
        ("n_horizon", 10**18),
        ("sample_rate_hz", 1e300),
        ("sample_rate_hz", 10**400),
        ("n_fft", 2**70),
    ],
)
def test_f5_a_geometry_that_no_board_could_hold(key: str, value: int | float) -> None:
    data = json.loads(manifest_to_json(tiny.manifest()))
    data["geometry"][key] = value
    with pytest.raises(ModelError, match=key) as caught:
        manifest_from_json(json.dumps(data))
    assert len(str(caught.value)) < 400


def test_f5_members_that_overlap_are_refused_before_they_are_read(
    good: Path, tmp_path: Path
) -> None:
    """Sixteen members that share 60 MB would be 1 GB."""
    content = zip_bytes({f"{n:02}": b"" for n in range(15)} | {"15": bytes(1000)})
    central = content.index(b"PK\1\2")
    last = content.rindex(b"PK\1\2")
    forged = bytearray(content)
    at = central
    for _ in range(16):
        forged[at + 20 : at + 28] = content[last + 20 : last + 28]
        forged[at + 42 : at + 46] = content[last + 42 : last + 46]
        at += 46 + 2
    with pytest.raises(ModelError, match="overlap"):
        zip_members(bytes(forged), "it")
    assert "unknown member '00'" in refusal(bytes(forged), tmp_path / "x.edgespec")


@pytest.mark.parametrize("where", ["before", "behind", "comment"])
def test_f5_nothing_may_stand_around_the_zip(good: Path, tmp_path: Path, where: str) -> None:
    content = good.read_bytes()
    if where == "comment":
        buffer = io.BytesIO(content)
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.comment = b"junk"
        content = buffer.getvalue()
    else:
        content = b"junk" + content if where == "before" else content + b"junk"
    assert "before or behind" in refusal(content, tmp_path / "x.edgespec")


@pytest.mark.parametrize(
    "header", [b"(((((", b"{'a': '''", b"\xff\0" * 20, b"[" * 9000, b"{'descr': 1}", b"1" * 5000]
)
def test_f5_a_header_of_npy_that_is_no_python(header: bytes) -> None:
    npy = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header
    content = zip_bytes({"x.npy": npy})
    message = check_door(lambda: arrays_from_npz(content, "golden.npz"))
    assert "golden.npz" in message


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(-1,)", "(0,)", "(2, -1)"])
def test_f5_a_shape_larger_than_its_file(shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}".encode()
    npy = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(16)
    assert check_door(lambda: arrays_from_npz(zip_bytes({"x.npy": npy}), "golden.npz"))


def test_f5_a_manifest_of_megabytes(good: Path, tmp_path: Path) -> None:
    members = zip_members(good.read_bytes(), "good")
    members["manifest.json"] = b"[" + b"[]," * 1_000_000 + b"[]]"
    assert "manifest of" in refusal(zip_bytes(members), tmp_path / "x.edgespec")


@given(st.data())
@_SETTINGS
def test_f6_bundles_of_damaged_bytes(
    good: Path, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x.edgespec"
    path.write_bytes(data.draw(st.binary() | mutated(good.read_bytes())))
    check_door(lambda: load_bundle(path))


@given(st.data())
@_SETTINGS
def test_f6_manifests_that_say_anything(good: Path, data: Any) -> None:
    members = zip_members(good.read_bytes(), "good")
    manifest = json.loads(members["manifest.json"])
    table = data.draw(
        st.sampled_from(
            [manifest, *(one for one in manifest.values() if isinstance(one, dict) and one)]
        )
    )
    table[data.draw(st.sampled_from(sorted(table)))] = data.draw(odd_values())
    members["manifest.json"] = json.dumps(manifest).encode()
    path = good.with_name("odd.edgespec")
    path.write_bytes(zip_bytes(members))
    check_door(lambda: load_bundle(path))


@given(st.data())
@_SETTINGS
def test_f6_arrays_of_damaged_bytes(data: Any) -> None:
    whole = npz_from_arrays(x=np.ones((3, 4), np.float32), y=np.ones(5, np.float32))
    content = data.draw(mutated(whole))
    check_door(lambda: arrays_from_npz(content, "golden.npz"))
