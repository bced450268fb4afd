"""The process that reads one radio: ``python -m edgespec.sources.soapy.server DESCRIPTOR JOB``.

It opens the radio, says so, and sends what comes until the other side hangs up. Modules say what
they like on stdout and stderr; samples have a socket of their own.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from threading import Thread

from edgespec.sources.request import Tuning
from edgespec.sources.soapy.device import OVERFLOWS, TIMEOUT, SettingError, SoapyDevice
from edgespec.sources.soapy.library import Library, SoapyError
from edgespec.sources.soapy.protocol import (
    FRAME_SAMPLES,
    TUNING_BYTES,
    Answer,
    FrameHeader,
    Job,
    decode_tuning,
)
from edgespec.sources.soapy.stamps import Stamps

__all__ = ["serve", "stream"]

_READ_S = 0.1
#: How long a radio may take to let go when nobody listens any more.
_END_S = 2.0


def serve(connection: socket.socket, job: Job) -> None:
    """Open the radio, answer, and stream until the other side hangs up or the radio breaks."""
    try:
        device = SoapyDevice(Library(), job.settings, job.wanted)
    except SoapyError as error:
        connection.sendall(
            Answer(error=str(error)[:400], is_for_good=isinstance(error, SettingError)).encode()
        )
        return
    try:
        connection.sendall(Answer(device.sample_format).encode())
        tunings: deque[Tuning] = deque()
        Thread(target=_listen, args=(connection, tunings), daemon=True).start()
        why = stream(device, job.settings.sample_rate_hz, connection.sendall, tunings=tunings)
        sys.stderr.write(f"{why}\n")
    except OSError:
        # It has hung up.
        pass
    finally:
        device.close()


def stream(
    device: SoapyDevice,
    rate_hz: float,
    send: Callable[[bytes | memoryview], object],
    clock: Callable[[], float] = time.monotonic,
    tunings: deque[Tuning] | None = None,
) -> str:
    """Send frames until the radio breaks; return why it did.

    Args:
        device: the radio.
        rate_hz: its rate.
        send: takes a header, then the samples.
        clock: seconds, of a clock that never steps.
        tunings: what it is to be tuned to from its next read on, the first first.
    """
    samples = device.sample_format.empty(FRAME_SAMPLES)
    stamps = Stamps(rate_hz)
    # Of the frame that is being filled.
    n, n_lost, is_known = 0, 0, True

    def flush() -> None:
        if n:
            send(FrameHeader(n_lost, is_known, n).encode())
            send(samples[:n].reshape(-1).view("u1").data)

    while True:
        while tunings:
            try:
                device.tune(tunings.popleft())
            except SoapyError as error:
                flush()
                return f"it cannot be tuned: {error}"
        n_new, stamp_ns = device.read(samples[n:], _READ_S)
        if n_new > 0:
            n_missing, is_all = stamps.lost(stamp_ns, n_new, clock())
            if n_missing:
                # What was read since stands behind the gap, in a frame of its own.
                flush()
                samples[:n_new] = samples[n : n + n_new]
                n, n_lost, is_known = 0, n_missing, is_all
            n += n_new
            if n < FRAME_SAMPLES:
                continue
        elif n_new in OVERFLOWS:
            stamps.overflow()
        elif n_new not in (0, TIMEOUT):
            flush()
            return f"the stream broke: readStream returns {n_new}"
        flush()
        n, n_lost, is_known = 0, 0, True


def _listen(connection: socket.socket, tunings: deque[Tuning]) -> None:
    """Take what the other side says until it hangs up."""
    # Whatever else it sends, it goes on until it hangs up.
    with contextlib.suppress(OSError):
        while len(said := connection.recv(TUNING_BYTES, socket.MSG_WAITALL)) == TUNING_BYTES:
            tunings.append(decode_tuning(said))


def _end_with(connection: socket.socket) -> None:
    """End this process some time after the other side hung up, if the radio does not let go."""
    poller = select.poll()
    poller.register(connection, select.POLLHUP)
    poller.poll()
    time.sleep(_END_S)
    os._exit(1)


def _main(descriptor: str, job: str) -> None:
    # Between two calls of the library; the radio is let go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=int(descriptor))
    Thread(target=_end_with, args=(connection,), daemon=True).start()
    serve(connection, Job.decode(job))


if __name__ == "__main__":
    _main(*sys.argv[1:])
