"""SigMF recordings: whole ones, broken ones, real ones."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.errors import SourceError
from edgespec.records import IqBlock
from edgespec.sources import open_source
from edgespec.sources.source import Source

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
        ({}, {"core:frequency": 8.1e8, "core:datetime": "2026-01-02T03:04:05.0004Z"}, 1),
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
        ({"head": {"core:datatype": "ri16_le"}}, r"datatype 'ri16_le'; accepted are cu8"),
        ({"head": {"core:datatype": "cf32_be"}}, "convert the file to little-endian"),
        ({"head": {"core:sample_rate": None}}, "core:sample_rate None"),
        ({"head": {"core:sample_rate": 0}}, "core:sample_rate 0"),
        ({"head": {"core:num_channels": 2}}, "2 channels"),
        ({"head": {"core:dataset": "elsewhere.bin"}}, "non-conforming"),
        ({"head": {"core:datatype": 8}}, "not SigMF metadata"),
        ({"captures": [{"core:sample_start": 1000}]}, "start at samples .1000.*1000 samples"),
        ({"captures": [{"core:frequency": 1.0}]}, "not valid SigMF"),
        ({"captures": [{**CAPTURE, "core:datetime": "yesterday"}]}, "yesterday"),
        ({"annotations": [{"core:sample_start": 900, "core:sample_count": 101}]}, "1001, but"),
    ],
)
def test_metadata_that_is_wrong_or_disagrees(tmp_path, octets, change, message):
    path = write(tmp_path, octets, **change)
    with pytest.raises(SourceError, match=message) as caught:
        open_source(f"sigmf:{path}")
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_missing_files_and_broken_ones(tmp_path, octets):
    with pytest.raises(SourceError, match="no SigMF recording at"):
        open_source(f"sigmf:{tmp_path / 'nothing'}")
    path = write(tmp_path, octets)
    (tmp_path / "a.b.sigmf-data").write_bytes(octets[:-1])
    with pytest.raises(SourceError, match=r"1999 bytes.*truncated"):
        open_source(f"sigmf:{path}")
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
