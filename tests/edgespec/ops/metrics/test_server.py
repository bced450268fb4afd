"""What Prometheus reads, over real HTTP, of an observer that runs."""

import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import which
from types import SimpleNamespace

import numpy as np
import pytest

from edgespec.board import TROUBLES, Board, BoardState
from edgespec.config import MetricsConfig
from edgespec.errors import ConfigError
from edgespec.level_scale import LevelScale
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.startup import Observer
from edgespec.ops.metrics.open import open_metrics
from edgespec.promise import Promise
from edgespec.records import EventType, ObserverState
from tests.made import band
from tests.made.event import event_of
from tests.made.tape import Tape, chain_for

pytest.importorskip("prometheus_client", reason="the extra `prometheus` is not installed")

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from edgespec.ops.metrics.server import MetricsServer

STATE = ObserverState(
    0, 1.0, 2, 3, 4, 5, {"lost": 6, "quiet": 0}, noise_floor_dbfs=-91.5, alarm=True, band="lte",
    last_test_ns=1_768_809_600_500_000_000,
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    server = MetricsServer("127.0.0.1", 0)
    yield server
    server.close()


def scrape(server: MetricsServer) -> dict[str, float]:
    """Return every sample by its name and labels, as text."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    rows = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def broker_of(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(**{"connected": True, "waiting_bytes": 120, "n_lost": 4, **fields})


@pytest.fixture
def observer(rng: np.random.Generator) -> Observer:
    tape = Tape(band.cf32(band.with_tone(band.noise(rng, 0.6), 0.4, 0.6)))
    chain = chain_for(tape, "lte")
    chain.tracker.info = replace(chain.info, model_sha256="abc")
    tape.n_reconnects = 3  # type: ignore[attr-defined]
    radio = Radio("roof", tape, [chain])
    return Observer((radio,), broker_of(), Monitor([radio], [], state_s=60.0))  # type: ignore[arg-type]


def test_every_figure_of_the_table_is_there(server: MetricsServer, observer: Observer) -> None:
    server.watch(observer)
    server.state(STATE)
    server.event(event_of(latency_s=0.004))
    server.event(event_of(latency_s=9.0, event_type=EventType.UPDATE))
    worker = observer.monitor.workers[0]
    worker.n_dropped = 7
    worker.chain.scorer.inference.add(300_000)  # type: ignore[union-attr]
    read = scrape(server)
    assert read['edgespec_samples_dropped_total{band="lte",source="roof"}'] == 7
    assert read['edgespec_windows_skipped_total{band="lte",reason="lost"}'] == 6
    assert read['edgespec_source_reconnects_total{source="roof"}'] == 3
    assert read["edgespec_mqtt_connected"] == 1
    assert read["edgespec_mqtt_spool_bytes"] == 120
    assert read["edgespec_mqtt_lost_total"] == 4
    assert read['edgespec_noise_floor_dbfs{band="lte"}'] == -91.5
    assert read['edgespec_model_info{band="lte",sha256="abc"}'] == 1
    assert read['edgespec_alarm{band="lte"}'] == 1
    assert read['edgespec_tuned{band="lte"}'] == 1
    assert read['edgespec_last_test_timestamp_seconds{band="lte"}'] == 1_768_809_600.5
    assert read['edgespec_duty_ratio{band="lte"}'] == 1
    assert read['edgespec_recent_events{band="lte"}'] == STATE.events_last_day
    name = "edgespec_inference_duration_seconds"
    assert read[f'{name}_count{{band="lte"}}'] == 1
    assert read[f'{name}_sum{{band="lte"}}'] == pytest.approx(3e-4)
    name = "edgespec_sample_to_alarm_seconds"
    assert (read[f"{name}_count"], read[f"{name}_sum"]) == (1, pytest.approx(0.004))
    assert read[f'{name}_bucket{{le="0.00316"}}'] == 0
    assert read[f'{name}_bucket{{le="0.01"}}'] == read[f'{name}_bucket{{le="+Inf"}}'] == 1
    assert read["process_resident_memory_bytes"] > 0
    assert "edgespec_disk_written_bytes_total" in read or not Path("/proc/self/io").is_file()


def test_what_came_stands_beside_what_was_promised(
    server: MetricsServer, observer: Observer
) -> None:
    server.watch(observer)
    server.state(replace(STATE, events_last_day=3))
    assert not [name for name in scrape(server) if "promised" in name]
    promise = Promise(5.0, 0.5, 9.0, 1800.0, 10**18)
    server.state(replace(STATE, events_last_day=3, promise=promise))
    read = scrape(server)
    assert read['edgespec_recent_events{band="lte"}'] == 3
    assert read['edgespec_promised_false_events{band="lte"}'] == 5.0


def test_levels_are_told_in_what_they_are_known_in(
    server: MetricsServer, observer: Observer
) -> None:
    server.watch(observer)
    server.state(STATE)
    assert not [name for name in scrape(server) if "_db" in name and "_dbfs" not in name]
    server.state(replace(STATE, scale=LevelScale(-30.0, 24.0, date(2026, 11, 28))))
    read = scrape(server)
    assert read['edgespec_noise_floor_dbfs{band="lte"}'] == -91.5
    assert read['edgespec_noise_floor_dbm{band="lte"}'] == -121.5
    assert read['edgespec_level_dbuv_per_meter{band="lte"}'] == pytest.approx(
        -30.0 + 107.0 + 24.0, abs=0.02
    )
    assert read['edgespec_calibration_timestamp_seconds{band="lte"}'] == 20_785 * 86_400


def test_the_official_reader_takes_the_page(server: MetricsServer, observer: Observer) -> None:
    """The names, types and samples of every family, by Prometheus's own library."""
    server.watch(observer)
    server.state(replace(STATE, scale=LevelScale(-30.0, 24.0, date(2026, 11, 28))))
    server.event(event_of(latency_s=0.004))
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        page = answer.read().decode()
    families = {one.name: one for one in text_string_to_metric_families(page)}
    ours = {name for name in families if name.startswith("edgespec_")}
    assert {"edgespec_level_dbm", "edgespec_sample_to_alarm_seconds", "edgespec_info"} <= ours
    assert all(families[name].documentation and families[name].type != "unknown" for name in ours)
    assert len(re.findall("^# TYPE ", page, re.MULTILINE)) == len(families)
    # A server that asks for OpenMetrics, whose reader is stricter, gets that.
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/metrics",
        headers={"Accept": "application/openmetrics-text"},
    )
    with urllib.request.urlopen(asked) as answer:
        strict = list(openmetrics(answer.read().decode()))
    assert {one.name for one in strict} >= ours - {"edgespec_info"}


def test_every_figure_that_the_shipped_alerts_ask_for_is_told(
    server: MetricsServer, observer: Observer
) -> None:
    root = Path(__file__).resolve().parents[4]
    rules = (root / "firmware_configs/prometheus/edgespec.rules.yml").read_text()
    asked = set(re.findall(r"\bedgespec_[a-z_]+", rules))
    server.watch(observer)
    server.state(STATE)
    told = {name.partition("{")[0] for name in scrape(server)}
    assert len(asked) > 8
    assert asked <= told


@pytest.mark.skipif(not which("promtool"), reason="promtool is not here: apt install prometheus")
def test_promtool_finds_nothing_wrong_with_the_page(
    server: MetricsServer, observer: Observer
) -> None:
    server.watch(observer)
    server.state(replace(STATE, scale=LevelScale(-30.0, 24.0, date(2026, 11, 28))))
    server.event(event_of(latency_s=0.004))
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        page = answer.read()
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_buckets_never_fall_and_end_with_the_count(
    server: MetricsServer, observer: Observer, rng: np.random.Generator
) -> None:
    server.watch(observer)
    latencies_s = 10.0 ** rng.uniform(-7.0, 3.0, 200)
    for latency_s in latencies_s:
        server.event(event_of(latency_s=latency_s))
    prefix = "edgespec_sample_to_alarm_seconds_bucket"
    read = scrape(server)
    buckets = {name.split('"')[1]: count for name, count in read.items() if name.startswith(prefix)}
    assert list(buckets.values()) == sorted(buckets.values())
    assert buckets["+Inf"] == 200
    for edge_s in (1e-5, 1e-3, 0.1, 10.0):
        assert buckets[f"{edge_s:.3g}"] == (latencies_s <= edge_s).sum()


def test_an_observer_that_ran_counts_its_calls_and_names_no_frequency(
    server: MetricsServer, observer: Observer
) -> None:
    server.watch(observer)
    (state,) = observer.monitor.run()
    server.state(state)
    read = scrape(server)
    n_calls = read['edgespec_inference_duration_seconds_count{band="lte"}']
    assert 0 < n_calls <= state.n_segments
    assert read['edgespec_segments_total{band="lte"}'] == state.n_segments
    assert not [name for name in read if "hz" in name.lower()]


def test_an_observer_without_a_broker_says_nothing_of_it(
    server: MetricsServer, observer: Observer
) -> None:
    server.watch(replace(observer, broker=None))
    assert not [name for name in scrape(server) if "mqtt" in name]


def test_before_there_is_an_observer_the_server_answers(server: MetricsServer) -> None:
    assert "process_resident_memory_bytes" in scrape(server)


def test_a_port_that_is_taken_is_said(server: MetricsServer) -> None:
    with pytest.raises(ConfigError, match=r"nothing can listen at 127.0.0.1:\d+"):
        open_metrics(MetricsConfig(f"127.0.0.1:{server.port}"))


def test_nobody_asks_by_default_and_nothing_listens_after_the_end() -> None:
    assert open_metrics(MetricsConfig()) is None
    server = MetricsServer("127.0.0.1", 0)
    server.close()
    server.close()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", server.port)) != 0


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:9108", ("127.0.0.1", 9108)), ("[::1]:80", ("::1", 80)), ("pi-1:1", ("pi-1", 1))],
)
def test_an_address_is_host_and_port(listen: str, address: tuple[str, int]) -> None:
    assert MetricsConfig(listen).address == address


@pytest.mark.parametrize("listen", ["9108", "localhost", "::1:80", "a b:80", "host:http"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        MetricsConfig(listen)


def test_the_board_tells_heat_and_what_holds_it_back(
    server: MetricsServer, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = BoardState(
        ("too hot",), ("undervoltage",), (("cpu-thermal", 81.5),), (("peak overcurrent", 7),), 6e8
    )
    monkeypatch.setattr(Board, "read", lambda board: state)
    server.watch(observer)
    figures = scrape(server)
    assert figures['edgespec_temperature_celsius{zone="cpu-thermal"}'] == 81.5
    assert figures['edgespec_over_current_events_total{reason="peak overcurrent"}'] == 7
    assert figures["edgespec_clock_hertz"] == 6e8
    for name, held in (("held_back", {"too hot"}),
                       ("held_back_since_boot", {"too hot", "undervoltage"})):  # fmt: skip
        for reason in TROUBLES:
            assert figures[f'edgespec_{name}{{reason="{reason}"}}'] == (reason in held)
