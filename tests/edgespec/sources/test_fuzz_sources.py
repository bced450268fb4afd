"""Whatever the bytes: samples, or one sentence (F6).

``pytest --hypothesis-profile=long`` throws many more.
"""

import io
import json
import logging
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgespec.sources import open_source
from edgespec.sources.datatypes import DATATYPES
from tests.made import wav
from tests.made.mutations import check_door, mutated, odd_values

DATA = bytes(range(256)) * 4
HEAD = {"core:datatype": "ci16_le", "core:sample_rate": 1e6, "core:version": "1.2.5"}
CAPTURES = [
    {"core:sample_start": 0, "core:frequency": 8e8, "core:datetime": "2026-01-02T03:04:05Z"},
    {"core:sample_start": 100, "core:global_index": 100, "core:header_bytes": 4},
]
NOTES = [{"core:sample_start": 5, "core:sample_count": 9, "core:label": "x"}]
META = {"global": HEAD, "captures": CAPTURES, "annotations": NOTES}
KEYS = (
    *("core:datatype", "core:sample_rate", "core:version", "core:offset", "core:num_channels"),
    *("core:dataset", "core:trailing_bytes", "core:metadata_only", "core:extensions"),
    *("core:sample_start", "core:sample_count", "core:frequency", "core:datetime"),
    *("core:global_index", "core:header_bytes", "core:sha512"),
)
WAV = wav.riff(wav.fmt(48_000, 16), wav.auxi(6_140_000), wav.chunk(b"data", DATA))
W64 = wav.w64((b"fmt ", wav.fmt(48_000, 24)[8:]), (b"data", DATA))
RF64 = wav.rf64(len(DATA), wav.fmt(48_000, 32, 2, 3), wav.chunk(b"data", DATA))
CONSOLE = wav.riff(wav.fmt(1, 8, 4), wav.console_auxi(10, 10), wav.chunk(b"data", DATA))


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in (("a.sigmf-meta", json.dumps(META).encode()), ("a.sigmf-data", DATA)):
            member = tarfile.TarInfo(f"a/{name}")
            member.size, member.mtime = len(content), 1.5
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


TAR = tar()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def play(uri: str) -> None:
    """Open a source and read some of it; what it delivers is what it promised."""
    source = open_source(uri)
    try:
        out = source.info.sample_format.empty(300)
        start = 0
        for _ in range(20):
            block = source.read(out)
            if block is None:
                break
            assert 0 < block.n_samples <= 300
            assert block.sample_start == start + block.n_dropped
            start = block.sample_start + block.n_samples
            assert 0 <= block.utc_ns < 1 << 64
            assert start < 1 << 62
            assert np.isfinite(block.center_freq_hz)
    finally:
        source.close()


def as_json(value: Any) -> bytes:
    """JSON with what Python's own writer would not write."""
    return json.dumps(value).encode("utf-8", errors="surrogatepass")


values = st.dictionaries(st.sampled_from(KEYS), odd_values(), max_size=3)
metadata = st.one_of(
    st.builds(lambda head: {**META, "global": {**HEAD, **head}}, values),
    st.builds(
        lambda first, more: {**META, "captures": [{**CAPTURES[0], **first}, CAPTURES[1], *more]},
        values,
        st.lists(values | odd_values(), max_size=3),
    ),
    st.builds(lambda notes: {**META, "annotations": notes}, odd_values() | st.lists(values)),
    st.builds(lambda part, value: {**META, part: value}, st.sampled_from([*META]), odd_values()),
    odd_values(),
)


@given(metadata, st.sampled_from(DATATYPES), st.sampled_from(["", "?sample_rate=1e6&loop=1"]))
def test_f6_sigmf_metadata_that_says_anything(
    folder: Path, meta: Any, datatype: str, query: str
) -> None:
    logging.disable()
    if isinstance(meta, dict) and meta.get("global") is HEAD:
        meta = {**meta, "global": {**HEAD, "core:datatype": datatype}}
    (folder / "a.sigmf-data").write_bytes(DATA)
    (folder / "a.sigmf-meta").write_bytes(as_json(meta))
    check_door(lambda: play(f"sigmf:{folder / 'a'}{query}"))
    logging.disable(logging.NOTSET)


@given(mutated(json.dumps(META).encode()), mutated(DATA))
def test_f6_sigmf_files_of_damaged_bytes(folder: Path, meta: bytes, data: bytes) -> None:
    (folder / "b.sigmf-data").write_bytes(data)
    (folder / "b.sigmf-meta").write_bytes(meta)
    check_door(lambda: play(f"sigmf:{folder / 'b'}"))


@given(mutated(TAR))
def test_f6_archives_of_damaged_bytes(folder: Path, content: bytes) -> None:
    (folder / "c.sigmf").write_bytes(content)
    check_door(lambda: play(f"sigmf:{folder / 'c.sigmf'}"))


@given(
    st.sampled_from([WAV, W64, RF64, CONSOLE]).flatmap(mutated),
    st.sampled_from(["", "?channel=1", "?sample_rate=1e6"]),
)
def test_f6_wav_files_of_damaged_bytes(folder: Path, content: bytes, query: str) -> None:
    (folder / "d_6140kHz.wav").write_bytes(content)
    check_door(lambda: play(f"wav:{folder / 'd_6140kHz.wav'}{query}"))


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFF),
    st.binary(max_size=400),
)
def test_f6_wav_heads_of_any_numbers(
    folder: Path, tag: int, n_channels: int, rate_hz: int, n_bits: int, auxi: bytes
) -> None:
    head = wav.chunk(b"fmt ", struct.pack("<HHIIHH", tag, n_channels, rate_hz, 0, 0, n_bits))
    content = wav.riff(head, wav.chunk(b"auxi", auxi), wav.chunk(b"data", DATA))
    (folder / "e.wav").write_bytes(content)
    check_door(lambda: play(f"wav:{folder / 'e.wav'}"))


@given(
    st.sampled_from(DATATYPES) | st.text(max_size=12),
    st.sampled_from(["1e6", "1", "1e12", "0", "nan", "1e400", "-1", "1M"]) | st.text(max_size=8),
    st.sampled_from(["0", "3", "1023", "1e30", "-1", ".5"]) | st.text(max_size=8),
    st.binary(max_size=100),
)
def test_f6_raw_files_of_any_options(
    folder: Path, datatype: str, rate: str, offset: str, content: bytes
) -> None:
    (folder / "f.bin").write_bytes(content)
    uri = f"raw:{folder / 'f.bin'}?datatype={datatype}&sample_rate={rate}&offset={offset}"
    check_door(lambda: play(uri))


@given(
    st.sampled_from(["sigmf:", "raw:", "wav:", "rtlsdr:", "", "x:"]),
    st.text(max_size=60) | st.sampled_from(["/", ".", "/proc/self", "a\0b", "x" * 5000, "\ud800"]),
    st.text(max_size=40),
)
def test_f6_addresses_of_any_text(scheme: str, rest: str, query: str) -> None:
    check_door(lambda: play(f"{scheme}{rest}?{query}" if query else f"{scheme}{rest}"))
