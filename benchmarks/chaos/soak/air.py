"""What is on the air, for ever and in real time, and an rtl_tcp that hands it on, or does not."""

import contextlib
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

from edgespec.records import SampleFormat
from edgespec.sources import open_source

__all__ = ["RATE_HZ", "Air", "Outage", "Radio", "Visit"]

RATE_HZ = 2_400_000
_GREETING = b"RTL0" + struct.pack(">II", 5, 29)
_SAMPLE_BYTES = 2
_PIECE_S = 0.02
#: What waits for a client that is slow; then samples are lost.
_QUEUE_S = 0.5
#: A whole number of radio frames: the cell goes on where the loop begins again.
_LOOP_S, _VISIT_S = 10.0, (6.0, 7.5)


@dataclass(frozen=True, slots=True)
class Visit:
    """An interferer on the air, from one sample to another of all that is ever on the air."""

    start: int
    stop: int


class Air:
    """A simulated cell in a loop of 10 s, with an interferer beside it for 1.5 s of them.

    Args:
        seed: of the signal.
    """

    def __init__(self, seed: int) -> None:
        start_s, stop_s = _VISIT_S
        source = open_source(
            f"sim:lte-dl?seed={seed}&pci={seed}&sample_rate={RATE_HZ}&duration_s={_LOOP_S:g}&bits=8"
            "&center_freq=806M&snr_db=20&load=0.6&kind=wideband&isr_db=0&bandwidth_hz=300k"
            f"&offset_hz=400k&start_s={start_s:g}&stop_s={stop_s:g}"
        )
        parts = []
        while (block := source.read(SampleFormat.CU8.empty(65_536))) is not None:
            parts.append(block.samples.tobytes())
        source.close()
        self._loop = b"".join(parts)

    def octets(self, start: int, stop: int) -> bytes:
        """Return bytes of the air, by their numbers; none where there are none yet."""
        first, n_bytes = start % len(self._loop), max(stop - start, 0)
        part = self._loop[first : first + n_bytes]
        return part + self._loop[: n_bytes - len(part)]

    def visits(self, n_samples: int) -> list[Visit]:
        """Return the visits that were over before so many samples."""
        start_s, stop_s = _VISIT_S
        n_loops = int(n_samples / RATE_HZ / _LOOP_S) + 1
        begins_s = [number * _LOOP_S for number in range(n_loops)]
        found = [
            Visit(round((s + start_s) * RATE_HZ), round((s + stop_s) * RATE_HZ)) for s in begins_s
        ]
        return [one for one in found if one.stop <= n_samples]


@dataclass(frozen=True, slots=True)
class Outage:
    """Samples of the air that the radio did not send, from one number to another."""

    start: int
    stop: int


class Radio:
    """An rtl_tcp that sends what is on the air now, to one client.

    The air begins with the client that is there when it is counted: an observer that had to compile
    first has opened it twice. What a client is too slow for is lost, as in a dongle.

    Attributes:
        begun_s: when the first sample was on the air, by a clock that never steps.
        is_silent: it holds the connection and sends nothing.
        is_away: it hangs up and lets nobody in.
        is_counted: what is on the air counts from the last client on.
        outages: what was not sent.
    """

    def __init__(self, air: Air) -> None:
        self.begun_s: float | None = None
        self.is_silent = self.is_away = self.is_counted = False
        self.outages: list[Outage] = []
        self._air = air
        # In bytes.
        self._sent = 0
        self._n_to_drop = 0
        self._is_over = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def now(self) -> int:
        """Number of the sample that is on the air now; 0 before the first client."""
        if self.begun_s is None:
            return 0
        return int((time.monotonic() - self.begun_s) * RATE_HZ)

    def drop(self, seconds: float) -> None:
        """Leave out some of the samples that come next, as a dongle does: nobody is told."""
        self._n_to_drop = round(seconds * RATE_HZ)

    def close(self) -> None:
        """End it."""
        self._is_over = True
        self._thread.join(10.0)
        self._listener.close()

    def _serve(self) -> None:
        while not self._is_over:
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                with client:
                    if self.is_away:
                        continue
                    client.sendall(_GREETING)
                    self._stream(client)

    def _stream(self, client: socket.socket) -> None:
        if not self.is_counted:
            self.begun_s, self._sent = time.monotonic(), 0
            self.outages.clear()
        client.setblocking(False)
        while not self._is_over and not self.is_away:
            time.sleep(_PIECE_S)
            if select.select([client], [], [], 0)[0] and not client.recv(4096):
                raise ConnectionResetError
            if self.is_silent:
                continue
            now, n_dropped = self.now, self._n_to_drop
            if n_dropped:
                self._n_to_drop = 0
                self._skip(n_dropped)
            elif now - self._sent // _SAMPLE_BYTES > _QUEUE_S * RATE_HZ:
                self._skip(now - self._sent // _SAMPLE_BYTES)
            with contextlib.suppress(BlockingIOError):
                self._sent += client.send(self._air.octets(self._sent, _SAMPLE_BYTES * now))

    def _skip(self, n_samples: int) -> None:
        """Leave samples out; half of one may have been sent before them, and is ended."""
        first = self._sent // _SAMPLE_BYTES
        self._sent += _SAMPLE_BYTES * n_samples
        self.outages.append(Outage(first, first + n_samples))
