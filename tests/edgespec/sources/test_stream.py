"""Samples that another program writes (F3)."""

import contextlib
import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sources import descriptor, open_source
from edgespec.sources.datatypes import parse_datatype
from edgespec.sources.playback import Layout
from edgespec.sources.stream import Stream
from tests.made.broker import wait_for

QUERY = "?datatype=ci16_le&sample_rate=1M"


@pytest.fixture
def octets(rng):
    return rng.integers(0, 256, 4 * 1000, dtype=np.uint8).tobytes()


@pytest.fixture
def fifo(tmp_path) -> Path:
    os.mkfifo(tmp_path / "iq")
    return tmp_path / "iq"


def write_in_thread(path: Path, *parts: bytes) -> Thread:
    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for part in parts:
                file.write(part)

    thread = Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("block_samples", [1000, 300])
def test_f3_a_fifo_is_played_to_its_end(fifo, octets, block_samples):
    source = open_source(f"raw:{fifo}{QUERY}&center_freq=8e8")
    assert source.info.n_samples is None
    # Writers write in pieces that are no whole samples.
    thread = write_in_thread(fifo, octets[:1], octets[1:7], octets[7:2001], octets[2001:])
    got, start, stamps = b"", 0, []
    while (block := source.read(SampleFormat.CI16.empty(block_samples))) is not None:
        assert (block.sample_start, block.n_dropped, block.center_freq_hz) == (start, 0, 8e8)
        got += block.samples.tobytes()
        start += block.n_samples
        stamps.append(block.utc_ns - 1000 * block.sample_start)
    thread.join()
    source.close()
    source.close()
    assert got == octets
    assert len(set(stamps)) == 1


def test_who_waits_for_a_writer_says_so_once(fifo, octets, caplog, monkeypatch):
    monkeypatch.setattr(descriptor, "_PROMPT_S", 0.0)
    caplog.set_level("INFO")
    source = open_source(f"raw:{fifo}{QUERY}")
    assert not caplog.records
    read = Thread(target=source.read, args=[source.info.empty(10)])
    read.start()
    wait_for(lambda: caplog.records, "what is waited for")
    thread = write_in_thread(fifo, octets)
    read.join()
    assert source.read(source.info.empty(10)) is not None
    source.close()
    thread.join()
    assert [one.message for one in caplog.records] == [f"waiting for a writer of {fifo}"]


def test_f3_what_is_no_whole_sample_is_left_out(fifo, octets, caplog):
    source = open_source(f"raw:{fifo}{QUERY}&offset=4")
    thread = write_in_thread(fifo, octets + b"x")
    assert source.read(SampleFormat.CI16.empty(2000)).samples.tobytes() == octets[4:]
    assert source.read(SampleFormat.CI16.empty(2000)) is None
    thread.join()
    source.close()
    assert "1 bytes at the end" in caplog.text


def test_f3_a_stream_is_converted(fifo):
    samples = np.array([0.5, -0.25, 1.0], ">f8")
    source = open_source(f"raw:{fifo}?datatype=rf64_be&sample_rate=1M")
    thread = write_in_thread(fifo, samples.tobytes())
    block = source.read(SampleFormat.CF32.empty(3))
    thread.join()
    source.close()
    np.testing.assert_array_equal(block.samples, samples.astype(np.complex64))


def test_f3_closing_ends_a_read_that_waits(fifo):
    source = open_source(f"raw:{fifo}{QUERY}")
    results = []
    thread = Thread(target=lambda: results.append(source.read(SampleFormat.CI16.empty(10))))
    thread.start()
    source.close()
    thread.join(10)
    assert results == [None]
    assert source.read(SampleFormat.CI16.empty(10)) is None


def test_f3_a_live_stream_that_pauses_gives_what_it_has(fifo, octets):
    source = open_source(f"raw:{fifo}{QUERY}&realtime=1")
    assert source.info.is_live
    with fifo.open("wb", buffering=0) as file:
        file.write(octets[:402])
        block = source.read(SampleFormat.CI16.empty(1000))
        assert block.samples.tobytes() == octets[:400]
        file.write(octets[402:])
        block = source.read(SampleFormat.CI16.empty(900))
        assert (block.samples.tobytes(), block.sample_start) == (octets[400:], 100)
    source.close()


class _Timed(Stream):
    """A live stream whose clock is what it receives: 60 s of a ``share`` of the rate, then all."""

    def __init__(self, path: Path, share: float) -> None:
        self.now_s = 0.0
        self.share = share
        info = SourceInfo("raw:x", 1000.0, 0.0, SampleFormat.CU8, is_live=True)
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        layout = Layout(parse_datatype("cu8", "test"))
        super().__init__(file, "x", info, layout, 0, clock=lambda: self.now_s)

    def _judge_rate(self, n_new: int) -> int:
        n_dropped = super()._judge_rate(n_new)
        self.now_s += n_new / 1000.0 / (self.share if self.now_s < 60.0 else 1.0)
        return n_dropped


@pytest.mark.parametrize("share", [0.3, 1.0, 1.05, 2.0, 116.0])
def test_o6_a_live_stream_that_floods_is_left_out_until_its_rate_is_right(fifo, caplog, share):
    caplog.set_level("INFO")
    source = _Timed(fifo, share)

    def flood() -> None:
        with contextlib.suppress(BrokenPipeError), fifo.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(2000))

    thread = Thread(target=flood)
    thread.start()
    n_samples = n_known = 0
    out = SampleFormat.CU8.empty(100)
    while source.now_s < 120.0:
        block = source.read(out)
        assert block.sample_start == n_known + block.n_dropped
        n_samples += block.n_samples
        n_known = block.sample_start + block.n_samples
    source.close()
    thread.join()
    is_flood = share > 1.5
    assert ("leave out realtime" in caplog.text) is is_flood
    assert caplog.text.count("at its rate again") == is_flood
    if is_flood:
        # Ten seconds ahead are what a writer may have kept in its buffers.
        assert n_known <= 1000.0 * (source.now_s + 11.0)
        assert n_samples < 1000.0 * (60.0 + 11.0 + 5.0)
    elif share >= 1.0:
        assert n_known == n_samples >= 1000.0 * source.now_s - 200


def test_f3_standard_input(octets):
    code = (
        "import sys\n"
        "from edgespec.sources import open_source\n"
        f"source = open_source('raw:-{QUERY}')\n"
        "out = source.info.sample_format.empty(600)\n"
        "while (block := source.read(out)) is not None:\n"
        "    sys.stdout.buffer.write(block.samples.tobytes())\n"
        "source.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=octets, capture_output=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", octets)


def test_f3_streams_that_cannot_be_read(tmp_path, fifo, monkeypatch):
    with pytest.raises(UsageError, match="cannot be looped"):
        open_source(f"raw:{fifo}{QUERY}&loop=1")
    with pytest.raises(SourceError, match="is a folder"):
        open_source(f"raw:{tmp_path}{QUERY}")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        open_source(f"raw:-{QUERY}")
    monkeypatch.setattr(sys, "stdin", io.StringIO("no descriptor"))
    with pytest.raises(SourceError, match="fileno"):
        open_source(f"raw:-{QUERY}")
    main, terminal = pty.openpty()
    with os.fdopen(main), os.fdopen(terminal) as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(UsageError, match="is a terminal"):
            open_source(f"raw:-{QUERY}")
