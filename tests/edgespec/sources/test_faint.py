"""Blocks of floats next to nothing are silence; whatever else is in a block, it stays."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.sources import open_source
from edgespec.sources.faint import LEAST_PART, flush_faint


@pytest.mark.parametrize("faint", [0.0, 1e-45, -1e-39j, 0.9 * LEAST_PART])
def test_a_faint_block_is_silence(faint: complex) -> None:
    block = np.full(1000, faint, np.complex64)
    flush_faint(block)
    assert not block.any()


@pytest.mark.parametrize("loud", [1.0, -1j, 2 * LEAST_PART, np.nan, -np.inf])
@pytest.mark.parametrize("place", [0, 17, 999])
def test_a_block_with_anything_else_stays(loud: complex, place: int) -> None:
    block = np.full(1000, 1e-39, np.complex64)
    block[place] = loud
    before = block.copy()
    flush_faint(block)
    assert np.array_equal(block, before, equal_nan=True)


def test_integers_and_nothing_stay() -> None:
    for block in (np.ones((10, 2), np.int16), np.empty(0, np.complex64)):
        flush_faint(block)
        assert block.all()


@pytest.mark.parametrize("datatype", ["cf32_le", "cf64_le"])
def test_a_faint_recording_is_played_as_silence(tmp_path: Path, datatype: str) -> None:
    samples = np.full(1000, 1e-39 - 1e-39j, "<c8" if datatype == "cf32_le" else "<c16")
    samples.tofile(tmp_path / "a")
    source = open_source(f"raw:{tmp_path / 'a'}?datatype={datatype}&sample_rate=1M")
    out = np.ones(1000, np.complex64)
    block = source.read(out)
    source.close()
    assert block is not None
    assert not block.samples.any()
