"""``edgespec adapt``: a bundle that is better here, or none."""

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.inference.bundle import load_bundle
from edgespec.ops import silence
from tests.made import tiny_dense
from tests.made.rtl_tcp_server import RtlTcpServer

RATE_HZ = 1_000_000


def noise(seed: int, seconds: float, tilt: float = 0.0) -> np.ndarray:
    """Return complex noise; ``tilt`` makes one half of the band weaker at the same power."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    white = rng.normal(0.0, 14.0, n) + 1j * rng.normal(0.0, 14.0, n)
    tilted = white[1:] + tilt * 1j * white[:-1]
    return np.asarray(tilted / np.sqrt(1.0 + tilt**2))


def recording(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> str:
    iq = np.column_stack([samples.real, samples.imag]) + 127.5
    np.clip(np.rint(iq), 0, 255).astype(np.uint8).tofile(path)
    return f"raw:{path}?datatype=cu8&sample_rate={rate_hz}&center_freq=433.9M"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a parent, and one that is at home in tilted noise."""
    made = tmp_path_factory.mktemp("adapt")
    tiny_dense.write(made / "parent.edgespec", np.random.default_rng(3), half=True)
    (made / "edgespec.toml").write_text(
        f"[node]\nstate_dir = {json.dumps(str(made / 'state'))}\n"
        '[detect]\ndetectors = ["energy"]\nwarmup_s = 0.3\n'
    )
    recording(made / "tilted.cu8", noise(1, 1.5, 0.3))
    return made


def adapt(folder: Path, uri: str, out: Path, *more: object, model: str = "parent") -> Result:
    args = ("adapt", "-c", folder / "edgespec.toml", "--model", folder / f"{model}.edgespec",
            "--source", uri, "-o", out, *more)  # fmt: skip
    return CliRunner().invoke(main, [str(arg) for arg in args])


def tilted(folder: Path) -> str:
    return f"raw:{folder / 'tilted.cu8'}?datatype=cu8&sample_rate={RATE_HZ}&center_freq=433.9M"


@pytest.fixture(scope="module")
def child(folder: Path) -> dict[str, object]:
    got = adapt(folder, tilted(folder), folder / "child.edgespec", "--json")
    assert got.exit_code == 0, got.output
    return dict(json.loads(got.stdout, parse_constant=pytest.fail))


def test_it_is_better_and_says_so(folder: Path, child: dict[str, object]) -> None:
    made = load_bundle(folder / "child.edgespec")
    parent = load_bundle(folder / "parent.edgespec")
    assert child["sha256"] == made.sha256
    assert child["parent_sha256"] == parent.sha256
    assert child["difference_db"]["high"] < 0.0  # type: ignore[index]
    assert child["error_after_db"]["mean"] < child["error_before_db"]["mean"]  # type: ignore[index]
    done = made.manifest.training["adapted"]
    assert done["parent_sha256"] == parent.sha256
    assert done["signal_s"] == pytest.approx(1.5, abs=0.01)
    # There is no cell.
    assert done["cell"] is None
    assert made.manifest.detectors == parent.manifest.detectors
    assert "numba" in child["golden_error"]  # type: ignore[operator]


@pytest.mark.parametrize("backend", ["numba", "litert"])
def test_the_observer_runs_it(folder: Path, child: dict[str, object], backend: str) -> None:
    path = str(child["bundle"])
    got = CliRunner().invoke(main, ["model", "verify", path, "--backend", backend])
    assert got.exit_code == 0, got.output
    args = ["monitor", "-c", str(folder / "edgespec.toml"), "--model", path, "--backend", backend,
            "--source", tilted(folder), "--json"]  # fmt: skip
    got = CliRunner().invoke(main, args)
    assert got.exit_code == 0, got.output
    state = json.loads(got.stdout.splitlines()[-1])
    assert state["model_sha256"] == child["sha256"]


def test_one_that_is_worse_is_not_written(folder: Path, child: dict[str, object]) -> None:
    """Another shape for four fifths, then that which the old layer knows: nothing is written."""
    samples = np.concatenate([noise(2, 1.2, -0.3), noise(3, 0.3, 0.3)])
    out = folder / "worse.edgespec"
    got = adapt(folder, recording(folder / "turns.cu8", samples), out, model="child")
    assert got.exit_code == 7, got.output
    assert "not better by more than chance" in got.output
    assert "no bundle is written" in got.output
    assert not out.exists()


def _with_tone(samples: np.ndarray) -> np.ndarray:
    n = np.arange(len(samples) // 2, len(samples))
    samples[n] += 60.0 * np.exp(2j * np.pi * 0.11 * n)
    return samples


REFUSED: dict[str, tuple[Callable[[], np.ndarray], tuple[str, ...], int, str]] = {
    "an alarm": (lambda: _with_tone(noise(4, 1.5)), (), 7, "an event was raised"),
    "clipping": (lambda: 12.0 * noise(4, 1.5), (), 7, "event was raised|segments clip"),
    "too short": (lambda: noise(4, 0.4), (), 5, "of signal are too few"),
    "ends early": (lambda: noise(4, 1.0), ("--duration", "2s"), 4, "the signal ended after"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_signal_that_teaches_nothing_is_refused(folder: Path, tmp_path: Path, why: str) -> None:
    made, more, exit_code, says = REFUSED[why]
    out = tmp_path / "no.edgespec"
    got = adapt(folder, recording(tmp_path / "signal.cu8", made()), out, *more)
    assert got.exit_code == exit_code, got.output
    assert any(part in got.output for part in says.split("|"))
    assert not out.exists()


def test_a_radio_that_never_speaks_is_given_up(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_S", 0.2)
    with RtlTcpServer(b"\x80", n_bytes=(0,), stall=True) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=433.9M&sample_rate={RATE_HZ}"
        got = adapt(folder, uri, tmp_path / "out.edgespec")
    assert got.exit_code == 4, got.output
    assert "gave no samples: see whether the radio delivers" in got.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after_s", [0.0, 0.5])
def test_ctrl_c_is_no_fault_of_the_signal(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_s: float
) -> None:
    def stop_on_signals(stop: Callable[[], None]) -> None:
        if not after_s:
            stop()
        threading.Timer(after_s, stop).start()

    monkeypatch.setattr("edgespec.ops.adapt.cli.stop_on_signals", stop_on_signals)
    out = tmp_path / "out.edgespec"
    got = adapt(folder, f"{tilted(folder)}&realtime=1&loop=1", out, "--duration", "30s")
    assert got.exit_code == 1, got.output
    assert re.search(r"stopped (before a sample came|after [\d.]+ of 30 s)", got.stderr)
    assert re.search(r"nothing was (heard or )?changed", got.stderr)
    assert "the signal ended" not in got.stderr
    assert not out.exists()


def test_another_rate_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "no.edgespec"
    got = adapt(folder, recording(tmp_path / "signal.cu8", noise(4, 1.0), 2 * RATE_HZ), out)
    assert got.exit_code in (3, 4)
    assert "sample rate" in got.output or "S/s" in got.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--duration", "soon"), "write 30m, 2h or 90s"),
        (("--duration", "1h"), "at most 10 min"),
        (("--band", "none"), "there is no band"),
    ],
)
def test_what_cannot_be_understood(folder: Path, more: tuple[str, ...], says: str) -> None:
    got = adapt(folder, tilted(folder), folder / "no.edgespec", *more)
    assert got.exit_code == 2
    assert says in got.output


def test_the_way_back_is_kept(folder: Path) -> None:
    before = (folder / "parent.edgespec").read_bytes()
    got = adapt(folder, tilted(folder), folder / "parent.edgespec")
    assert got.exit_code == 2
    assert "the old one is the way back" in got.output
    assert (folder / "parent.edgespec").read_bytes() == before


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_power_cut_leaves_no_bundle_or_a_whole_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever was written by then lies beside its place."""
    out = tmp_path / "new" / "out.edgespec"
    seen: list[bool] = []

    def cut(*args: object) -> None:
        seen.append(out.exists())
        raise OSError(5, "the power is gone")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", cut)
    else:
        monkeypatch.setattr(Path, "hardlink_to", cut)
    got = adapt(folder, tilted(folder), out)
    monkeypatch.undo()
    assert got.exit_code == 3
    assert f"{out} cannot be written: the power is gone" in got.stderr
    assert seen == [False]
    assert not list(out.parent.iterdir())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("old.edgespec", "exists and is not overwritten"),
        ("old.edgespec/x.edgespec", "is no folder one may write to"),
    ],
)
def test_where_it_cannot_be_written_nothing_is_heard(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a source was opened")

    monkeypatch.setattr("edgespec.ops.adapt.report.open_radio", refuse)
    (tmp_path / "old.edgespec").write_bytes(b"old")
    got = adapt(folder, tilted(folder), tmp_path / name)
    assert got.exit_code == 3, got.output
    assert says in got.stderr
    assert (tmp_path / "old.edgespec").read_bytes() == b"old"
