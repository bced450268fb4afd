"""Laws of ``edgespec doctor``: each disease is named, with what to do, and stops no other check."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.config import Config, MqttConfig, NodeConfig, SourceConfig, override
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.observer.band import BandChain
from edgespec.observer.runtimes.choice import candidates_for, remembered
from edgespec.ops import doctor, warm
from edgespec.ops.checks import radio, software
from edgespec.ops.checks.broker import check_broker
from edgespec.ops.checks.finding import Finding, Machine, Subject
from edgespec.ops.checks.host import check_clock, check_power, check_python, check_state_dir
from edgespec.ops.checks.radio import (
    check_kernel_drivers,
    check_soapy_radios,
    check_source,
    check_usb_radios,
    judge_samples,
)
from edgespec.ops.checks.software import (
    check_front_end,
    check_model,
    check_pictures,
    judge_versions,
)
from edgespec.ops.doctor import CHECKS, Check, exit_code, run_check, run_checks
from edgespec.ops.warm import warm_path
from edgespec.records import Event, IqBlock, SampleFormat, SourceInfo
from edgespec.sources.soapy.listed import SoapyRadio
from tests.made import tiny_network
from tests.made.broker import PATIENCE_S


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """A healthy machine without radio, programs or broker."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/modules").write_text("snd 1 0 - Live 0x0\n")
    (tmp_path / "sys/bus/usb/devices").mkdir(parents=True)
    machine = Machine(
        proc_dir=tmp_path / "proc",
        sys_dir=tmp_path / "sys",
        run=lambda command: None,
        free_bytes=lambda folder: 10**9,
        soapy_radios=list,
    )
    node = NodeConfig(id="n", state_dir=tmp_path / "state")
    config = Config(node=node, source=(SourceConfig(uri="sim:lte-dl"),))
    return Subject(config, machine=machine, timeout_s=PATIENCE_S)


def with_source(subject: Subject, uri: str) -> Subject:
    return replace(subject, config=replace(subject.config, source=(SourceConfig(uri=uri),)))


def with_answers(subject: Subject, answers: dict[str, str]) -> Subject:
    """Return a machine on which the programs in ``answers`` print these texts."""

    def run(command: Sequence[str]) -> str | None:
        return answers.get(command[0])

    return replace(subject, machine=replace(subject.machine, run=run))


# The whole


def test_an_exception_is_a_finding_and_stops_no_other_check(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(subject: Subject) -> Finding:
        raise ZeroDivisionError("of all things")

    def refuses(subject: Subject) -> Finding:
        raise ModelError("no model here")

    checks = {
        "source": (breaks, CHECKS["source"][1]),
        "model": (refuses, CHECKS["model"][1]),
        "clock": CHECKS["clock"],
    }
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert run_checks(subject.config, warm=False, machine=subject.machine) == [
        Check("source", "fail", "ZeroDivisionError: of all things"),
        Check("model", "fail", "no model here"),
        Check("clock", "skipped", "timedatectl does not answer here"),
    ]


@pytest.mark.parametrize(
    ("failing", "code"),
    [
        ((), 0),
        (("python",), 1),
        (("front end", "clock"), 1),
        (("state directory", "python"), 3),
        (("broker", "state directory"), 6),
        (("model", "broker"), 5),
        (("source", "model", "broker"), 4),
        (("usb radios",), 4),
        (("soapy radios",), 4),
        (("kernel drivers",), 4),
    ],
)
def test_exit_code_names_the_first_room_that_fails(failing: tuple[str, ...], code: int) -> None:
    checks = [Check(name, "fail" if name in failing else "warn", "") for name in CHECKS]
    assert exit_code(checks) == code


# Host


@pytest.mark.parametrize(
    ("version", "status"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python(subject: Subject, version: tuple[int, int], status: str) -> None:
    assert check_python(subject, version).status == status


def test_state_directory_may_be_there_or_not_yet(subject: Subject) -> None:
    assert check_state_dir(subject).status == "ok"
    subject.config.node.state_dir.mkdir()
    assert check_state_dir(subject).status == "ok"
    assert list(subject.config.node.state_dir.iterdir()) == []


def test_state_directory_that_is_a_file(subject: Subject) -> None:
    subject.config.node.state_dir.write_text("")
    finding = check_state_dir(subject)
    assert finding.status == "fail"
    assert "node.state_dir" in finding.fix


def test_state_directory_on_a_disk_that_takes_nothing(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    subject.config.node.state_dir.mkdir()
    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert check_state_dir(subject).status == "fail"


@pytest.mark.parametrize(("free", "status"), [(59_999_999, "warn"), (60_000_000, "ok")])
def test_state_directory_has_room_for_the_spool(subject: Subject, free: int, status: str) -> None:
    machine = replace(subject.machine, free_bytes=lambda folder: free)
    assert check_state_dir(replace(subject, machine=machine)).status == status


@pytest.mark.parametrize(("answer", "status"), [("yes", "ok"), ("no", "warn"), ("", "skipped")])
def test_clock(subject: Subject, answer: str, status: str) -> None:
    assert check_clock(with_answers(subject, {"timedatectl": answer})).status == status


def test_power_is_skipped_where_nothing_tells(subject: Subject) -> None:
    assert check_power(subject).status == "skipped"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ("throttled=0x0", "ok", ["not throttled"]),
        ("throttled=0x70005", "warn", ["undervoltage now", "throttled now", "capped since boot"]),
        ("throttled=0x80000", "warn", ["too hot since boot"]),
    ],
)
def test_throttling_is_spelled_out(
    subject: Subject, answer: str, status: str, words: list[str]
) -> None:
    finding = check_power(with_answers(subject, {"vcgencmd": answer}))
    assert finding.status == status
    assert [word for word in words if word not in finding.detail] == []


@pytest.mark.parametrize(("governor", "status"), [("powersave", "warn"), ("ondemand", "ok")])
def test_governor(subject: Subject, governor: str, status: str) -> None:
    folder = subject.machine.sys_dir / "devices/system/cpu/cpu0/cpufreq"
    folder.mkdir(parents=True)
    (folder / "scaling_governor").write_text(f"{governor}\n")
    finding = check_power(subject)
    assert finding.status == status
    assert governor in finding.detail


# Software


def test_versions_compare_as_numbers() -> None:
    minima = {"numpy": "2.1", "paho-mqtt": "2.1"}
    assert judge_versions(minima, {"numpy": "2.10.0", "paho-mqtt": "2.1.0rc1"}).status == "ok"
    finding = judge_versions(minima, {"numpy": "2.0.9", "paho-mqtt": None})
    assert finding.status == "fail"
    assert "numpy 2.0.9 is older than 2.1" in finding.detail
    assert "paho-mqtt is missing" in finding.detail
    assert "'numpy>=2.1'" in finding.fix


def test_tflite_runtime_stands_in_for_litert() -> None:
    minima = {"ai-edge-litert": "2.0"}
    old = {"ai-edge-litert": None, "tflite-runtime": "2.14.0"}
    assert judge_versions(minima, old).status == "ok"
    assert judge_versions(minima, {"ai-edge-litert": None, "tflite-runtime": None}).status == "fail"


@pytest.mark.parametrize("warm", [False, True])
def test_front_end_compiles_what_it_is_asked_to(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, warm: bool
) -> None:
    seen: list[SampleFormat] = []
    monkeypatch.setattr(
        software, "_process_one_frame", lambda geometry, sample_format: seen.append(sample_format)
    )
    paths: list[Subject] = []
    monkeypatch.setattr(software, "_warm_path", lambda one, rate_hz: paths.append(one))
    said: list[str] = []
    subject = replace(subject, warm=warm, progress=said.append)
    check_front_end(subject)
    assert seen == (list(SampleFormat) if warm else [SampleFormat.CF32])
    assert said == [f"spectra of {sample_format}" for sample_format in seen]
    assert paths == ([subject] if warm else [])


@pytest.mark.slow_without_jit
def test_warming_up_runs_every_format_to_its_decisions(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[SampleFormat] = []
    process = BandChain.process

    def watched(self: BandChain, block: IqBlock) -> Iterator[Event]:
        yield from process(self, block)
        if self.scorer.is_warm:
            decided.append(self.front_end.sample_format)

    monkeypatch.setattr(BandChain, "process", watched)
    said: list[str] = []
    config = override(subject.config, model=tiny_network.bundle().path)
    assert warm_path(config, tiny_network.bundle(), said.append) > 0
    assert decided == list(SampleFormat)
    of_samples = [text for text in said if "(" in text]
    assert [text.split("(")[1].split(")")[0] for text in of_samples] == list(SampleFormat)


def test_without_numba_nothing_is_compiled(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(software, "_process_one_frame", None)
    config = override(subject.config, computing="plain")
    finding = check_front_end(replace(subject, warm=True, config=config))
    assert finding.status == "ok"
    assert "nothing is compiled" in finding.detail


@pytest.mark.parametrize(
    ("uri", "rate_hz"),
    [
        ("rtl_tcp:127.0.0.1:1?center_freq=806M", 1.92e6),
        ("rtlsdr:?center_freq=806M&sample_rate=2.4M", 2.4e6),
        ("sim:lte-dl", 5e6),
    ],
)
def test_what_cancels_a_cell_is_warmed_up_at_the_rate_of_the_radio(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, uri: str, rate_hz: float
) -> None:
    seen: list[float] = []
    monkeypatch.setattr(software, "_process_one_frame", lambda recipe, sample_format: None)
    monkeypatch.setattr(warm, "_run", lambda *args: None)
    monkeypatch.setattr(warm, "load_usual", lambda rate_hz, *args: seen.append(rate_hz))
    check_front_end(replace(with_source(subject, uri), warm=True))
    assert seen == [rate_hz] * len(SampleFormat)


def test_a_machine_that_draws_nothing_is_told_so(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(software, "can_draw", lambda: False)
    assert check_pictures(subject).status == "warn"
    assert "pip install matplotlib" in check_pictures(subject).fix
    evidence = replace(subject.config.evidence, pictures=False)
    without = replace(subject, config=replace(subject.config, evidence=evidence))
    assert check_pictures(without).status == "skipped"
    monkeypatch.setattr(software, "can_draw", lambda: True)
    assert check_pictures(subject).status == "ok"


@pytest.mark.slow_without_jit
def test_warming_up_chooses_the_runtime_of_the_model(subject: Subject) -> None:
    bundle = tiny_network.bundle()
    config = override(subject.config, model=bundle.path)
    said: list[str] = []
    finding = check_model(replace(subject, warm=True, config=config, progress=said.append))
    assert finding.status == "ok"
    chosen = remembered(bundle, config.node.state_dir, candidates_for(Computing.COMPILED))
    assert chosen is not None
    assert f"on {chosen.backend}:" in finding.detail
    assert any("round" in text for text in said)


def test_front_end_runs_here(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    finding = check_front_end(subject)
    assert finding.status == "ok"
    assert "cf32" in finding.detail
    assert "kept in" in finding.detail
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert check_front_end(subject).status == "warn"


def test_kernels_that_can_be_kept_nowhere_are_told(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(software, "_cache_folder", lambda: None)
    finding = check_front_end(subject)
    assert finding.status == "warn"
    assert "every start compiles" in finding.detail
    assert "NUMBA_CACHE_DIR" in finding.fix


def test_shipped_model_gives_its_golden_vectors(subject: Subject) -> None:
    finding = check_model(subject)
    assert finding.status == "ok"
    assert "golden windows" in finding.detail


def test_model_that_is_not_there_is_exit_code_5(subject: Subject) -> None:
    band = replace(subject.config.band[0], model=Path("/nowhere/x.edgespec"))
    check = run_check("model", replace(subject, config=replace(subject.config, band=(band,))))
    assert check.status == "fail"
    assert "x.edgespec" in check.detail
    assert exit_code([check]) == 5


# Radio


def test_kernel_drivers_fail_only_the_sources_they_take(subject: Subject) -> None:
    assert check_kernel_drivers(subject).status == "ok"
    modules = subject.machine.proc_dir / "modules"
    modules.write_text("rtl2832 3 1 - Live 0x0\ndvb_usb_rtl28xxu 4 0 - Live 0x0\n")
    for uri, status in (("sim:lte-dl", "warn"), ("rtlsdr:1", "fail"), ("soapy:driver=x", "fail")):
        finding = check_kernel_drivers(with_source(subject, uri))
        assert finding.status == status
        assert "dvb_usb_rtl28xxu" in finding.detail
        assert "blacklist rtl2832" in finding.fix
        assert "modprobe -r dvb_usb_rtl28xxu rtl2832" in finding.fix
    modules.unlink()
    assert check_kernel_drivers(subject).status == "skipped"


def plug_in(subject: Subject, port: str, product: str, serial: str | None) -> None:
    device = subject.machine.sys_dir / "bus/usb/devices" / port
    device.mkdir()
    (device / "idVendor").write_text("0bda\n")
    (device / "idProduct").write_text(f"{product}\n")
    if serial is not None:
        (device / "serial").write_text(f"{serial}\n")


def test_dongles_are_found_by_their_usb_ids(subject: Subject) -> None:
    assert check_usb_radios(subject).status == "skipped"
    assert check_usb_radios(with_source(subject, "rtlsdr:1")).status == "fail"
    plug_in(subject, "1-1", "8153", "network card")
    assert check_usb_radios(subject).status == "skipped"
    plug_in(subject, "1-2", "2838", "roof")
    plug_in(subject, "1-3", "2832", None)
    finding = check_usb_radios(subject)
    assert finding.status == "ok"
    assert finding.detail == "roof at 1-2, without serial at 1-3"


def test_radios_of_soapysdr_are_listed_by_what_opens_them(subject: Subject) -> None:
    found = [
        SoapyRadio("uhd", "3", "driver=uhd,serial=3", "B210"),
        SoapyRadio("hackrf", "", "driver=hackrf", "HackRF One"),
    ]
    with_radios = replace(subject, machine=replace(subject.machine, soapy_radios=lambda: found))
    for uri in ("sim:lte-dl", "soapy:driver=uhd"):
        said = check_soapy_radios(with_source(with_radios, uri))
        assert said == Finding(
            "ok", "B210 (soapy:driver=uhd,serial=3), HackRF One (soapy:driver=hackrf)"
        )
    assert check_soapy_radios(subject).status == "skipped"
    missing = check_soapy_radios(with_source(subject, "soapy:driver=uhd"))
    assert missing.status == "fail"
    assert "libsoapysdr" in missing.fix


def test_what_an_earlier_version_kept_is_named_with_what_to_do(subject: Subject) -> None:
    folder = subject.config.node.state_dir / "events"
    folder.mkdir(parents=True)
    (folder / "incidents.json").touch()
    assert check_state_dir(subject).status == "ok"
    for name in ("events.jsonl", "events.1.jsonl"):
        (folder / name).touch()
    said = check_state_dir(subject)
    assert said.status == "warn"
    assert "which is not read: events are in history.sqlite" in said.detail
    assert f"rm {folder}/events.1.jsonl {folder}/events.jsonl" in said.fix


def test_dongles_with_one_serial_are_told(subject: Subject) -> None:
    plug_in(subject, "1-1", "2838", "00000001")
    plug_in(subject, "1-2", "2832", "00000001")
    finding = check_usb_radios(subject)
    assert finding.status == "warn"
    assert "'00000001'" in finding.detail
    assert "rtl_eeprom" in finding.fix


def test_the_process_that_holds_a_dongle_is_named(subject: Subject) -> None:
    """``usb_claim_interface error -6`` where no television driver is loaded."""
    plug_in(subject, "1-1", "2838", "roof")
    device = subject.machine.sys_dir / "bus/usb/devices/1-1"
    (device / "busnum").write_text("1\n")
    (device / "devnum").write_text("4\n")
    proc_dir = subject.machine.proc_dir
    for pid, name, opened in ((17, "bash", "/dev/null"), (4242, "rtl_433", "/dev/bus/usb/001/004")):
        files = proc_dir / str(pid) / "fd"
        files.mkdir(parents=True)
        (files / "3").symlink_to(opened)
        (files.parent / "comm").write_text(f"{name}\n")
    # One that ends while it is looked at, and one of another user.
    (proc_dir / "18").mkdir()
    finding = check_usb_radios(subject)
    assert finding.status == "warn"
    assert finding.detail == "roof at 1-1: rtl_433 (process 4242) holds /dev/bus/usb/001/004"
    assert "kill 4242" in finding.fix
    (proc_dir / "4242/fd/3").unlink()
    assert check_usb_radios(subject) == Finding("ok", "roof at 1-1")


def block(samples: np.ndarray[Any, Any]) -> IqBlock:
    return IqBlock(samples, 1e6, 0.0, 0, 0)


@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_level_is_that_of_a_complex_exponential(sample_format: SampleFormat) -> None:
    # Amplitude 0.5 is 20 log10(0.5) = -6.02 dBFS, in every format.
    wave = 0.5 * np.exp(2j * np.pi * 0.1 * np.arange(1000))
    if sample_format is SampleFormat.CF32:
        samples = wave.astype(np.complex64)
    else:
        pairs = np.stack([wave.real, wave.imag], axis=1)
        scaled = pairs * sample_format.full_scale + sample_format.zero
        samples = np.round(scaled).astype(sample_format.dtype)
    finding = judge_samples("x", block(samples), sample_format, 0.1)
    assert finding.status == "ok"
    assert "-6.0 dBFS, 0.0% clipped" in finding.detail


@pytest.mark.parametrize(("n_clipped", "status"), [(100, "ok"), (101, "warn")])
def test_clipping_above_the_limit_is_told(
    rng: np.random.Generator, n_clipped: int, status: str
) -> None:
    samples = rng.integers(1, 255, (1000, 2), dtype=np.uint8)
    samples[:n_clipped, 1] = 255
    finding = judge_samples("x", block(samples), SampleFormat.CU8, 0.1)
    assert finding.status == status
    assert ("gain_db" in finding.fix) == (status == "warn")


@pytest.mark.parametrize(("value", "word"), [(0.1, "all the same"), (np.nan, "NaN")])
def test_samples_without_meaning_are_told(value: float, word: str) -> None:
    samples = np.full(100, value, np.complex64)
    finding = judge_samples("x", block(samples), SampleFormat.CF32, 0.1)
    assert finding.status == "warn"
    assert word in finding.detail


def test_simulated_source_is_heard(subject: Subject) -> None:
    finding = check_source(subject)
    assert finding.status == "ok"
    assert "dBFS" in finding.detail


def test_source_that_cannot_be_opened_is_exit_code_4(subject: Subject) -> None:
    check = run_check("source", with_source(subject, "nosuch:thing"))
    assert check.status == "fail"
    assert "nosuch" in check.detail
    assert exit_code([check]) == 4


def test_without_a_source_it_is_said_what_finds_one(subject: Subject) -> None:
    finding = check_source(
        replace(subject, config=replace(subject.config, source=(SourceConfig(),)))
    )
    assert finding.status == "skipped"
    assert "edgespec setup" in finding.fix


def test_source_at_another_rate_than_the_model_is_told(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bundle_hz, status in ((1.92e6, "ok"), (1.93e6, "fail")):
        bundle = Mock()
        bundle.manifest.recipe = Recipe(sample_rate_hz=bundle_hz)
        monkeypatch.setattr(radio, "band_bundle", lambda subject, found=bundle: found)
        source = SourceConfig(uri="sim:lte-dl", sample_rate_hz=1.92e6)
        config = replace(subject.config, source=(source,))
        finding = check_source(replace(subject, config=config))
        assert finding.status == status
    assert "1.92e+06" in finding.detail
    assert "1.93e+06" in finding.detail


def test_radio_that_opens_but_stays_silent_is_given_up(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        info = SourceInfo("rtl_tcp:h:1", 1e6, 0.0, SampleFormat.CU8, is_live=True)

        def __init__(self) -> None:
            self.closed = threading.Event()

        def read(self, out: Any) -> None:
            assert self.closed.wait(60.0)

        def close(self) -> None:
            self.closed.set()

    monkeypatch.setattr("edgespec.sources.open_source", lambda uri, **wanted: Silent())
    finding = check_source(replace(subject, timeout_s=0.05))
    assert finding.status == "fail"
    assert "no samples" in finding.detail


# Broker


@contextmanager
def broker_that_answers(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port of a server that takes one CONNECT and answers, and what it was told."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join()


def with_broker(subject: Subject, **options: Any) -> Subject:
    return replace(subject, config=replace(subject.config, mqtt=MqttConfig(**options)))


def test_broker_is_skipped_where_none_is_configured(subject: Subject) -> None:
    assert check_broker(subject).status == "skipped"


@pytest.mark.parametrize(
    ("protocol", "level", "answer"),
    [("3.1.1", 4, b"\x20\x02\x00\x00"), ("5", 5, b"\x20\x03\x00\x00\x00")],
)
def test_broker_is_asked_as_the_observer_would(
    subject: Subject, protocol: str, level: int, answer: bytes
) -> None:
    with broker_that_answers(answer) as (port, heard):
        url = f"mqtt://me:hunter2@127.0.0.1:{port}"
        finding = check_broker(with_broker(subject, url=url, protocol=protocol))
    assert finding.status == "ok", finding
    assert "hunter2" not in finding.detail
    # Fixed header, protocol name and level, user + password + clean session; no last will.
    assert heard[0][0] == 0x10
    assert heard[0][2:10] == b"\x00\x04MQTT" + bytes([level, 0xC2])
    assert heard[0].endswith(b"\x00\x02me\x00\x07hunter2")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x20\x02\x00\x04", "user name or password"),
        (b"\x20\x02\x00\x05", "Not authorized"),
        (b"HTTP/1.1 400", "is it MQTT 3.1.1"),
        (b"", "is it MQTT 3.1.1"),
    ],
)
def test_broker_that_refuses(subject: Subject, answer: bytes, words: str) -> None:
    with broker_that_answers(answer) as (port, _):
        finding = check_broker(with_broker(subject, url=f"mqtt://127.0.0.1:{port}"))
    assert finding.status == "fail"
    assert words in finding.detail
    assert finding.fix


def test_broker_that_is_not_there_is_exit_code_6(subject: Subject) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check = run_check("broker", with_broker(subject, url=f"mqtt://127.0.0.1:{port}"))
    assert check.status == "fail"
    assert f"127.0.0.1:{port} cannot be reached" in check.detail
    assert exit_code([check]) == 6


def test_broker_with_another_protocol_than_tls(subject: Subject) -> None:
    with broker_that_answers(b"\x20\x02\x00\x00") as (port, _):
        finding = check_broker(with_broker(subject, url=f"mqtts://127.0.0.1:{port}"))
    assert finding.status == "fail"
    assert "TLS" in finding.detail


def test_the_model_of_every_band_is_looked_at(subject: Subject) -> None:
    """What is well is said once, what is not decides."""
    band = subject.config.band[0]
    twin = replace(subject, config=replace(subject.config, band=(band, replace(band, id="b"))))
    assert run_check("model", twin).status == "ok"
    broken = replace(band, id="b", model=Path("/nowhere/x.edgespec"))
    found = run_check(
        "model", replace(subject, config=replace(subject.config, band=(band, broken)))
    )
    assert found.status == "fail"
    assert "golden windows" in found.detail
    assert "/nowhere/x.edgespec" in found.detail
