"""The command line as a user meets it: results on stdout, one sentence on stderr, exit codes."""

import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from edgespec import __version__
from edgespec.config import Config, load_config
from edgespec.port import free_port
from tests.made import band, tiny_network
from tests.made.broker import Broker
from tests.made.observer import Answer, Observer, answer, run, write_config

#: How long a tone of the test recording lasts, and when it begins.
TONE_S = (0.6, 0.9)
RECORDED = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def bundle() -> Path:
    return tiny_network.bundle().path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "edgespec.toml")


@pytest.fixture
def recording(tmp_path: Path, rng: np.random.Generator) -> str:
    """1.2 s of cu8 with a tone in it."""
    signal = band.with_tone(band.noise(rng, 1.2), *TONE_S)
    return band.write_sigmf(tmp_path / "tone", band.cu8(signal))


def check_refusal(code: int, observer: Observer | Answer, expected: int, *parts: str) -> None:
    """One sentence on stderr that holds ``parts``, nothing on stdout, and the exit code."""
    assert code == expected, observer.errors
    assert observer.text == ""
    errors = [
        line
        for line in observer.errors.splitlines()
        if not line.startswith("measuring") and "SIMULATION" not in line
    ]
    assert len(errors) == 1, observer.errors
    assert errors[0].startswith("Error: ")
    for part in parts:
        assert part in errors[0]


# --- what goes well


@pytest.mark.slow_without_jit
def test_monitor_reports_a_tone_in_json(
    recording: str, bundle: Path, config: Path, tmp_path: Path
) -> None:
    code, observer = run(
        "monitor", "-c", config, "--source", recording, "--model", bundle, "--json", home=tmp_path
    )
    assert code == 0
    assert observer.errors == ""
    lines = observer.lines
    assert len(lines.infos) == 1
    assert lines.infos[0]["source"] == recording
    assert lines.infos[0]["model_sha256"] == tiny_network.bundle().sha256
    assert lines.types == ["new", "update", "end"]
    assert [event["sequence"] for event in lines.events] == [1, 2, 3]
    end = lines.events[-1]
    assert abs(end["peak_freq_hz"] - band.CENTER_HZ - band.TONE_HZ) < 1.0
    first_s, last_s = (
        (datetime.fromisoformat(end[key]) - RECORDED).total_seconds() for key in ("start", "end")
    )
    assert first_s == pytest.approx(TONE_S[0], abs=0.003)
    assert last_s == pytest.approx(TONE_S[1], abs=0.005)
    assert end["model_sha256"] == lines.infos[0]["model_sha256"]
    assert lines.states[-1]["n_samples"] == 1_200_000
    assert lines.states[-1]["n_events"] == 1


@pytest.mark.slow_without_jit
def test_monitor_reports_a_tone_in_a_table(recording: str, bundle: Path, config: Path) -> None:
    code, observer = run("monitor", "-c", config, "--source", recording, "--model", bundle)
    assert code == 0
    assert observer.errors == ""
    rows = observer.text.splitlines()
    assert "805.5 MHz to 806.5 MHz" in rows[0]
    assert "this screen only" in rows[1]
    # Between them stands what to do about it.
    said = [row.split() for row in rows[3:] if row.split()[1:2] in (["new"], ["update"], ["end"])]
    assert [words[1] for words in said] == ["new", "update", "end"]
    lower, upper = map(float, said[-1][3:5])
    assert lower < (band.CENTER_HZ + band.TONE_HZ) / 1e6 < upper
    assert "1 event |" in rows[-1]


@pytest.mark.slow_without_jit
def test_monitor_plays_a_raw_file(bundle: Path, config: Path, tmp_path: Path, rng) -> None:
    band.cu8(band.with_tone(band.noise(rng, 1.0), *TONE_S)).tofile(tmp_path / "iq.bin")
    uri = f"raw:{tmp_path}/iq.bin?datatype=cu8&sample_rate=1M&center_freq=806M"
    code, said = answer("monitor", "-c", config, "--source", uri, "--model", bundle, "--json")
    assert code == 0
    assert said.lines.types == ["new", "update", "end"]


@pytest.mark.slow_without_jit
def test_f2_an_odd_recording_is_played_with_a_warning(
    recording: str, bundle: Path, config: Path, tmp_path: Path
) -> None:
    """It lost its last byte, and a capture begins where no sample is."""
    data, meta = tmp_path / "tone.sigmf-data", tmp_path / "tone.sigmf-meta"
    data.write_bytes(data.read_bytes()[:-1])
    content = json.loads(meta.read_text())
    content["captures"].append({"core:sample_start": 1_200_000})
    meta.write_text(json.dumps(content))
    code, said = answer("monitor", "-c", config, "--source", recording, "--model", bundle, "--json")
    assert code == 0
    assert said.lines.types == ["new", "update", "end"]
    assert said.lines.states[-1]["n_samples"] == 1_199_999
    assert "1 bytes at the end" in said.errors
    assert "1 of its captures" in said.errors


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("what", ["nan", "constant"])
def test_broken_samples_are_counted_and_the_run_goes_on(
    what: str, bundle: Path, config: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    samples = band.cf32(band.noise(rng, 1.0))
    samples[600_000:700_000] = np.nan if what == "nan" else 0.1
    uri = band.write_sigmf(tmp_path / "broken", samples)
    code, said = answer("monitor", "-c", config, "--source", uri, "--model", bundle, "--json")
    assert code == 0
    assert said.errors == ""
    reason = {"nan": "nonfinite", "constant": "constant"}[what]
    assert [event["event_type"] for event in said.lines.events] == ["new", "end"]
    for event in said.lines.events:
        assert (event["kind"], event["detector"]) == ("receiver", reason)
    state = said.lines.states[-1]
    assert state["n_samples"] == 1_000_000
    # 100000 samples are 97.7 targets of 1024.
    assert 96 <= state["n_skipped"][reason] <= 99
    assert "not_finite" not in state


@pytest.mark.slow_without_jit
def test_a_source_that_ends_in_the_warmup_says_that_nothing_was_scored(
    recording: str, bundle: Path
) -> None:
    """Of 1.2 s the first 0.48 are learnt from."""
    options = ("--source", recording, "--model", bundle, "--json", "--duration", "0.3")
    code, said = answer("monitor", *options)
    assert code == 0
    *_, learnt, nothing = said.errors.splitlines()
    assert "its first 0.48 s teach what is normal" in learnt
    assert "nothing was scored: 0.3 s were heard" in nothing
    assert "warmup_s" in said.errors
    assert said.lines.states[-1]["n_segments"] > 200
    assert said.lines.states[-1]["scores"] == {}


@pytest.mark.slow_without_jit
def test_without_a_source_nothing_is_watched_and_a_simulation_says_that_it_is_one() -> None:
    check_refusal(
        *answer("monitor", "--duration", "0.2", "--json"), 3, "no source is named", "setup"
    )
    code, said = answer("monitor", "--source", "sim:lte-dl", "--duration", "0.2", "--json")
    assert code == 0
    assert "sim:lte-dl is a SIMULATION: no radio is heard" in said.errors
    assert said.lines.infos[0]["source"] == "sim:lte-dl"
    assert 1_000_000 <= said.lines.states[-1]["n_samples"] <= 1_100_000


def test_a_configuration_can_be_made_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    code, observer = answer("config", "init", path)
    assert (code, observer.text) == (0, "")
    assert f"edgespec config check {path}" in observer.errors
    assert load_config(path) == Config()
    check_refusal(*answer("config", "check", path), 3, "has no uri", "edgespec setup")
    text = path.read_text()
    named = text.replace('#uri = "rtlsdr:"', 'uri = "rtlsdr:"')
    path.write_text(named)
    check_refusal(*answer("config", "check", path), 2, "does not say what to tune to")
    path.write_text(named.replace("#center_freq_hz", "center_freq_hz", 1))
    code, observer = answer("config", "check", path)
    assert code == 0
    assert f"{path}: good" in observer.text
    assert "rtlsdr:" in observer.text
    path.write_text(text)
    check_refusal(*answer("config", "init", path), 3, "exists and is not overwritten")
    assert answer("config", "init")[1].text == path.read_text()


def test_the_schema_accepts_the_defaults() -> None:
    code, observer = answer("config", "schema")
    assert code == 0
    schema = json.loads(observer.text)
    jsonschema.validate({"detect": {"k": 2}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"detect": {"kk": 2}}, schema)


def test_model_info_and_verify(bundle: Path) -> None:
    sha256 = tiny_network.bundle().sha256
    code, observer = answer("model", "info", bundle)
    assert code == 0
    assert sha256 in observer.text
    assert "false-alarm rate 0.001: gaussian 7.000, quantile 8.000" in observer.text
    assert max(map(len, observer.text.splitlines())) < 110
    code, observer = answer("model", "info", bundle, "--json")
    assert json.loads(observer.text)["sha256"] == sha256
    code, observer = answer("model", "verify", bundle)
    assert code == 0
    assert "2 golden vectors agree" in observer.text
    code, observer = answer("model", "verify", bundle, "--json")
    found = json.loads(observer.text)
    assert (found["schema"], found["sha256"]) == ("edgespec.verify/1", sha256)
    assert found["max_error"] <= found["limit"]


def test_doctor_in_a_table_and_in_json(
    recording: str, bundle: Path, config: Path, tmp_path: Path
) -> None:
    options = ("-c", config, "--source", recording, "--model", bundle)
    code, observer = run("doctor", *options, home=tmp_path)
    assert code == 0, observer.text
    assert "ok  source" in observer.text
    code, observer = run("doctor", *options, "--json", home=tmp_path)
    checks = [json.loads(line) for line in observer.output]
    assert {check["schema"] for check in checks} == {"edgespec.check/1"}
    assert {check["name"]: check["status"] for check in checks}["model"] == "ok"
    code, observer = run("doctor", *options, "--mqtt", f"mqtt://127.0.0.1:{free_port()}")
    assert code == 6
    assert "fail  broker" in observer.text


def commands() -> list[str]:
    """Return every command and subcommand, the group itself first."""
    import click

    from edgespec.cli import main

    found = [""]
    for name, command in main.commands.items():
        found.append(name)
        if isinstance(command, click.Group):
            found += [f"{name} {child}" for child in command.commands]
    return found


@pytest.mark.parametrize("command", commands())
def test_help_is_there_and_fits_a_terminal(command: str) -> None:
    from click.testing import CliRunner

    from edgespec.cli import main

    result = CliRunner().invoke(main, [*command.split(), "--help"])
    assert result.exit_code == 0
    rest = result.output.partition("\n\n")[2]
    assert "..." not in rest, "help that is cut off"
    assert max(map(len, result.output.splitlines())) <= 100


def test_version() -> None:
    assert __version__ in run("--version")[1].text


# --- what goes wrong: the source (4) and its address (2)


def test_a_missing_file(bundle: Path, tmp_path: Path) -> None:
    got = run("monitor", "--source", f"sigmf:{tmp_path}/nothing", "--model", bundle)
    check_refusal(*got, 4, "no SigMF recording", "check the path")


def test_a_datatype_that_is_not_read(bundle: Path, tmp_path: Path) -> None:
    samples = np.zeros(100, np.complex64)
    uri = band.write_sigmf(tmp_path / "odd", samples, **{"core:datatype": "cf16_le"})
    check_refusal(*answer("monitor", "--source", uri, "--model", bundle), 4, "'cf16_le'", "cf32_le")


def test_metadata_that_is_no_json(recording: str, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "tone.sigmf-meta").write_text('{"global": {')
    got = answer("monitor", "--source", recording, "--model", bundle)
    check_refusal(*got, 4, "is not JSON")


@pytest.mark.parametrize("command", ["monitor", "bench"])
def test_another_sample_rate(command: str, bundle: Path, tmp_path: Path) -> None:
    samples = np.zeros((100_000, 2), np.uint8)
    uri = band.write_sigmf(tmp_path / "fast", samples, **{"core:sample_rate": 1.92e6})
    got = answer(command, "--source", uri, "--model", bundle)
    check_refusal(*got, 4, "1920000", "1000000", "choose a")


def test_nobody_at_rtl_tcp(bundle: Path) -> None:
    uri = f"rtl_tcp:127.0.0.1:{free_port()}?center_freq=806M"
    got = answer("monitor", "--source", uri, "--model", bundle, "--require-source")
    check_refusal(*got, 4, "no rtl_tcp answers", "start 'rtl_tcp")


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        ("sigmff:x", "did you mean 'sigmf'"),
        ("recording.sigmf-meta", "sigmf:recording.sigmf-meta"),
        ("sim:lte-dl?sed=1", "did you mean 'seed'"),
        ("rtl_tcp:127.0.0.1", "center_freq=806e6"),
    ],
)
def test_an_address_that_cannot_be_understood(uri: str, part: str, bundle: Path) -> None:
    check_refusal(*answer("monitor", "--source", uri, "--model", bundle), 2, part)


# --- the configuration (3)


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[detect]\nwarm_up_s = 1.0\n")
    for command in (("monitor", "-c", path), ("config", "check", path)):
        check_refusal(
            *answer(*command), 3, "bad.toml", "detect.warm_up_s", "did you mean 'warmup_s'"
        )


def test_an_unknown_detector_names_the_nearest(tmp_path: Path, bundle: Path) -> None:
    path = write_config(
        tmp_path / "bad.toml",
        source={"uri": "sim:lte-dl"},
        detect={"detectors": ["zscores"]},
        band={"model": str(bundle)},
    )
    for command in (("monitor", "-c", path), ("config", "check", path)):
        check_refusal(*answer(*command), 3, "did you mean 'zscore'")


def test_config_check_looks_further_than_the_file(tmp_path: Path, bundle: Path) -> None:
    model = {"model": str(bundle)}
    path = tmp_path / "bad.toml"
    write_config(path, source={"uri": "sigmff:x"}, band=model)
    check_refusal(*answer("config", "check", path), 2, "did you mean 'sigmf'")
    radio = {"uri": "rtlsdr:"}
    write_config(path, source={**radio, "sample_rate_hz": 2.4e6}, band=model)
    check_refusal(*answer("config", "check", path), 3, "2400000", "1000000")
    write_config(path, source=radio, mqtt={"url": "http://broker"}, band=model)
    check_refusal(*answer("config", "check", path), 3, "http://broker", "mqtt://")
    write_config(path, source=radio, detect={"false_alarm_rate": 0.5}, band=model)
    check_refusal(*answer("config", "check", path), 5, "0.5 was not calibrated")


def test_a_missing_configuration(tmp_path: Path) -> None:
    check_refusal(*answer("monitor", "-c", tmp_path / "none.toml"), 3, "config init")


def test_a_broker_that_is_required_must_be_named(recording: str, bundle: Path) -> None:
    got = answer("monitor", "--source", recording, "--model", bundle, "--require-broker")
    check_refusal(*got, 3, "--mqtt URL")


# --- the model (5)


def test_a_missing_bundle(tmp_path: Path) -> None:
    for command in (
        ("monitor", "--source", "sim:lte-dl", "--model"),
        ("model", "info"),
        ("model", "verify"),
    ):
        check_refusal(*answer(*command, tmp_path / "none.edgespec"), 5, "cannot be read")


def test_a_corrupted_bundle(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.edgespec"
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    check_refusal(*answer("monitor", "--source", "sim:lte-dl", "--model", path), 5, "bad.edgespec")
    path.write_bytes(content[:1000])
    check_refusal(*answer("monitor", "--source", "sim:lte-dl", "--model", path), 5, "bad.edgespec")


def test_a_tampered_bundle(bundle: Path, tmp_path: Path) -> None:
    """Another model behind the same manifest."""
    path = tmp_path / "tampered.edgespec"
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content + b"!" if name == "model.tflite" else content)
    check_refusal(
        *answer("monitor", "--source", "sim:lte-dl", "--model", path),
        5,
        "model.tflite",
        "changed or damaged",
    )


def test_a_bundle_that_computes_something_else(tmp_path: Path, rng: np.random.Generator) -> None:
    """Its hashes are right, its golden vectors are not."""
    from edgespec.inference.bundle import write_bundle

    good = tiny_network.bundle()
    path = tmp_path / "wrong.edgespec"
    write_bundle(path, good.manifest, good.model, good.golden_inputs, good.golden_outputs + 1)
    for command in (("monitor", "--source", "sim:lte-dl", "--model"), ("model", "verify")):
        check_refusal(*answer(*command, path), 5, "golden vectors")


def test_a_rate_that_was_not_calibrated(recording: str, bundle: Path, tmp_path: Path) -> None:
    path = write_config(tmp_path / "rare.toml", detect={"false_alarm_rate": 1e-6})
    got = answer("monitor", "-c", path, "--source", recording, "--model", bundle)
    check_refusal(*got, 5, "1e-06 was not calibrated", "0.001, 0.01")


# --- the broker (6, only where it is required)


def test_a_required_broker_that_is_not_there(recording: str, bundle: Path, tmp_path: Path) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    options = ("--source", recording, "--model", bundle, "--mqtt", url, "--require-broker")
    with Observer("monitor", *options, home=tmp_path) as observer:
        code = observer.wait()
    assert code == 6
    assert observer.text == ""
    last = observer.errors.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "is the broker running" in last
    assert "Traceback" not in observer.errors


@pytest.fixture
def guarded(tmp_path: Path) -> Broker:
    """A broker that wants a password."""
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    import subprocess

    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(
        ["mosquitto_passwd", "-b", passwords, "pi", "right"], check=True, capture_output=True
    )
    broker = Broker(tmp_path, ["allow_anonymous false", f"password_file {passwords}"])
    yield broker
    broker.stop()


def test_a_wrong_password_at_a_required_broker(
    guarded: Broker, recording: str, bundle: Path, tmp_path: Path
) -> None:
    url = f"mqtt://pi:hunter2@127.0.0.1:{guarded.port}"
    options = ("--source", recording, "--model", bundle, "--mqtt", url, "--require-broker")
    code, observer = run("monitor", *options, home=tmp_path)
    assert code == 6
    assert observer.text == ""
    assert "refuses user 'pi'" in observer.errors.splitlines()[-1]
    assert "hunter2" not in observer.errors
    assert "Traceback" not in observer.errors


@pytest.mark.slow_without_jit
def test_a_wrong_password_does_not_stop_the_monitor(
    guarded: Broker, recording: str, bundle: Path, config: Path, tmp_path: Path
) -> None:
    url = f"mqtt://pi:hunter2@127.0.0.1:{guarded.port}"
    options = ("--source", f"{recording}?realtime=1", "--model", bundle, "--mqtt", url, "--json")
    code, observer = run("monitor", "-c", config, *options, home=tmp_path)
    assert code == 0
    assert observer.lines.types == ["new", "update", "end"]
    assert observer.errors.count("refuses user 'pi'") == 1
    assert "hunter2" not in observer.errors + observer.text
    assert observer.lines.states[-1]["mqtt_connected"] is False
    assert observer.lines.states[-1]["spool_events"] == 3
