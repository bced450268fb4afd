"""Alerts become recordings that programs of the field read, within a quota."""

import errno
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sigmf

from edgespec.alert import Alert
from edgespec.errors import ConfigError
from edgespec.evidence import shelf as shelf_module
from edgespec.evidence.recorder import Recorder
from edgespec.evidence.recording import Recording, recording_of
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.tape import Cut
from edgespec.records import EventType, IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from tests.made.event import MONDAY_NS, event_of

RATE_HZ = 1000.0


def samples_of(form: SampleFormat, n: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    out = form.empty(n)
    if form is SampleFormat.CF32:
        out[:] = rng.normal(size=n) + 1j * rng.normal(size=n)
    else:
        out[:] = rng.integers(0, 120, out.shape)
    return out


def recorder_in(folder: Path, form: SampleFormat = SampleFormat.CU8, **limits: float) -> Recorder:
    shelf = Shelf(folder, **{"max_bytes": 10**6, "max_age_days": 30.0, **limits})
    source = SourceInfo("test:", RATE_HZ, 806e6, form, True)
    return Recorder(shelf, "roof", {"lte": source}, 0.5, 0.3, 10**6)


def hear(recorder: Recorder, samples: np.ndarray) -> None:
    for start in range(0, len(samples), 100):
        utc_ns = MONDAY_NS + start * 1_000_000
        part = samples[start : start + 100]
        recorder.tapes["lte"].add(IqBlock(part, RATE_HZ, 806e6, start, utc_ns))
        if start == 1000:
            recorder.event(event_of(sample_start=1000, n_samples=40, detector="residual"))
            recorder.event(event_of(event_id="quiet", sample_start=1010, alert=Alert(is_on=False)))


@pytest.mark.parametrize("form", SampleFormat)
def test_an_alert_is_a_recording_that_others_read_and_that_plays(
    form: SampleFormat, tmp_path: Path
) -> None:
    recorder = recorder_in(tmp_path, form)
    samples = samples_of(form, 2000)
    hear(recorder, samples)
    recorder.close()
    recorder.close()
    (meta,) = tmp_path.glob("*.sigmf-meta")
    signal = sigmf.fromfile(str(meta))
    signal.validate()
    assert signal.sample_rate == RATE_HZ
    (annotation,) = signal.get_annotations()
    assert annotation["core:uuid"] == "e1"
    # It goes on to the end of the recording and beyond.
    assert (annotation["core:sample_start"], annotation["core:sample_count"]) == (500, 300)
    assert annotation["core:freq_lower_edge"] == 806.0e6
    assert annotation["edgespec:detector"] == "residual"
    source = open_source(f"sigmf:{meta}")
    out = form.empty(800)
    block = source.read(out)
    assert block is not None
    assert (source.info.sample_format, source.info.center_freq_hz) == (form, 806e6)
    assert block.utc_ns == MONDAY_NS + 500 * 1_000_000
    np.testing.assert_array_equal(block.samples, samples[500:1300])
    source.close()


def test_annotations_stay_within_the_recording() -> None:
    samples = samples_of(SampleFormat.CU8, 100)
    events = tuple(
        event_of(event_id=name, sample_start=start, n_samples=n)
        for name, start, n in (("early", 0, 10**9), ("late", 10**6, 5), ("in", 1010, 20))
    )
    made = recording_of(Cut(samples, 1000, 0, RATE_HZ, 0.0, events), SampleFormat.CU8, "n")
    meta = json.loads(made.meta)
    for one in meta["annotations"]:
        start, count = one["core:sample_start"], one["core:sample_count"]
        assert 0 <= start < 100
        assert 1 <= count <= 100 - start
    assert "core:frequency" not in meta["captures"][0]


def put(shelf: Shelf, number: int, n_bytes: int = 1000, at_s: float = 0.0) -> Path | None:
    meta = shelf.put(Recording(f"r{number:03}", b"d" * n_bytes, b"{}"))
    if meta is not None and at_s:
        for path in shelf.folder.glob(f"r{number:03}*"):
            os.utime(path, (at_s, at_s))
    return meta


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_oldest_go_and_the_quota_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not a recording")
    shelf = Shelf(tmp_path, 3500, 1e6)
    for number in range(9):
        put(shelf, number, at_s=1e9 + number)
        size = sum(path.stat().st_size for path in tmp_path.glob("r*"))
        assert size <= 3500
    assert names(tmp_path) == [
        "mine.txt",
        *(f"r{n:03}.sigmf-{end}" for n in (6, 7, 8) for end in ("data", "meta")),
    ]
    assert put(shelf, 10, 4000) is None
    assert len(names(tmp_path)) == 7


def test_what_is_too_old_goes_and_data_without_metadata_too(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 10**6, 1.0)
    put(shelf, 1, at_s=1e9)
    lone = tmp_path / "r002.sigmf-data"
    lone.write_bytes(b"cut off")
    os.utime(lone, (1e9, 1e9))
    put(shelf, 3)
    assert names(tmp_path) == ["r003.sigmf-data", "r003.sigmf-meta"]


def test_a_full_disk_costs_the_recording_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = shelf_module.replace_file

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".sigmf-meta":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    recorder = recorder_in(tmp_path)
    monkeypatch.setattr(shelf_module, "replace_file", full)
    hear(recorder, samples_of(SampleFormat.CU8, 2000))
    recorder.close()
    assert names(tmp_path) == []
    assert "cannot be kept" in caplog.text


def test_an_event_that_goes_on_when_all_ends_is_kept(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    hear(recorder, samples_of(SampleFormat.CU8, 1100))
    recorder.event(
        replace(event_of(sample_start=1000, n_samples=90), event_type=EventType.END, score=7.0)
    )
    recorder.close()
    (meta,) = tmp_path.glob("*.sigmf-meta")
    (annotation,) = json.loads(meta.read_text())["annotations"]
    assert annotation["edgespec:score"] == 7.0
    assert (annotation["core:sample_start"], annotation["core:sample_count"]) == (500, 90)


def test_who_wants_to_know_is_told_where_the_recording_of_an_event_is(tmp_path: Path) -> None:
    told: list[tuple[list[str], Path]] = []
    source = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, True)
    recorder = Recorder(
        Shelf(tmp_path, 10**6, 30.0),
        "roof",
        {"lte": source},
        0.5,
        0.3,
        10**6,
        on_kept=lambda event_ids, path: told.append((list(event_ids), path)),
    )
    hear(recorder, samples_of(SampleFormat.CU8, 2000))
    recorder.close()
    ((event_ids, path),) = told
    assert event_ids == ["e1"]
    assert path.exists()


def asked_for(shelf: Shelf, name: str, n_bytes: int, at_s: float) -> None:
    with shelf.growing(name, n_bytes) as path:
        for end in ("data", "meta"):
            file = path.with_name(f"{path.name}.sigmf-{end}")
            file.write_bytes(bytes(n_bytes - 100 if end == "data" else 100))
            os.utime(file, (at_s, at_s))


def test_what_is_asked_for_has_half_of_the_quota(tmp_path: Path) -> None:
    """Whoever asks again and again throws out what was asked for, and half of alerts at most."""
    shelf, now_s = Shelf(tmp_path, 10_000, 30.0), time.time()
    for number in range(10):
        assert shelf.put(Recording(f"alert{number}", bytes(900), bytes(100))) is not None
        for file in tmp_path.glob(f"alert{number}.*"):
            os.utime(file, (now_s - 1000 + number, now_s - 1000 + number))
    for number in range(6):
        asked_for(shelf, f"r{number}", 2000, now_s + number)
    left = sorted(path.stem for path in tmp_path.glob("*.sigmf-meta"))
    assert left == [*(f"alert{number}" for number in range(4, 10)), "r4-asked", "r5-asked"]
    with pytest.raises(ConfigError, match=r"half of evidence\.max_bytes"), shelf.growing("x", 5001):
        pass
    assert len(list(tmp_path.glob("*.sigmf-meta"))) == len(left)


def test_room_for_what_grows_is_kept_and_it_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 10_000, 30.0)
    with shelf.growing("r", 5000) as path:
        data = path.with_name(f"{path.name}.sigmf-data")
        data.write_bytes(bytes(10))
        os.utime(data, (0, 0))
        for number in range(7):
            assert shelf.put(Recording(f"alert{number}", bytes(900), bytes(100))) is not None
        assert data.exists()
        assert len(list(tmp_path.glob("alert*.sigmf-meta"))) == 5
