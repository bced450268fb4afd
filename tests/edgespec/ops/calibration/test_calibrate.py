"""``edgespec calibrate``: what is heard becomes thresholds that the next run uses."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.ops import silence
from tests.made import sweeps
from tests.made.rtl_tcp_server import RtlTcpServer

RATE_HZ = 100_000


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return 112 s of noise; some of it a little louder, as traffic is."""
    rng = np.random.default_rng(5)
    second = rng.normal(0.0, 20.0, (8, 2 * RATE_HZ))
    path = tmp_path_factory.mktemp("calibrate") / "noise.cu8"
    with path.open("wb") as file:
        for number in range(112):
            levels = second[rng.integers(8)] * rng.uniform(1.0, 1.05)
            np.clip(np.rint(np.roll(levels, 2 * number) + 127.5), 0, 255).astype(np.uint8).tofile(
                file
            )
    return f"raw:{path}?datatype=cu8&sample_rate={RATE_HZ}&center_freq=433.9M"


def config_file(folder: Path, uri: str, **detect: object) -> Path:
    detect = {"detectors": ["zscore", "energy"]} | detect
    lines = [
        f"[node]\nstate_dir = {json.dumps(str(folder / 'state'))}\n[detect]",
        *(f"{key} = {json.dumps(value)}" for key, value in detect.items()),
        f"[[source]]\nuri = {json.dumps(uri)}",
    ]
    path = folder / "edgespec.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.mark.slow_without_jit
def test_what_is_heard_sets_the_thresholds_of_the_next_run(
    noise: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = config_file(tmp_path, noise)
    picture = tmp_path / "calibration.png"
    got = run("calibrate", "-c", path, "--target", "low", "--json", "--picture", picture,
              "--duration", "2h")  # fmt: skip
    assert got.exit_code == 0, got.output
    found = json.loads(got.stdout, parse_constant=pytest.fail)
    assert found["false_events_per_day"] == 1.0
    # It learnt anew in the middle: the last seconds may have been a warm-up.
    assert 95.0 < found["signal_s"] < 112.0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert set(found["detectors"]) == {"zscore", "energy"}
    for one in found["detectors"].values():
        assert one["threshold"] > one["highest"] - 1.0
        assert 0.0 <= one["highest_at_s"] < found["signal_s"]
    expected = found["expected"]
    assert expected["low"] <= expected["per_day"] <= expected["high"]
    # A day is asked for and a minute or two were heard: no threshold is below the usual one.
    assert 0.0 < expected["per_day"] < 1.01
    for one in found["detectors"].values():
        assert one["threshold"] >= one["threshold_before"] - 1e-9

    path = config_file(tmp_path, noise, sensitivity="low")
    seen = run("monitor", "-c", path, "--duration", 6, "--json")
    assert seen.exit_code == 0, seen.output
    state = [json.loads(line) for line in seen.stdout.splitlines()][-1]
    assert state["promise"]["false_events_per_day"] == 1.0
    assert state["thresholds"] == pytest.approx(
        {name: one["threshold"] for name, one in found["detectors"].items()}
    )
    assert state["events_last_day"] == state["n_events"]

    # More events are bearable: lower thresholds from the same calibration.
    path = config_file(tmp_path, noise, false_events_per_day=50)
    seen = run("monitor", "-c", path, "--duration", 6, "--json")
    more = [json.loads(line) for line in seen.stdout.splitlines()][-1]
    assert all(more["thresholds"][name] < limit for name, limit in state["thresholds"].items())

    # With another rule of events it says nothing.
    caplog.set_level(logging.WARNING)
    path = config_file(tmp_path, noise, n=4)
    seen = run("monitor", "-c", path, "--duration", 6, "--json")
    assert [json.loads(line) for line in seen.stdout.splitlines()][-1]["promise"] is None
    assert "its k of n was (2, 3), now it is (2, 4)" in caplog.text


def test_a_recording_stands_in_for_the_radio(noise: str, tmp_path: Path) -> None:
    """Too short a time of it is refused with what it takes, before it is heard."""
    path = config_file(tmp_path, "rtl_tcp:127.0.0.1:1?center_freq=433.9M&gain=20")
    got = run("calibrate", "-c", path, "--recording", noise, "--duration", "20s")
    assert got.exit_code == 5
    assert "heard" not in got.output
    assert "are too few" in got.output
    assert "some 100 s are the least" in got.output
    assert not (tmp_path / "state" / "calibration").exists()


def swept(path: Path, table: np.ndarray, interval_s: float = 10.0) -> str:
    path.write_text(sweeps.rtl_power_text(table, interval_s=interval_s))
    return f"rtl_power:{path}?zone=UTC"


def test_sweeps_set_the_thresholds_of_a_swept_band(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A point that comes and goes has a heavier tail than chance, and is paid for."""
    rng = np.random.default_rng(3)
    table = sweeps.levels(700, 20)
    table[60:, 14] += rng.exponential(2.0, 640) * (rng.random(640) < 0.2)
    config = config_file(tmp_path, swept(tmp_path / "a.csv", table), detectors=["scan"])
    got = run("calibrate", "-c", config, "--target", "50", "--json")
    assert got.exit_code == 0, got.output
    found = json.loads(got.stdout, parse_constant=pytest.fail)
    # All of the file but the warm-up, a block a sweep.
    assert found["signal_s"] == pytest.approx(640 * 10.0, rel=0.02)
    (scan,) = found["detectors"].values()
    assert scan["threshold"] > scan["threshold_before"]
    assert found["expected"]["per_day"] == pytest.approx(50.0, rel=0.01)
    assert found["n_events"] > 0

    def state(interval_s: float = 10.0, **settings: object) -> dict[str, Any]:
        uri = swept(tmp_path / "a.csv", table, interval_s)
        settings |= {"detectors": ["scan"], "false_events_per_day": 50}
        path = config_file(tmp_path, uri, **settings)
        seen = run("monitor", "-c", path, "--json")
        assert seen.exit_code == 0, seen.output
        return [json.loads(line) for line in seen.stdout.splitlines()][-1]

    # k and n of samples are none of its business.
    now = state(k=1, n=5)
    assert now["promise"]["false_events_per_day"] == 50.0
    assert now["thresholds"] == pytest.approx({"scan": scan["threshold"]})
    assert now["n_events"] < found["n_events"]
    caplog.set_level(logging.WARNING)
    assert state(interval_s=20.0)["promise"] is None
    assert "its hop was 10.0, now it is 20.0" in caplog.text


@pytest.mark.parametrize(
    ("uri", "exit_code", "says"),
    [
        ("", 5, "1390 s of normal signal are too few to promise anything: some 2000 s"),
        ("raw:x?datatype=cu8&sample_rate=1e5", 2, "one gives sweeps and the other samples"),
    ],
)
def test_too_few_sweeps_and_samples_in_their_place_are_refused(
    uri: str, exit_code: int, says: str, tmp_path: Path
) -> None:
    config = config_file(tmp_path, swept(tmp_path / "a.csv", sweeps.levels(200, 20)))
    got = run("calibrate", "-c", config, *(["--recording", uri] if uri else []))
    assert got.exit_code == exit_code, got.output
    assert says in got.output


@pytest.mark.parametrize("n_bytes", [0, 500_000])
def test_a_radio_that_never_speaks_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_bytes: int
) -> None:
    """One that falls silent, too: what it gave before is too little."""
    monkeypatch.setattr(silence, "SILENT_S", 0.2)
    with RtlTcpServer(b"\x7f\x80", n_bytes=(n_bytes, 0), stall=True) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=433.9M&sample_rate=250000"
        got = run("calibrate", "-c", config_file(tmp_path, uri))
    assert got.exit_code == (5 if n_bytes else 4), got.output
    says = "gave no samples: see whether the radio delivers" if not n_bytes else "are too few"
    assert says in got.stderr


def test_who_stops_before_anything_came_is_not_told_to_mend_the_radio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.ops.calibration.cli.stop_on_signals", lambda stop: stop())
    with RtlTcpServer(b"\x80", n_bytes=(0,), stall=True) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=433.9M&sample_rate=250000"
        got = run("calibrate", "-c", config_file(tmp_path, uri))
    assert got.exit_code == 1, got.output
    assert "stopped before a sample came" in got.stderr


def test_a_short_recording_is_told_what_is_the_least(noise: str, tmp_path: Path) -> None:
    uri = noise.replace("sample_rate=100000", "sample_rate=7000000")
    got = run("calibrate", "-c", config_file(tmp_path, uri, warmup_s=0.3))
    assert got.exit_code == 5, got.output
    says = r"\b[12](\.\d)? s of normal signal are too few to promise anything: some 100 s are"
    assert re.search(says, got.stderr)
    assert "give a longer recording, or a longer duration" in got.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--target", "0.01"), "0.1 to 100 false events a day"),
        (("--target", "often"), "lowest, low, medium, high, highest"),
        (("--target", "nan"), "0.1 to 100"),
        (("--duration", "0"), "write 30m, 2h or 90s"),
        (("--duration", "1e99"), "30m"),
        (("--duration", "soon"), "30m"),
    ],
)
def test_what_is_no_target_and_no_duration(args: tuple[str, ...], says: str) -> None:
    got = run("calibrate", *args)
    assert got.exit_code == 2
    assert says in got.output
