"""SigMF recordings: whole ones, broken ones, real ones."""

import hashlib
import json
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock
from edgespec.sources import open_source
from edgespec.sources.sigmf import data_path
from edgespec.sources.source import Source
from edgespec.units import format_utc

RATE_HZ = 1e6
CAPTURE = {"core:sample_start": 0, "core:frequency": 8e8, "core:datetime": "2026-01-02T03:04:05Z"}
CAPTURE_NS = 1_767_323_045_000_000_000


@pytest.fixture
def octets(rng):
    return rng.integers(0, 256, 2 * 1000, dtype=np.uint8).tobytes()


def write(
    folder: Path,
    octets: bytes,
    *,
    head: dict[str, Any] | None = None,
    captures: list[dict[str, Any]] | None = None,
    annotations: list[dict[str, Any]] | None = None,
) -> Path:
    metadata = {
        "global": {
            "core:datatype": "cu8",
            "core:sample_rate": RATE_HZ,
            "core:version": "1.2.5",
            **(head or {}),
        },
        "captures": [CAPTURE] if captures is None else captures,
        "annotations": annotations or [],
    }
    (folder / "a.b.sigmf-data").write_bytes(octets)
    path = folder / "a.b.sigmf-meta"
    path.write_text(json.dumps(metadata))
    return path


def play(source: Source, block_samples: int) -> list[IqBlock]:
    out = source.info.sample_format.empty(block_samples)
    blocks = []
    while (block := source.read(out)) is not None:
        blocks.append(block)
    source.close()
    return blocks


@pytest.mark.parametrize("ending", ["a.b", "a.b.sigmf-meta", "a.b.sigmf-data"])
def test_a_recording_by_any_of_its_names(tmp_path, octets, ending):
    write(tmp_path, octets)
    source = open_source(f"sigmf:{tmp_path / ending}", sample_rate_hz=5e6)
    assert source.info.sample_rate_hz == RATE_HZ
    assert source.info.center_freq_hz == 8e8
    assert source.info.n_samples == 1000
    out = np.empty((1000, 2), np.uint8)
    block = source.read(out)
    assert block.samples.tobytes() == octets
    assert block.utc_ns == CAPTURE_NS
    assert source.read(out) is None
    source.close()


def test_time_runs_with_the_samples(tmp_path, octets):
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets)}"), 300)
    assert [b.n_samples for b in blocks] == [300, 300, 300, 100]
    assert [b.utc_ns - CAPTURE_NS for b in blocks] == [1000 * b.sample_start for b in blocks]


def test_captures_that_follow_each_other_are_one(tmp_path, octets):
    second = {**CAPTURE, "core:sample_start": 400, "core:datetime": "2026-01-02T03:04:05.0004Z"}
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=[CAPTURE, second])}"), 999)
    assert [(b.n_samples, b.n_dropped) for b in blocks] == [(999, 0), (1, 0)]


@pytest.mark.parametrize(
    ("first", "second", "n_dropped"),
    [
        ({"core:global_index": 10}, {"core:global_index": 10 + 400 + 77}, 77),
        ({}, {"core:datetime": "2026-01-02T03:04:06Z"}, 1_000_000 - 400),
        # A retune is a new centre, not a loss.
        ({}, {"core:frequency": 8.1e8, "core:datetime": "2026-01-02T03:04:05.0004Z"}, 0),
    ],
)
def test_gaps_between_captures_are_marked(tmp_path, octets, first, second, n_dropped):
    captures = [{**CAPTURE, **first}, {**CAPTURE, "core:sample_start": 400, **second}]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 600)
    assert [(b.n_samples, b.n_dropped) for b in blocks] == [(400, 0), (600, n_dropped)]
    assert blocks[1].sample_start == 400 + n_dropped
    assert blocks[1].center_freq_hz == captures[1]["core:frequency"]
    assert b"".join(b.samples.tobytes() for b in blocks[1:]) == octets[800:]


def test_sample_numbers_count_from_the_offset(tmp_path, octets):
    capture = {**CAPTURE, "core:sample_start": 5000 + 100}
    path = write(tmp_path, octets, head={"core:offset": 5000}, captures=[capture])
    blocks = play(open_source(f"sigmf:{path}"), 2000)
    assert [b.n_samples for b in blocks] == [900]


def test_centre_frequency_of_the_user_fills_a_gap_only(tmp_path, octets):
    path = write(tmp_path, octets, captures=[{"core:sample_start": 0}])
    source = open_source(f"sigmf:{path}", center_freq_hz=1.5e8)
    assert source.info.center_freq_hz == 1.5e8
    source.close()
    source = open_source(f"sigmf:{write(tmp_path, octets)}", center_freq_hz=1.5e8)
    assert source.info.center_freq_hz == 8e8
    source.close()


def test_playing_by_the_clock_takes_the_time_it_took(tmp_path, octets):
    start_s = time.monotonic()
    source = open_source(f"sigmf:{write(tmp_path, octets * 50)}?realtime=1")
    assert source.info.is_live
    blocks = play(source, 10_000)
    assert time.monotonic() - start_s >= 50_000 / RATE_HZ
    assert [b.n_samples for b in blocks] == [10_000] * 5


def test_verify_compares_the_hash(tmp_path, octets):
    digest = hashlib.sha512(octets).hexdigest()
    path = write(tmp_path, octets, head={"core:sha512": digest})
    open_source(f"sigmf:{path}?verify=1").close()
    (tmp_path / "a.b.sigmf-data").write_bytes(octets[::-1])
    open_source(f"sigmf:{path}").close()
    with pytest.raises(SourceError, match="was changed or damaged"):
        open_source(f"sigmf:{path}?verify=1")
    with pytest.raises(SourceError, match="no core:sha512"):
        open_source(f"sigmf:{write(tmp_path, octets)}?verify=1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": {"core:datatype": "ci12_le"}}, r"datatype 'ci12_le'; accepted are c or r"),
        ({"head": {"core:datatype": "cf32_me"}}, "'cf32_me'"),
        ({"head": {"core:sample_rate": None}}, "core:sample_rate None.*add .sample_rate="),
        ({"head": {"core:sample_rate": 0}}, "core:sample_rate 0"),
        ({"head": {"core:datatype": 8}}, "not SigMF metadata"),
    ],
)
def test_metadata_that_cannot_be_played(tmp_path, octets, change, message):
    path = write(tmp_path, octets, **change)
    with pytest.raises(SourceError, match=message) as caught:
        open_source(f"sigmf:{path}")
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_missing_files_and_broken_ones(tmp_path, octets):
    with pytest.raises(SourceError, match="no SigMF recording at"):
        open_source(f"sigmf:{tmp_path / 'nothing'}")
    path = write(tmp_path, octets)
    (tmp_path / "a.b.sigmf-data").write_bytes(b"")
    with pytest.raises(SourceError, match="0 bytes"):
        open_source(f"sigmf:{path}")
    (tmp_path / "a.b.sigmf-data").unlink()
    with pytest.raises(SourceError, match=r"a\.b\.sigmf-data is missing"):
        open_source(f"sigmf:{path}")
    write(tmp_path, octets)
    for text in ("{", "[]", '{"global": []}', "\udcff"):
        path.write_text(text, errors="surrogateescape")
        with pytest.raises(SourceError, match=r"is not JSON|is not SigMF"):
            open_source(f"sigmf:{path}")


def test_every_real_recording_plays(shared_data):
    for path in sorted(shared_data.glob("*.sigmf-meta")):
        source = open_source(f"sigmf:{path}?verify=1")
        n_bytes = path.with_name(path.name.replace("-meta", "-data")).stat().st_size
        assert source.info.n_samples == n_bytes // source.info.sample_format.sample_bytes
        block = source.read(source.info.sample_format.empty(4096))
        assert block.n_samples == 4096
        source.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"captures": [{"core:sample_start": 1000}]}, "begin at sample 1000.*1000 samples"),
        ({"captures": [{"core:frequency": 1.0}]}, "no core:sample_start"),
        ({"captures": [{**CAPTURE, "core:datetime": "yesterday"}]}, "yesterday"),
        ({"captures": [{**CAPTURE, "core:datetime": 5}]}, "date 5"),
        ({"captures": [{**CAPTURE, "core:datetime": "0001-01-01T00:00:00+23:59"}]}, "no moment"),
        ({"captures": [{**CAPTURE, "core:frequency": "high"}]}, "frequency high"),
        ({"captures": [{**CAPTURE, "core:sample_start": "0.5"}]}, "no whole number"),
        ({"captures": [{**CAPTURE, "core:sample_start": -7}]}, "7 samples before the data"),
        ({"captures": [CAPTURE, "capture"]}, "no objects"),
        ({"captures": {"core:sample_start": 0}}, "captures are no list"),
        ({"captures": [CAPTURE, {**CAPTURE, "core:sample_start": 1001}]}, "1 of its captures"),
        ({"captures": [{**CAPTURE, "core:header_bytes": 1.5}]}, "no whole number"),
        ({"annotations": [{"core:sample_start": 900, "core:sample_count": 101}]}, "1 annotations"),
        ({"annotations": [None, [], {}]}, "3 annotations"),
        ({"head": {"core:num_channels": "many"}}, "num_channels is 'many'"),
        ({"head": {"core:trailing_bytes": 2001}}, "trailing_bytes is 2001"),
        ({"head": {"core:dataset": "../../etc/passwd"}}, "names ../../etc/passwd"),
        ({"head": {"core:datatype": "CU8"}}, "taken as cu8"),
        ({"head": {"undeclared:key": 1, "core:version": 3}}, "not valid SigMF"),
        ({"head": {"core:offset": 10**30}}, "not valid SigMF"),
        (
            {"head": {"core:extensions": [{}]}},
            r"not valid SigMF: global\.core:extensions\[0\]: 'name'",
        ),
        ({"head": {"core:version": "one"}}, "core:version is 'one'; it must be a version such as"),
        (
            {"captures": [{**CAPTURE, "core:datetime": "yesterday"}]},
            r"captures\[0\]\.core:datetime is 'yesterday'; it must be a date such as 2026-",
        ),
    ],
)
def test_f2_what_is_odd_costs_a_warning_not_the_file(tmp_path, octets, caplog, change, message):
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, **change)}"), 2000)
    assert b"".join(b.samples.tobytes() for b in blocks) in (octets, octets[1:-1])
    assert re.search(message, caplog.text)


@pytest.mark.parametrize("rate", ["1e400", "NaN", "0", "-1", "null", '"fast"', "true", "9" * 5000])
def test_f2_a_rate_that_is_none_may_be_given(tmp_path, octets, rate, caplog):
    path = write(tmp_path, octets)
    path.write_text(path.read_text().replace("1000000.0", rate))
    with pytest.raises(SourceError, match=r"core:sample_rate.*add .sample_rate=") as caught:
        open_source(f"sigmf:{path}", sample_rate_hz=5e6)
    assert len(str(caught.value)) < 400
    source = open_source(f"sigmf:{path}?sample_rate=2M")
    assert source.info.sample_rate_hz == 2e6
    assert len(play(source, 2000)) == 1
    assert "taken is 2000000" in caplog.text


@pytest.mark.parametrize(
    ("stamp", "nanoseconds"),
    [
        ("2026-01-02T03:04:05Z", 0),
        ("2026-01-02t03:04:05.123456789z", 123_456_789),
        ("2026-01-02 03:04:05,5", 500_000_000),
        ("2026-01-02T03:04:05.1234567899Z", 123_456_789),
        ("2026-01-02T05:04:05+02:00", 0),
        ("2026-01-01T22:34:05-0430", 0),
        # A leap second is the first second of the next minute.
        ("2026-01-02T03:03:60.25Z", -5_000_000_000 + 250_000_000),
    ],
)
def test_f2_dates_as_programs_write_them(tmp_path, octets, caplog, stamp, nanoseconds):
    captures = [{"core:sample_start": 0, "core:datetime": stamp}]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert blocks[0].utc_ns == CAPTURE_NS + nanoseconds
    assert "its time is unknown" not in caplog.text


def test_f2_a_leap_second_as_it_was(tmp_path, octets):
    captures = [{"core:sample_start": 0, "core:datetime": "2016-12-31T23:59:60Z"}]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert blocks[0].utc_ns == 1_483_228_800 * 10**9


def test_f2_of_two_captures_at_one_sample_the_second_counts(tmp_path, octets, caplog):
    captures = [CAPTURE, {"core:sample_start": 0.0, "core:frequency": 9e8}]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert [(b.n_samples, b.center_freq_hz) for b in blocks] == [(1000, 9e8)]
    assert "begin at the sample of the next" in caplog.text


def test_f2_captures_out_of_order_are_sorted(tmp_path, octets, caplog):
    captures = [
        {"core:sample_start": 600.0, "core:frequency": 9e8},
        {"core:sample_start": 0, "core:frequency": 8e8},
    ]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert [(b.n_samples, b.center_freq_hz) for b in blocks] == [(600, 8e8), (400, 9e8)]
    assert "sorted" in caplog.text


def test_f2_of_several_channels_one_is_played(tmp_path, octets, caplog):
    path = write(tmp_path, octets, head={"core:num_channels": 4})
    pairs = np.frombuffer(octets, np.uint8).reshape(250, 4, 2)
    for query, channel in (("", 0), ("?channel=3", 3)):
        blocks = play(open_source(f"sigmf:{path}{query}"), 100)
        assert [b.n_samples for b in blocks] == [100, 100, 50]
        source = open_source(f"sigmf:{path}{query}")
        block = source.read(np.empty((250, 2), np.uint8))
        source.close()
        np.testing.assert_array_equal(block.samples, pairs[:, channel])
    assert "4 channels, of which the first" in caplog.text
    with pytest.raises(UsageError, match="count from 0"):
        open_source(f"sigmf:{path}?channel=4")


def test_f2_headers_and_trailers_are_left_out(tmp_path, octets):
    """The example of the specification: a header before each of two captures."""
    captures = [
        {"core:sample_start": 0, "core:header_bytes": 4, "core:frequency": 8e8},
        {"core:sample_start": 500, "core:header_bytes": 6, "core:frequency": 8e8},
    ]
    head = {"core:dataset": "elsewhere.dat", "core:trailing_bytes": 9}
    path = write(tmp_path, b"", head=head, captures=captures)
    data = b"head" + octets[:1000] + b"header" + octets[1000:] + b"trailing!"
    (tmp_path / "elsewhere.dat").write_bytes(data)
    (tmp_path / "a.b.sigmf-data").unlink()
    source = open_source(f"sigmf:{path}")
    assert source.info.n_samples == 1000
    blocks = []
    out = np.empty((2000, 2), np.uint8)
    while (block := source.read(out)) is not None:
        blocks.append((block.samples.tobytes(), block.n_dropped))
    source.close()
    assert blocks == [(octets[:1000], 0), (octets[1000:], 0)]
    assert data_path(path) == tmp_path / "elsewhere.dat"


def test_f2_metadata_alone_is_said_to_be_that(tmp_path, octets):
    path = write(tmp_path, octets, head={"core:metadata_only": True})
    open_source(f"sigmf:{path}").close()
    (tmp_path / "a.b.sigmf-data").unlink()
    with pytest.raises(SourceError, match="metadata only"):
        open_source(f"sigmf:{path}")


def archive(folder: Path, path: Path, names: tuple[str, ...], mode: str = "w") -> Path:
    with tarfile.open(folder / "x.sigmf", mode) as tar:
        for name in names:
            tar.add(path.with_name(name), f"rec/{name}")
    return folder / "x.sigmf"


def test_f2_an_archive_is_played_from_inside(tmp_path, octets):
    digest = hashlib.sha512(octets).hexdigest()
    path = write(tmp_path, octets, head={"core:sha512": digest})
    both = ("a.b.sigmf-meta", "a.b.sigmf-data")
    apple = ("._a.b.sigmf-meta", "._a.b.sigmf-data")
    for name in apple:
        (tmp_path / name).write_bytes(b"macOS")
    for names in (both, both[::-1], apple + both):
        packed = archive(tmp_path, path, names)
        for uri in (f"sigmf:{packed}?verify=1", f"sigmf:{packed.with_suffix('')}"):
            source = open_source(uri)
            block = source.read(np.empty((2000, 2), np.uint8))
            source.close()
            assert block.samples.tobytes() == octets
            assert block.utc_ns == CAPTURE_NS
    assert data_path(packed) == packed


def test_f2_archives_that_cannot_be_played(tmp_path, octets, caplog):
    path = write(tmp_path, octets)
    both = ("a.b.sigmf-meta", "a.b.sigmf-data")
    packed = archive(tmp_path, path, both, "w:gz")
    with pytest.raises(SourceError, match=r"is packed.*tar -xf"):
        open_source(f"sigmf:{packed}")
    packed = archive(tmp_path, path, both[:1])
    with pytest.raises(SourceError, match="holds no recording"):
        open_source(f"sigmf:{packed}")
    packed.write_bytes(octets)
    with pytest.raises(SourceError, match="no archive of SigMF"):
        open_source(f"sigmf:{packed}")
    packed = archive(tmp_path, path, both)
    packed.write_bytes(packed.read_bytes()[:4600])
    blocks = play(open_source(f"sigmf:{packed}"), 2000)
    assert 0 < blocks[0].n_samples < 1000
    assert "missing at the end" in caplog.text
    head = bytearray(archive(tmp_path, path, both).read_bytes()[:512])
    head[124:136], head[156:157] = b"77777777777\0", b"x"
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    packed.write_bytes(bytes(head) + bytes(1024))
    with pytest.raises(SourceError, match="more than 1 MiB"):
        open_source(f"sigmf:{packed}")


def test_f2_text_that_is_not_quite_json(tmp_path, octets, caplog):
    path = write(tmp_path, octets, head={"core:author": "Müller"})
    text = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
    for encoded in (text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("latin-1")):
        path.write_bytes(encoded)
        assert len(play(open_source(f"sigmf:{path}"), 2000)) == 1
    assert "a byte of the metadata is no text" in caplog.text
    path.write_text("[" * 100_000)
    with pytest.raises(SourceError, match="is not JSON"):
        open_source(f"sigmf:{path}")


def test_f2_of_many_oddities_a_few_are_said(tmp_path, octets, caplog):
    captures = [{"core:sample_start": i, "core:datetime": "x" * 10_000} for i in range(500)]
    play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert len(caplog.records) < 10
    assert max(len(record.getMessage()) for record in caplog.records) < 400


def test_f6_captures_without_end_are_cut_off(tmp_path, octets, caplog):
    captures = [{"core:sample_start": i // 11} for i in range(10_500)]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert sum(block.n_samples for block in blocks) == 1000
    assert "only the first 10000 count" in caplog.text


def test_f6_metadata_without_end_is_refused(tmp_path, octets):
    path = write(tmp_path, octets)
    with path.open("ab") as file:
        file.truncate(9 << 20)
    with pytest.raises(SourceError, match="larger than 8 MiB"):
        open_source(f"sigmf:{path}")


def test_f2_samples_behind_the_last_whole_one_are_left_out(tmp_path, octets, caplog):
    path = write(tmp_path, octets[:-1])
    assert play(open_source(f"sigmf:{path}"), 2000)[0].n_samples == 999
    assert "1 bytes at the end" in caplog.text


def test_a6_every_capture_has_its_own_centre(tmp_path, octets):
    captures = [
        {"core:sample_start": 0},
        {"core:sample_start": 300, "core:frequency": 8.06e8},
        {"core:sample_start": 600, "core:frequency": 9e8},
    ]
    path = write(tmp_path, octets, captures=captures)
    blocks = play(open_source(f"sigmf:{path}"), 2000)
    # 0 stands for unknown: the centre of the second capture says nothing about the first.
    assert [b.center_freq_hz for b in blocks] == [0.0, 8.06e8, 9e8]
    assert [b.n_dropped for b in blocks] == [0, 0, 0]
    assert [b.sample_start for b in blocks] == [0, 300, 600]
    source = open_source(f"sigmf:{path}")
    assert source.info.center_freq_hz == 0.0
    source.close()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"core:datetime": "1970-01-01T00:00:00Z"}, {"core:datetime": "2026-01-02T03:04:05Z"}),
        ({"core:datetime": "2026-01-02T03:04:05Z"}, {"core:datetime": "2026-01-02T03:03:05Z"}),
        ({"core:datetime": "2026-01-02T03:04:05Z"}, {"core:datetime": "2026-02-02T03:04:05Z"}),
        ({"core:global_index": 7}, {"core:global_index": 6}),
        ({"core:global_index": 7}, {"core:global_index": 1 << 61}),
    ],
)
def test_a6_a_jump_in_time_is_a_gap_of_unknown_length(tmp_path, octets, caplog, first, second):
    captures = [{"core:sample_start": 0, **first}, {"core:sample_start": 400, **second}]
    blocks = play(open_source(f"sigmf:{write(tmp_path, octets, captures=captures)}"), 2000)
    assert [(b.n_dropped, b.sample_start) for b in blocks] == [(0, 0), (1, 401)]
    assert "unknown length" in caplog.text
    for block, said in zip(blocks, (first, second), strict=True):
        if "core:datetime" in said:
            assert format_utc(block.utc_ns)[:19] == said["core:datetime"][:19]
