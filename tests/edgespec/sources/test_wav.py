"""IQ recordings of SDRuno, HDSDR, SDR# and their relatives (F3)."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat
from edgespec.sources import open_source
from edgespec.sources.auxi import Reception, read_auxi, read_name
from tests import naive
from tests.made import wav

RATE_HZ = 2_048_000
START_NS = 1_790_772_722_570_000_000  # 2026-09-30T12:52:02.57Z
KINDS = {
    "b8": (8, 1, SampleFormat.CI8),
    "i16": (16, 1, SampleFormat.CI16),
    "i24": (24, 1, SampleFormat.CF32),
    "i32": (32, 1, SampleFormat.CF32),
    "f32": (32, 3, SampleFormat.CF32),
    "f64": (64, 3, SampleFormat.CF32),
}


@pytest.fixture
def octets(rng):
    return rng.integers(0, 256, 4 * 500, dtype=np.uint8).tobytes()


def write(folder: Path, content: bytes, name: str = "x.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def samples_of(path: Path, query: str = "") -> np.ndarray:
    source = open_source(f"wav:{path}{query}")
    out = source.info.sample_format.empty(10_000)
    block = source.read(out)
    assert source.read(source.info.sample_format.empty(10)) is None
    source.close()
    return naive.complex_samples(block.samples, source.info.sample_format)


@pytest.mark.parametrize("number", sorted(KINDS))
@pytest.mark.parametrize("n_channels", [1, 2, 4])
def test_f3_every_number_a_wav_file_has(tmp_path, number, n_channels, rng, caplog):
    n_bits, tag, sample_format = KINDS[number]
    if number[0] == "f":
        octets = rng.standard_normal(60 * n_channels).astype(f"<f{n_bits // 8}").tobytes()
    else:
        octets = rng.integers(0, 256, 60 * n_channels * n_bits // 8, dtype=np.uint8).tobytes()
    content = wav.riff(wav.fmt(RATE_HZ, n_bits, n_channels, tag), wav.chunk(b"data", octets))
    path = write(tmp_path, content)
    kind = "r" if n_channels == 1 else "c"
    pairs = max(1, n_channels // 2)
    for channel in range(pairs):
        expected = naive.stored_samples(octets, kind + number, pairs, channel)
        got = samples_of(path, f"?channel={channel}")
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)
    source = open_source(f"wav:{path}")
    assert source.info.sample_format is sample_format
    assert (source.info.sample_rate_hz, source.info.n_samples) == (RATE_HZ, 60)
    source.close()
    assert ("2 channels" in caplog.text) == (n_channels == 4)
    assert ("are real" in caplog.text) == (n_channels == 1)


@pytest.mark.parametrize(
    "name", ["HDSDR_20260930_125202Z_6140kHz_RF.wav", "SDRuno_20260930_125202Z_6140kHz.wav"]
)
def test_f3_the_auxi_chunk_says_centre_and_time(tmp_path, octets, name):
    chunks = wav.fmt(RATE_HZ, 16), wav.auxi(6_140_123), wav.chunk(b"data", octets)
    source = open_source(f"wav:{write(tmp_path, wav.riff(*chunks), name)}", center_freq_hz=1e8)
    assert source.info.center_freq_hz == 6_140_123
    block = source.read(np.empty((1000, 2), np.int16))
    source.close()
    assert (block.utc_ns, block.n_samples) == (START_NS, 500)
    assert block.samples.tobytes() == octets


@pytest.mark.parametrize(
    ("name", "center_hz"),
    [
        ("SDRSharp_20260930_125202Z_137500000Hz_IQ.wav", 137_500_000.0),
        ("SDRSharp_20140728_132746Z_227360kHz_IQ.wav", 227_360_000.0),
        ("AirSpy_20260930_125202Z_1090000kHz_IQ.wav", 1_090_000_000.0),
        ("SDRconnect_IQ_20260930_125202_6140000HZ.wav", 6_140_000.0),
        ("baseband_137100000Hz_12-34-56_01-02-2023.wav", 137_100_000.0),
        ("15-29-07_92783258Hz.wav", 92_783_258.0),
        ("31-Jul-2026 180926.754 88.500MHz.wav", 88_500_000.0),
        ("20260510_213606_80.0MHz_IQ.wav", 80_000_000.0),
        ("satellite_10.4895GHz.wav", 10_489_500_000.0),
        # Two frequencies, one of them perhaps a bandwidth; a tone; nothing.
        ("cell_806MHz_span_5MHz.wav", None),
        ("beep_440Hz.wav", None),
        ("recording.wav", None),
        ("x" * 300 + "9" * 90 + "GHz.wav", None),
    ],
)
def test_f3_the_name_says_the_centre_where_no_chunk_does(tmp_path, octets, name, center_hz):
    assert read_name(name).center_freq_hz == center_hz
    if len(name) < 200:
        content = wav.riff(wav.fmt(RATE_HZ, 16), wav.chunk(b"data", octets))
        source = open_source(f"wav:{write(tmp_path, content, name)}", center_freq_hz=1e8)
        assert source.info.center_freq_hz == (center_hz or 1e8)
        source.close()
        source = open_source(f"wav:{tmp_path / name}?center_freq=2e8")
        assert source.info.center_freq_hz == 2e8
        source.close()


def test_f3_the_name_says_the_time_where_it_is_utc():
    assert read_name("SDRSharp_20260930_125202Z_1MHz_IQ.wav").utc_ns == START_NS // 10**9 * 10**9
    assert read_name("SDRconnect_IQ_20260930_125202_6140000HZ.wav").utc_ns is None
    assert read_name("SDRSharp_20269930_125202Z_1MHz_IQ.wav").utc_ns is None


def test_f3_chunks_of_other_programs():
    assert read_auxi(wav.console_auxi(88_500_000, 1_785_517_766)[8:]) == Reception(
        88_500_000.0, 1_785_517_766 * 10**9
    )
    # SDRuno without a date; a chunk of something else; a short one; a year that cannot be.
    assert read_auxi(wav.auxi(6_140_000, (0,) * 8)[8:]) == Reception(6_140_000.0, None)
    assert read_auxi(b"NOT-XML-AND-NOT-A-TIME-EITHER-OF-WINDOWS-AT-ALL") == Reception()
    assert read_auxi(wav.auxi(6_140_000)[8:40]) == Reception()
    assert read_auxi(wav.auxi(6_140_000, (1601, 1, 1, 1, 0, 0, 0, 0))[8:]) == Reception()
    assert read_auxi(b"") == Reception()
    assert read_auxi(wav.auxi(0)[8:]).center_freq_hz is None


@pytest.mark.parametrize(
    ("name", "in_chunk_hz", "center_hz", "message"),
    [
        # 10,489,500,000 does not fit into 32 bits, and runs over.
        ("x_10489500kHz.wav", 10_489_500_123 % 2**32, 10_489_500_123, None),
        ("x_6140kHz.wav", 90_000_000, 90_000_000, "name 6.14 MHz.*chunk is believed"),
        ("x_6140kHz.wav", 0, 6_140_000, None),
        ("x.wav", 0, 0.0, None),
    ],
)
def test_f3_chunk_and_name_together(
    tmp_path, octets, caplog, name, in_chunk_hz, center_hz, message
):
    chunks = wav.fmt(RATE_HZ, 16), wav.auxi(in_chunk_hz), wav.chunk(b"data", octets)
    source = open_source(f"wav:{write(tmp_path, wav.riff(*chunks), name)}")
    assert source.info.center_freq_hz == center_hz
    source.close()
    assert bool(caplog.text) == bool(message)
    assert message is None or re.search(message, caplog.text)


@pytest.mark.parametrize("kind", ["RF64", "BW64", "W64", "RIFF without a length", "cut", "odd"])
def test_f3_files_of_over_4_gb_and_files_that_were_cut(tmp_path, octets, kind, caplog):
    chunks = wav.fmt(RATE_HZ, 16), wav.auxi(6_140_123), wav.chunk(b"data", octets)
    content = wav.riff(*chunks)
    at = content.index(b"data") + 4
    if kind in ("RF64", "BW64"):
        content = wav.rf64(len(octets), *chunks, name=kind.encode()) + b"LIST" + bytes(40)
    elif kind == "W64":
        content = wav.w64((b"fmt ", chunks[0][8:]), (b"auxi", chunks[1][8:]), (b"data", octets))
    elif kind == "RIFF without a length":
        content = content[:at] + bytes(4) + content[at + 4 :]
    elif kind == "cut":
        content = content[:at] + struct.pack("<I", 10**9) + content[at + 4 :]
    else:
        content = wav.riff(*chunks[:2], wav.chunk(b"odd ", b"x"), chunks[2])
    path = write(tmp_path, content)
    source = open_source(f"wav:{path}")
    assert (source.info.n_samples, source.info.center_freq_hz) == (500, 6_140_123)
    assert source.read(np.empty((1000, 2), np.int16)).samples.tobytes() == octets
    source.close()
    assert ("missing at the end" in caplog.text) == (kind == "cut")


def test_f3_a_length_that_ran_over_4_gib_is_that_of_the_file(tmp_path):
    """GNU Radio and SDR# go on writing; the file is sparse, so that the test is quick."""
    n_data = (1 << 32) + 4000
    head = wav.riff(wav.fmt(RATE_HZ, 16), wav.chunk(b"data", b""))
    head = head[:-4] + struct.pack("<I", n_data % (1 << 32))
    path = write(tmp_path, head)
    with path.open("r+b") as file:
        file.truncate(len(head) + n_data)
    source = open_source(f"wav:{path}")
    assert source.info.n_samples == n_data // 4
    source.close()


def test_extensible_formats_name_theirs_further_on(tmp_path, octets):
    plain = wav.fmt(RATE_HZ, 16)[8:]
    extra = struct.pack("<HHIH", 22, 16, 3, 1) + bytes.fromhex("0000000010008000 00aa00389b71")
    content = b"\xfe\xff" + plain[2:] + extra
    path = write(tmp_path, wav.riff(wav.chunk(b"fmt ", content), wav.chunk(b"data", octets)))
    np.testing.assert_array_equal(samples_of(path), naive.stored_samples(octets, "ci16_le"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no wav file"),
        (b"RIFF\0\0\0\0AVI LIST", "is no wav file"),
        (wav.riff(wav.chunk(b"data", bytes(40))), "chunk 'fmt'"),
        (wav.riff(wav.fmt(RATE_HZ, 16)), "chunk 'data'"),
        (wav.riff(wav.chunk(b"fmt ", bytes(9)), wav.chunk(b"data", bytes(40))), "cut format"),
        (wav.riff(wav.fmt(RATE_HZ, 4), wav.chunk(b"data", bytes(40))), "format 1 with 4 bits"),
        (wav.riff(wav.fmt(RATE_HZ, 8, 2, 7), wav.chunk(b"data", bytes(40))), "format 7 with 8"),
        (wav.riff(wav.fmt(RATE_HZ, 16, 3), wav.chunk(b"data", bytes(40))), "3 wav channels"),
        (wav.riff(wav.fmt(RATE_HZ, 16, 0), wav.chunk(b"data", bytes(40))), "0 wav channels"),
        (
            wav.riff(wav.fmt(0, 16), wav.chunk(b"data", bytes(40))),
            "rate of 0, which must be from 1 .*: add .sample_rate",
        ),
        (wav.riff(wav.fmt(RATE_HZ, 16), wav.chunk(b"data", b"abc")), "not one sample"),
    ],
)
def test_files_that_cannot_be_played(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(SourceError, match=message):
        open_source(f"wav:{path}")


def test_what_is_not_there_is_named(tmp_path, octets):
    path = write(tmp_path, wav.riff(wav.fmt(0, 16), wav.chunk(b"data", octets)))
    assert len(samples_of(path, "?sample_rate=2M")) == 500
    with pytest.raises(UsageError, match="count from 0"):
        open_source(f"wav:{path}?channel=1")
    with pytest.raises(UsageError, match="names no file"):
        open_source("wav:")
    with pytest.raises(SourceError, match="no wav file at"):
        open_source(f"wav:{path}.not")
    with pytest.raises(SourceError, match="is a folder"):
        open_source(f"wav:{tmp_path}")
