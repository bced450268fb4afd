"""Tables keep every row, whatever others of it have more."""

from pathlib import Path

import numpy as np
import pytest

from converter.lab.tables import columns_of, read_table, write_table
from converter.report.frame import Frame

pytestmark = pytest.mark.converter


def test_a_row_that_lacks_a_column_has_none_there(tmp_path: Path) -> None:
    rows = [
        {"file": "a", "score:zscore": 1.0},
        {"file": "b", "score:zscore": 2.0, "score:forecast": 3.5, "alarm:forecast": True},
        {"score:forecast": 4.0, "alarm:forecast": False},
    ]
    columns = columns_of(rows)
    assert list(columns) == ["file", "score:zscore", "score:forecast", "alarm:forecast"]
    assert write_table(tmp_path / "rows.parquet", columns) == 3
    frame = Frame.from_arrow(read_table(tmp_path / "rows.parquet"))
    assert frame["file"].tolist() == ["a", "b", ""]
    np.testing.assert_array_equal(frame["score:zscore"], [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(frame["score:forecast"], [np.nan, 3.5, 4.0])
    assert frame["alarm:forecast"].tolist() == [None, True, False]


def test_no_rows_are_no_columns() -> None:
    assert columns_of(iter(())) == {}
