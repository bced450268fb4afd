"""Laws of the readers of sweeps: what a program wrote is what comes out, whatever the file is."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.sources import open_source
from edgespec.sweep_block import SweepBlock
from tests.made import sweeps
from tests.made.sweeps import LOWER_HZ, START, STEP_HZ

TABLE = sweeps.levels(20, 12)
NS = 1_000_000_000


def blocks_of(uri: str) -> list[SweepBlock]:
    return list(read(uri))


def read(uri: str) -> Iterator[SweepBlock]:
    source = open_source(uri)
    try:
        while (block := source.read(source.info.empty(1))) is not None:
            assert isinstance(block, SweepBlock)
            yield block
    finally:
        source.close()


def write(path: Path, what: str | bytes) -> str:
    path.write_bytes(what if isinstance(what, bytes) else what.encode())
    return f"rtl_power:{path}?zone=UTC"


def levels_of(found: list[SweepBlock]) -> np.ndarray:
    return np.concatenate([block.samples for block in found])


@pytest.mark.parametrize("n_hops", [1, 3])
@pytest.mark.parametrize("kind", ["rtl_power", "fftw", "soapy", "npz"])
def test_every_format_gives_the_same_sweeps(tmp_path: Path, kind: str, n_hops: int) -> None:
    path = tmp_path / "sweeps"
    if kind == "npz":
        uri = f"rtl_power:{sweeps.table_file(path.with_suffix('.npz'), TABLE)}"
    elif kind == "rtl_power":
        uri = write(path, sweeps.rtl_power_text(TABLE, n_hops))
    elif kind == "fftw":
        uri = write(path, sweeps.fftw_text(TABLE, n_hops))
    else:
        uri = write(path, sweeps.soapy_binary(TABLE, n_hops))
    found = blocks_of(uri)
    np.testing.assert_allclose(levels_of(found), TABLE, atol=0.006)
    np.testing.assert_allclose(found[0].grid.freqs_hz, LOWER_HZ + STEP_HZ * np.arange(12))
    assert [block.sample_start for block in found] == list(range(20))
    assert [block.utc_ns for block in found] == [
        round((START.timestamp() + number) * NS) for number in range(20)
    ]
    assert not any(block.n_dropped for block in found)
    assert {id(block.grid) for block in found} == {id(found[0].grid)}


def test_a_hole_between_hops_belongs_to_no_bin(tmp_path: Path) -> None:
    text = "".join(
        sweeps.rtl_power_line(START + timedelta(seconds=n), lower_hz, [-50.0] * 4)
        for n in range(4)
        for lower_hz in (88e6, 90e6)
    )
    grid = blocks_of(write(tmp_path / "a.csv", text))[0].grid
    assert grid.edges_hz(3, 3)[1] == pytest.approx(88e6 + 3.5 * STEP_HZ)


def test_sweeps_that_are_missing_are_counted(tmp_path: Path) -> None:
    rows = sweeps.rtl_power_text(TABLE, interval_s=10.0).splitlines(keepends=True)
    found = blocks_of(write(tmp_path / "a.csv", "".join(rows[:8] + rows[12:])))
    assert [block.n_dropped for block in found] == [0] * 8 + [4] + [0] * 7
    assert found[-1].sample_start == 19


def test_a_day_without_data_is_a_gap_of_its_length(tmp_path: Path) -> None:
    rows = sweeps.rtl_power_text(TABLE, interval_s=60.0).splitlines(keepends=True)
    later = sweeps.rtl_power_line(START + timedelta(days=1, minutes=19), LOWER_HZ, TABLE[0])
    found = blocks_of(write(tmp_path / "a.csv", "".join([*rows, later])))
    assert found[-1].n_dropped == 24 * 60 - 1


def test_two_sweeps_with_one_time_are_two(tmp_path: Path) -> None:
    rows = sweeps.rtl_power_text(TABLE).splitlines(keepends=True)
    found = blocks_of(write(tmp_path / "a.csv", "".join(rows[:10] + rows[9:])))
    assert [block.sample_start for block in found] == list(range(21))
    assert not any(block.n_dropped for block in found)


def test_a_writer_that_stalls_loses_no_sweep(tmp_path: Path) -> None:
    # Four sweeps with the time of the first of them; the next comes when it is due.
    rows = sweeps.rtl_power_text(TABLE).splitlines(keepends=True)
    times = [re.sub(r"12:00:1[0-3]", "12:00:10", row) for row in rows[10:14]]
    path = tmp_path / "a.csv"
    found = blocks_of(write(path, "".join(rows[:10] + times + rows[14:])) + "&interval_s=1")
    assert [block.sample_start for block in found] == list(range(20))
    # Of three that are missing behind them, all are.
    found = blocks_of(write(path, "".join(rows[:10] + times + rows[17:])) + "&interval_s=1")
    assert [block.n_dropped for block in found if block.n_dropped] == [3]


def test_the_hour_that_comes_twice_goes_on(tmp_path: Path) -> None:
    # 2026-10-25, Berlin: 02:59:59 of summer is followed by 02:00:00 of winter.
    walls = [f"2026-10-25, 02:{minute:02}:00" for minute in range(0, 60, 10)] * 2
    text = "".join(
        f"{wall}, 88e6, 88.2e6, 1e5, 1, -50, {-50 - k}\n" for k, wall in enumerate(walls)
    )
    path = tmp_path / "a.csv"
    path.write_text(text)
    for zone in ("Europe/Berlin", "UTC"):
        found = blocks_of(f"rtl_power:{path}?zone={zone}")
        utc_s = np.array([block.utc_ns for block in found]) / NS
        # By the zone's own rule, or, where it has none, by the step itself.
        np.testing.assert_allclose(np.diff(utc_s), 600.0)
        assert not any(block.n_dropped for block in found)


def test_a_clock_that_was_set_back_loses_no_sweep(tmp_path: Path) -> None:
    rows = sweeps.rtl_power_text(TABLE).splitlines(keepends=True)
    set_back = [
        sweeps.rtl_power_line(START - timedelta(days=3, seconds=-n), LOWER_HZ, TABLE[n])
        for n in range(5)
    ]
    found = blocks_of(write(tmp_path / "a.csv", "".join(rows + set_back)))
    assert [block.sample_start for block in found] == list(range(25))
    assert found[-1].utc_ns < found[0].utc_ns


def test_points_that_are_missing_are_not_numbers(tmp_path: Path) -> None:
    rows = sweeps.rtl_power_text(TABLE).splitlines()
    fields = rows[7].split(", ")
    fields[8], fields[9], fields[10] = "nan", "", "-inf"
    rows[7] = ", ".join(fields)
    found = levels_of(blocks_of(write(tmp_path / "a.csv", "\n".join(rows))))
    assert np.flatnonzero(np.isnan(found[7])).tolist() == [2, 3, 4]
    assert np.isfinite(np.delete(found, 7, axis=0)).all()


def test_a_sweep_of_another_span_is_left_out_and_two_begin_another_grid(tmp_path: Path) -> None:
    def line(number: int, lower_hz: float, n: int) -> str:
        return sweeps.rtl_power_line(START + timedelta(seconds=number), lower_hz, [-50.0] * n)

    spans = [(88e6, 12)] * 6 + [(89e6, 12)] + [(88e6, 12)] * 6 + [(87e6, 9)] * 5
    text = "".join(line(number, *span) for number, span in enumerate(spans))
    found = blocks_of(write(tmp_path / "a.csv", text))
    assert [block.sample_start for block in found] == [*range(6), *range(7, 13), *range(14, 18)]
    assert [block.n_dropped for block in found if block.n_dropped] == [1, 1]
    assert [block.samples.shape[1] for block in found] == [12] * 12 + [9] * 4
    assert len({id(block.grid) for block in found}) == 2


@pytest.mark.parametrize("is_cut", [True, False])
def test_points_that_nobody_hears_any_more_are_left_out_until_they_are_back(
    tmp_path: Path, is_cut: bool
) -> None:
    def line(number: int, n_heard: int) -> str:
        row = [-50.0] * n_heard + [np.nan] * (0 if is_cut else 12 - n_heard)
        return sweeps.rtl_power_line(START + timedelta(seconds=number), LOWER_HZ, row)

    heard = [12] * 70 + [9] * 59 + [12] * 5 + [9] * 80 + [12] * 10
    text = "".join(line(number, n) for number, n in enumerate(heard))
    found = blocks_of(write(tmp_path / "a.csv", text))
    # 59 sweeps are a hole, of which the level before is told; 60 are another band.
    assert [block.samples.shape[1] for block in found] == [12] * (134 + 59) + [9] * 21 + [12] * 9
    assert [block.sample_start for block in found] == [*range(214), *range(215, 224)]
    assert len({id(block.grid) for block in found}) == 3
    np.testing.assert_allclose(found[200].grid.freqs_hz, LOWER_HZ + STEP_HZ * np.arange(9))


def test_a_receiver_that_gives_nothing_keeps_its_band(tmp_path: Path) -> None:
    text = "".join(
        sweeps.rtl_power_line(START + timedelta(seconds=n), LOWER_HZ, row)
        for n, row in enumerate([[-50.0] * 12] * 70 + [[np.nan] * 12] * 80)
    )
    assert {block.samples.shape[1] for block in blocks_of(write(tmp_path / "a.csv", text))} == {12}


def test_two_programs_that_write_into_one_file_never_change_the_grid(tmp_path: Path) -> None:
    text = "".join(
        sweeps.rtl_power_line(START + timedelta(seconds=n), lower_hz, [-50.0] * 8)
        for n in range(20)
        for lower_hz in (188e6, 88e6)
    )
    assert len({id(block.grid) for block in blocks_of(write(tmp_path / "a.csv", text))}) == 1


def test_half_of_a_hop_short_is_the_same_grid_with_holes(tmp_path: Path) -> None:
    text = sweeps.rtl_power_text(TABLE, n_hops=3).splitlines(keepends=True)
    del text[3 * 9 + 1]
    found = blocks_of(write(tmp_path / "a.csv", "".join(text)))
    assert np.flatnonzero(np.isnan(levels_of(found)[9])).tolist() == [4, 5, 6, 7]
    assert len(found) == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no sweep"),
        ("hello\n", "line 1 has 1 fields"),
        ("28.11.2026, 12:00:00, 1, 2, 1, 1, -5\n", "line 1 begins with"),
        ("2026-11-28, 12:00:00, 2e6, 1e6, 1e3, 1, -5\n", "line 1 goes from"),
        ("2026-11-28, 12:00:00, 1e6, 2e6, 0, 1, -5\n", "line 1 goes from"),
        ("2026-11-28, 12:00:00, 1e6, 1e12, 1, 1, -5\n", "line 1"),
        ("2026-11-28, 12:00:00, 88e6, 88.1e6, 1e5, 1, x\n", "line 1 has 'x' where a number stands"),
        ("2026-11-28, 12:00:00, 88e6, 88.1e6, 1e5, 1, 1, 2, 3\n", "line 1 has 3 levels"),
        ("2026-11-28, 12:00:00, 88e6, 88.1e6, 1e5, 1, -5\n", "interval_s"),
        ("2026-11-28, 12:00:00, y, 88.1e6, 1e5, 1, -5\n", "line 1 has 'y' where a number stands"),
        ("# Acquisition start: then\n88e6 -50\n", "line 1 says that it began at 'then'"),
        ("# nothing\n88e6 z\n", "line 2 has 'z' where a number stands"),
        ("# nothing\n88e6 -50\n88.1e6 -51\n\n", "Acquisition start"),
        (b"SDRFF\x07" + b"\0" * 60, "record 1"),
        (b"PK not a zip", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_by_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(SourceError, match=re.escape(said)):
        blocks_of(write(tmp_path / "a.csv", text))


@pytest.mark.parametrize("kind", ["rtl_power", "fftw"])
def test_a_mark_before_a_text_is_left_out(tmp_path: Path, kind: str) -> None:
    text = sweeps.rtl_power_text(TABLE) if kind == "rtl_power" else sweeps.fftw_text(TABLE)
    plain = blocks_of(write(tmp_path / "a", text))
    marked = blocks_of(write(tmp_path / "b", "\ufeff" + text))
    assert np.array_equal(levels_of(plain), levels_of(marked))


def test_what_is_left_out_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = sweeps.rtl_power_text(TABLE).splitlines(keepends=True)
    blocks_of(write(tmp_path / "a", "".join(rows)))
    assert not caplog.records
    for number in (4, 9):
        fields = rows[number].rstrip().split(",")
        rows[number] = ",".join([*fields[:-3], "", fields[-2], "\n"])
    for number in (6, 12):
        fields = rows[number].split(",")
        rows[number] = ",".join([*fields[:2], " -8e7", *fields[3:]])
        step_hz = float(fields[3]) - float(fields[2])
        rows[number] = rows[number].replace(fields[3], f" {-8e7 + step_hz:.0f}", 1)
    found = blocks_of(write(tmp_path / "b", "".join(rows)))
    # Each goes on with the row behind it, which lies above it.
    assert len(found) == len(rows) - 4
    lacks, others = (record.getMessage() for record in caplog.records)
    assert "line 5 has no level at 1 of its 12 points" in lacks
    assert "line 7, from -8e+07" in others


def test_a_torn_row_in_the_middle_is_left_out(tmp_path: Path) -> None:
    rows = sweeps.rtl_power_text(TABLE).splitlines(keepends=True)
    rows[6] = rows[6][:30] + rows[7]
    del rows[7]
    found = blocks_of(write(tmp_path / "a.csv", "".join(rows)))
    assert [block.sample_start for block in found] == [*range(6), *range(8, 20)]


def test_ten_torn_rows_are_no_table(tmp_path: Path) -> None:
    text = sweeps.rtl_power_text(TABLE) + "garbage\n" * 10
    with pytest.raises(SourceError, match="line 30 has 1 fields"):
        blocks_of(write(tmp_path / "a.csv", text))


@pytest.mark.parametrize(
    "option", ["zone=Mars/Olympus", "interval_s=0", "interval_s=-1", "follow=perhaps"]
)
def test_options_that_are_none_are_refused(tmp_path: Path, option: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(sweeps.rtl_power_text(TABLE))
    with pytest.raises(UsageError):
        open_source(f"rtl_power:{path}?{option}")


def test_a_loop_goes_on_in_number_and_time(tmp_path: Path) -> None:
    uri = write(tmp_path / "a.csv", sweeps.rtl_power_text(TABLE)) + "&loop=1"
    source = open_source(uri)
    found = [source.read(source.info.empty(1)) for _ in range(45)]
    source.close()
    assert [block.sample_start for block in found if block is not None] == list(range(45))
    assert np.diff([block.utc_ns for block in found if block is not None]).tolist() == [NS] * 44


def test_a_pipe_gives_each_sweep_when_its_last_hop_has_come(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    rows = sweeps.rtl_power_text(TABLE, n_hops=2).splitlines(keepends=True)
    opened: list[object] = []
    opener = Thread(target=lambda: opened.append(open_source(f"rtl_power:{fifo}?zone=UTC")))
    opener.start()
    with fifo.open("w", buffering=1) as pipe:
        pipe.write("".join(rows[:6]))
        pipe.flush()
        opener.join(20)
        (source,) = opened
        assert source.info.is_live  # type: ignore[attr-defined]
        assert source.info.n_samples is None  # type: ignore[attr-defined]
        for number in range(3):
            block = source.read(None)  # type: ignore[attr-defined]
            assert block.sample_start == number
        pipe.write("".join(rows[6:8]))
        pipe.flush()
        # Nothing behind it is waited for.
        assert source.read(None).sample_start == 3  # type: ignore[attr-defined]
    assert source.read(None) is None  # type: ignore[attr-defined]
    source.close()  # type: ignore[attr-defined]


def test_a_file_that_grows_is_followed_and_closing_ends_the_wait(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = sweeps.rtl_power_text(TABLE).splitlines(keepends=True)
    path.write_text("".join(rows[:5]))
    source = open_source(f"rtl_power:{path}?follow=1&zone=UTC")
    found: list[SweepBlock | None] = []

    def reading() -> None:
        while (block := source.read(source.info.empty(1))) is not None:
            found.append(block)  # type: ignore[arg-type]

    reader = Thread(target=reading)
    reader.start()
    with path.open("a") as file:
        file.write("".join(rows[5:9]) + rows[9][:20])
        file.flush()
        file.write(rows[9][20:])
    while len(found) < 10:
        assert reader.is_alive()
    source.close()
    reader.join(20)
    assert not reader.is_alive()
    np.testing.assert_allclose(levels_of(found), TABLE[:10], atol=0.006)  # type: ignore[arg-type]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(SourceError):
            open_source(f"rtl_power:{path}")


def test_tables_without_their_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", utc_s=np.arange(3.0))
    with pytest.raises(SourceError, match="freqs_hz, levels_db"):
        open_source(f"rtl_power:{tmp_path / 'a.npz'}")
    np.savez(
        tmp_path / "b.npz", utc_s=np.arange(3.0), freqs_hz=np.arange(2.0), levels_db=np.ones((2, 3))
    )
    with pytest.raises(SourceError, match="shape"):
        open_source(f"rtl_power:{tmp_path / 'b.npz'}")
