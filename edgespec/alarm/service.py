"""What systemd is told of the observer: that it is ready, alive, how it is, and that it ends.

The protocol is sd_notify(3): datagrams of lines ``NAME=value`` to the socket that the environment
names. It is written out here because the one light library for it has had no release since 2017.
A container has no systemd: there the same signs renew a file, whose age a health check asks for.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from edgespec.alarm.status_line import StatusLine
from edgespec.records import Event, ObserverState, RssReport

__all__ = ["Service"]

_LOG = logging.getLogger(__name__)
#: So many signs of life within the time after which systemd misses them.
_SIGNS = 4
#: A source that gave nothing for so long is worth a word.
_SILENT_S = 3.0
#: So often a file is renewed.
_RENEWED_S = 5.0
#: Names the file.
_LIFE_SIGN = "EDGESPEC_LIFE_SIGN"


class Service:
    """A sink that tells systemd; where nobody wants to be told, it does nothing.

    Ready is said with the first sign of progress, and signs of life are nothing but that: an
    observer that hears nothing, or stands still, says none. It never waits.

    Args:
        address: of the socket, a path or ``@`` and an abstract name; '' for nobody.
        watchdog_s: after which time without a sign of life the observer is ended; None for never.
        clock: seconds, of a clock that never steps.
        life_sign: a file that is renewed while the observer gets on, and goes with it; or None.
    """

    def __init__(
        self,
        address: str,
        watchdog_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        life_sign: Path | None = None,
    ) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_s = watchdog_s
        self._clock = clock
        self._life_sign = life_sign
        self._renewed_s: float | None = None
        self._status = StatusLine()
        self._is_ready = self._has_failed = False
        self._moved_s = self._signed_s = clock()
        self._tell("STATUS=waiting for samples")

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Service":
        """Return the service that an environment names (also sd_watchdog_enabled(3)).

        ``EDGESPEC_LIFE_SIGN`` is the path of a file for a health check.
        """
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit_us = environment.get("WATCHDOG_USEC", "")
        has_watchdog = is_ours and limit_us.isdecimal() and int(limit_us) > 0
        life_sign = environment.get(_LIFE_SIGN)
        return cls(
            environment.get("NOTIFY_SOCKET", ""),
            int(limit_us) / 1e6 if has_watchdog else None,
            life_sign=Path(life_sign) if life_sign else None,
        )

    def progress(self) -> None:
        """Take that blocks were worked off since the last call."""
        self._moved_s = now_s = self._clock()
        if self._renewed_s is None or now_s - self._renewed_s >= _RENEWED_S:
            self._renewed_s = now_s
            self._renew()
        if not self._is_ready:
            text = "READY=1\nWATCHDOG=1"
        elif self._watchdog_s is not None and now_s - self._signed_s >= self._watchdog_s / _SIGNS:
            text = "WATCHDOG=1"
        else:
            return
        # What a full socket does not take is said again with the next progress.
        if self._tell(text):
            self._is_ready, self._signed_s = True, now_s

    def event(self, event: Event) -> None:
        """Say nothing: a state follows."""

    def state(self, state: ObserverState) -> None:
        """Say how the bands are, and for how long nothing has come."""
        text, silent_s = self._status.take(state), self._clock() - self._moved_s
        if silent_s >= _SILENT_S:
            text = f"nothing heard for {silent_s:.0f} s | {text}"
        self._tell(f"STATUS={text}")

    def rss(self, report: RssReport) -> None:
        """Say nothing: the state has the level."""

    def close(self) -> None:
        """Say that the observer ends; a second call does nothing."""
        self._tell("STOPPING=1\nSTATUS=ending")
        self._address = ""
        if self._life_sign is not None and self._renewed_s is not None:
            with suppress(OSError):
                self._life_sign.unlink()
        self._life_sign = None

    def _renew(self) -> None:
        if self._life_sign is None:
            return
        try:
            self._life_sign.touch()
        except OSError as error:
            self._fails(f"{_LIFE_SIGN}={self._life_sign}", error)

    def _tell(self, text: str) -> bool:
        """Return whether somebody was told."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(text.encode(), socket.MSG_DONTWAIT, self._address)
        except OSError as error:
            self._fails("systemd", error)
            return False
        return True

    def _fails(self, whom: str, error: OSError) -> None:
        if not self._has_failed:
            self._has_failed = True
            _LOG.warning("%s cannot be told how the observer is: %s", whom, error)
