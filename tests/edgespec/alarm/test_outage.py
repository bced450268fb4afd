"""The whole observer while things break around it: broker, link, disk, radio, and itself."""

import json
import resource
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.alarm.outbox.spool import Spool
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.records import SampleFormat
from tests.made import band, tiny, tiny_network
from tests.made.broker import Broker, Listener, Proxy, free_port, wait_for
from tests.made.observer import Observer, run, write_config
from tests.made.rtl_tcp_server import RtlTcpServer

pytestmark = pytest.mark.slow_without_jit

NODE = "pi-1"
QUIET_S, EVERY_S, TONE_S = 0.6, 0.7, 0.2


def write_tones(tmp_path: Path, rng: np.random.Generator, n_tones: int) -> str:
    """Write ``QUIET_S`` of the band, then a tone of ``TONE_S`` every ``EVERY_S``."""
    quiet = band.cu8(band.noise(rng, QUIET_S))
    period = band.cu8(band.with_tone(band.noise(rng, EVERY_S), 0.0, TONE_S))
    return band.write_sigmf(tmp_path / "tones", np.concatenate([quiet, *[period] * n_tones]))


def write_endless_tone(tmp_path: Path, rng: np.random.Generator) -> str:
    """Return a recording played by the clock, with a tone from ``QUIET_S`` to its far end."""
    quiet = band.cu8(band.noise(rng, QUIET_S))
    second = band.cu8(band.with_tone(band.noise(rng, 1.0), 0.0, 1.0))
    samples = np.concatenate([quiet, *[second] * 30])
    return band.write_sigmf(tmp_path / "endless", samples) + "?realtime=1"


def observe(
    stack: ExitStack, tmp_path: Path, uri: str, url: str, *arguments: str, **options: Any
) -> Observer:
    """Start a monitor that writes JSON and publishes to ``url``."""
    config = write_config(
        tmp_path / "edgespec.toml",
        node={"id": NODE, "state_dir": str(options.pop("state_dir", tmp_path / "state"))},
        mqtt={"url": url, "keepalive_s": 5, "reconnect_max_s": 0.5},
        alarm={"state_s": 0.5},
    )
    bundle = tiny_network.bundle().path
    started = Observer(
        "monitor", "-c", config, "--source", uri, "--model", bundle, "--json", *arguments, **options
    )
    return stack.enter_context(started)


def events_of(listener: Listener) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in listener.on(f"{NODE}/events")]


def without_repetitions(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events by first arrival. A broken link may repeat one, which then says so."""
    seen: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["sequence"] in seen:
            assert event["replayed"]
        seen.setdefault(event["sequence"], event)
    return list(seen.values())


def same(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "replayed"}


def check_everything_arrived(listener: Listener, observer: Observer) -> list[dict[str, Any]]:
    """Return what arrived, once and in order, equal to what stdout said."""
    said = observer.lines.events
    wait_for(lambda: len(without_repetitions(events_of(listener))) >= len(said), "all events")
    heard = without_repetitions(events_of(listener))
    assert [event["sequence"] for event in heard] == list(range(1, len(said) + 1))
    assert [same(event) for event in heard] == [same(event) for event in said]
    return heard


def test_an_outage_of_ten_seconds_loses_nothing(
    proxy: Proxy,
    listener: Listener,
    stack: ExitStack,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    n_tones = 22
    uri = write_tones(tmp_path, rng, n_tones) + "?realtime=1"
    observer = observe(stack, tmp_path, uri, proxy.url)
    wait_for(lambda: len(events_of(listener)) >= 4, "events before the outage")
    n_before = len(events_of(listener))
    proxy.cut()
    wait_for(lambda: any(not s["mqtt_connected"] for s in observer.lines.states), "noticed")
    time.sleep(10.0)
    n_waiting = len(observer.lines.events) - n_before
    assert len(events_of(listener)) <= n_before + 1
    proxy.heal()
    assert observer.wait() == 0
    heard = check_everything_arrived(listener, observer)
    # A tone every 0.7 s is two messages, so ten seconds are at least 26 of them.
    assert n_waiting >= 26
    assert observer.lines.types == ["new", "end"] * n_tones
    replayed = [event["sequence"] for event in heard if event["replayed"]]
    assert replayed == list(range(replayed[0], replayed[-1] + 1))
    # What was on its way when the link broke, or made while it was taken up again, may be either.
    assert n_before <= replayed[0] <= n_before + 2
    assert len(replayed) >= n_waiting - 1
    assert not heard[-1]["replayed"]
    assert (
        observer.lines.states[-1]["spool_events"] == 0
        or observer.lines.states[-1]["mqtt_connected"]
    )
    assert listener.on(f"{NODE}/availability")[-1] == b"offline"
    assert observer.errors.count("WARNING") == 1, observer.errors


def test_a_broker_that_is_killed_and_started_again_gets_everything(
    broker: Broker,
    proxy: Proxy,
    listener: Listener,
    stack: ExitStack,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    uri = write_tones(tmp_path, rng, 7) + "?realtime=1"
    observer = observe(stack, tmp_path, uri, proxy.url)
    wait_for(lambda: len(events_of(listener)) >= 2, "events before the kill")
    broker.kill()
    # The new broker remembers nobody: a listener must be there before the observer is.
    proxy.cut()
    listener.close()
    time.sleep(1.5)
    broker.start()
    again = Listener(broker.port)
    stack.callback(again.close)
    proxy.heal()
    assert observer.wait() == 0
    said = observer.lines.events
    assert len(said) == 14

    def heard() -> list[dict[str, Any]]:
        return without_repetitions(events_of(listener) + events_of(again))

    wait_for(lambda: len(heard()) >= len(said), "all events")
    assert [same(event) for event in heard()] == [same(event) for event in said]
    assert again.on(f"{NODE}/availability")[0] == b"online"


def test_without_a_broker_the_monitor_goes_on_and_says_so_once(
    stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    uri = write_tones(tmp_path, rng, 2) + "?realtime=1"
    observer = observe(stack, tmp_path, uri, f"mqtt://127.0.0.1:{free_port()}")
    assert observer.wait() == 0
    assert observer.lines.types == ["new", "end"] * 2
    assert observer.errors.count("is the broker running") == 1
    assert observer.lines.states[-1]["mqtt_connected"] is False
    assert observer.lines.states[-1]["spool_events"] == 4


def test_what_waited_is_delivered_by_the_next_run(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    uri = write_tones(tmp_path, rng, 1)
    first = observe(stack, tmp_path, uri, f"mqtt://127.0.0.1:{free_port()}")
    assert first.wait() == 0
    second = observe(stack, tmp_path, f"{uri}?realtime=1", broker.url)
    assert second.wait() == 0
    wait_for(lambda: len(events_of(listener)) == 4, "two of each run")
    assert [event["sequence"] for event in events_of(listener)] == [1, 2, 3, 4]
    assert [event["replayed"] for event in events_of(listener)[:2]] == [True, True]
    said = first.lines.events + second.lines.events
    assert [event["id"] for event in events_of(listener)] == [event["id"] for event in said]


def test_a_state_folder_that_cannot_be_written(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    (tmp_path / "file").touch()
    uri = write_tones(tmp_path, rng, 2) + "?realtime=1"
    observer = observe(stack, tmp_path, uri, broker.url, state_dir=tmp_path / "file" / "state")
    assert observer.wait() == 0
    assert observer.lines.types == ["new", "end"] * 2
    assert observer.errors.count("WARNING") == 1
    assert "the spool" in observer.errors
    assert "messages wait in memory" in observer.errors
    check_everything_arrived(listener, observer)


def test_a_disk_that_is_full(stack: ExitStack, tmp_path: Path, rng: np.random.Generator) -> None:
    """No file may grow beyond 1 kB: the second event does not fit any more."""
    uri = write_tones(tmp_path, rng, 3) + "?realtime=1"
    # The cache of the kernels is on that disk, too: fill it now.
    FrontEnd(tiny.GEOMETRY, SampleFormat.CU8, max_block_samples=1024)
    observer = observe(
        stack,
        tmp_path,
        uri,
        f"mqtt://127.0.0.1:{free_port()}",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )
    assert observer.wait() == 0
    assert observer.lines.types == ["new", "end"] * 3
    assert observer.errors.count("the spool") == 1
    assert "messages wait in memory" in observer.errors
    assert observer.lines.states[-1]["spool_events"] == 6
    assert sum(p.stat().st_size for p in (tmp_path / "state").rglob("*") if p.is_file()) <= 2048


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(
    number: signal.Signals,
    broker: Broker,
    listener: Listener,
    stack: ExitStack,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    observer = observe(stack, tmp_path, write_endless_tone(tmp_path, rng), broker.url)
    observer.wait_for_events("new")
    wait_for(lambda: listener.on("alarm/band0/state")[-1:] == [b"ON"], "the alarm")
    assert listener.on(f"{NODE}/availability")[-1] == b"online"
    assert listener.on("radio/radio0/availability")[-1] == b"online"
    begun_s = time.monotonic()
    observer.send(number)
    assert observer.wait() == 0
    assert time.monotonic() - begun_s < 5.0
    assert observer.lines.types[0] == "new"
    assert observer.lines.types[-1] == "end"
    assert set(observer.lines.types[1:-1]) <= {"update"}
    assert len({event["id"] for event in observer.lines.events}) == 1
    assert observer.lines.states[-1]["alarm"] is False
    heard = check_everything_arrived(listener, observer)
    assert not any(event["replayed"] for event in heard)
    wait_for(lambda: listener.on(f"{NODE}/availability")[-1] == b"offline", "offline")
    assert listener.on("radio/radio0/availability")[-1] == b"offline"
    assert listener.on("alarm/band0/state")[-1] == b"OFF"
    assert "Traceback" not in observer.errors
    # Retained: who comes later sees it, too.
    late = Listener(broker.port)
    stack.callback(late.close)
    wait_for(lambda: bool(late.on(f"{NODE}/availability")), "the retained availability")
    assert late.on(f"{NODE}/availability") == [b"offline"]


def test_a_signal_without_a_broker_leaves_the_end_in_the_spool(
    stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    observer = observe(stack, tmp_path, write_endless_tone(tmp_path, rng), url)
    observer.wait_for_events("new")
    begun_s = time.monotonic()
    observer.send(signal.SIGTERM)
    assert observer.wait() == 0
    assert time.monotonic() - begun_s < 5.0
    spool = Spool(tmp_path / "state" / "spool", 10_000_000)
    kept = [json.loads(payload) for _, payload in spool.pending()]
    spool.close()
    assert [same(event) for event in kept] == [same(event) for event in observer.lines.events]
    assert kept[-1]["event_type"] == "end"


def test_a_kill_is_told_by_the_broker(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    observer = observe(stack, tmp_path, write_endless_tone(tmp_path, rng), broker.url)
    observer.wait_for_events("new")
    wait_for(lambda: listener.on(f"{NODE}/availability") == [b"online"], "online")
    observer.send(signal.SIGKILL)
    assert observer.wait() == -signal.SIGKILL
    wait_for(lambda: listener.on(f"{NODE}/availability") == [b"online", b"offline"], "the will")


def test_an_interferer_is_heard_over_rtl_tcp(
    stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    quiet = band.cu8(band.noise(rng, QUIET_S))
    period = band.cu8(band.with_tone(band.noise(rng, EVERY_S), 0.0, TONE_S))
    samples = np.concatenate([quiet, period, period])
    with RtlTcpServer(samples.tobytes(), rate_hz=band.RATE_HZ) as server:
        config = write_config(tmp_path / "edgespec.toml", source={
            "uri": f"rtl_tcp:127.0.0.1:{server.port}", "center_freq_hz": band.CENTER_HZ,
            "gain_db": 20.0,
        })  # fmt: skip
        bundle = tiny_network.bundle().path
        code, observer = run(
            "monitor", "-c", config, "--model", bundle, "--duration", 1.95, "--json", home=tmp_path
        )
        assert server.n_clients == 1
        # Frequency, rate and gain in tenths of a dB, as Osmocom's rtl_tcp takes them.
        assert {1: 806_000_000, 2: 1_000_000, 4: 200}.items() <= dict(server.commands).items()
    assert code == 0
    assert observer.lines.types == ["new", "end"] * 2
    for event in observer.lines.events:
        tone_hz = band.CENTER_HZ + band.TONE_HZ
        assert event["core:freq_lower_edge"] < tone_hz < event["core:freq_upper_edge"]
        assert event["latency_ms"] > 0.0


@pytest.mark.parametrize("stall", [False, True])
def test_a_server_that_goes_away_is_called_again(
    stall: bool,
    broker: Broker,
    listener: Listener,
    stack: ExitStack,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    """It dies or falls silent after 1 s; the second connection is endless."""
    clean = band.cu8(band.noise(rng, 3.0))
    n_bytes = (2 * round(band.RATE_HZ), None)
    with RtlTcpServer(
        clean.tobytes(), rate_hz=band.RATE_HZ, n_bytes=n_bytes, stall=stall
    ) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M&stall_s=0.5"
        observer = observe(stack, tmp_path, uri, broker.url, "--duration", "2.5")
        assert observer.wait() == 0
        assert server.n_clients == 2
    assert not observer.lines.events
    state = observer.lines.states[-1]
    assert state["n_samples"] >= 2_500_000
    # The pause before the second call is 0.2 s at least.
    assert 150_000 <= state["n_dropped"] <= 3_000_000
    assert state["n_skipped"]["dropped"] >= 1
    assert "Traceback" not in observer.errors


def test_a_radio_that_is_gone_is_offline_while_the_node_is_online(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    clean = band.cu8(band.noise(rng, 1.0))
    with RtlTcpServer(clean.tobytes(), rate_hz=band.RATE_HZ) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M&stall_s=0.5"
        observer = observe(stack, tmp_path, uri, broker.url)
        wait_for(lambda: len(observer.lines.states) >= 2, "it runs")
    # Nobody listens at this address any more.
    topic = "radio/radio0/availability"
    wait_for(lambda: listener.on(topic)[-1:] == [b"offline"] and b"online" in listener.on(topic),
             "the radio is offline")  # fmt: skip
    assert listener.on(f"{NODE}/availability") == [b"online"]
    wait_for(lambda: "is silent" in observer.errors, "it is said")
    observer.send(signal.SIGTERM)
    assert observer.wait() == 0
