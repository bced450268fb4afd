"""Sweeps in a file: what comes back, and what a file that is none gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.data.sweeps.sweep_file import load_sweeps, save_sweeps
from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable


@pytest.fixture
def table() -> SweepTable:
    levels_db = np.array([[-80.5, np.nan], [-81, -90], [-82, -91]], np.float32)
    utc_s = np.array([10.0, 20.0, 30.0])
    return SweepTable("roof", utc_s, np.array([1e8, 3e8]), levels_db, 2.5, 1e5, unit="dBm")


def test_what_a_file_does_not_say_is_taken_from_its_axes(tmp_path: Path, table: SweepTable) -> None:
    path = tmp_path / "bare.npz"
    np.savez(path, utc_s=table.utc_s, freqs_hz=table.freqs_hz, levels_db=table.levels_db)
    bare = load_sweeps(path)
    assert (bare.name, bare.unit, bare.sweep_s, bare.rbw_hz) == ("bare", "dB", 10.0, 2e8)
    np.savez(path, utc_s=np.zeros(1), freqs_hz=np.ones(1), levels_db=np.zeros((1, 1)))
    assert (load_sweeps(path).sweep_s, load_sweeps(path).rbw_hz) == (1.0, 1.0)


def test_a_file_gives_back_what_it_took(tmp_path: Path, table: SweepTable) -> None:
    path = tmp_path / "new" / "roof.npz"
    save_sweeps(path, table, {"signal_mw": np.ones(3, np.float32)})
    again = load_sweeps(path)
    assert (again.name, again.unit, again.sweep_s, again.rbw_hz) == ("roof", "dBm", 2.5, 1e5)
    for name in ("utc_s", "freqs_hz", "levels_db"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"utc_s": np.array([10.0, 10.0, 30.0])}, "must be finite, and rise"),
        ({"utc_s": np.array([[10.0], [20.0], [30.0]])}, "a file of sweeps is"),
        ({"levels_db": np.zeros((3, 3), np.float32)}, "ask for"),
        ({"sweep_s": np.asarray(-1.0)}, "must be positive"),
        ({"sweep_s": np.ones(2)}, "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_said(
    tmp_path: Path, table: SweepTable, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / "roof.npz"
    save_sweeps(path, table)
    with np.load(path) as arrays:
        changed = {**arrays, **change}
    np.savez(path, **changed)
    with pytest.raises(SourceError, match=words):
        load_sweeps(path)


def test_a_file_that_is_none_is_said(tmp_path: Path, table: SweepTable) -> None:
    path = tmp_path / "roof.npz"
    for content in (b"", b"PK\x03\x04", b"no archive at all"):
        path.write_bytes(content)
        with pytest.raises(SourceError, match="a file of sweeps is"):
            load_sweeps(path)
    with pytest.raises(SourceError, match="cannot be read"):
        load_sweeps(tmp_path / "nowhere.npz")
    np.savez(path, utc_s=np.zeros(3))
    with pytest.raises(SourceError, match="lacks freqs_hz, levels_db"):
        load_sweeps(path)
    with pytest.raises(SourceError, match="cannot be written"):
        save_sweeps(path / "beyond.npz", table)
