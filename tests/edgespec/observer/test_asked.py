"""What is asked of an observer that runs, over a real mosquitto, and what is refused."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sigmf
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edgespec.config import (
    BandConfig,
    Config,
    DetectConfig,
    EvidenceConfig,
    MqttConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.errors import ConfigError, EdgespecError, SourceError, UsageError
from edgespec.evidence.shelf import Shelf
from edgespec.framing import Framing
from edgespec.observer.block_stream import BlockSource, block_bytes
from edgespec.observer.ear import Ear
from edgespec.observer.errands.asked_calibration import AskedCalibration, calibration_asked
from edgespec.observer.errands.asked_look import look_asked
from edgespec.observer.errands.asked_recording import recording_asked
from edgespec.observer.monitor import Monitor
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.recall import recalibrate
from edgespec.observer.startup import open_observer
from edgespec.ops.calibration.beside import calibrate_beside
from edgespec.records import FrameFlag, IqBlock, SampleFormat, SourceInfo
from edgespec.sources.reader import Reader
from edgespec.wire.request import Request
from tests.made import band
from tests.made.broker import PATIENCE_S, Broker, Listener, wait_for
from tests.made.tape import Tape as PlayedTape
from tests.made.tape import chain_for

RATE_HZ = 250e3


@pytest.fixture
def config(tmp_path: Path) -> Config:
    uri = f"sim:lte-dl?sample_rate={RATE_HZ:.0f}&realtime=1"
    return Config(
        node=NodeConfig(id="pi-1", state_dir=tmp_path / "state", computing="plain"),
        source=(SourceConfig(uri=uri, center_freq_hz=806e6),),
        band=(BandConfig(id="lte"),),
        detect=DetectConfig(detectors=("energy",), warmup_s=0.5),
    )


class Asker:
    def __init__(self, broker: Broker, listener: Listener, stack: ExitStack) -> None:
        self._listener = listener
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        stack.callback(self._client.loop_stop)
        stack.callback(self._client.disconnect)

    def ask(self, command: str, data: bytes | dict[str, Any], *, retain: bool = False) -> None:
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        topic = f"edgespec/pi-1/request/{command}"
        self._client.publish(topic, content, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def answers(self, command: str) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self._listener.on(f"response/{command}")]

    def wait(self, command: str, n: int) -> list[dict[str, Any]]:
        wait_for(lambda: len(self.answers(command)) == n, f"{n} responses")
        return self.answers(command)


def watching(config: Config, broker: Broker, stack: ExitStack) -> Monitor:
    """Return an observer at work that takes requests."""
    monitor = open_observer(replace(config, mqtt=MqttConfig(url=broker.url, requests=True))).monitor
    running = threading.Thread(target=monitor.run)
    running.start()
    stack.callback(running.join, PATIENCE_S)
    stack.callback(monitor.stop)
    wait_for(lambda: b"request/+" in broker._log.read_bytes(), "the subscription")
    return monitor


def test_from_the_request_to_the_recording(
    config: Config, broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    asker = Asker(broker, listener, stack)
    # One that the broker has kept is none.
    asker.ask("record", {"duration_s": 0.3, "transaction": "old"}, retain=True)
    monitor = watching(config, broker, stack)
    hostile = [
        b'{"duration_s": NaN}', b'{"duration_s": 1e9}', b'{"duration_s": "1"}',
        b'{"duration_s": 1, "band": "gsm"}', b'{"seconds": 1}',
    ]  # fmt: skip
    for data in hostile:
        asker.ask("record", data)
    asker.ask("record", {"duration_s": 0.5, "transaction": "t-1"})
    asker.ask("record", {"duration_s": 0.5, "transaction": "t-2"})
    *wrong, accepted, refused, done = asker.wait("record", len(hostile) + 3)
    assert [one["status"] for one in wrong] == ["error"] * len(hostile)
    assert (accepted["status"], accepted["transaction"]) == ("accepted", "t-1")
    assert (refused["status"], refused["transaction"]) == ("error", "t-2")
    assert "goes on" in refused["error"]
    assert (done["status"], done["transaction"]) == ("ok", "t-1")
    data = done["data"]
    assert data["errand"] == accepted["data"]["errand"]
    assert (data["schema"], data["n_samples"]) == ("edgespec.record/1", round(0.5 * RATE_HZ))
    meta = Path(data["recording"])
    assert meta.parent == config.node.state_dir / "evidence"
    signal = sigmf.fromfile(str(meta))
    signal.validate()
    assert signal.sample_count == data["n_samples"]
    # What is cancelled keeps what came; the watching went on all the while.
    asker.ask("record", {"duration_s": 40, "transaction": "t-3"})
    asker.wait("record", len(hostile) + 4)
    asker.ask("cancel", b"")
    assert asker.wait("cancel", 1)[0]["status"] == "ok"
    last = asker.wait("record", len(hostile) + 5)[-1]
    assert last["transaction"] == "t-3"
    (worker,) = monitor.workers
    assert not worker.has_ended


def test_from_the_request_to_the_picture(
    config: Config, broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    """What is heard beside the watching is compared with what that has learnt of the radio."""
    pytest.importorskip("matplotlib")
    asker, monitor = Asker(broker, listener, stack), watching(config, broker, stack)
    (worker,) = monitor.workers
    wait_for(lambda: any((config.node.state_dir / "normal").glob("*")), "the end of the warm-up")
    hostile = [b'{"duration_s": 11}', b'{"duration_s": true}', b'{"id": "e1"}', b'{"band": "x"}']
    for data in hostile:
        asker.ask("look", data)
    asker.ask("look", {"duration_s": 0.2, "transaction": "t"})
    *wrong, accepted, done = asker.wait("look", len(hostile) + 2)
    assert [one["status"] for one in wrong] == ["error"] * len(hostile)
    assert (accepted["status"], done["status"]) == ("accepted", "ok"), done
    data, (info,) = done["data"], [radio.info for radio in monitor.ears.values()]
    assert (data["schema"], data["source"]) == ("edgespec.look/1", info.uri)
    assert data["duration_s"] == pytest.approx(0.2)
    assert data["center_freq_hz"] == 806e6
    assert data["reference_age_s"] >= 0.0
    (picture,) = listener.on("picture/lte")
    assert data["picture"] == {"topic": "edgespec/pi-1/picture/lte", "n_bytes": len(picture)}
    assert picture.startswith(b"\x89PNG")
    assert not worker.has_ended


def ear_of(**fields: object) -> Ear:
    info = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, True)

    class Silent:
        def __init__(self) -> None:
            self.info = replace(info, **fields)

        def close(self) -> None: ...

    source = Silent()
    return Ear(source.info, Reader(source, block_samples=10, n_blocks=2), None)


@pytest.mark.parametrize(
    ("fields", "keep", "words"),
    [
        ({"is_live": False}, "samples", "a recording that is played"),
        ({"grid": Framing(RATE_HZ).grid(806e6)}, "samples", "band lte is swept"),
        ({}, "power", "samples are not to be kept"),
        ({}, "nothing", "samples are not to be kept"),
    ],
)
def test_what_cannot_be_recorded(
    config: Config, tmp_path: Path, fields: dict[str, object], keep: str, words: str
) -> None:
    config = replace(config, evidence=EvidenceConfig(keep=keep))
    ears, shelf = {"lte": ear_of(**fields)}, Shelf(tmp_path, 10**6, 30.0)
    with pytest.raises(UsageError, match=words):
        recording_asked(config, ears, shelf, Request("record", duration_s=1.0))


def test_a_recording_that_is_larger_than_its_quota_is_refused_and_nothing_goes(
    config: Config, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "evidence", 200_000, 30.0)
    with pytest.raises(ConfigError, match=r"are 30\.0 MB.*ask for fewer seconds"):
        recording_asked(config, {"lte": ear_of()}, shelf, Request("record", duration_s=60.0))
    assert not (tmp_path / "evidence").exists()


def test_a_look_that_is_too_large_is_refused(config: Config) -> None:
    ears = {"lte": ear_of(sample_rate_hz=20e6, sample_format=SampleFormat.CF32)}
    with pytest.raises(UsageError, match=r"are 1600 MB.*ask for 0\.4 s or less"):
        look_asked(config, ears, lambda band, picture: "", Request("look", duration_s=10.0))


def test_a_radio_is_silent_when_none_of_its_bands_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = ear_of()
    monkeypatch.setattr("time.monotonic_ns", lambda: 25 * 10**9)
    for heard_s, is_silent in ((0, True), (14, True), (16, False)):
        ear.reader.heard_ns = heard_s * 10**9
        assert ear.is_silent == is_silent


class Pipe:
    """The ring of an ear that hears noise, as fast as it is asked for it."""

    finished = False

    def __init__(self, rng: np.random.Generator, duration_s: float) -> None:
        self._second = rng.normal(127.5, 20.0, (8, 4000)).clip(0, 255).astype(np.uint8)
        self._rng, self._n_left = rng, round(50 * duration_s)
        self._start = 0

    def next_block(self, timeout_s: float) -> IqBlock | None:
        if not self._n_left:
            self.finished = True
            return None
        self._n_left -= 1
        samples = self._second[int(self._rng.integers(8))].reshape(-1, 2)
        block = IqBlock(samples, 100e3, 433.9e6, self._start, 10**18 + self._start * 10**4)
        self._start += len(samples)
        return block


class FakeEar:
    center_freq_hz, is_silent = None, False

    def __init__(self, info: SourceInfo, ring: Pipe) -> None:
        self.info, self._ring = info, ring

    def listen(self) -> AbstractContextManager[Pipe]:
        return nullcontext(self._ring)


@pytest.fixture
def noisy(tmp_path: Path) -> Config:
    """Return the configuration of an observer that was never calibrated."""
    (tmp_path / "noise").write_bytes(bytes(200_000))
    uri = f"raw:{tmp_path}/noise?datatype=cu8&sample_rate=100000&center_freq=433.9M&realtime=1"
    return Config(
        node=NodeConfig(state_dir=tmp_path / "state", computing="plain"),
        source=(SourceConfig(uri=uri),),
        band=(BandConfig(id="ism"),),
        detect=DetectConfig(detectors=("energy",), warmup_s=1.0, sensitivity="low"),
    )


def asked_calibration(
    config: Config, info: SourceInfo, ring: Pipe, renew: Callable[[], None], **fields: object
) -> AskedCalibration:
    chain = chain_for(PlayedTape(band.cf32(np.zeros(100, complex))), "ism")
    request = Request("calibrate", **{"duration_s": 105.0, **fields})
    return calibration_asked(
        config, {"ism": FakeEar(info, ring)}, {"ism": chain}, lambda name: renew(), request
    )


def test_what_is_calibrated_beside_counts_from_then_on(
    noisy: Config, rng: np.random.Generator
) -> None:
    radio = open_radio(noisy, noisy.source[0])
    (chain,), info, shares = radio.chains, radio.source.info, []
    radio.source.close()
    assert info.is_live
    before = chain.thresholds
    job = asked_calibration(noisy, info, Pipe(rng, 130.0), lambda: recalibrate(chain))
    said = job.do(threading.Event(), shares.append)
    assert (said["schema"], said["false_events_per_day"]) == ("edgespec.calibrated/1", 1.0)
    assert (said["apply"], said["kept"] is not None) == (True, True)
    assert 95.0 < said["signal_s"] < 110.0
    assert chain.promise is not None
    assert chain.promise.per_day == 1.0
    assert chain.thresholds["energy"] == pytest.approx(said["detectors"]["energy"]["threshold"])
    assert chain.thresholds != before
    assert shares
    assert max(shares) <= 1.1


def test_what_is_only_to_be_told_does_not_count(
    noisy: Config, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may have heard enough while there is more to hear, or no radio any more."""
    monkeypatch.setattr(
        "edgespec.observer.errands.asked_calibration._MODULE", "tests.made.calibrator"
    )
    renewed, shares = [], []
    info = SourceInfo(noisy.source[0].address, 100e3, 433.9e6, SampleFormat.CU8, True)
    for apply, duration_s in ((False, 1e6), (True, 5.0)):
        pipe = Pipe(rng, duration_s)
        job = asked_calibration(noisy, info, pipe, lambda: renewed.append(1), apply=apply)
        assert job.told["apply"] is apply
        said = job.do(threading.Event(), shares.append)
        assert (said["kept"], said["apply"]) == (None, apply)
        assert len(renewed) == apply
    assert shares == [0.5, 0.5]


def test_a_calibration_that_is_cancelled_changes_nothing(
    noisy: Config, rng: np.random.Generator
) -> None:
    stopping, renewed = threading.Event(), []
    info = SourceInfo(noisy.source[0].address, 100e3, 433.9e6, SampleFormat.CU8, True)
    job = asked_calibration(noisy, info, Pipe(rng, 1e6), lambda: renewed.append(1))
    stopping.set()
    with pytest.raises(EdgespecError, match="cancelled"):
        job.do(stopping, lambda share: None)
    with pytest.raises(SourceError, match="fallen silent"):
        replace(job, ear=FakeEar(info, Pipe(rng, 0.0))).do(threading.Event(), lambda share: None)
    assert not renewed
    assert not (noisy.node.state_dir / "calibration").exists()


def test_an_observer_that_is_killed_leaves_no_calibration_of_less_than_was_asked(
    noisy: Config, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was heard until then may well be enough for one."""
    monkeypatch.setattr("edgespec.ops.calibration.beside.concluded", lambda *_, **__: None)
    pipe = Pipe(rng, 4.0)
    heard = b"".join(block_bytes(block) for block in iter(lambda: pipe.next_block(0.0), None))
    info = SourceInfo("test:", 100e3, 433.9e6, SampleFormat.CU8, False)
    for stream in (BytesIO(heard), BytesIO(heard[:-1])):
        with pytest.raises(SourceError, match="the observer has ended"):
            calibrate_beside(noisy, info, 105.0, stream, lambda text, share: None, is_kept=True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"duration_s": 20.0}, "too few"), ({"duration_s": 1e6}, "the most"), ({"id": "x"}, "no id")],
)
def test_a_calibration_that_cannot_be(
    noisy: Config, rng: np.random.Generator, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(EdgespecError, match=words):
        asked_calibration(noisy, ear_of().info, Pipe(rng, 1.0), lambda: None, **fields)


def test_blocks_come_out_of_a_pipe_as_they_went_in(rng: np.random.Generator) -> None:
    for form in SampleFormat:
        info = SourceInfo("test:", RATE_HZ, 806e6, form, False)
        samples = form.empty(7)
        samples[...] = rng.integers(0, 100, samples.shape)
        block = IqBlock(samples, RATE_HZ, 806e6, 5, 6, 7, 0, FrameFlag.NONFINITE, 8)
        data = block_bytes(block)
        source = BlockSource(info, BytesIO(data + data[:-1]))
        got = source.read(form.empty(9))
        assert got is not None
        np.testing.assert_array_equal(got.samples, samples)
        assert replace(got, samples=samples) == replace(block, samples=samples)
        # A process that is killed ends in the middle of a block.
        assert source.read(form.empty(9)) is None
        with pytest.raises(SourceError, match="has 7 samples"):
            BlockSource(info, BytesIO(data)).read(form.empty(6))
