"""A radio behind SoapySDR that plays, drops, hangs, dies and is there again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat
from edgespec.sources import open_source
from edgespec.sources.request import Tuning
from edgespec.sources.soapy.listed import soapy_radios
from edgespec.sources.soapy.source import SoapySource
from edgespec.sources.source import Source
from tests.made.broker import PATIENCE_S, wait_for
from tests.made.soapy_module import PlayedRadio, compile_module

RATE_HZ = 2e6
#: However slow this machine is, nothing counts as hung unless it is to.
ADDRESS = "soapy:driver=played?gain=20&timeout_s=300&stall_s=600"

Make = Callable[..., PlayedRadio]


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("soapy")
    compile_module(folder)
    return folder


@pytest.fixture
def samples(rng: np.random.Generator) -> np.ndarray:
    """I and Q of 16 bits; prime in number, so that a wrong place shows."""
    return rng.integers(-2000, 2000, (20_011, 2), dtype=np.int16)


@pytest.fixture
def radio(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: np.ndarray
) -> Make:
    def make(*plans: dict[str, Any], data: np.ndarray = samples) -> PlayedRadio:
        monkeypatch.setenv("SOAPY_SDR_PLUGIN_PATH", str(module))
        monkeypatch.setenv("PLAYED", str(tmp_path))
        return PlayedRadio(tmp_path, data, *(plans or ({},)))

    return make


def open_radio(query: str = "", stall_s: float = 600.0, **options: Any) -> Source:
    settings = {"center_freq_hz": 806e6, "sample_rate_hz": RATE_HZ, **options}
    address = ADDRESS.replace("stall_s=600", f"stall_s={stall_s:g}")
    return open_source(address + query, **settings)


def read_until(source: Source, n_samples: int, block_samples: int = 7000) -> list[Any]:
    """Return blocks up to that sample of the source, each with samples of its own."""
    blocks: list[Any] = []
    while not blocks or blocks[-1][0] + len(blocks[-1][1]) < n_samples:
        block = source.read(source.info.sample_format.empty(block_samples))
        assert block is not None
        blocks.append((block.sample_start, block.samples, block.n_dropped))
    return blocks


def assert_all_in_place(blocks: list[Any], samples: np.ndarray, offset: int = 0) -> None:
    for start, got, _ in blocks:
        places = (start + offset + np.arange(len(got))) % len(samples)
        np.testing.assert_array_equal(got, samples[places])


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("name", "dtype", "full_scale", "expected"),
    [
        ("CS8", np.int8, 128, SampleFormat.CI8),
        ("CU8", np.uint8, 128, SampleFormat.CU8),
        ("CS16", np.int16, 32767, SampleFormat.CI16),
        ("CF32", np.float32, 1, SampleFormat.CF32),
    ],
)
def test_every_sample_arrives_as_the_radio_has_it(
    radio: Make,
    rng: np.random.Generator,
    name: str,
    dtype: type,
    full_scale: int,
    expected: SampleFormat,
) -> None:
    data = rng.integers(0, 100, (20_011, 2)).astype(dtype)
    made = radio({"format": name, "full_scale": full_scale}, data=data)
    source = open_radio()
    assert source.info.sample_format is expected
    assert source.info.is_live
    blocks = read_until(source, 100_000)
    source.close()
    source.close()
    plain = data.view(np.complex64)[:, 0] if expected is SampleFormat.CF32 else data
    assert_all_in_place(blocks, plain)
    assert not any(n_dropped for _, _, n_dropped in blocks)
    # The radio is let go, not left behind.
    assert made.told[-1] == "closed"
    assert is_gone(made.starts[0])


def test_full_scale_is_the_radios_where_it_has_fewer_bits(radio: Make, samples: np.ndarray) -> None:
    radio({"full_scale": 2048})
    source = open_radio()
    assert source.info.sample_format is SampleFormat.CF32
    blocks = read_until(source, 30_000)
    source.close()
    parts = samples.astype(np.float32) / np.float32(2048.0)
    assert_all_in_place(blocks, parts.view(np.complex64)[:, 0])


def test_it_is_set_to_what_the_address_and_the_configuration_say(radio: Make) -> None:
    made = radio()
    query = "&gains=LNA=15,VGA=7.5&ppm=-3.5&antenna=RX2&channel=1&bandwidth=1.5M&bias_tee=1"
    source = open_radio(f"{query}&settings=notch=on", ppm=9.0)
    source.close()
    assert set(made.told) == {
        *("frequency 806000000.000000", "rate 2000000.000000", "bandwidth 1500000.000000"),
        *("gain fixed", "gain 20.000000", "gain LNA 15.000000", "gain VGA 7.500000"),
        *("ppm -3.500000", "antenna 1 RX2", "setting biasT_ctrl true", "setting notch on"),
        "closed",
    }


def test_it_is_tuned_elsewhere_while_it_streams(radio: Make, samples: np.ndarray) -> None:
    """And stays open, and loses nothing; where it reaches has been tried at the start."""
    made = radio()
    source = open_radio(later=(Tuning(1.8e9),))
    assert isinstance(source, SoapySource)
    assert made.told.count("frequency 1800000000.000000") == 1
    blocks = read_until(source, 20_000)
    source.tune(1.8e9)
    blocks += read_until(source, 60_000)
    assert_all_in_place(blocks, samples)

    def is_tuned() -> bool:
        # A driver that nobody reads from has no room to go on.
        read_until(source, 1000)
        return made.told.count("frequency 1800000000.000000") == 2

    wait_for(is_tuned, "it is tuned")
    assert source.info.center_freq_hz == 1.8e9
    source.close()
    assert len(made.starts) == 1


def test_each_turn_has_its_gain_which_a_radio_that_comes_back_has_too(radio: Make) -> None:
    made = radio({}, {})
    source = open_radio(later=(Tuning(1.8e9, 35.0),))
    assert isinstance(source, SoapySource)
    # It was tried at the start, and set to its own behind that.
    assert [one for one in made.told if one.startswith("gain ")][-1] == "gain 20.000000"
    n_before = len(made.told)
    source.tune(1.8e9, 35.0)
    out = source.info.sample_format.empty(10_000)
    # It takes what it is told between frames, which wait for who reads them.
    while "frequency 1800000000.000000" not in made.told[n_before:]:
        assert source.read(out) is not None
    assert made.told[n_before] == "gain 35.000000"
    os.kill(made.starts[0], signal.SIGKILL)
    while len(made.starts) < 2:
        assert source.read(out) is not None
    told = made.told[n_before + 2 :]
    assert [one for one in told if one.startswith("gain ") and one[5].isdigit()][-1] == (
        "gain 35.000000"
    )
    source.close()


def test_a_gain_that_it_has_not_is_said_at_the_start(radio: Make) -> None:
    radio()
    with pytest.raises(UsageError, match="gain=70 dB is not between 0 and 50"):
        open_radio(later=(Tuning(1.8e9, 70.0),))


def test_where_it_cannot_be_tuned_later_is_said_at_the_start(radio: Make) -> None:
    radio()
    with pytest.raises(UsageError, match="tunes to 6000000000 Hz instead of 7000000000"):
        open_radio(later=(Tuning(7e9),))


def test_an_automatic_gain_is_asked_for_by_name(radio: Make, caplog: Any) -> None:
    made = radio()
    source = open_source("soapy:?gain=auto&timeout_s=300", center_freq_hz=1e8, sample_rate_hz=2e6)
    source.close()
    assert "gain automatic" in made.told
    assert "may look like interference" in caplog.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("&antenna=TX", "it has RX, RX2"),
        ("&channel=2", "2 receivers"),
        ("&gains=IF=3", "it has LNA, VGA"),
        ("&settings=agc=1", "it has biasT_ctrl, notch"),
        ("&sample_rate=5e7", "offers 100000, 1000000 to 20000000"),
        ("&sample_rate=5e8", "no such rate; it offers"),
        ("&center_freq=7e9", "tunes to 6000000000 Hz"),
    ],
)
@pytest.mark.parametrize("is_awaited", [False, True])
def test_what_the_radio_does_not_have_is_said_and_not_awaited(
    radio: Make, query: str, says: str, is_awaited: bool
) -> None:
    made = radio()
    with pytest.raises(UsageError, match=says):
        open_radio(query, is_awaited=is_awaited)
    assert is_gone(made.starts[0])


def test_a_gain_outside_of_its_range_is_said(radio: Make) -> None:
    radio()
    with pytest.raises(UsageError, match="gain=60 dB is not between 0 and 50"):
        open_source("soapy:?gain=60&timeout_s=300", center_freq_hz=1e8, sample_rate_hz=2e6)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"absent": 1}, "played radio is not there"),
        ({"busy": 1}, "played radio is busy"),
    ],
)
def test_a_radio_that_cannot_be_opened_says_why(
    radio: Make, plan: dict[str, Any], says: str
) -> None:
    radio(plan)
    with pytest.raises(SourceError, match=says):
        open_radio()


def test_no_radio_at_all_says_what_to_install(radio: Make) -> None:
    radio({"absent": 1})
    with pytest.raises(SourceError, match="soapysdr-module"):
        open_source("soapy:?gain=1&timeout_s=300", center_freq_hz=1e8, sample_rate_hz=2e6)


def test_an_opening_that_hangs_is_given_up_and_killed(radio: Make) -> None:
    made = radio({"slow": 1})
    with pytest.raises(SourceError, match="says nothing for 3 s"):
        open_source("soapy:?gain=1&timeout_s=3", center_freq_hz=1e8, sample_rate_hz=2e6)
    for pid in made.starts:
        wait_for(lambda pid=pid: is_gone(pid), "the end of the process")


@pytest.mark.parametrize("what", ["overflow", "skip"])
@pytest.mark.parametrize("at", [1, 2, 5, 8])
def test_losses_of_a_radio_with_stamps_are_counted_exactly(
    radio: Make, samples: np.ndarray, what: str, at: int
) -> None:
    """The eighth read ends a frame; before the first, nobody can know what was lost."""
    radio({what: f"{at}:12345", "mtu": 4096})
    source = open_radio()
    blocks = read_until(source, 100_000)
    source.close()
    drops = [n_dropped for _, _, n_dropped in blocks if n_dropped]
    if at == 1:
        assert drops == ([1] if what == "overflow" else [])
        assert_all_in_place(blocks, samples, offset=12345 - len(drops))
    else:
        assert drops == [12345]
        assert_all_in_place(blocks, samples)


def test_an_overflow_without_stamps_has_lost_something(radio: Make, samples: np.ndarray) -> None:
    radio({"overflow": "3:500", "stamps": 0})
    source = open_radio()
    blocks = read_until(source, 60_000)
    source.close()
    (gap,) = [index for index, (_, _, n_dropped) in enumerate(blocks) if n_dropped]
    assert blocks[gap][0] == 2 * 4096 + 1
    assert_all_in_place(blocks[:gap], samples)
    assert_all_in_place(blocks[gap:], samples, offset=499)


def test_a_wait_loses_nothing(radio: Make, samples: np.ndarray) -> None:
    radio({"timeout": 4})
    source = open_radio()
    blocks = read_until(source, 60_000)
    source.close()
    assert_all_in_place(blocks, samples)
    assert source.n_reconnects == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("what", ["end", "crash", "hang"])
def test_one_that_dies_is_opened_anew_and_the_gap_is_counted(radio: Make, what: str) -> None:
    made = radio({what: 20}, {"busy": 1}, {})
    source = open_radio(stall_s=1.0 if what == "hang" else 600.0)
    blocks = read_until(source, 100_000)
    source.close()
    n_gaps, n_reconnects = sum(n > 0 for _, _, n in blocks), source.n_reconnects  # type: ignore[attr-defined]
    # Where a second of silence is a hang, a slow machine may hang more often.
    assert n_gaps >= 1 if what == "hang" else n_gaps == n_reconnects == 1
    # Nothing of a process that broke is used again, and none is left.
    assert len(set(made.starts)) == len(made.starts) == n_reconnects + 2
    for pid in made.starts:
        wait_for(lambda pid=pid: is_gone(pid), "the end of the process")


def test_one_that_is_not_there_at_the_start_is_awaited(
    radio: Make, samples: np.ndarray, caplog: Any
) -> None:
    made = radio({"absent": 1})
    source = open_radio(is_awaited=True)
    assert "tried again" in caplog.text
    # Of what is not there nobody knows the format.
    assert source.info.sample_format is SampleFormat.CF32
    (made.folder / "plan.0").write_text(f"data={made.folder / 'data'}\n")
    ((start, got, n_dropped),) = read_until(source, 1)
    source.close()
    assert (start, n_dropped) == (0, 0)
    parts = samples[: len(got)].astype(np.float32) / np.float32(32768.0)
    np.testing.assert_array_equal(got, parts.view(np.complex64)[:, 0])


def test_closing_ends_an_opening_that_hangs(radio: Make) -> None:
    made = radio({"end": 1}, {"slow": 1})
    source = open_radio()
    reader = threading.Thread(target=source.read, args=(source.info.sample_format.empty(1000),))
    reader.start()
    wait_for(lambda: len(made.starts) > 1, "the second start")
    source.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    wait_for(lambda: is_gone(made.starts[-1]), "the end of the process")


def test_no_process_outlives_an_observer_that_was_killed(radio: Make, tmp_path: Path) -> None:
    made = radio({"hang": 5})
    script = (
        "import sys, time\n"
        "from edgespec.sources import open_source\n"
        f"source = open_source({ADDRESS!r}, center_freq_hz=1e8, sample_rate_hz=2e6)\n"
        "print('open', flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as observer:
        assert observer.stdout is not None
        assert observer.stdout.readline() == b"open\n"
        observer.send_signal(signal.SIGKILL)
    (pid,) = made.starts
    wait_for(lambda: is_gone(pid), "the end of the process")


def test_radios_are_listed_as_what_opens_them(radio: Make) -> None:
    radio()
    (found,) = [one for one in soapy_radios() if one.driver == "played"]
    assert (found.device, found.label) == ("driver=played,serial=P1", "Played radio")


def test_where_nothing_is_found_nothing_is_listed(radio: Make) -> None:
    radio({"absent": 1})
    assert not [one for one in soapy_radios() if one.driver == "played"]


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("soapy:?gain=1", "center_freq=806e6"),
        ("soapy:driver=x?center_freq=1e8", "does not say the gain"),
        ("soapy:?center_freq=1e8&gains=LNA", "KEY=VALUE"),
        ("soapy:?center_freq=1e8&gains=LNA=high", "number of dB"),
        ("soapy:?center_freq=1e8&gain=300", "between -200 and 200"),
        ("soapy:?center_freq=1e8&gain=1&ppm=2000", "at most 1000 ppm"),
        ("soapy:?center_freq=1e8&gain=1&channel=-1", "whole number"),
        ("soapy:?center_freq=1e8&gain=1&antena=RX", "antenna"),
    ],
)
def test_addresses_that_say_too_little(uri: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        open_source(uri)
