"""Files of the layout that programs reading the campaign of RWTH Aachen show; not the originals."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import io

from converter.cli import main
from converter.data.sweeps.aachen import read_aachen
from converter.data.sweeps.open_sweeps import open_sweeps
from edgespec.errors import EdgespecError, SourceError, UsageError

#: 16 points over 1.5 GHz are 100 MHz apart: 20, 120, ... 1520.
N_POINTS, BEGIN_S = 16, 1_170_158_400.0
LEVELS = np.arange(10 * N_POINTS, dtype=np.float64).reshape(10, N_POINTS) - 120.0


def written(folder: Path) -> list[Path]:
    """Return three files of four, two and four sweeps; of the numbers, the third is missing."""
    cuts = {1: slice(0, 4), 2: slice(4, 6), 4: slice(6, 10)}
    paths = []
    for number, rows in cuts.items():
        path = folder / f"MeasRes_0770_{number:04d}.mat"
        io.savemat(path, {"measurementResults": LEVELS[rows], "else": np.zeros(3)})
        paths.append(path)
    return paths


def test_the_files_of_a_subband_are_one_table_of_a_band(tmp_path: Path) -> None:
    table = read_aachen(reversed(written(tmp_path)), (800e6, 1000e6), BEGIN_S)
    assert table.freqs_hz.tolist() == pytest.approx([820e6, 920e6])
    np.testing.assert_array_equal(table.levels_db, LEVELS[:, 8:10])
    # The missing file stands for four sweeps.
    counts = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13]
    assert table.utc_s.tolist() == pytest.approx([BEGIN_S + 1.8 * count for count in counts])
    assert (table.sweep_s, table.rbw_hz, table.unit) == (1.8, 200e3, "dBm")


def test_they_become_a_file_of_sweeps(tmp_path: Path) -> None:
    out = tmp_path / "band.npz"
    done = CliRunner().invoke(
        main,
        [
            *("aachen-sweeps", *map(str, written(tmp_path)), "-o", str(out)),
            *("--from", "800M", "--to", "1000M", "--begin", "2007-01-30T12:00Z"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert "not verified" in done.stderr
    (table,) = open_sweeps(out)
    assert (table.n_sweeps, table.n_points, table.utc_s[0]) == (10, 2, BEGIN_S)


@pytest.mark.parametrize(
    ("arrays", "name", "kind", "words"),
    [
        ({"results": LEVELS}, "MeasRes_0770_0005.mat", SourceError, "has no measurementResults"),
        (
            {"measurementResults": LEVELS[:, :3]},
            "MeasRes_0770_0005.mat",
            SourceError,
            "has 3 points, those before it 16",
        ),
        (
            {"measurementResults": np.zeros((2, 2, 2))},
            "MeasRes_0770_0005.mat",
            SourceError,
            r"has the shape \(2, 2, 2\)",
        ),
        ({"measurementResults": LEVELS}, "MeasRes_2250_0005.mat", UsageError, "770 MHz, 2250 MHz"),
        ({"measurementResults": LEVELS}, "other.mat", UsageError, "is not called as these files"),
    ],
)
def test_what_is_none_of_them_is_said(
    tmp_path: Path, arrays: dict[str, np.ndarray], name: str, kind: type[EdgespecError], words: str
) -> None:
    paths = written(tmp_path)
    io.savemat(tmp_path / name, arrays)
    with pytest.raises(kind, match=words):
        read_aachen([*paths, tmp_path / name], (0.0, 2e9), BEGIN_S)


def test_a_band_and_files_that_there_are_not_are_said(tmp_path: Path) -> None:
    paths = written(tmp_path)
    with pytest.raises(SourceError, match="no point in the subband from 20 to 1520 MHz"):
        read_aachen(paths, (2e9, 3e9), BEGIN_S)
    with pytest.raises(UsageError, match="of no file"):
        read_aachen([], (0.0, 2e9), BEGIN_S)
    (tmp_path / "MeasRes_0770_0009.mat").write_bytes(b"MATLAB 7.3 and nothing behind it")
    with pytest.raises(SourceError):
        read_aachen([tmp_path / "MeasRes_0770_0009.mat"], (0.0, 2e9), BEGIN_S)
