"""What the detectors learnt in a cell is there again in it, in the next run, too; only there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_cells import MOST_CELLS, files_of_cells
from edgespec.observer.kept.kept_scales import scales_file
from edgespec.observer.scoring.known_scales import KnownScales
from edgespec.reference import Reference

RANGE_HZ = (805.04e6, 806.96e6)
LABEL, MODEL = "lte-123", "c0ffee"
REFERENCE: Reference = {
    "scorer.zscore.scale": np.array([2.0, 0.5]),
    "lookout.power.rows": np.arange(12, dtype=np.float32).reshape(3, 4),
}


def file_of(folder: Path, source: str = "rtlsdr:", gain_db: float = 20.0) -> LevelFile:
    file = scales_file(folder, "b", source, gain_db, RANGE_HZ)
    assert file is not None
    return file


def kept_in(folder: Path, label: str = LABEL) -> Path:
    known = KnownScales(file_of(folder), lambda: 7)
    known.keep(label, MODEL, REFERENCE)
    known.close()
    return files_of_cells(file_of(folder).path)[-1]


def test_it_is_of_one_cell_and_of_one_model() -> None:
    known = KnownScales()
    known.keep(LABEL, MODEL, REFERENCE)
    assert known.of(LABEL, MODEL) == (REFERENCE, 0.0)
    assert known.of("lte-124", MODEL) is None
    assert known.of("nr-123", MODEL) is None
    assert known.of(LABEL, "another") is None


def test_a_step_of_the_gain_meanwhile_is_told() -> None:
    known = KnownScales()
    known.follow(3.0)
    known.keep(LABEL, MODEL, REFERENCE)
    known.follow(-10.0)
    found = known.of(LABEL, MODEL)
    assert found is not None
    assert found[1] == -10.0


def test_the_cell_that_was_left_longest_ago_goes(tmp_path: Path) -> None:
    known = KnownScales(file_of(tmp_path))
    for identity in range(MOST_CELLS):
        known.keep(f"lte-{identity}", MODEL, REFERENCE)
    assert known.of("lte-0", MODEL) is not None
    known.keep("lte-100", MODEL, REFERENCE)
    assert known.of("lte-1", MODEL) is None
    assert known.of("lte-0", MODEL) is not None
    known.close()
    assert len(known) == MOST_CELLS
    assert len(files_of_cells(file_of(tmp_path).path)) <= MOST_CELLS


def test_it_outlasts_a_restart_at_the_same_place_alone(tmp_path: Path) -> None:
    kept_in(tmp_path)
    found = KnownScales(file_of(tmp_path)).of(LABEL, MODEL)
    assert found is not None
    assert found[0].keys() == REFERENCE.keys()
    for name, values in REFERENCE.items():
        np.testing.assert_array_equal(found[0][name], values)
    elsewhere = replace(file_of(tmp_path), range_hz=(905.04e6, 906.96e6))
    for file in (file_of(tmp_path, "soapy:"), file_of(tmp_path, gain_db=30.0), elsewhere):
        assert not len(KnownScales(file))
    # Where a receiver sets its own gain, levels mean nothing.
    assert scales_file(tmp_path, "b", "rtlsdr:", None, RANGE_HZ) is None


def test_behind_a_retune_nothing_is_known_or_written(tmp_path: Path) -> None:
    known = KnownScales(file_of(tmp_path))
    known.clear()
    known.keep(LABEL, MODEL, REFERENCE)
    known.close()
    assert files_of_cells(file_of(tmp_path).path) == []


@pytest.mark.parametrize("harm", ["cut", "no cell", "empty", "flipped"])
def test_a_damaged_file_is_as_none(tmp_path: Path, harm: str) -> None:
    path = kept_in(tmp_path)
    data = path.read_bytes()
    flipped = bytearray(data)
    # A byte of the first array, behind its head.
    flipped[data.index(b"NUMPY") + 130] ^= 0x40
    path.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "no cell": data.replace(b'"cell"', b'"cel1"'),
            "empty": b"",
            "flipped": bytes(flipped),
        }[harm]
    )
    assert not len(KnownScales(file_of(tmp_path)))


@pytest.mark.parametrize(
    ("key", "value"),
    [("cell", 7), ("cell", "x" * 99), ("model_sha256", None), ("utc_ns", -1), ("gain_db", "a")],
)
def test_a_head_that_says_nothing_is_not_used(tmp_path: Path, key: str, value: object) -> None:
    path = kept_in(tmp_path)
    first, _, arrays = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps({**json.loads(first), key: value}).encode() + b"\n" + arrays)
    assert not len(KnownScales(file_of(tmp_path)))
