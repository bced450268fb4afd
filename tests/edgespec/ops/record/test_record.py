"""``edgespec record``: the samples as they came, what is said of them, and how it fails."""

import errno
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sigmf
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from edgespec.cli import main
from edgespec.dsp.block_meter import Meter
from edgespec.errors import EdgespecError, SourceError
from edgespec.evidence import growing as recording_module
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.newfile import write_all
from edgespec.observer.errands.recorded import Recorded
from edgespec.ops import silence
from edgespec.ops.record.session import record
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from tests.made import band
from tests.made.rtl_tcp_server import RtlTcpServer

RATE_HZ = 1e5


class Radio:
    """Gives blocks of 0.1 s; before some of them samples are lost, and it may break at the end."""

    def __init__(self, samples: NDArray[Any], lost: dict[int, int], *, breaks: bool) -> None:
        self.info = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, False)
        self._samples, self._lost, self._breaks = samples, lost, breaks
        self._at = self._n_lost = 0
        self.is_open = True

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        n = min(len(out), len(self._samples) - self._at)
        if n == 0:
            if self._breaks:
                raise SourceError("the cable was pulled")
            return None
        n_dropped = self._lost.pop(self._at, 0)
        self._n_lost += n_dropped
        out[:n] = self._samples[self._at : self._at + n]
        start = self._at + self._n_lost
        utc_ns = 1_700_000_000_000_000_000 + round(start / RATE_HZ * 1e9)
        self._at += n
        return IqBlock(out[:n], RATE_HZ, 806e6, start, utc_ns, n_dropped)

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def samples(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(100, 156, (50_000, 2)).astype(np.uint8)


def recorded(
    path: Path,
    samples: NDArray[Any],
    *,
    lost: dict[int, int] | None = None,
    seconds: float = 10.0,
    breaks: bool = False,
    said: list[str] | None = None,
    scale: LevelScale = UNCALIBRATED,
) -> Recorded:
    radio = Radio(samples, lost or {}, breaks=breaks)
    said = [] if said is None else said
    try:
        return record(
            *(radio, path, seconds, "30 dB", lambda text, share: said.append(text)),
            lambda stop: None,
            scale,
        )
    finally:
        assert not radio.is_open


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["record", *map(str, arguments)])


@pytest.mark.parametrize("form", ["cu8", "cf32"])
def test_what_is_recorded_is_what_was_there(form: str, tmp_path: Path, rng) -> None:
    signal = 0.1 * rng.standard_normal((30_000, 2)) @ np.array([1.0, 1j])
    kept = band.cu8(signal) if form == "cu8" else band.cf32(signal)
    uri = band.write_sigmf(tmp_path / "in", kept)
    seconds = 20_000 / band.RATE_HZ
    result = run("--source", uri, "-o", tmp_path / "out.sigmf-meta", "--seconds", seconds, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    assert (said["schema"], said["n_samples"], said["n_dropped"]) == (
        "edgespec.record/1",
        20_000,
        0,
    )
    assert said["level_dbfs"] == pytest.approx(10 * np.log10(0.02), abs=0.1)
    made = sigmf.fromfile(str(tmp_path / "out.sigmf-meta"))
    made.validate()
    again = open_source(f"sigmf:{tmp_path / 'out'}")
    out = again.info.sample_format.empty(40_000)
    block = again.read(out)
    assert block is not None
    np.testing.assert_array_equal(block.samples, kept[:20_000])
    assert again.info.center_freq_hz == band.CENTER_HZ
    again.close()


def test_what_was_lost_is_annotated_and_a_player_knows_it(samples, tmp_path: Path) -> None:
    done = recorded(tmp_path / "r", samples, lost={10_000: 777, 30_000: 5})
    assert (done.n_samples, done.n_dropped) == (50_000, 782)
    meta = json.loads(done.meta.read_text())
    sigmf.fromfile(str(done.meta)).validate()
    found = [
        (one["core:label"], one["core:sample_start"], one.get("edgespec:n_dropped"))
        for one in meta["annotations"]
    ]
    assert found == [("gain", 0, None), ("dropped", 10_000, 777), ("dropped", 30_000, 5)]
    assert meta["annotations"][0]["core:comment"] == "gain: 30 dB"
    source = open_source(f"sigmf:{done.meta}")
    lost, out = [], source.info.sample_format.empty(100_000)
    while (block := source.read(out)) is not None:
        lost.append((block.sample_start, block.n_dropped))
    source.close()
    assert lost == [(0, 0), (10_777, 777), (30_782, 5)]


def test_what_clips_is_annotated_once_in_a_row(samples, tmp_path: Path) -> None:
    samples[20_000:30_000, 0] = 255
    done = recorded(tmp_path / "r", samples)
    assert done.clipped_share == pytest.approx(0.1)
    assert done.peak == 1.0
    (one,) = (
        one
        for one in json.loads(done.meta.read_text())["annotations"]
        if one["core:label"] == "clipped"
    )
    assert (one["core:sample_start"], one["core:sample_count"]) == (20_000, 10_000)
    assert "10.00% clipped (lower the gain)" in done.as_text()


def test_the_live_line_shows_level_and_clipping(samples, tmp_path: Path) -> None:
    said: list[str] = []
    samples[:] = 128
    samples[:, 0] = 255
    recorded(tmp_path / "r", samples, said=said, seconds=0.4)
    assert said[0].startswith("0.2 of 0.4 s [####################] 0.0 dBFS")
    assert "50.00% clip, 0 lost" in said[0]


def test_a_calibrated_band_is_as_loud_as_what_arrives(samples, tmp_path: Path) -> None:
    said: list[str] = []
    samples[:] = 128
    samples[:, 0] = 255
    scale = LevelScale(-30.0, 24.0, date(2026, 1, 9))
    done = recorded(tmp_path / "r", samples, said=said, seconds=0.4, scale=scale)
    assert f"] {scale.text(0.0)}, peak 0.0 dBFS" in said[0]
    assert f"{scale.text(done.level_dbfs)} (calibrated " in done.as_text()
    told = done.as_json()
    assert told["level_dbm"] == pytest.approx(told["level_dbfs"] - 30.0)
    assert told["calibration_age_days"] > 0


def test_the_meter_follows_the_law_of_levels(rng) -> None:
    meter = Meter(SampleFormat.CF32)
    for amplitude, level_dbfs in ((1.0, 0.0), (0.1, -20.0)):
        wave = amplitude * np.exp(2j * np.pi * rng.random(1000))
        meter.add(IqBlock(wave.astype("c8"), 1e3, 0.0, 0, 0))
        assert meter.level_dbfs == pytest.approx(level_dbfs, abs=1e-3)
    assert meter.mean_dbfs == pytest.approx(10 * np.log10(0.505), abs=1e-3)
    assert meter.bar().count("#") == round(20 * 40 / 60)


@pytest.mark.parametrize("ending", [".sigmf-data", ".sigmf-meta"])
def test_what_is_there_is_never_overwritten(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"r{ending}").write_text("mine")
    result = run("--source", "sim:lte-dl", "-o", tmp_path / "r", "--seconds", 0.1)
    assert result.exit_code == 3
    assert "exists and is not overwritten" in result.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("n_meta_fails", [0, 1])
def test_a_disk_that_fills_is_an_error_and_what_it_took_is_valid(
    n_meta_fails: int, samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [70_001]
    fails = [n_meta_fails]
    real = recording_module.replace_file

    def full(file: int, data: bytes) -> None:
        n = min(len(data), left[0])
        write_all(file, data[:n])
        left[0] -= n
        if n < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def no_room(path: Path, content: bytes) -> None:
        fails[0] -= 1
        if fails[0] >= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    monkeypatch.setattr(recording_module, "write_all", full)
    monkeypatch.setattr(recording_module, "replace_file", no_room)
    monkeypatch.setattr(recording_module, "_ROOM_BYTES", 20_000)
    with pytest.raises(EdgespecError, match=r"No space left on device.*0.3 s are in") as found:
        recorded(tmp_path / "r", samples, lost={10_000: 3})
    assert found.value.exit_code == 1
    sigmf.fromfile(str(tmp_path / "r.sigmf-meta")).validate()
    kept = np.fromfile(tmp_path / "r.sigmf-data", np.uint8).reshape(-1, 2)
    # Seven blocks of 5000 samples fit; the eighth does not.
    assert len(kept) == 35_000 - 10_000 * n_meta_fails
    np.testing.assert_array_equal(kept, samples[: len(kept)])


def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path: Path, samples) -> None:
    with pytest.raises(EdgespecError, match="has room for"):
        recorded(tmp_path / "r", samples, seconds=1e12)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_breaks_leaves_what_it_gave(samples, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cable was pulled; 0.5 s before that are in"):
        recorded(tmp_path / "r", samples, breaks=True)
    sigmf.fromfile(str(tmp_path / "r.sigmf-meta")).validate()
    assert (tmp_path / "r.sigmf-data").stat().st_size == 100_000


def test_a_source_that_gives_nothing_leaves_no_file(samples, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gave no samples"):
        recorded(tmp_path / "r", samples[:0])
    assert list(tmp_path.iterdir()) == []


def test_a_radio_that_never_speaks_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_S", 0.2)
    with RtlTcpServer(b"\x80", n_bytes=(0,), stall=True) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M"
        got = CliRunner().invoke(
            main, ["record", "--source", uri, "-o", str(tmp_path / "x"), "--seconds", "1"]
        )
    assert got.exit_code == 4
    assert "gave no samples" in got.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_radio_that_falls_silent_is_given_up_and_what_it_gave_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_S", 0.5)
    n_samples = 200_000
    with RtlTcpServer(bytes(range(256)), n_bytes=(2 * n_samples, 0), stall=True) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M&sample_rate=240k"
        got = CliRunner().invoke(
            main, ["record", "--source", uri, "-o", str(tmp_path / "x"), "--seconds", "100"]
        )
    assert got.exit_code == 4
    assert "has fallen silent, and is given up" in got.stderr
    sigmf.fromfile(str(tmp_path / "x.sigmf-meta")).validate()
    n_kept = (tmp_path / "x.sigmf-data").stat().st_size // 2
    # What did not fill a block of 50 ms may not have come.
    assert n_samples - 12_000 <= n_kept <= n_samples
    assert f"{n_kept / 240e3:.1f} s before that are in" in got.stderr


def test_whoever_stops_keeps_what_is_there(samples, tmp_path: Path) -> None:
    radio = Radio(samples, {}, breaks=False)
    stops = []
    done = record(radio, tmp_path / "r", 10.0, "", lambda text, share: stops[0](), stops.append)
    # The first line comes after a quarter of a second.
    assert done.n_samples == 25_000
    assert json.loads(done.meta.read_text())["annotations"] == []


def test_who_stops_before_anything_came_is_not_told_to_mend_the_radio(tmp_path: Path) -> None:
    radio = Radio(np.empty(0, np.complex64), {}, breaks=False)
    with pytest.raises(EdgespecError, match="stopped before a sample came"):
        record(radio, tmp_path / "r", 10.0, "", lambda text, share: None, lambda stop: stop())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_moved", [False, True])
def test_what_is_removed_while_it_grows_is_no_recording(
    is_moved: bool, samples, tmp_path: Path
) -> None:
    """Somebody clears the folder, or moves it; metadata alone would be half a recording."""
    folder = tmp_path / "evidence"
    folder.mkdir()
    radio, stops = Radio(samples, {}, breaks=False), []

    def clear(text: str, share: float) -> None:
        folder.rename(tmp_path / "old") if is_moved else (folder / "r.sigmf-data").unlink()
        stops[0]()

    with pytest.raises(EdgespecError, match=r"r\.sigmf-data was removed while it was recorded"):
        record(radio, folder / "r", 10.0, "", clear, stops.append)
    assert not list(folder.glob("*"))


def test_a_kill_leaves_metadata_that_are_valid(
    samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metadata of the first block is there while the data grows."""
    from edgespec.evidence.growing import GrowingRecording

    radio = Radio(samples, {}, breaks=False)
    made = GrowingRecording(tmp_path / "r", radio.info, "30 dB")
    out = radio.info.sample_format.empty(1000)
    for _ in range(3):
        block = radio.read(out)
        assert block is not None
        made.add(replace(block, samples=block.samples.copy()), 0.0)
    sigmf.fromfile(str(tmp_path / "r.sigmf-meta")).validate()
    assert (tmp_path / "r.sigmf-data").stat().st_size == 6000
    made.close()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--source", "sigmf:nowhere", "-o", "x", "--seconds", "1"), 4, "nowhere"),
        (("--source", "sim:lte-dl", "-o", "x/y/z", "--seconds", "1"), 3, "cannot be written"),
        (("--source", "sim:lte-dl", "-o", "", "--seconds", "1"), 2, "an empty name is none"),
        (("--source", "sim:lte-dl", "-o", ".", "--seconds", "1"), 2, "a name in a folder"),
        (("--source", "sim:lte-dl", "-o", "x/..", "--seconds", "1"), 2, "a name in a folder"),
        (("--source", "sim:lte-dl", "-o", ".sigmf", "--seconds", "1"), 2, "a name in a folder"),
        (("--source", "sim:lte-dl", "-o", "x", "--seconds", "nan"), 2, "--seconds"),
        (("--source", "sim:lte-dl", "-o", "x", "--seconds", "0"), 2, "--seconds"),
        (("--source", "sim:lte-dl", "-o", "x"), 2, "--seconds"),
        (("--source", "sim:lte-dl", "--seconds", "1"), 2, "--output"),
        (("-o", "x", "--seconds", "1"), 3, "no source is named"),
    ],
)
def test_refusals_are_one_sentence(
    arguments, code, words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_was_heard_elsewhere_begins_a_capture_and_is_no_loss(samples, tmp_path: Path) -> None:
    """A radio that takes turns, recorded in one of its bands."""
    from edgespec.evidence.growing import GrowingRecording

    info = Radio(samples, {}, breaks=False).info
    made = GrowingRecording(tmp_path / "r", info, "")
    for start, n_away in ((0, 0), (1000, 0), (9000, 7000)):
        made.add(IqBlock(samples[:1000], RATE_HZ, 806e6, start, 0, n_away=n_away), 0.0)
    made.close()
    meta = json.loads(made.meta.read_text())
    starts = [(one["core:sample_start"], one["core:global_index"]) for one in meta["captures"]]
    assert starts == [(0, 0), (2000, 9000)]
    assert (meta["annotations"], made.n_dropped) == ([], 0)
