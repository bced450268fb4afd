"""What was learnt beside a cell counts when it is there again, as long as it is of here."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.detect.scan.residual_scan import LEAST_WARMUP, ResidualScan
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.observer.cell.learnt_cells import LearntCells
from edgespec.observer.cell.residual_scale import ResidualScale
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_cell import cell_file
from edgespec.observer.kept.kept_cells import MOST_CELLS, files_of_cells
from edgespec.records import SampleFormat

RATE_HZ = 1.92e6
CELL = Cell("lte", 123, "fdd", "normal", RATE_HZ, 100.25, 300.0, 0.5, 20.0, 0.99, 2.0)
N_SUBBANDS = PrefixPlan.of(CELL).n_subbands
RANGE_HZ = (805.04e6, 806.96e6)


def scan_of(
    rng: np.random.Generator | None, *, level: float = 1e-6, left: float = 0.01
) -> ResidualScan:
    """Return one that has learnt noise of a level beside a cell 20 dB above it; None: nothing."""
    scan = ResidualScan(N_SUBBANDS, LEAST_WARMUP)
    if rng is not None:
        shape = (LEAST_WARMUP, N_SUBBANDS)
        power = (level / left * rng.gamma(9.0, 1 / 9, shape)).astype(np.float32)
        residual = (level * rng.gamma(9.0, 1 / 9, shape)).astype(np.float32)
        scan.score(residual, power, np.arange(LEAST_WARMUP) % 20, np.zeros(LEAST_WARMUP, np.uint8))
        assert scan.site is not None
    return scan


def scale_of(*, is_settled: bool = True) -> ResidualScale:
    scale = ResidualScale(100)
    if is_settled:
        scale.learn(None, 200, has_reference=True)
    return scale


def other(identity: int) -> Cell:
    return replace(CELL, identity=identity)


def taught(cells: LearntCells, cell: Cell) -> ResidualScan | None:
    """Return a scan that goes by what is known of a cell, None where nothing is."""
    plane = ResidualPlane(RATE_HZ, SampleFormat.CI16, cell, max_block_samples=9600)
    scan, scale = scan_of(None), scale_of(is_settled=False)
    cells.change(other(0), cell, plane, scan, scale)
    assert scale.is_settled == (scan.site is not None)
    return None if scan.site is None else scan


def file_of(folder: Path, source: str = "rtlsdr:", gain_db: float = 20.0) -> LevelFile:
    file = cell_file(folder, "b", source, gain_db, RANGE_HZ)
    assert file is not None
    return file


def test_a_cell_is_known_again_by_its_identity_alone(rng: np.random.Generator) -> None:
    cells, scan = LearntCells(), scan_of(rng)
    cells.keep(CELL, None, scan, scale_of())
    found = taught(cells, replace(CELL, frame_start=5e6, cfo_hz=-80.0, ppm=1.0, snr_db=9.0))
    assert found is not None
    for name, values in scan.reference().items():
        np.testing.assert_array_equal(found.reference()[name], values)
    assert taught(cells, other(124)) is None
    assert taught(cells, replace(CELL, technology="nr", duplex="")) is None
    assert [cell.identity for cell in cells.known()] == [123]


def test_what_is_not_trusted_or_not_known_yet_is_not_kept(rng: np.random.Generator) -> None:
    cells = LearntCells()
    cells.keep(CELL, None, scan_of(None), scale_of())
    cells.keep(CELL, None, scan_of(rng), scale_of(is_settled=False))
    doubtful = scan_of(rng, left=0.9)
    assert doubtful.distrust
    cells.keep(CELL, None, doubtful, scale_of())
    assert not len(cells)


def test_a_cell_takes_the_place_of_another_and_never_of_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One that was lost before it was learnt is found again: that is no other cell."""
    cells = LearntCells()
    plane = ResidualPlane(RATE_HZ, SampleFormat.CI16, CELL, max_block_samples=9600)
    begun = scan_of(None), scale_of(is_settled=False)
    cells.change(CELL, replace(CELL, frame_start=5e6), plane, *begun)
    assert (cells.n_changes, caplog.messages) == (0, [])
    cells.change(CELL, replace(CELL, duplex="tdd"), plane, *begun)
    cells.change(CELL, other(124), plane, *begun)
    assert cells.n_changes == 2
    usual = "normal prefixes, 15 kHz"
    assert caplog.messages == [
        f"the cell of the band is lte-{identity} ({duplex}, {usual}) now, and was lte-123 "
        f"(fdd, {usual}): it is learnt what is normal"
        for identity, duplex in ((123, "tdd"), (124, "fdd"))
    ]


def test_the_cell_that_was_left_longest_ago_goes(rng: np.random.Generator, tmp_path: Path) -> None:
    cells = LearntCells(file_of(tmp_path))
    scan, scale = scan_of(rng), scale_of()
    for identity in range(MOST_CELLS):
        cells.keep(other(identity), None, scan, scale)
    # One that is there again is not the oldest any more.
    assert taught(cells, other(0)) is not None
    cells.keep(other(100), None, scan, scale)
    assert taught(cells, other(1)) is None
    assert taught(cells, other(0)) is not None
    assert len(cells) == MOST_CELLS
    cells.close()
    assert len(files_of_cells(file_of(tmp_path).path)) <= MOST_CELLS


def test_a_step_of_the_gain_meanwhile_counts(rng: np.random.Generator) -> None:
    cells, scan = LearntCells(), scan_of(rng)
    cells.follow(3.0)
    cells.keep(CELL, None, scan, scale_of())
    cells.follow(10.0)
    found = taught(cells, CELL)
    assert found is not None
    assert found.site is not None
    assert scan.site is not None
    np.testing.assert_allclose(found.site.noise, 10.0 * scan.site.noise)


def test_it_outlasts_a_restart_at_the_same_place_alone(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    cells, scan = LearntCells(file_of(tmp_path), lambda: 7), scan_of(rng)
    cells.keep(CELL, None, scan, scale_of())
    cells.close()
    again = LearntCells(file_of(tmp_path))
    found = taught(again, CELL)
    assert found is not None
    np.testing.assert_allclose(found.reference()["places"], scan.reference()["places"])
    assert [cell.utc_ns for cell in again.known()] == [7]
    for file in (file_of(tmp_path, "soapy:"), file_of(tmp_path, gain_db=30.0)):
        assert not len(LearntCells(file))
    elsewhere = replace(file_of(tmp_path), range_hz=(905.04e6, 906.96e6))
    assert not len(LearntCells(elsewhere))
    # Where a receiver sets its own gain, levels mean nothing.
    assert cell_file(tmp_path, "b", "rtlsdr:", None, RANGE_HZ) is None


def test_behind_a_retune_nothing_is_known_or_written(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    cells = LearntCells(file_of(tmp_path))
    cells.keep(CELL, None, scan_of(rng), scale_of())
    cells.clear()
    assert taught(cells, CELL) is None
    cells.keep(other(9), None, scan_of(rng), scale_of())
    cells.close()
    assert [path.name.split("@")[1] for path in files_of_cells(file_of(tmp_path).path)] == [
        "lte-123.cell"
    ]


@pytest.mark.parametrize("harm", ["cut", "other", "empty", "far"])
def test_a_damaged_file_is_as_none(rng: np.random.Generator, tmp_path: Path, harm: str) -> None:
    file = file_of(tmp_path)
    cells = LearntCells(file)
    cells.keep(CELL, None, scan_of(rng), scale_of())
    cells.close()
    (path,) = files_of_cells(file.path)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "other": data.replace(b'"identity"', b'"identitx"'),
            "empty": b"",
            "far": data.replace(b'"ppm": 0.5', b'"ppm": NaN'),
        }[harm]
    )
    assert not len(LearntCells(file))


def test_arrays_of_another_bandwidth_are_not_used(rng: np.random.Generator, tmp_path: Path) -> None:
    cells = LearntCells(file_of(tmp_path))
    wide = ResidualScan(N_SUBBANDS + 2, LEAST_WARMUP)
    shape = (LEAST_WARMUP, N_SUBBANDS + 2)
    power = rng.gamma(9.0, 1 / 9, shape).astype(np.float32)
    place, flags = np.arange(LEAST_WARMUP) % 20, np.zeros(LEAST_WARMUP, np.uint8)
    wide.score(np.float32(0.01) * power, power, place, flags)
    cells.keep(CELL, None, wide, scale_of())
    assert taught(cells, CELL) is None
    assert not len(cells)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("technology", []), ("technology", None), ("duplex", {}), ("prefix", [1]),
        ("identity", "7"), ("identity", 1e300), ("utc_ns", 10**30), ("utc_ns", -1),
    ],
)  # fmt: skip
def test_a_file_that_names_no_cell_is_not_used(
    rng: np.random.Generator, tmp_path: Path, key: str, value: object
) -> None:
    kept = LearntCells(file_of(tmp_path))
    kept.keep(CELL, None, scan_of(rng), scale_of())
    kept.close()
    (path,) = files_of_cells(file_of(tmp_path).path)
    first, _, arrays = path.read_bytes().partition(b"\n")
    head = json.loads(first)
    (head if key in head else head["cell"])[key] = value
    path.write_bytes(json.dumps(head).encode() + b"\n" + arrays)
    assert len(LearntCells(file_of(tmp_path))) == 0
