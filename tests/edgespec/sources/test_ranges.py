"""Rates and frequencies that no recording has: all readers refuse them, and say the range."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.sources import open_source
from edgespec.sources.ranges import FREQS_HZ, FREQS_SAID, RATES_HZ, RATES_SAID
from edgespec.sources.request import Request
from edgespec.sources.schemes import check_uri, parse_source

RATES_OF_NONE = [1e308, 1e12, 1e11, 6.1e8, 0.1, 1e-9, 0.0, -1.0]
FREQS_OF_NONE = [1e30, -1e30, 1.1e12]


def a_sigmf(folder: Path, rate_hz: float, freq_hz: float = 806e6) -> str:
    """Return the address of a recording that says them."""
    head = {"core:datatype": "cf32_le", "core:sample_rate": rate_hz, "core:version": "1.0.0"}
    captures = [{"core:sample_start": 0, "core:frequency": freq_hz}]
    meta = {"global": head, "captures": captures, "annotations": []}
    (folder / "a.sigmf-meta").write_text(json.dumps(meta))
    np.zeros(1000, np.complex64).tofile(folder / "a.sigmf-data")
    return f"sigmf:{folder / 'a'}"


def a_wav(folder: Path, rate_hz: int) -> str:
    """Return the address of a wav file that says it."""
    head = struct.pack("<HHIIHH", 1, 2, rate_hz, 0, 4, 16)
    body = (
        b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", 400) + b"\1" * 400
    )
    (folder / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return f"wav:{folder / 'a.wav'}"


def a_raw(folder: Path, options: str) -> str:
    """Return the address of samples without a word about them."""
    (folder / "a.raw").write_bytes(b"\1" * 400)
    return f"raw:{folder / 'a.raw'}?datatype=cu8&{options}"


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_each_rate_in_the_range_has_frames_and_bins_that_rise(rate_hz: float) -> None:
    recipe = Recipe.for_rate(rate_hz)
    for freq_hz in FREQS_HZ:
        assert recipe.framing.grid(freq_hz).n_bins == recipe.framing.n_fft


@pytest.mark.parametrize("rate_hz", RATES_OF_NONE)
def test_a_recording_that_says_no_rate_is_refused_by_its_name(
    tmp_path: Path, rate_hz: float
) -> None:
    with pytest.raises(SourceError, match="sigmf-meta") as caught:
        open_source(a_sigmf(tmp_path, rate_hz))
    assert RATES_SAID in str(caught.value)


def test_a_wav_file_of_the_largest_rate_is_refused(tmp_path: Path) -> None:
    address = a_wav(tmp_path, 2**32 - 1)
    with pytest.raises(SourceError, match="wav") as caught:
        open_source(address)
    assert RATES_SAID in str(caught.value)
    source = open_source(f"{address}?sample_rate=1.92M")
    assert source.info.sample_rate_hz == 1.92e6
    source.close()


@pytest.mark.parametrize("rate_hz", RATES_OF_NONE)
@pytest.mark.parametrize("kind", ["sigmf", "wav", "raw", "sim", "soapy"])
def test_an_address_that_says_no_rate_is_refused(tmp_path: Path, kind: str, rate_hz: float) -> None:
    addresses: dict[str, Callable[[], str]] = {
        "sigmf": lambda: f"{a_sigmf(tmp_path, 1.92e6)}?sample_rate={rate_hz}",
        "wav": lambda: f"{a_wav(tmp_path, 0)}?sample_rate={rate_hz}",
        "raw": lambda: a_raw(tmp_path, f"sample_rate={rate_hz}"),
        "sim": lambda: f"sim:lte-dl?sample_rate={rate_hz}",
        "soapy": lambda: f"soapy:driver=x?center_freq=1e8&gain=3&sample_rate={rate_hz}",
    }
    with pytest.raises(UsageError, match="sample_rate") as caught:
        open_source(addresses[kind]())
    assert RATES_SAID in str(caught.value)


@pytest.mark.parametrize("freq_hz", FREQS_OF_NONE)
@pytest.mark.parametrize("kind", ["wav", "raw", "sim", "soapy"])
def test_an_address_that_says_no_frequency_is_refused(
    tmp_path: Path, kind: str, freq_hz: float
) -> None:
    addresses: dict[str, Callable[[], str]] = {
        "wav": lambda: f"{a_wav(tmp_path, 1_920_000)}?center_freq={freq_hz}",
        "raw": lambda: a_raw(tmp_path, f"sample_rate=1.92M&center_freq={freq_hz}"),
        "sim": lambda: f"sim:lte-dl?center_freq={freq_hz}",
        "soapy": lambda: f"soapy:driver=x?gain=3&center_freq={freq_hz}",
    }
    with pytest.raises(UsageError, match="center_freq") as caught:
        open_source(addresses[kind]())
    assert FREQS_SAID in str(caught.value)


def test_an_address_is_refused_before_anything_is_opened() -> None:
    for query in ("sample_rate=1e12", "sample_rate=1M&center_freq=1e30"):
        with pytest.raises(UsageError, match="must be from"):
            check_uri(parse_source(f"raw:nowhere?datatype=cu8&{query}"), Request())


@pytest.mark.parametrize("freq_hz", FREQS_OF_NONE)
def test_a_capture_at_no_frequency_is_at_an_unknown_one(
    tmp_path: Path, freq_hz: float, caplog: pytest.LogCaptureFixture
) -> None:
    source = open_source(a_sigmf(tmp_path, 1.92e6, freq_hz))
    assert source.info.center_freq_hz == 0.0
    assert FREQS_SAID in caplog.text
    source.close()
