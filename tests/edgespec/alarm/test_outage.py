"""The whole observer while things break around it: broker, link, disk, radio, and itself."""

import json
import resource
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.alarm.outbox.spool import Spool
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.port import free_port
from edgespec.records import SampleFormat
from tests.made import band, tiny, tiny_network
from tests.made.broker import Broker, Listener, Proxy, wait_for
from tests.made.observer import Observer, write_config
from tests.made.rtl_tcp_server import RtlTcpFeed, RtlTcpServer

pytestmark = pytest.mark.slow_without_jit

NODE = "pi-1"
QUIET_S, EVERY_S, TONE_S = 0.6, 0.4, 0.15
HOP = tiny.RECIPE.hop_samples

ByteArray = NDArray[np.uint8]


def tones(rng: np.random.Generator, n_tones: int) -> ByteArray:
    """Return ``QUIET_S`` of the band, then a tone of ``TONE_S`` every ``EVERY_S``."""
    quiet = band.cu8(band.noise(rng, QUIET_S))
    return np.concatenate([quiet, *[one_tone(rng)] * n_tones])


def one_tone(rng: np.random.Generator) -> ByteArray:
    return band.cu8(band.with_tone(band.noise(rng, EVERY_S), 0.0, TONE_S))


def observe(
    stack: ExitStack,
    tmp_path: Path,
    url: str | None,
    *arguments: object,
    state_dir: Path | None = None,
    source: Mapping[str, object] | None = None,
    **options: Any,
) -> Observer:
    """Start a monitor that writes JSON and publishes to ``url``."""
    tables: dict[str, Mapping[str, object]] = {
        "node": {"id": NODE, "state_dir": str(state_dir or tmp_path / "state")},
        # States are told often, for tests wait for what they say.
        "alarm": {"state_s": 0.1},
    }
    if url is not None:
        tables["mqtt"] = {"url": url, "keepalive_s": 3600, "reconnect_max_s": 0.5}
    if source is not None:
        tables["source"] = source
    config = write_config(tmp_path / "edgespec.toml", **tables)
    bundle = tiny_network.bundle().path
    return stack.enter_context(
        Observer("monitor", "-c", config, "--model", bundle, "--json", *arguments, **options)
    )


class Fed:
    """An observer with a radio that delivers what a test says, when it says so.

    Nothing is fed before what came before it was worked on: however slow the machine is, no
    sample is lost and no event is late.
    """

    def __init__(
        self,
        stack: ExitStack,
        tmp_path: Path,
        rng: np.random.Generator,
        url: str | None,
        **options: Any,
    ) -> None:
        self.server = stack.enter_context(RtlTcpFeed())
        self._rng = rng
        self._tone = one_tone(rng)
        self._n_samples = 0
        self.n_tones = 0
        source = {
            "uri": f"rtl_tcp:127.0.0.1:{self.server.port}?stall_s=3600",
            "center_freq_hz": band.CENTER_HZ,
            "gain_db": 20.0,
        }
        self.observer = observe(stack, tmp_path, url, source=source, **options)
        self._play(band.cu8(band.noise(rng, QUIET_S)))

    def tones(self, n_tones: int) -> None:
        """Let a tone come and go so many times."""
        for _ in range(n_tones):
            self._play(self._tone)
            self.n_tones += 1
            n_events = 3 * self.n_tones
            self._wait_for(lambda n=n_events: len(self.observer.lines.events) >= n, "a tone")

    def endless_tone(self) -> None:
        """Let a tone begin that does not end."""
        self._play(band.cu8(band.with_tone(band.noise(self._rng, 0.3), 0.0, 0.3)))
        self.observer.wait_for_events("new")

    def wait_connected(self) -> None:
        """Return when the observer says that it is connected and that nothing waits."""
        self._wait_for(self._is_connected, "a connection")

    def end(self) -> None:
        """Let the observer end in order."""
        self.observer.send(signal.SIGTERM)
        assert self.observer.wait() == 0

    @property
    def warnings(self) -> list[str]:
        """What the observer warned of, save that its radio was silent while a test looked away."""
        lines = "".join(self.observer.log).splitlines()
        return [line for line in lines if "WARNING" in line and "is silent" not in line]

    def _is_connected(self) -> bool:
        states = self.observer.lines.states[-1:]
        return bool(states) and states[0]["mqtt_connected"] and not states[0]["spool_events"]

    def _play(self, samples: ByteArray) -> None:
        self.server.feed(samples.tobytes())
        self._n_samples += len(samples)
        # What does not fill a block waits for the next samples.
        n_whole = self._n_samples // HOP * HOP
        self._wait_for(
            lambda: any(s["n_samples"] >= n_whole for s in self.observer.lines.states[-1:]),
            "the samples are worked on",
        )

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        wait_for(lambda: condition() or not self.observer.runs, what)
        assert condition(), f"not {what}: {self.observer.errors}"


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


def test_an_outage_of_thirty_messages_loses_nothing(
    proxy: Proxy,
    listener: Listener,
    stack: ExitStack,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    fed = Fed(stack, tmp_path, rng, proxy.url)
    observer = fed.observer
    fed.tones(2)
    wait_for(lambda: len(events_of(listener)) == 6, "events before the outage")
    fed.wait_connected()
    proxy.cut()
    wait_for(lambda: not observer.lines.states[-1]["mqtt_connected"], "noticed")
    n_outage = 15
    fed.tones(n_outage)
    assert len(events_of(listener)) == 6
    proxy.heal()
    fed.wait_connected()
    fed.tones(5)
    fed.end()
    heard = check_everything_arrived(listener, observer)
    assert observer.lines.types == ["new", "update", "end"] * fed.n_tones
    replayed = [event["sequence"] for event in heard if event["replayed"]]
    assert replayed == list(range(7, 7 + 3 * n_outage))
    assert observer.lines.states[-1]["n_dropped"] == 0
    assert listener.on(f"{NODE}/availability")[-1] == b"offline"
    assert len(fed.warnings) == 1, observer.errors


def test_a_broker_that_is_killed_and_started_again_gets_everything(
    broker: Broker,
    proxy: Proxy,
    listener: Listener,
    stack: ExitStack,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    fed = Fed(stack, tmp_path, rng, proxy.url)
    fed.tones(1)
    wait_for(lambda: len(events_of(listener)) >= 3, "events before the kill")
    broker.kill()
    # The new broker remembers nobody: a listener must be there before the observer is.
    proxy.cut()
    listener.close()
    fed.tones(3)
    broker.start()
    again = Listener(broker.port)
    stack.callback(again.close)
    proxy.heal()
    fed.tones(3)
    fed.wait_connected()
    fed.end()
    said = fed.observer.lines.events
    assert len(said) == 21

    def heard() -> list[dict[str, Any]]:
        return without_repetitions(events_of(listener) + events_of(again))

    wait_for(lambda: len(heard()) >= len(said), "all events")
    assert [same(event) for event in heard()] == [same(event) for event in said]
    assert again.on(f"{NODE}/availability")[0] == b"online"


def test_without_a_broker_the_monitor_goes_on_and_says_so_once(
    stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    fed = Fed(stack, tmp_path, rng, f"mqtt://127.0.0.1:{free_port()}")
    fed.tones(1)
    wait_for(lambda: "is the broker running" in fed.observer.errors, "it is said")
    fed.tones(1)
    fed.end()
    assert fed.observer.lines.types == ["new", "update", "end"] * 2
    assert fed.observer.errors.count("is the broker running") == 1
    assert fed.observer.lines.states[-1]["mqtt_connected"] is False
    assert fed.observer.lines.states[-1]["spool_events"] == 6


def test_what_waited_is_delivered_by_the_next_run(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    first = Fed(stack, tmp_path, rng, f"mqtt://127.0.0.1:{free_port()}")
    first.tones(1)
    first.end()
    second = Fed(stack, tmp_path, rng, broker.url)
    second.wait_connected()
    second.tones(1)
    second.end()
    wait_for(lambda: len(events_of(listener)) == 6, "three of each run")
    assert [event["sequence"] for event in events_of(listener)] == [1, 2, 3, 4, 5, 6]
    assert [event["replayed"] for event in events_of(listener)] == 3 * [True] + 3 * [False]
    said = first.observer.lines.events + second.observer.lines.events
    assert [event["id"] for event in events_of(listener)] == [event["id"] for event in said]


def test_a_state_folder_that_cannot_be_written(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    (tmp_path / "file").touch()
    fed = Fed(stack, tmp_path, rng, broker.url, state_dir=tmp_path / "file" / "state")
    fed.tones(2)
    fed.wait_connected()
    fed.end()
    assert fed.observer.lines.types == ["new", "update", "end"] * 2
    # Scales of cells, normal, spool, history, incidents and evidence: each once. A machine that is
    # too busy for the radio calls it again, which reads the scales of cells again.
    assert len({*fed.warnings}) == 6
    assert "what is known of cells cannot be read" in fed.observer.errors
    assert "what the warm-up learnt is not kept" in fed.observer.errors
    assert "incidents are not kept" in fed.observer.errors
    assert "the history cannot be kept" in fed.observer.errors
    assert "recordings of alerts cannot be kept" in fed.observer.errors
    assert "the spool" in fed.observer.errors
    assert "messages wait in memory" in fed.observer.errors
    check_everything_arrived(listener, fed.observer)


def test_a_disk_that_is_full(stack: ExitStack, tmp_path: Path, rng: np.random.Generator) -> None:
    """No file may grow beyond 1 kB: the second event does not fit any more."""
    uri = band.write_sigmf(tmp_path / "tones", tones(rng, 3))
    # The cache of the kernels is on that disk, too: fill it now.
    FrontEnd(tiny.FRAMING, SampleFormat.CU8, max_block_samples=1024)
    observer = observe(
        stack,
        tmp_path,
        f"mqtt://127.0.0.1:{free_port()}",
        "--source",
        uri,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )
    assert observer.wait() == 0
    assert observer.lines.types == ["new", "update", "end"] * 3
    assert observer.errors.count("the spool") == 1
    assert "messages wait in memory" in observer.errors
    assert observer.lines.states[-1]["spool_events"] == 9
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
    fed = Fed(stack, tmp_path, rng, broker.url)
    observer = fed.observer
    fed.wait_connected()
    fed.endless_tone()
    wait_for(lambda: listener.on("alarm/band0/state")[-1:] == [b"ON"], "the alarm")
    assert listener.on(f"{NODE}/availability")[-1] == b"online"
    assert listener.on("radio/radio0/availability")[-1] == b"online"
    observer.send(number)
    assert observer.wait() == 0
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
    fed = Fed(stack, tmp_path, rng, url)
    observer = fed.observer
    fed.endless_tone()
    fed.end()
    spool = Spool(tmp_path / "state" / "spool", 10_000_000)
    kept = [json.loads(payload) for _, payload in spool.pending()]
    spool.close()
    assert [same(event) for event in kept] == [same(event) for event in observer.lines.events]
    assert kept[-1]["event_type"] == "end"


def test_a_kill_is_told_by_the_broker(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    fed = Fed(stack, tmp_path, rng, broker.url)
    observer = fed.observer
    fed.wait_connected()
    fed.endless_tone()
    wait_for(lambda: listener.on(f"{NODE}/availability") == [b"online"], "online")
    observer.send(signal.SIGKILL)
    assert observer.wait() == -signal.SIGKILL
    wait_for(lambda: listener.on(f"{NODE}/availability") == [b"online", b"offline"], "the will")


def test_an_interferer_is_heard_over_rtl_tcp(
    stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    fed = Fed(stack, tmp_path, rng, None)
    fed.tones(2)
    fed.end()
    assert fed.server.n_clients == 1
    # Frequency, rate and gain in tenths of a dB, as Osmocom's rtl_tcp takes them.
    commands = dict(fed.server.commands)
    assert {1: 806_000_000, 2: 1_000_000, 4: 200}.items() <= commands.items()
    assert fed.observer.lines.types == ["new", "update", "end"] * 2
    for event in fed.observer.lines.events:
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
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M&stall_s=2"
        observer = observe(stack, tmp_path, broker.url, "--source", uri, "--duration", "2.5")
        assert observer.wait() == 0
        assert server.n_clients == 2
    # That samples were lost for long is told; nothing else is.
    assert {event["kind"] for event in observer.lines.events} <= {"dropped"}
    state = observer.lines.states[-1]
    assert state["n_samples"] >= 2_500_000
    # The pause before the second call is 0.2 s at least, and no more is lost than time went by.
    elapsed_s = time.monotonic() - observer.started_s
    assert 150_000 <= state["n_dropped"] <= elapsed_s * band.RATE_HZ - state["n_samples"]
    assert state["n_skipped"]["dropped"] >= 1
    assert "Traceback" not in observer.errors


def test_a_radio_that_is_gone_is_offline_while_the_node_is_online(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    clean = band.cu8(band.noise(rng, 1.0))
    with RtlTcpServer(clean.tobytes(), rate_hz=band.RATE_HZ) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M&stall_s=0.5"
        observer = observe(stack, tmp_path, broker.url, "--source", uri)
        wait_for(lambda: len(observer.lines.states) >= 2, "it runs")
    # Nobody listens at this address any more.
    topic = "radio/radio0/availability"
    wait_for(lambda: listener.on(topic)[-1:] == [b"offline"] and b"online" in listener.on(topic),
             "the radio is offline")  # fmt: skip
    assert listener.on(f"{NODE}/availability") == [b"online"]
    wait_for(lambda: "is silent" in observer.errors, "it is said")
    observer.send(signal.SIGTERM)
    assert observer.wait() == 0


def test_o5_a_radio_that_is_not_there_is_offline_until_it_is(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, rng: np.random.Generator
) -> None:
    clean = band.cu8(band.noise(rng, 1.0))
    topic = "radio/radio0/availability"
    port = free_port()
    uri = f"rtl_tcp:127.0.0.1:{port}?center_freq=806M"
    observer = observe(stack, tmp_path, broker.url, "--source", uri)
    wait_for(lambda: "no rtl_tcp answers" in observer.errors, "it is said")
    wait_for(lambda: listener.on(f"{NODE}/availability") == [b"online"], "the node is online")
    wait_for(lambda: "is silent" in observer.errors, "it is awaited")
    wait_for(lambda: len(observer.lines.states) >= 2, "states while it is away")
    assert set(listener.on(topic)) == {b"offline"}
    assert observer.lines.states[-1]["n_samples"] == 0
    with RtlTcpServer(clean.tobytes(), rate_hz=band.RATE_HZ, port=port):
        wait_for(lambda: listener.on(topic)[-1:] == [b"online"], "the radio is there")
        observer.send(signal.SIGTERM)
        assert observer.wait() == 0
    assert observer.errors.count("no rtl_tcp answers") == 1
