"""A candidate beside the running model: what it would have told, and when it is slow or deaf."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import (
    AlarmConfig,
    BandConfig,
    Config,
    DetectConfig,
    NodeConfig,
    SourceConfig,
    SweepConfig,
)
from edgespec.detect.detectors import PLAIN_DETECTORS
from edgespec.errors import ConfigError, ModelError, SourceError
from edgespec.inference.bundle import Bundle
from edgespec.inference.manifest import Calibration
from edgespec.observer import drill, drill_play, ear
from edgespec.observer.block_stream import BlockSource
from edgespec.observer.models import shadow as shadow_module
from edgespec.observer.models.shadow import Shadow, Shadows
from edgespec.observer.models.shadow_play import ShadowPlay
from edgespec.observer.models.shadow_stream import (
    Note,
    ShadowTask,
    as_block,
    as_note,
    as_other_grid,
    parts,
)
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.startup import open_observer
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.shadow.pairs import DetectorPairs
from edgespec.shadow.report import ShadowReport, Side, findings, load_report, report_path
from edgespec.sources.reader import Reader
from tests.made import band, sweeps, swept_bundle, tiny, tiny_network
from tests.made.broker import wait_for
from tests.made.tape import Notebook, Tape, chain_for

TONES_S = (0.3, 0.55, 0.8)
HOP = tiny.RECIPE.hop_samples
SIDE = Side("mean", None, {}, {})


def candidate(folder: Path, rng: np.random.Generator, times: float = 1.0) -> Bundle:
    """Write a bundle whose thresholds are so many times the usual ones."""
    thresholds = {
        rate: {method: times * limit for method, limit in methods.items()}
        for rate, methods in tiny_network.THRESHOLDS.items()
    }
    one = Calibration(0.0, 1.0, 1000, thresholds, (1.0,) * tiny.GEOMETRY.n_bins)
    detectors = dict.fromkeys(("forecast", *PLAIN_DETECTORS), one)
    path = folder / "candidate.edgespec"
    return tiny_network.write(path, rng, name="candidate", detectors=detectors)


@pytest.fixture
def config(tmp_path: Path, rng: np.random.Generator) -> Config:
    """A recording with three tones, watched with a candidate that is as the model is."""
    samples = band.noise(rng, 1.0)
    for start_s in TONES_S:
        samples = band.with_tone(samples, start_s, start_s + 0.1)
    watched = BandConfig(
        id="b",
        model=tiny_network.bundle().path,
        shadow=candidate(tmp_path, rng).path,
        backend="litert",
    )
    return Config(
        node=NodeConfig(state_dir=tmp_path / "state", computing="plain"),
        source=(SourceConfig(uri=band.write_sigmf(tmp_path / "tones", band.cu8(samples))),),
        band=(watched,),
        detect=DetectConfig(warmup_s=0.2, hold_off_s=0.02, detectors=("model", "zscore")),
    )


def report_of(config: Config) -> ShadowReport:
    report = load_report(report_path(config.node.state_dir, "b"))
    assert report is not None
    return report


def kinds(report: ShadowReport) -> list[str]:
    return [one.kind for one in findings(report)]


def asked(config: Config, folder: Path) -> tuple[int, dict[str, Any]]:
    """Return how `edgespec model shadow --json` exits, and what it says."""
    path = folder / "node.toml"
    path.write_text(f'[node]\nstate_dir = "{config.node.state_dir}"\n[[band]]\nid = "b"\n')
    table = CliRunner().invoke(main, ["model", "shadow", "-c", str(path)])
    done = CliRunner().invoke(main, ["model", "shadow", "-c", str(path), "--json"])
    assert table.exit_code == done.exit_code
    return done.exit_code, json.loads(done.stdout)


def test_one_that_is_as_the_model_is_tells_the_same(config: Config, tmp_path: Path) -> None:
    """In a process of its own, on all of a recording, which waits for it; and it alarms nobody."""
    alone, beside = Notebook(), Notebook()
    without = replace(config, band=(replace(config.band[0], shadow=None),))
    open_observer(without, [alone]).monitor.run()
    open_observer(config, [beside]).monitor.run()
    assert len(alone.events) == len(beside.events)
    for one, other in zip(alone.events, beside.events, strict=True):
        assert (one.start_ns, one.end_ns, one.score) == (other.start_ns, other.end_ns, other.score)
    report = report_of(config)
    assert (report.heard_s, report.skipped_s) == (pytest.approx(1.0), 0.0)
    assert (report.running.model, report.candidate.model) == ("mean", "candidate")
    assert report.candidate.model_sha256 != report.running.model_sha256
    assert (report.running.n_events, report.running.n_alone) == (3, 0)
    assert (report.candidate.n_events, report.candidate.n_alone) == (3, 0)
    assert [float(event.start[17:-1]) for event in report.both] == pytest.approx(TONES_S, abs=0.01)
    assert {"forecast", "zscore"} == set(report.detectors)
    assert report.of_network == ("forecast",)
    for one_detector in report.detectors.values():
        assert one_detector.n > 0.9 * 0.8 / tiny.GEOMETRY.hop_s
        assert one_detector.correlation == pytest.approx(1.0)
        assert one_detector.n_running == one_detector.n_candidate == one_detector.n_both
    assert report.candidate.call_s.keys() == {"p50", "p99", "max"}
    code, said = asked(config, tmp_path)
    assert (code, [one["kind"] for one in said["findings"]]) == (0, ["good"])


def test_one_with_thresholds_out_of_reach_is_deaf(
    config: Config, tmp_path: Path, rng: np.random.Generator
) -> None:
    candidate(tmp_path, rng, times=1e6)
    open_observer(config).monitor.run()
    report = report_of(config)
    assert (report.running.n_events, report.running.n_alone) == (3, 3)
    assert (report.candidate.n_events, len(report.alone_running)) == (0, 3)
    assert kinds(report) == ["deaf"]
    code, said = asked(config, tmp_path)
    assert (code, said["findings"][0]["kind"]) == (7, "deaf")
    assert "of 3 events that the running model told it missed 3" in said["findings"][0]["words"]


def test_one_that_is_slow_skips_and_the_model_does_not_wait(
    config: Config, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """It sleeps far longer than a segment; a radio goes on, and what it skips is counted."""
    monkeypatch.setattr(shadow_module, "_MODULE", "tests.made.slow_shadow")
    monkeypatch.setattr(ear, "_WAITS_S", 0.005)
    # Less than a second: the band's own ring has room for it, on however slow a machine.
    tape = Tape(band.cf32(band.noise(rng, 0.9)), is_live=True)
    chain = chain_for(tape, "b")
    bundle = candidate(config.node.state_dir.parent, rng)
    shadow = Shadow(config, bundle, chain)
    notebook = Notebook()
    monitor = Monitor([Radio("r", tape, [chain])], [notebook, shadow], state_s=60.0)
    heard_by = monitor.ears["b"].reader
    # The radio speaks once the candidate can hear it.
    tape.calls[HOP] = lambda: wait_for(lambda: len(heard_by.rings) == 2, "the candidate")
    shadow.begin(monitor.workers[0], monitor.ears["b"])
    (state,) = monitor.run()
    assert state.n_dropped == 0
    report = report_of(config)
    assert report.skipped_share > 0.5
    assert kinds(report) == ["slow"]
    assert report.candidate.call_s["p50"] > 0.2 > report.running.call_s["p50"]


class Paused(BytesIO):
    """What an observer sends; before its last part it waits for something."""

    def __init__(self, parts: list[bytes], until: Callable[[], bool]) -> None:
        super().__init__(b"".join(parts))
        self._until, self._last = until, sum(map(len, parts[:-1]))

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() == self._last:
            wait_for(self._until, "what is waited for")
        return super().read(size)


def parts_of(samples: np.ndarray[Any, Any]) -> list[bytes]:
    """Return what an observer sends of a recording: a note, then blocks."""
    heard = [(at, samples[at : at + HOP]) for at in range(0, len(samples), HOP)]
    blocks = [
        IqBlock(some, band.RATE_HZ, band.CENTER_HZ, at, round(1e9 * at / band.RATE_HZ))
        for at, some in heard
    ]
    return [as_note(Note()), *map(as_block, blocks)]


@pytest.mark.parametrize(("times", "found"), [(1.0, "good"), (1e6, "deaf")])
def test_a_test_tone_tells_who_is_deaf_where_nobody_else_comes(
    config: Config,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    times: float,
    found: str,
) -> None:
    """The drill is the candidate's own: by its model, and what is normal for it."""
    monkeypatch.setattr(drill, "_FIRST_S", 0.0)
    monkeypatch.setattr(drill, "_AGAIN_S", 0.0)
    monkeypatch.setattr(drill, "play_apart", drill_play.play)
    bundle = candidate(config.node.state_dir.parent, rng, times)
    its = replace(config.band[0], model=bundle.path)
    tested = replace(config, band=(its,), alarm=AlarmConfig(test_every_h=1.0))
    samples = band.cu8(band.noise(rng, 0.9))
    info = SourceInfo("tape:1", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CU8, is_live=True)
    task = ShadowTask(tested, info, HOP, ("mean", None))
    reports: list[ShadowReport] = []
    tests: list[object] = []
    stream = Paused(parts_of(samples), lambda: bool(tests))
    beside = ShadowPlay(task, stream, reports.append)
    assert beside._drill is not None
    tests = beside._drill._told  # type: ignore[assignment]
    beside.run()
    report = reports[-1]
    assert report.n_tests_heard == (found == "good")
    assert report.n_tests_missed == (found == "deaf")
    assert report.last_test is not None
    assert kinds(report) == [found]


@pytest.mark.parametrize(("times", "found"), [(1.0, "good"), (1e6, "deaf")])
def test_a_swept_band_has_a_candidate_too(
    tmp_path: Path, rng: np.random.Generator, times: float, found: str
) -> None:
    """Beside the scan alone, and with segments of its own; of a file nothing is left out."""
    table = rng.normal(-60, 0.7, (300, swept_bundle.N_POINTS)).astype(np.float32)
    for at in (150, 200, 250):
        table[at : at + 12, 20] += 25.0
    path = tmp_path / "a.csv"
    path.write_text(sweeps.rtl_power_text(table))
    bundle = swept_bundle.write(tmp_path / "swept.edgespec", rng, times)
    detectors = ("model", "residual") if times == 1.0 else ("model",)
    config = Config(
        node=NodeConfig(state_dir=tmp_path / "state", computing="plain"),
        source=(SourceConfig(uri=f"rtl_power:{path}?zone=UTC"),),
        band=(BandConfig(id="b", shadow=bundle.path, backend="litert"),),
        detect=DetectConfig(detectors=detectors),
        sweep=SweepConfig(warmup_sweeps=60),
    )
    notebook = Notebook()
    open_observer(config, [notebook]).monitor.run()
    assert notebook.types.count("new") == 3
    assert {event.model_sha256 for event in notebook.events} == {None}
    report = report_of(config)
    assert (report.heard_s, report.skipped_s, report.hop_s) == (pytest.approx(300), 0.0, 4.0)
    assert (report.running.n_events, report.candidate.model_sha256) == (3, bundle.sha256)
    assert (report.candidate.n_events == 0) is (found == "deaf")
    assert kinds(report) == [found]


def test_sweeps_that_get_other_points_end_a_candidate() -> None:
    stream = BytesIO(as_other_grid(swept_bundle.grid(20e6)))
    source = BlockSource(swept_bundle.Sweeps(np.random.default_rng(1)).info, stream)
    with pytest.raises(SourceError, match="64 points from 108 to 114"):
        list(parts(source, stream, None))


def test_a_candidate_that_is_slow_does_not_hold_up_live_sweeps(rng: np.random.Generator) -> None:
    """Whose bands wait for all of them."""
    source = swept_bundle.Sweeps(rng)
    left = [source.next() for _ in range(100)]
    source.read = lambda out: left.pop(0) if left else None  # type: ignore[assignment,method-assign]
    reader = Reader(source, block_samples=1, n_blocks=4)
    with reader.overheard(4.0, 1 << 20) as ring, reader:
        taken = [reader.rings[0].next_block(5.0) for _ in range(100)]
        assert [block.sample_start for block in taken if block is not None] == [*range(100)]
        assert ring.n_overflows == 100 - 16


def test_one_that_cannot_run_ends_alone(
    config: Config, caplog: pytest.LogCaptureFixture, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Made for other frames; the report says why, and the model tells what it always tells."""
    wrong = replace(tiny.RECIPE, sample_rate_hz=2e6)
    tiny_network.write(tmp_path / "candidate.edgespec", rng, made_with=wrong)
    notebook = Notebook()
    with caplog.at_level(logging.WARNING):
        open_observer(config, [notebook]).monitor.run()
    assert notebook.types.count("new") == 3
    report = report_of(config)
    assert kinds(report) == ["ended"]
    assert "2000000" in report.ended
    assert "the candidate runs no more" in caplog.text
    assert asked(config, tmp_path)[0] == 7


def test_what_cannot_be_a_candidate_is_refused_at_the_start(config: Config, tmp_path: Path) -> None:
    (tmp_path / "candidate.edgespec").write_bytes(b"PK\3\4 cut off")
    with pytest.raises(ModelError, match=r"candidate\.edgespec"):
        open_observer(config)


def test_without_a_report_it_is_said_how_to_make_one(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text(f'[node]\nstate_dir = "{config.node.state_dir}"\n')
    done = CliRunner().invoke(main, ["model", "shadow", "-c", str(path)])
    assert isinstance(done.exception, (ConfigError, SystemExit))
    assert done.exit_code == 3
    assert "--shadow BUNDLE" in done.output
    kept = report_path(config.node.state_dir, "band0")
    kept.parent.mkdir(parents=True)
    kept.write_text('{"schema": "edgespec.shadow/1", "band": 3}')
    assert CliRunner().invoke(main, ["model", "shadow", "-c", str(path)]).exit_code == 3


@pytest.mark.parametrize(
    ("skipped_s", "call_ms", "running_ms", "found"),
    [
        (0.5, 0.2, 0.2, ["unproven"]),
        (40.0, 0.2, 0.2, ["starved"]),
        (40.0, 0.5, 0.2, ["slow"]),
        (0.0, 2.0, 0.2, ["slow"]),
        # Without a network there is none to blame.
        (40.0, 0.0, 0.0, ["starved"]),
    ],
)
def test_a_machine_without_time_for_two_is_not_called_a_slow_model(
    skipped_s: float, call_ms: float, running_ms: float, found: list[str]
) -> None:
    sides = [
        Side(name, None, {}, {"p50": ms / 1e3} if ms else {})
        for name, ms in (("mean", running_ms), ("candidate", call_ms))
    ]
    times = 100.0, skipped_s, 50.0, 0.0, tiny.GEOMETRY.hop_s
    assert kinds(ShadowReport("b", "", "", *times, 1.0, *sides, {})) == found


@pytest.mark.parametrize(
    ("name", "n_running", "n_candidate", "found"),
    [
        ("forecast", 40, 0, ["deaf"]),
        ("forecast", 40, 1, ["unproven"]),
        # A few come by chance; and what needs no network is no network's fault.
        ("forecast", 3, 0, ["unproven"]),
        ("zscore", 40, 0, ["unproven"]),
    ],
)
def test_a_network_that_is_deaf_is_found_though_others_hear_for_it(
    name: str, n_running: int, n_candidate: int, found: list[str]
) -> None:
    pairs = {name: DetectorPairs(1000, None, n_running, n_candidate, 0)}
    times = 100.0, 0.0, 50.0, 0.0, tiny.GEOMETRY.hop_s
    report = ShadowReport("b", "", "", *times, 1.0, SIDE, SIDE, pairs, of_network=("forecast",))
    assert kinds(report) == found
    if found == ["deaf"]:
        assert f"its {name} was never above" in findings(report)[0].words


def test_one_takes_the_place_of_another_while_the_band_is_watched(
    config: Config, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """As when a candidate is promoted, and the next one comes."""
    begun: list[str] = []
    monkeypatch.setattr(Shadow, "begin", lambda self, worker, ear: begun.append(self._band))
    tape = Tape(band.cf32(band.noise(rng, 0.01)), is_live=True)
    monitor = Monitor([Radio("r", tape, [chain_for(tape, "b")])], [], state_s=60.0)
    shadows = Shadows(replace(config, band=(replace(config.band[0], shadow=None),)))
    shadows.begin(monitor)
    assert begun == []
    bundle = candidate(config.node.state_dir.parent, rng)
    shadows.run("b", bundle)
    (first,) = shadows._all()
    shadows.run("b", bundle)
    (second,) = shadows._all()
    assert first._closing.is_set()
    assert not second._closing.is_set()
    shadows.run("b", None)
    assert (shadows._all(), begun) == ([], ["b", "b"])
