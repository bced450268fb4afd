"""Files of sweeps: those of rtl_power, of Bras d'Eau, and files that are none."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.data.sweeps.open_sweeps import open_sweeps
from edgespec.errors import SourceError, UsageError


def row(second: int, lower: float, *levels: float) -> str:
    upper = lower + 1000 * len(levels)
    # The last level comes twice, as rtl_power writes it.
    values = ", ".join(f"{level:.2f}" for level in (*levels, levels[-1]))
    return f"2026-11-28, 12:00:{second:02d}, {lower:.0f}, {upper:.0f}, 1000.00, 64, {values}"


def written(folder: Path, *rows: str) -> Path:
    path = folder / "band.csv"
    path.write_text("\n".join(rows) + "\n", encoding="ascii")
    return path


def test_hops_of_one_time_are_a_sweep(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        *(row(0, 0.0, 1, 2), row(0, 2000.0, 3, 4), ""),
        *(row(5, 0.0, 10, float("nan")), row(5, 2000.0, 30, 40)),
    )
    (table,) = open_sweeps(path, "UTC")
    assert table.freqs_hz.tolist() == [0, 1000, 2000, 3000]
    np.testing.assert_array_equal(table.levels_db, [[1, 2, 3, 4], [10, np.nan, 30, 40]])
    assert table.utc_s[0] == 1795867200.0  # 2026-11-28 12:00 in UTC
    assert (table.name, table.sweep_s, table.rbw_hz, table.unit) == ("band", 5.0, 1000.0, "dB")


def walls(folder: Path, *stamps: str) -> Path:
    rows = (f"{stamp}, 0, 2000, 1000.00, 64, {-k}, 0, 0" for k, stamp in enumerate(stamps))
    return written(folder, *rows)


def hours_of(path: Path, zone: str | None) -> list[float]:
    """Return when sweeps began, in hours behind the first midnight of UTC."""
    (table,) = open_sweeps(path, zone)
    return ((table.utc_s - table.utc_s[0] // 86_400 * 86_400) / 3600).tolist()


def test_local_times_are_those_of_their_zone_on_both_changes_of_the_clock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spring = walls(tmp_path, "2026-03-29, 01:00:00", "2026-03-29, 01:30:00", "2026-03-29, 03:00:00")
    # Berlin is an hour before UTC in winter, and two in summer.
    assert hours_of(spring, "Europe/Berlin") == [0.0, 0.5, 1.0]
    assert hours_of(spring, "UTC") == [1.0, 1.5, 3.0]
    stamps = [f"2026-10-25, {hour:02}:{minute}:00" for hour in (1, 2, 2, 3) for minute in (10, 50)]
    autumn = walls(tmp_path, *stamps)
    assert not caplog.text
    wanted = [23 + 1 / 6, 23 + 5 / 6, 24 + 1 / 6, 24 + 5 / 6, 25 + 1 / 6, 25 + 5 / 6]
    found = hours_of(autumn, "Europe/Berlin")
    assert found == pytest.approx([*wanted, 26 + 1 / 6, 26 + 5 / 6])
    assert "line 5: the times go back: the hour that daylight saving repeats" in caplog.text


def test_hours_that_no_clock_or_two_have_shown_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Whoever wrote this did not put the clock forward.
    skipped = walls(
        tmp_path, "2026-03-29, 01:50:00", "2026-03-29, 02:10:00", "2026-03-29, 03:00:00"
    )
    assert hours_of(skipped, "Europe/Berlin") == pytest.approx([50 / 60, 70 / 60, 2.0])
    assert "line 2: 2026-03-29 02:10:00 is left out in Europe/Berlin" in caplog.text
    unclear = walls(tmp_path, "2026-10-25, 02:30:00", "2026-10-25, 02:40:00")
    assert hours_of(unclear, "Europe/Berlin") == pytest.approx([0.5, 40 / 60])
    assert "line 1: 2026-10-25 02:30:00 comes twice in Europe/Berlin" in caplog.text
    assert caplog.text.count("comes twice") == 1
    with pytest.raises(UsageError, match="zone is 'Mars/Olympus'; write a time zone"):
        open_sweeps(unclear, "Mars/Olympus")


def test_without_a_zone_local_times_are_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert hours_of(walls(tmp_path, "2026-07-01, 08:00:00"), None) == [12.0]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "holds no sweep"),
        (["spam"], "line 1 has 1 fields"),
        ([row(s, 0.0, 1, 2) for s in (5, 4)], "sweep 2 of .* begins 1 s before"),
        ([row(s, 0.0, 1) for s in (1, 1)], "sweep 2 of .* begins 0 s before"),
        (
            [*(row(s, 0.0, 1, 2) for s in (0, 1, 2)), *(row(s, 9e4, 1, 2) for s in (3, 4, 5))],
            "sweep 4 of .* has 2 points from 90000 Hz, those before it 2 from 0 Hz",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, rows: list[str], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        open_sweeps(written(tmp_path, *rows))


@pytest.mark.parametrize(
    ("seconds", "times"),
    [
        ((0, 1, 1, 2, 3), [0, 1, 1.5, 2, 3]),
        ((0, 1, 2, 2, 2, 2, 6, 7), [0, 1, 2, 3, 4, 5, 6, 7]),
        ((0, 1, 1, 40, 41, 41, 41), [0, 1, 2, 40, 41, 42, 43]),
    ],
)
def test_sweeps_of_one_time_share_it(
    tmp_path: Path, seconds: tuple[int, ...], times: list[float]
) -> None:
    (table,) = open_sweeps(written(tmp_path, *(row(s, 0.0, s, 2) for s in seconds)))
    np.testing.assert_allclose(table.utc_s - table.utc_s[0], times)
    np.testing.assert_array_equal(table.levels_db[:, 0], seconds)


def test_a_table_keeps_points_that_are_missing_for_long(tmp_path: Path) -> None:
    sweeps = [(1, 2, 3, 4)] * 5 + [(1, 2, 3, float("nan"))] * 70 + [(1, 2, 3)] * 70
    path = tmp_path / "band.csv"
    stamps = (f"2026-11-28, 12:{n // 60:02}:{n % 60:02}" for n in range(len(sweeps)))
    rows = (
        f"{stamp}, 0, {1000 * len(levels)}, 1000, 1, {', '.join(map(str, levels))}"
        for stamp, levels in zip(stamps, sweeps, strict=True)
    )
    path.write_text("\n".join(rows))
    (table,) = open_sweeps(path)
    assert table.levels_db.shape == (145, 4)
    assert np.flatnonzero(np.isnan(table.levels_db[:, 3])).tolist() == list(range(5, 145))


def test_one_sweep_is_a_table(tmp_path: Path) -> None:
    (table,) = open_sweeps(written(tmp_path, row(7, 5000.0, 1, 2)))
    assert (table.n_sweeps, table.n_points, table.sweep_s) == (1, 2, 1.0)


def bras_deau(**change: Any) -> dict[str, Any]:
    """Two bands as in the published file: band 0 is turned once and has a pause."""
    time_s = 900.0 * np.array([0, 1, 2, 3, 4, 5, 20, 21])
    arrays = {}
    for band in ("band0", "band1"):
        arrays |= {
            f"{band}_edges_hz": np.array([1e6, 5e6]),
            f"{band}_time_s": time_s,
            f"{band}_polarisation": np.array([*"HHHVVVVV"]),
            f"{band}_azimuth_deg": np.array([120, 120, 120, 120, 240, 240, 240, 240]),
            f"{band}_power_dbm": np.arange(40, dtype=np.float32).reshape(8, 5),
            f"{band}_sweep_s": np.full(8, 36.5, np.float32),
        }
    return arrays | change


def test_a_setting_of_the_antenna_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "bras.npz"
    np.savez(path, **bras_deau())
    tables = open_sweeps(path)
    blocks = ["h120-0", "v120-1", "v240-2", "v240-3"]
    assert [table.name for table in tables] == [
        f"{band}-{block}" for band in ("band0", "band1") for block in blocks
    ]
    assert [table.n_sweeps for table in tables[:4]] == [3, 1, 2, 2]
    levels = np.concatenate([table.levels_db for table in tables[:4]])
    np.testing.assert_array_equal(levels, np.arange(40).reshape(8, 5))
    first = tables[0]
    assert first.freqs_hz.tolist() == [1e6, 2e6, 3e6, 4e6, 5e6]
    assert (first.sweep_s, first.rbw_hz, first.unit) == (36.5, 1e6, "dBm")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"band1_time_s": np.zeros(3)}, "band1 of the sweeps"),
        ({"band0_time_s": np.zeros(8)}, "must be finite, and rise"),
        ({"band0_edges_hz": np.array([5e6, 1e6])}, "must be finite, and rise"),
        ({"band0_power_dbm": np.zeros(8, np.float32)}, "cannot be read"),
    ],
)
def test_a_file_that_was_changed_is_said(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / "bras.npz"
    np.savez(path, **bras_deau(**change))
    with pytest.raises(SourceError, match=words):
        open_sweeps(path)


def test_an_array_that_is_missing_is_named(tmp_path: Path) -> None:
    arrays = bras_deau()
    del arrays["band0_azimuth_deg"]
    np.savez(tmp_path / "bras.npz", **arrays)
    with pytest.raises(SourceError, match="lack 'band0_azimuth_deg'"):
        open_sweeps(tmp_path / "bras.npz")


def test_the_real_ones(shared_data: Path) -> None:
    tables = open_sweeps(shared_data / "sweeps_bras_deau.npz")
    assert sum(table.n_sweeps for table in tables) == 634 + 596 + 511
    # A setting lasts about a day, in sweeps of a quarter of an hour.
    assert max(table.n_sweeps for table in tables) <= 96
    for name in ("fmpsd_fm802-3", "fmpsd_nhkfm3"):
        (table,) = open_sweeps(shared_data / f"{name}.csv")
        assert (table.n_sweeps, table.n_points, table.sweep_s) == (299, 128, 1.0)
        assert table.rbw_hz == 781.25


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK", b"\x00\xff" * 99])
def test_what_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "band.npz"
    path.write_bytes(content)
    with pytest.raises(SourceError):
        open_sweeps(path)
    with pytest.raises(SourceError, match="No such file"):
        open_sweeps(tmp_path / "nowhere")
