"""The rtl_tcp client against a local server."""

import socket
import threading
import time

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat
from edgespec.sources import open_source
from edgespec.sources.reader import Reader
from edgespec.sources.reconnecting import Patience
from edgespec.sources.rtl_tcp import RtlTcp, address_of
from edgespec.sources.source import Source
from edgespec.sources.tuner import TunerSettings
from edgespec.sources.uri import SourceUri, parse_uri
from tests.made.broker import PATIENCE_S, wait_for
from tests.made.rtl_tcp_server import RtlTcpServer

RATE_HZ = 1.92e6


@pytest.fixture
def octets(rng):
    return rng.integers(0, 256, 200_000, dtype=np.uint8).tobytes()


def connect(server: RtlTcpServer, query: str = "", **settings: float) -> Source:
    settings = {"center_freq_hz": 806e6, "sample_rate_hz": RATE_HZ, **settings}
    return open_source(f"rtl_tcp:127.0.0.1:{server.port}{query}", **settings)


def read_all(source: Source, n_samples: int) -> np.ndarray:
    out = np.empty((n_samples, 2), np.uint8)
    done = 0
    while done < n_samples:
        block = source.read(out[done:])
        assert block is not None
        done += block.n_samples
    return out


def test_every_sample_arrives_in_order(octets):
    with RtlTcpServer(octets) as server:
        source = connect(server)
        got = read_all(source, 100_000)
        source.close()
    np.testing.assert_array_equal(got.ravel(), np.frombuffer(octets, np.uint8))
    assert source.info.is_live
    assert source.info.sample_format is SampleFormat.CU8
    assert (source.info.sample_rate_hz, source.info.center_freq_hz) == (RATE_HZ, 806e6)


def test_tuner_is_set_to_what_was_asked(octets):
    with RtlTcpServer(octets) as server:
        source = connect(server, "?ppm=-3&gain=40.2")
        commands = server.wait_for_commands(6)
        source.close()
    assert commands == {2: 1_920_000, 1: 806_000_000, 5: 2**32 - 3, 8: 0, 3: 1, 4: 402}


def test_tuner_is_set_to_what_the_configuration_says(octets):
    with RtlTcpServer(octets) as server:
        source = open_source(
            f"rtl_tcp:127.0.0.1:{server.port}",
            center_freq_hz=806e6,
            sample_rate_hz=RATE_HZ,
            gain_db=20.0,
            ppm=12.0,
        )
        commands = server.wait_for_commands(6)
        source.close()
    assert commands == {2: 1_920_000, 1: 806_000_000, 5: 12, 8: 0, 3: 1, 4: 200}


def test_gap_after_a_hang_up_is_marked_and_counted(octets):
    # The first connection ends after 5000 samples and a half: the odd byte is no sample.
    with RtlTcpServer(octets, n_bytes=(10_001, None)) as server:
        source = connect(server)
        out = np.empty((8000, 2), np.uint8)
        before = source.read(out)
        assert before is not None
        assert (before.n_samples, before.n_dropped, before.sample_start) == (5000, 0, 0)
        after = source.read(out)
        assert after is not None
        source.close()
    assert source.n_reconnects == 1
    assert after.n_dropped > 0
    assert after.sample_start == 5000 + after.n_dropped
    np.testing.assert_array_equal(
        after.samples.ravel(), np.frombuffer(octets[: 2 * after.n_samples], np.uint8)
    )


def test_dropped_samples_follow_the_clock(octets):
    with RtlTcpServer(octets, n_bytes=(10_000, None), stall=True) as server:
        source = connect(server, "?stall_s=1")
        out = np.empty((8000, 2), np.uint8)
        assert source.read(out).n_samples == 5000
        block = source.read(out)
        source.close()
    # At least the second of silence and the first pause of 0.2 s, less the 8000 samples since.
    assert block.n_dropped >= 1.15 * RATE_HZ
    assert source.n_reconnects == 1


def test_close_from_another_thread_ends_a_read(octets):
    with RtlTcpServer(octets, n_bytes=(0,), stall=True) as server:
        source = connect(server)
        blocks = []
        thread = threading.Thread(target=lambda: blocks.append(source.read(np.empty((9, 2), "u1"))))
        thread.start()
        time.sleep(0.05)
        source.close()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert blocks == [None]
    source.close()


def test_close_ends_a_read_that_waits_for_the_server():
    server = RtlTcpServer(b"\x80\x80" * 100, n_bytes=(0,))
    with server:
        source = connect(server)
    reader = Reader(source, block_samples=10, n_blocks=2)
    with reader:
        assert reader.rings[0].next_block(0.3) is None
        assert not reader.rings[0].finished
    assert not reader._thread.is_alive()


def test_refused_connection_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceError, match=r"no rtl_tcp answers at .* start 'rtl_tcp"):
        open_source(f"rtl_tcp:127.0.0.1:{port}", center_freq_hz=1e8, sample_rate_hz=RATE_HZ)


def test_other_servers_are_refused(octets):
    with (
        RtlTcpServer(octets, greeting=b"HTTP/1.1 400 Bad") as server,
        pytest.raises(SourceError, match="is not rtl_tcp"),
    ):
        connect(server)


def test_silent_server_is_given_up(octets):
    with (
        RtlTcpServer(octets, greeting=b"RTL0", n_bytes=(0,), stall=True) as server,
        pytest.raises(SourceError, match="said nothing"),
    ):
        connect(server, "?timeout_s=0.2")


def test_server_that_hangs_up_in_the_greeting(octets):
    with (
        RtlTcpServer(octets, greeting=b"RTL", n_bytes=(0,)) as server,
        pytest.raises(SourceError, match="hung up during the greeting"),
    ):
        connect(server)


@pytest.mark.parametrize("rate_hz", [500e3, 5e6, 1.0])
def test_rates_of_no_dongle(octets, rate_hz):
    with RtlTcpServer(octets) as server, pytest.raises(SourceError, match="cannot sample"):
        connect(server, sample_rate_hz=rate_hz)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("rtl_tcp:localhost:1234", "add center_freq=806e6"),
        ("rtl_tcp:localhost:seven?center_freq=1e8&sample_rate=2.4e6", "address"),
        ("rtl_tcp:?center_freq=1e8&sample_rate=2.4e6", "address"),
    ],
)
def test_incomplete_uris(uri, message):
    with pytest.raises(UsageError, match=message):
        open_source(uri)


def test_a_dongle_without_a_rate_runs_at_one_that_every_dongle_can(octets):
    with RtlTcpServer(octets) as server:
        source = open_source(f"rtl_tcp:127.0.0.1:{server.port}?center_freq=1e8")
        try:
            assert source.info.sample_rate_hz == 1.92e6
        finally:
            source.close()


# --- O5: a radio that is not there yet


def test_o5_a_server_that_is_not_there_is_awaited(octets, caplog):
    with RtlTcpServer(octets) as server:
        port = server.port
    source = open_source(
        f"rtl_tcp:127.0.0.1:{port}", center_freq_hz=1e8, sample_rate_hz=RATE_HZ, is_awaited=True
    )
    assert "no rtl_tcp answers" in caplog.text
    assert "tried again" in caplog.text
    blocks = []
    out = np.empty((1000, 2), np.uint8)
    thread = threading.Thread(target=lambda: blocks.append(source.read(out)))
    thread.start()
    with RtlTcpServer(octets, port=port):
        thread.join(PATIENCE_S)
        source.close()
    # Before it was there it lost nothing.
    assert (blocks[0].n_samples, blocks[0].n_dropped, blocks[0].sample_start) == (1000, 0, 0)


@pytest.mark.parametrize("query", ["?sample_rate=5M", "?stall_s=0", "?timeout_s=-1", "?gain=1e9"])
def test_o5_what_can_never_work_is_not_awaited(query):
    uri = f"rtl_tcp:127.0.0.1:1{query}"
    settings = {} if "rate" in query else {"sample_rate_hz": RATE_HZ}
    with pytest.raises((SourceError, UsageError)):
        open_source(uri, center_freq_hz=1e8, is_awaited=True, **settings)


# --- O6: a server that is too slow, or too fast


@pytest.mark.parametrize("octets_per_s", [RATE_HZ, 2.0])
def test_o6_a_server_that_is_too_slow_is_called_again(octets, caplog, octets_per_s):
    # The clock of the client runs so fast that no server of this test can keep up.
    caplog.set_level("INFO")
    is_trickle = octets_per_s < 9
    with RtlTcpServer(
        octets, rate_hz=octets_per_s / 2, piece_bytes=2 if is_trickle else 8192
    ) as server:
        source = RtlTcp(
            "rtl_tcp:x",
            ("127.0.0.1", server.port),
            TunerSettings(1e8, RATE_HZ),
            Patience(stall_s=50.0 if is_trickle else 0.5),
            clock=lambda: 20.0 * time.monotonic(),
        )
        thread = threading.Thread(target=lambda: _read_to_end(source))
        thread.start()
        try:
            wait_for(lambda: source.n_reconnects >= 2, "it is called again")
        finally:
            source.close()
            thread.join(PATIENCE_S)
    assert caplog.text.count("sends fewer samples") == 1


class _Timed(RtlTcp):
    """A client whose clock is what it receives: ``share`` of the rate, ``then`` another."""

    def __init__(self, port: int, share: float, then: float = 1.0) -> None:
        self.now_s = 0.0
        self.shares = share, then
        settings = TunerSettings(1e8, RATE_HZ)
        super().__init__(
            "rtl_tcp:x", ("127.0.0.1", port), settings, Patience(), clock=lambda: self.now_s
        )

    def _judge_rate(self, n_bytes: int) -> None:
        super()._judge_rate(n_bytes)
        self.now_s += n_bytes / 2 / RATE_HZ / self.shares[self.n_reconnects > 0]


@pytest.mark.parametrize("share", [0.1, 0.5, 2.0, 116.0])
def test_o6_nothing_is_handed_out_before_the_rate_is_right_again(octets, caplog, share):
    caplog.set_level("INFO")
    with RtlTcpServer(octets) as server:
        source = _Timed(server.port, share)
        out = np.empty((1000, 2), np.uint8)
        n_believed = n_known = 0
        while not source.n_reconnects:
            n_believed = n_known
            block = source.read(out)
            assert block is not None
            n_known += block.n_samples + block.n_dropped
        source.close()
    assert f"sends {'more' if share > 1 else 'fewer'} samples" in caplog.text
    assert "sends all its samples again, and no more" in caplog.text
    # A window ahead is what may have been under way.
    assert n_believed <= (1.0 + 0.05) * RATE_HZ + source.now_s * RATE_HZ
    # A good window takes a second, and all of it counts as lost.
    assert block.n_dropped >= 1.0 * RATE_HZ
    if share < 1:
        # The window in which it hung up was not over.
        assert source.now_s * RATE_HZ - RATE_HZ <= n_known <= source.now_s * RATE_HZ + 1000


def test_o6_a_server_that_floods_for_ever_is_called_ever_less_often(octets):
    with RtlTcpServer(octets) as server:
        source = _Timed(server.port, 116.0, then=116.0)
        thread = threading.Thread(target=lambda: _read_to_end(source))
        thread.start()
        wait_for(lambda: source.n_reconnects >= 2, "it is called again")
        source.close()
        thread.join(PATIENCE_S)
    assert source._wait_s >= 0.2 * 2**source.n_reconnects


def _read_to_end(source: RtlTcp) -> None:
    out = np.empty((1000, 2), np.uint8)
    while source.read(out) is not None:
        pass


# --- O11: addresses whose meaning is plain


@pytest.mark.parametrize(
    ("rest", "address"),
    [
        ("127.0.0.1:1235", ("127.0.0.1", 1235)),
        ("//127.0.0.1:1235", ("127.0.0.1", 1235)),
        ("//127.0.0.1:1235/", ("127.0.0.1", 1235)),
        ("radio.local", ("radio.local", 1234)),
        ("//radio.local", ("radio.local", 1234)),
        ("[::1]", ("::1", 1234)),
        ("[fe80::1%eth0]:99", ("fe80::1%eth0", 99)),
        ("//[::1]:1235", ("::1", 1235)),
    ],
)
def test_o11_addresses(rest, address):
    assert address_of(SourceUri(f"rtl_tcp:{rest}", "rtl_tcp", rest)) == address


def test_o11_a_scheme_in_capitals_is_one():
    assert parse_uri("RTL_TCP:h?ppm=1", {"rtl_tcp": ["ppm"]}).scheme == "rtl_tcp"


@pytest.mark.parametrize("rest", ["::1:1234", "h:0", "h:65536", "//", "h:1/x", "u@h", "[::1", "h:"])
def test_o11_addresses_that_could_mean_anything(rest):
    with pytest.raises(UsageError, match=r"write rtl_tcp:HOST:PORT.*\[::1\]"):
        address_of(SourceUri(f"rtl_tcp:{rest}", "rtl_tcp", rest))


@pytest.mark.parametrize("gain", ["auto", "AUTO", "agc"])
def test_o11_an_automatic_gain_is_taken_with_a_warning(octets, caplog, gain):
    with RtlTcpServer(octets) as server:
        source = connect(server, f"?gain={gain}", gain_db=20.0)
        commands = server.wait_for_commands(5)
        source.close()
    assert commands == {2: 1_920_000, 1: 806_000_000, 5: 0, 8: 0, 3: 0}
    assert "may look like interference; gain=29.7 in the address keeps it" in caplog.text


def test_a_gain_that_is_none_is_refused():
    with pytest.raises(UsageError, match="gain"):
        open_source("rtl_tcp:h?center_freq=1e8&sample_rate=2.4e6&gain=loud")
