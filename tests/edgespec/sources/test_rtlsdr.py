"""A dongle behind a process of its own: opened, pulled out, hung, and there again."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.sources import open_source
from edgespec.sources.request import Tuning
from edgespec.sources.rtl_server import RtlServer
from edgespec.sources.source import Source
from tests.made.broker import PATIENCE_S, wait_for
from tests.made.rtl_program import RtlProgram

RATE_HZ = 1.92e6
LISTING = [
    "Found 2 device(s):",
    "  0:  Realtek, RTL2838UHIDIR, SN: 00000002",
    "  1:  Realtek, RTL2838UHIDIR, SN: 00000001",
    "",
]

Make = Callable[..., RtlProgram]


@pytest.fixture
def octets(rng: np.random.Generator) -> bytes:
    return rng.integers(0, 256, 200_000, dtype=np.uint8).tobytes()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: bytes) -> Make:
    def make(*plans: dict[str, Any]) -> RtlProgram:
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return RtlProgram(tmp_path, octets, list(plans))

    return make


def open_dongle(device: str = "", query: str = "", **options: Any) -> Source:
    return open_source(
        f"rtlsdr:{device}{query}", center_freq_hz=806e6, sample_rate_hz=RATE_HZ, **options
    )


def read(source: Source, n_samples: int) -> tuple[np.ndarray, int]:
    """Return so many samples, and how many were dropped before the last block of them."""
    out = np.empty((n_samples, 2), np.uint8)
    done = n_dropped = 0
    while done < n_samples:
        block = source.read(out[done:])
        assert block is not None
        done, n_dropped = done + block.n_samples, n_dropped + block.n_dropped
    return out, n_dropped


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_every_sample_arrives_and_the_process_ends_with_the_source(
    program: Make, octets: bytes
) -> None:
    made = program({})
    source = open_dongle(query="?timeout_s=60&gain=20&bias_tee=1&direct_sampling=q")
    got, n_dropped = read(source, 100_000)
    assert got.tobytes() == octets
    assert n_dropped == 0
    assert source.info.is_live
    (start,) = made.starts
    assert "-d" not in start["arguments"]
    assert not is_gone(start["pid"])
    source.close()
    source.close()
    wait_for(lambda: is_gone(start["pid"]), "the end of the process")


def test_it_is_tuned_with_a_gain_while_it_streams(program: Make) -> None:
    made = program({})
    source = open_dongle(query="?timeout_s=60", gain_db=20.0, later=(Tuning(1e9, 36.4),))
    read(source, 1000)
    source.tune(1e9, 36.4)
    wait_for(lambda: [1, 1_000_000_000] in made.commands, "it is tuned")
    assert [one for one in made.commands if one[0] in (1, 4)] == [
        [1, 806_000_000], [4, 200], [4, 364], [1, 1_000_000_000],
    ]  # fmt: skip
    source.close()
    with pytest.raises(SourceError, match="a gain of 300 dB"):
        open_dongle(later=(Tuning(1e9, 300.0),))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["No supported devices found."], "plug it in"),
        (["usb_claim_interface error -6", "Failed to open rtlsdr device #0."], "driver holds"),
        (["usb_open error -3"], "udev"),
        (["No matching devices found."], "no dongle has that serial"),
        (["something new"], "rtl_tcp says: something new"),
        ([], "rtl_tcp says nothing"),
    ],
)
def test_a_dongle_that_cannot_be_opened_says_why(
    program: Make, lines: list[str], says: str
) -> None:
    program({"lines": lines, "exit": 1})
    with pytest.raises(SourceError, match=says):
        open_dongle("7", "?timeout_s=60")


def test_without_rtl_tcp_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match="apt install rtl-sdr"):
        open_dongle()


def test_one_that_opens_and_says_nothing_is_killed(program: Make) -> None:
    made = program({"is_mute": True, "is_deaf": True})
    with pytest.raises(SourceError, match="cannot be opened"):
        open_dongle(query="?timeout_s=4")
    for start in made.starts:
        wait_for(lambda pid=start["pid"]: is_gone(pid), "the end of the process")


def test_a_dongle_that_is_pulled_out_is_awaited_and_the_gap_is_counted(program: Make) -> None:
    gone = {"lines": ["No supported devices found."], "exit": 1}
    made = program({"n_bytes": 100_000, "stays_s": 0.2}, gone, gone, {})
    source = open_dongle(query="?timeout_s=60&stall_s=60")
    _, n_dropped = read(source, 50_000)
    assert n_dropped == 0
    _, n_dropped = read(source, 10_000)
    assert n_dropped > 0
    assert len(made.starts) == 4
    # Nothing of a process that broke is used again.
    assert len({start["pid"] for start in made.starts}) == 4
    source.close()


def test_one_that_hangs_while_it_streams_is_killed_and_opened_anew(program: Make) -> None:
    made = program({"n_bytes": 100_000, "stays_s": 1000, "is_deaf": True}, {})
    source = open_dongle(query="?timeout_s=60&stall_s=1")
    _, n_dropped = read(source, 60_000)
    assert n_dropped >= 1.0 * RATE_HZ
    *hung, again = (start["pid"] for start in made.starts)
    assert hung
    assert all(map(is_gone, hung))
    assert not is_gone(again)
    source.close()


def test_one_that_is_not_there_at_the_start_is_awaited(program: Make) -> None:
    made = program({"lines": ["No supported devices found."], "exit": 1}, {})
    source = open_dongle(query="?timeout_s=60", is_awaited=True)
    _, n_dropped = read(source, 1000)
    # Before it was there, it lost nothing.
    assert n_dropped == 0
    assert len(made.starts) == 2
    source.close()


def test_a_serial_of_digits_is_no_number_of_a_device(program: Make) -> None:
    """rtl_tcp takes 00000001 for device 1; here it opens 0 and is asked for the right one."""
    made = program(
        {"lines": [*LISTING, "Using device 0: Generic RTL2832U OEM"]},
        {"lines": [*LISTING, "Using device 1: Generic RTL2832U OEM"]},
    )
    source = open_dongle("00000001", "?timeout_s=60")
    read(source, 1000)
    devices = [start["arguments"][-1] for start in made.starts]
    assert devices == ["00000001", "1"]
    source.close()


def listing(*serials: str, used: int) -> dict[str, Any]:
    """Return what is said with these dongles, of which one is opened."""
    found = [
        f"  {number}:  Realtek, RTL2838UHIDIR, SN: {one}" for number, one in enumerate(serials)
    ]
    return {"lines": [f"Found {len(serials)} device(s):", *found, "", f"Using device {used}: OEM"]}


def test_after_a_replug_the_same_dongle_is_opened_whatever_its_number(program: Make) -> None:
    """While it is away, its number is another one's, which must not be heard in its place."""
    made = program(
        listing("2", "1", used=0),
        {**listing("2", "1", used=1), "n_bytes": 100_000, "stays_s": 0.2},
        # Gone: 2 has the numbers that it is asked for by.
        listing("2", used=0),
        listing("2", used=0),
        # Back, in another place.
        listing("1", "2", used=1),
        listing("1", "2", used=0),
    )
    source = open_dongle("1", "?timeout_s=60&stall_s=60")
    read(source, 50_000)
    read(source, 10_000)
    devices = [start["arguments"][-1] for start in made.starts]
    assert devices == ["1", "1", "1", "1", "1", "0"]
    source.close()


class Told:
    """In place of the process: what it says of each start."""

    def __init__(self, *starts: dict[str, Any]) -> None:
        self._starts = iter(starts)
        self.devices: list[str] = []
        self.lines: list[str] = []

    def start(self, command: list[str]) -> None:
        self.devices.append(command[-1] if "-d" in command else "")
        self.lines = next(self._starts)["lines"]


def opened_by(
    device: str, monkeypatch: pytest.MonkeyPatch, *starts: dict[str, Any]
) -> tuple[list[str], list[bool]]:
    """Return what rtl_tcp is asked for at each start, and whether it opened another dongle."""
    monkeypatch.setattr("shutil.which", lambda name: name)
    server, told = RtlServer(device), Told(*starts)
    monkeypatch.setattr(server, "_child", told)
    found = [(server.start(), server.is_another())[1] for _ in starts]
    return told.devices, found


def test_part_of_a_serial_names_the_dongle_that_it_found_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices, is_another = opened_by(
        "roof",
        monkeypatch,
        listing("cellar", "roof-west", used=1),
        listing("cellar", "roof-east", used=1),
        listing("cellar", "roof-east", "roof-west", used=1),
        listing("cellar", "roof-east", "roof-west", used=2),
        # Of a program that says nothing of it, nothing is claimed.
        {"lines": []},
    )
    assert devices == ["roof", "roof", "roof", "2", "2"]
    assert is_another == [False, True, True, False, False]


def test_two_dongles_of_one_serial_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    both = listing("00000001", "00000001", used=1)
    assert opened_by("00000001", monkeypatch, both, both)[1] == [False, False]
    (said,) = [one.getMessage() for one in caplog.records]
    assert "2 dongles have the serial '00000001'" in said
    assert "rtl_eeprom" in said


def test_without_a_serial_any_dongle_will_do_which_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    starts = [listing("7", used=0), listing("7", "8", used=0), listing("8", used=0)]
    devices, is_another = opened_by("", monkeypatch, *starts)
    assert (devices, is_another) == ([""] * 3, [False] * 3)
    (said,) = [one.getMessage() for one in caplog.records]
    assert "'8' is heard in place of '7'" in said


def test_closing_ends_an_opening_that_hangs(program: Make) -> None:
    import threading

    made = program({"exit": 1}, {"is_mute": True})
    source = open_dongle(query="?timeout_s=600", is_awaited=True)
    reader = threading.Thread(target=source.read, args=(np.empty((1000, 2), np.uint8),))
    reader.start()
    wait_for(lambda: len(made.starts) > 1, "the second start")
    time.sleep(0.1)
    source.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    wait_for(lambda: is_gone(made.starts[-1]["pid"]), "the end of the process")


@pytest.mark.parametrize(
    ("uri", "error", "says"),
    [
        ("rtlsdr:", UsageError, "center_freq=806e6"),
        ("rtlsdr:a b?center_freq=1e8", UsageError, "rtlsdr:SERIAL"),
        ("rtlsdr:?center_freq=1e8&direct_sampling=x", SourceError, "must be i or q"),
        ("rtlsdr:?center_freq=1e8&sample_rate=5e5", SourceError, "cannot sample"),
        ("rtlsdr:?center_freq=1e8&bias=1", UsageError, "bias_tee"),
    ],
)
def test_addresses_that_say_too_little(uri: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        open_source(uri)
