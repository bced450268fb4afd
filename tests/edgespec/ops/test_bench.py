"""What ``edgespec bench`` reports hangs together. How fast it is, is not a test's business."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.config import Config, SourceConfig, override
from edgespec.errors import EdgespecError
from edgespec.observer.opening.band_model import named_bundle
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.radio_opening import open_band_source, open_basis
from edgespec.ops import bench
from edgespec.ops.coldstart import describe, main, score_one
from edgespec.ops.delivery import time_delivery
from edgespec.wire.event import parse_event
from tests.made import band, tiny, tiny_network
from tests.made.broker import Broker, Listener
from tests.made.observer import REPOSITORY, run

pytestmark = pytest.mark.slow_without_jit

HOP = tiny.RECIPE.hop_samples


@pytest.fixture
def recording(tmp_path: Path, rng: np.random.Generator) -> str:
    """A little less than the second that the bench would like to have."""
    return band.write_sigmf(tmp_path / "clean", band.cu8(band.noise(rng, 0.9)))


@pytest.fixture
def config(recording: str) -> Config:
    return override(Config(), source=recording, model=tiny_network.bundle().path)


def test_figures_hang_together(recording: str, tmp_path: Path) -> None:
    bundle = tiny_network.bundle()
    code, observer = run(
        "bench", "--source", recording, "--model", bundle.path, "--duration", "0.3", "--json"
    )
    assert code == 0
    # The recording has 1 MS/s, and that is said as well.
    measured = [line for line in observer.log if "no cell can be cancelled" not in line]
    assert len(measured) == len(observer.log) - 1
    assert {line.split(":")[0] for line in measured} == {"measuring"}
    report = json.loads(observer.text)
    assert report["schema"] == "edgespec.bench/1"
    assert report["source"] == recording
    assert report["model"]["sha256"] == bundle.sha256
    assert [timing["name"].split(" (")[0] for timing in report["timings"]] == [
        "front end", "model", "whole path"
    ]  # fmt: skip
    for timing in report["timings"]:
        assert timing["n_calls"] >= 20
        assert 0 < timing["min_s"] <= timing["median_s"] <= timing["p95_s"] <= timing["p99_s"]
        assert timing["rate_msps"] == pytest.approx(HOP / timing["median_s"] / 1e6)
        assert timing["times_real_time"] == pytest.approx(1e6 * timing["rate_msps"] / band.RATE_HZ)
    (latency,) = report["latencies"]
    assert latency["name"] == "block to decision"
    assert latency["n"] == sum(count for _, count in latency["bins"]) >= 20
    assert 0 < latency["p50_s"] <= latency["p95_s"] <= latency["p99_s"] <= latency["max_s"]
    # The same calls as those of the whole path; a bin is a quarter wide.
    timing = report["timings"][2]
    assert timing["median_s"] <= 1.001 * latency["p50_s"]
    # An interpreter with numpy alone is 20 MB and takes more than a hundredth of a second.
    assert report["cold_start_s"] > 0.01
    assert 20 < report["peak_rss_mb"] < 5000
    assert all(report["machine"].values())
    assert report["created_utc"].endswith("Z")


def test_a_hop_of_the_whole_path_runs_the_front_end_and_the_model_once(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any) -> Any:
            ran.append(name)
            return call(*args)

        return counting

    named = named_bundle(config)
    source = open_band_source(config, [named])
    basis = open_basis(config, source.info, named)
    chain, backend = open_chain(config, source.info, basis), basis.backend
    signal = bench._gather(source, HOP, band.RATE_HZ)
    source.close()
    monkeypatch.setattr(backend, "predict", counted("model", backend.predict))
    monkeypatch.setattr(chain.front_end, "process", counted("front end", chain.front_end.process))
    one_hop = bench._path(chain, source, signal, HOP)
    ran.clear()
    for _ in range(3):
        one_hop()
    assert ran == ["front end", "model"] * 3


def test_the_table_shows_the_same_parts_and_a_report_is_written_beside(
    recording: str, tmp_path: Path
) -> None:
    bundle, path = tiny_network.bundle().path, tmp_path / "board.json"
    command = ("bench", "--source", recording, "--model", bundle, "--duration", "0.3")
    code, observer = run(*command, "--report", path)
    assert code == 0
    first, _, *rows, latency, last, load = observer.text.splitlines()
    assert load.startswith("0 s of work on one core; ")
    sent = json.loads(path.read_text(encoding="utf-8"))
    (one,) = sent["bands"]
    assert (one["signal"], one["sample_rate_hz"]) == ("sigmf:", band.RATE_HZ)
    assert one["model"]["name"] == "another"
    assert one["load"]["n_hops"] >= 1
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert first.startswith("mean on ")
    assert [row.split(" (")[0].split("  ")[0] for row in rows] == [
        "front end", "model", "whole path"
    ]  # fmt: skip
    assert latency.startswith("block to decision, ")
    assert "cold start" in last


def test_a_report_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.json").write_text("mine", encoding="utf-8")
    for path, says in (("old.json", "not overwritten"), ("none/x.json", "no folder")):
        code, observer = run("bench", "--report", tmp_path / path)
        assert (code, observer.text) == (3, "")
        assert says in observer.log[-1]
    code, observer = run("bench", "--choose", "--report", tmp_path / "new.json")
    assert (code, observer.text) == (2, "")
    assert (tmp_path / "old.json").read_text(encoding="utf-8") == "mine"


def test_with_a_broker_the_alarm_is_followed_to_its_confirmation(
    config: Config, broker: Broker, listener: Listener
) -> None:
    config = override(config, mqtt=f"mqtt://127.0.0.1:{broker.port}", node="pi")
    report = bench.bench(config, 0.3)
    _, alarm = report.latencies
    assert alarm.name == "block to confirmed alarm"
    assert alarm.n == 50
    assert alarm.p50_s > 0.0
    messages = [parse_event(data) for data in listener.on("pi-bench/events")]
    assert [message.event.kind for message in messages] == ["bench"] * 50
    assert json.loads(json.dumps(report.as_json()))["latencies"][1]["n"] == 50


def test_the_way_to_the_broker_counts_from_the_block_on(config: Config, broker: Broker) -> None:
    config = override(config, mqtt=f"mqtt://127.0.0.1:{broker.port}", node="pi")
    histogram = time_delivery(config, lambda: time.sleep(0.05), 5)
    assert histogram.n == 5
    # A bin is a quarter wide.
    assert histogram.quantile_s(0.5) >= 0.04


def test_a_recording_shorter_than_a_hop_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    uri = band.write_sigmf(tmp_path / "short", band.cu8(band.noise(rng, 1.0))[: HOP - 1])
    code, observer = run("bench", "--source", uri, "--model", tiny_network.bundle().path)
    assert code == 4
    assert f"ended after {HOP - 1} samples" in observer.errors.splitlines()[-1]


def test_a_cold_start_is_told_everything(config: Config, tmp_path: Path) -> None:
    source = SourceConfig(uri="rtl_tcp:h:1", center_freq_hz=1e8, sample_rate_hz=1e6, gain_db=20.0)
    watched = replace(
        config.band[0],
        cell_models=(tmp_path / "a.edgespec",),
        mask=tmp_path / "mask.csv",
        full_scale_dbm=-20.0,
        calibrated="2026-11-01",
    )
    config = replace(config, source=(source,), band=(watched,))
    got: list[Config] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgespec.ops.coldstart.score_one", got.append)
        assert main([describe(config)]) == 0
    assert got[0].source == config.source
    assert got[0].band == config.band
    assert asdict(got[0].node) == asdict(config.node)


def test_a_cold_start_ends_with_the_first_score(config: Config) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgespec.ops.coldstart", describe(config)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_cold_start_that_fails_says_why(
    config: Config, tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    n_segment = tiny.GEOMETRY.n_segment * tiny.FRAMING.frame_samples
    uri = band.write_sigmf(tmp_path / "short", band.cu8(band.noise(rng, 1.0))[: n_segment - 1])
    with pytest.raises(EdgespecError, match="ended before one segment"):
        score_one(override(config, source=uri))
    missing = override(config, model=tmp_path / "none.edgespec")
    assert main([describe(missing)]) == 5
    assert "none.edgespec" in capsys.readouterr().err
    with pytest.raises(EdgespecError, match=r"did not come to its first score: .*none\.edgespec"):
        bench._cold_start(missing)


def test_without_a_source_the_simulated_cell_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str | None] = []

    def refuse(config: Config, bundles: object) -> None:
        opened.append(config.source[0].uri)
        raise EdgespecError("enough")

    monkeypatch.setattr("edgespec.ops.bench.open_band_source", refuse)
    with pytest.raises(EdgespecError, match="enough"):
        bench.bench(Config(), 0.1)
    assert opened == ["sim:lte-dl"]
