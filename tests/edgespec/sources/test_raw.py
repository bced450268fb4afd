"""Source URIs and raw files."""

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat
from edgespec.sources import open_source
from edgespec.sources.schemes import SOURCES, parse_source
from tests.made.mutations import check_door


@pytest.fixture
def octets(rng):
    return rng.integers(0, 256, 8000, dtype=np.uint8)


@pytest.mark.parametrize("datatype", ["cf32_le", "ci16_le", "ci8", "cu8"])
@pytest.mark.parametrize("block_samples", [7, 100, 5000])
def test_any_block_length_gives_the_bytes_of_the_file(tmp_path, octets, datatype, block_samples):
    path = tmp_path / "iq.bin"
    path.write_bytes(octets.tobytes())
    source = open_source(f"raw:{path}?datatype={datatype}&sample_rate=1.92M", center_freq_hz=1e8)
    info = source.info
    assert info.sample_format.value == datatype.removesuffix("_le")
    assert info.n_samples == 8000 // info.sample_format.sample_bytes
    assert (info.sample_rate_hz, info.center_freq_hz, info.is_live) == (1.92e6, 1e8, False)
    out = info.sample_format.empty(block_samples)
    got, expected_start = b"", 0
    while (block := source.read(out)) is not None:
        assert np.shares_memory(block.samples, out)
        assert (block.sample_start, block.n_dropped) == (expected_start, 0)
        expected_start += block.n_samples
        got += block.samples.tobytes()
    source.close()
    source.close()
    assert got == octets.tobytes()
    assert expected_start == info.n_samples


def test_a_loop_marks_its_seam(tmp_path, octets):
    path = tmp_path / "iq.bin"
    path.write_bytes(octets.tobytes())
    source = open_source(f"raw:{path}?datatype=cu8&sample_rate=1e6&loop=1")
    assert source.info.n_samples is None
    out = np.empty((3000, 2), np.uint8)
    blocks = [source.read(out) for _ in range(4)]
    source.close()
    assert [b.n_samples for b in blocks] == [3000, 1000, 3000, 1000]
    assert [b.n_dropped for b in blocks] == [0, 0, 1, 0]
    assert [b.sample_start for b in blocks] == [0, 3000, 4001, 7001]
    assert blocks[2].utc_ns - blocks[0].utc_ns == 4001 * 1000


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "add datatype=cu8 and sample_rate=1.92e6"),
        ("?datatype=cu8", "add sample_rate=1.92e6"),
        ("?sample_rate=2.4M", "add datatype=cu8"),
        ("?datatype=cu8&sample_rate=fast", "not a number"),
        ("?datatype=cu8&sample_rate=-1", "must be from 1"),
        ("?datatype=cu8&sample_rate=1e6&loop=maybe", "loop=1 or loop=0"),
    ],
)
def test_what_is_missing_is_named(tmp_path, octets, query, message):
    path = tmp_path / "iq.bin"
    path.write_bytes(octets.tobytes())
    with pytest.raises(UsageError, match=message):
        open_source(f"raw:{path}{query}")


def test_truncated_missing_and_odd_files(tmp_path, octets):
    path = tmp_path / "iq.bin"
    path.write_bytes(octets.tobytes()[:1])
    with pytest.raises(SourceError, match=r"has 1 bytes.*truncated"):
        open_source(f"raw:{path}?datatype=cu8&sample_rate=1e6")
    with pytest.raises(SourceError, match=r"'ci12_be'; accepted are .*cf32_le"):
        open_source(f"raw:{path}?datatype=ci12_be&sample_rate=1e6")
    with pytest.raises(SourceError, match=r"null byte"):
        open_source("raw:a\0b?datatype=ci16_be&sample_rate=1e6")
    with pytest.raises(SourceError, match="No such file"):
        open_source(f"raw:{path}.not?datatype=cu8&sample_rate=1e6")


@pytest.mark.parametrize("n_more", [1, 2, 3])
def test_f3_bytes_that_are_no_sample_cost_a_warning(tmp_path, octets, caplog, n_more):
    path = tmp_path / "iq.bin"
    path.write_bytes(octets.tobytes() + b"x" * n_more)
    source = open_source(f"raw:{path}?datatype=ci16_le&sample_rate=1e6")
    assert source.info.n_samples == 2000
    assert source.read(SampleFormat.CI16.empty(3000)).samples.tobytes() == octets.tobytes()
    source.close()
    assert f"{n_more} bytes at the end" in caplog.text


def test_f3_an_offset_leaves_out_a_header(tmp_path, octets, caplog):
    path = tmp_path / "iq.bin"
    path.write_bytes(b"header" + octets.tobytes())
    source = open_source(f"raw:{path}?datatype=cu8&sample_rate=1e6&offset=6&loop=1")
    for _ in range(2):
        assert source.read(SampleFormat.CU8.empty(4000)).samples.tobytes() == octets.tobytes()
    source.close()
    assert not caplog.text
    uri = f"raw:{path}?datatype=cu8&sample_rate=1e6"
    with pytest.raises(SourceError, match="not one sample of 2 bytes behind the offset of 9000"):
        open_source(f"{uri}&offset=9000")
    for offset in ("1.5", "-2", "1e30"):
        with pytest.raises(UsageError, match="a whole number"):
            open_source(f"{uri}&offset={offset}")


def test_a_file_that_shrinks_is_an_error(tmp_path, octets):
    path = tmp_path / "iq.bin"
    path.write_bytes(octets.tobytes())
    source = open_source(f"raw:{path}?datatype=cu8&sample_rate=1e6")
    path.write_bytes(octets.tobytes()[:1000])
    with pytest.raises(SourceError, match="became shorter"):
        source.read(SampleFormat.CU8.empty(4000))
    source.close()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("recording.bin", "no scheme"),
        ("sigm:x", r"'sigm'; known are sigmf, .*mean 'sigmf'"),
        (
            "quux:x",
            r"'quux'; known are sigmf, raw, wav, rtl_power, rtl_tcp, rtlsdr, sim, soapy, sweep$",
        ),
        ("raw:x?datatyp=cu8", r"'datatyp'; .*mean 'datatype'"),
        ("raw:x?datatype=cu8&datatype=ci8", "'datatype' is given twice"),
        ("raw:x?datatype", "'datatype' .* has no value"),
        ("raw:?datatype=cu8&sample_rate=1", "names no file"),
        ("sigmf:", "names no file"),
        ("sigmf:.", "names no recording: write sigmf:FOLDER/NAME"),
        ("sigmf:/", "names no recording"),
        ("sigmf:x/..", "names no recording"),
        ("sigmf:x/.sigmf-meta", "names no recording"),
    ],
)
def test_uris_that_cannot_be_understood(uri, message):
    with pytest.raises(UsageError, match=message) as caught:
        open_source(uri)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("scheme", sorted(SOURCES))
def test_every_scheme_takes_each_of_its_keys_once(scheme):
    keys = SOURCES[scheme].keys
    text = f"{scheme}:rest?" + "&".join(f"{key}=1" for key in keys)
    uri = parse_source(text)
    assert (uri.scheme, uri.rest, dict(uri.options)) == (scheme, "rest", dict.fromkeys(keys, "1"))


@pytest.mark.parametrize("scheme", ["raw", "wav", "sigmf"])
@pytest.mark.parametrize("path", ["a\0b", "\0", "x" * 5000, "", "."])
def test_o8_paths_that_cannot_be_one(scheme, path):
    uri = f"{scheme}:{path}?sample_rate=1e6"
    assert check_door(lambda: open_source(uri))
