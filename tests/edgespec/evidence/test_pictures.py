"""A recording of an alert has a picture beside it, and nothing waits for it."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag

import numpy as np
import pytest

from edgespec.evidence.pictures import Picture, Pictures, draw_apart
from edgespec.evidence.recorder import Recorder
from edgespec.evidence.recording import Recording
from edgespec.evidence.shelf import Shelf
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from tests.made.event import MONDAY_NS, event_of

RATE_HZ = 1e6
N = 600_000
Draw = Callable[[Picture, Path, Flag], None]


def paint(picture: Picture, path: Path, stopping: Flag) -> None:
    path.write_bytes(b"p" * 100)


def shelf_in(folder: Path, max_bytes: int = 10**7) -> Shelf:
    return Shelf(folder, max_bytes, 30.0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(shelf: Shelf, number: int, n_bytes: int = 1000) -> Path:
    meta = shelf.put(Recording(f"r{number}", b"d" * n_bytes, b"{}"))
    assert meta is not None
    for path in shelf.folder.glob(f"r{number}*"):
        os.utime(path, (1.8e9 + number, 1.8e9 + number))
    return meta


def draw_all(shelf: Shelf, metas: list[Path], draw: Draw = paint) -> None:
    pictures = Pictures(shelf, draw)
    for meta in metas:
        pictures.put(Picture(meta, 0.0, 1.0))
    pictures.close()


def test_pictures_count_for_the_quota_and_go_with_their_recordings(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path, 3400)
    draw_all(shelf, [put(shelf, 1), put(shelf, 2), put(shelf, 3)])
    assert names(tmp_path) == [f"r{n}{end}" for n in (1, 2, 3)
                               for end in (".png", ".sigmf-data", ".sigmf-meta")]  # fmt: skip
    put(shelf, 4)
    assert [name for name in names(tmp_path) if name.startswith("r1")] == []
    # A picture may cost the oldest recording, too.
    (tmp_path / "big").write_bytes(b"p" * 400)
    shelf.put_picture(tmp_path / "r4.sigmf-meta", tmp_path / "big")
    assert [name for name in names(tmp_path) if name.startswith("r2")] == []
    assert (tmp_path / "r4.png").stat().st_size == 400


def test_a_recording_that_has_gone_leaves_no_picture(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path)
    meta = put(shelf, 1)
    for path in tmp_path.glob("r1*"):
        path.unlink()
    draw_all(shelf, [meta])
    assert names(tmp_path) == []


def test_what_cannot_be_drawn_costs_its_picture_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def draw(picture: Picture, path: Path, stopping: Flag) -> None:
        path.write_bytes(b"half")
        if picture.meta.name.startswith("r1"):
            raise OSError("no memory")
        paint(picture, path, stopping)

    shelf = shelf_in(tmp_path)
    draw_all(shelf, [put(shelf, 1), put(shelf, 2)], draw)
    assert [name for name in names(tmp_path) if name.endswith("png")] == ["r2.png"]
    assert "cannot be drawn: no memory" in caplog.text


def test_what_cannot_be_removed_costs_no_other_picture(tmp_path: Path) -> None:
    """As on a disk that has become read-only for some time; here a folder is in its place."""

    def draw(picture: Picture, path: Path, stopping: Flag) -> None:
        if picture.meta.name.startswith("r1"):
            path.mkdir()
            raise OSError("the disk is read-only")
        paint(picture, path, stopping)

    (tmp_path / ".r0.part.png").mkdir()
    shelf = shelf_in(tmp_path)
    draw_all(shelf, [put(shelf, 1), put(shelf, 2)], draw)
    assert (tmp_path / "r2.png").exists()


def test_what_a_kill_left_half_drawn_goes(tmp_path: Path) -> None:
    (tmp_path / ".r1.part.png").write_bytes(b"half")
    (tmp_path / "mine.png").write_bytes(b"mine")
    draw_all(shelf_in(tmp_path), [])
    assert names(tmp_path) == ["mine.png"]


def test_whoever_ends_does_not_wait_for_many_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.evidence.pictures._CLOSE_S", 0.2)
    drawn: list[str] = []

    def slow(picture: Picture, path: Path, stopping: Flag) -> None:
        drawn.append(picture.meta.name)
        assert stopping.wait(60.0)
        raise OSError("given up")

    shelf = shelf_in(tmp_path)
    draw_all(shelf, [put(shelf, number) for number in range(40)], slow)
    assert drawn == ["r0.sigmf-meta"]


def test_what_is_too_short_has_no_picture(tmp_path: Path) -> None:
    """An observer ends right behind the begin of an alert."""
    shelf, drawn = shelf_in(tmp_path), []
    meta = put(shelf, 1)
    pictures = Pictures(shelf, lambda picture, path, stopping: drawn.append(picture.duration_s))
    for duration_s in (-0.1, 0.0, 0.0099, 0.01):
        pictures.put(Picture(meta, 0.0, duration_s))
    pictures.close()
    assert drawn == [0.01]


def test_a_process_that_draws_ends_when_all_does(tmp_path: Path) -> None:
    shelf, stopping = shelf_in(tmp_path), Flag()
    stopping.set()
    begun_s = time.monotonic()
    with pytest.raises(OSError, match="was stopped"):
        draw_apart(
            Picture(put(shelf, 1), 0.0, 1.0), tmp_path / "x.png", stopping, tmp_path / "cache"
        )
    assert time.monotonic() - begun_s < 60.0
    assert not (tmp_path / "x.png").exists()


def test_a_recording_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    meta = put(shelf_in(tmp_path), 1)
    with pytest.raises(OSError, match="not SigMF metadata"):
        draw_apart(Picture(meta, 0.0, 1.0), tmp_path / "x.png", Flag(), tmp_path / "cache")


def test_an_alert_is_drawn_with_its_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    # On a busy machine the process may take long.
    monkeypatch.setattr("edgespec.evidence.pictures._CLOSE_S", 170.0)
    rng = np.random.default_rng(1)
    shelf = shelf_in(tmp_path / "evidence")
    drawn: list[Picture] = []

    def draw(picture: Picture, path: Path, stopping: Flag) -> None:
        drawn.append(picture)
        draw_apart(picture, path, stopping, tmp_path / "cache")

    source = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, True)
    pictures = Pictures(shelf, draw)
    recorder = Recorder(shelf, "roof", {"lte": source}, 0.2, 0.2, 10**7, pictures)
    samples = rng.integers(120, 136, (N, 2)).astype("u1")
    for start in range(0, N, 10_000):
        utc_ns = MONDAY_NS + start * 1000
        block = IqBlock(samples[start : start + 10_000], RATE_HZ, 806e6, start, utc_ns)
        recorder.tapes["lte"].add(block)
        if start == 300_000:
            event = event_of(
                sample_start=300_000, n_samples=50_000, lower_hz=806.1e6, upper_hz=806.2e6
            )
            recorder.event(event)
    recorder.close()
    (picture,) = drawn
    assert (picture.skip_s, picture.duration_s) == pytest.approx((0.0, 0.4))
    (png,) = (tmp_path / "evidence").glob("*.png")
    assert png.with_suffix(".sigmf-meta") == picture.meta
    assert len(json.loads(picture.meta.read_text())["annotations"]) == 1
    # The box is red, and nothing else in the picture of noise is, but a word beside it.
    pixels = imread(png)[..., :3]
    is_red = (np.abs(pixels - np.array([214, 39, 40]) / 255) < 0.05).all(axis=2)
    assert is_red.sum() > 200


@pytest.mark.parametrize(("before_s", "skip_s", "shown_s"), [(1.0, 0.0, 1.3), (9.0, 7.5, 1.8)])
def test_of_a_long_recording_the_begin_of_the_event_is_drawn(
    before_s: float, skip_s: float, shown_s: float, tmp_path: Path
) -> None:
    drawn: list[Picture] = []

    def draw(picture: Picture, path: Path, stopping: Flag) -> None:
        drawn.append(picture)
        paint(picture, path, stopping)

    rate_hz = 1000.0
    source = SourceInfo("test:", rate_hz, 806e6, SampleFormat.CU8, True)
    shelf = shelf_in(tmp_path)
    recorder = Recorder(shelf, "roof", {"lte": source}, before_s, 0.3, 10**7, Pictures(shelf, draw))
    n = round(before_s * rate_hz)
    samples = np.zeros((n + 300, 2), "u1")
    for start, stop in ((0, n), (n, n + 300)):
        recorder.tapes["lte"].add(IqBlock(samples[start:stop], rate_hz, 806e6, start, MONDAY_NS))
        recorder.event(event_of(sample_start=n, n_samples=10))
    recorder.close()
    (picture,) = drawn
    assert (picture.skip_s, picture.duration_s) == pytest.approx((skip_s, shown_s))
