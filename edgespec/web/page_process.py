"""The process that serves a page: begun, told what is new, and begun again where it dies.

Whoever tells it never waits: what the process is too slow for is lost to it, and counted.
"""

import contextlib
import errno
import importlib.util
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from threading import Event as Flag
from threading import Lock, Thread

from edgespec.config import WebConfig
from edgespec.errors import ConfigError
from edgespec.newfile import write_all
from edgespec.web.feed_memory import FeedMemory
from edgespec.web.task import Task
from edgespec.web.token import read_token

__all__ = ["PageProcess", "listen_for_page", "page_url"]

_LOG = logging.getLogger(__name__)
#: Below the bands, above what draws pictures.
_NICENESS = 10
_BACKLOG = 64
_END_S = 3.0
#: It is begun again after a second, two, four ..., but not when it has died so often in a while.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_MOST_DEATHS, _WHILE_S = 6, 1800.0


def listen_for_page(config: WebConfig) -> tuple[socket.socket, str] | None:
    """Return a socket at the address of the page and its token, '' for none; None: no page.

    Raises:
        ConfigError: what serves it is not installed, nothing can listen there, or the token cannot
            be read.
    """
    address = config.address
    if address is None:
        return None
    if importlib.util.find_spec("aiohttp") is None:
        raise ConfigError(
            f"web.listen is {config.listen!r}, which needs aiohttp: pip install 'edgespec[web]', "
            "or leave it out"
        )
    token = "" if config.token_file is None else read_token(config.token_file)
    host, port = address
    try:
        listening = _listen(host, port)
    except OSError as error:
        raise ConfigError(
            f"web.listen: nothing can listen at {config.listen} ({error}); choose another port, or "
            "leave it out"
        ) from None
    return listening, token


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket at the first address of a host where one can listen.

    A name may have an address of a family that this machine does not speak.

    Raises:
        OSError: there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for number, (family, *_, where) in enumerate(found, 1):
        try:
            return socket.create_server(where[:2], family=family, backlog=_BACKLOG)
        except OSError as error:
            if number == len(found) or error.errno == errno.EADDRINUSE:
                raise
    raise OSError(f"{host} has no address")


def page_url(host: str, listening: socket.socket) -> str:
    """Return where a browser finds what listens, with the port that it was given."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"


class PageProcess:
    """Serves a page by a process of its own, which ends with this one.

    Args:
        listening: where browsers call; it stays open while the process is begun again.
        task: what it is told first.
        memory: that it shares; None: it needs none.
        pause_s: before it is begun again for the first time.

    Attributes:
        n_lost: messages that it was too slow for, or was not there for.
    """

    def __init__(
        self,
        listening: socket.socket,
        task: Task,
        memory: FeedMemory | None = None,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._listening, self._task, self._memory = listening, task, memory
        self._pause_s = pause_s
        self._lock, self._stopping = Lock(), Flag()
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last: dict[str, bytes] = {}
        self.n_lost = 0
        self._begin()
        self._keeper = Thread(target=self._keep, name="edgespec-web", daemon=True)
        self._keeper.start()

    @property
    def pid(self) -> int | None:
        """The process, None where there is none now."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def say(self, message: bytes, keep: str = "") -> None:
        """Tell the process something, at once or never.

        The last message of each name to ``keep`` is told again to a process that is begun again.
        """
        with self._lock:
            if keep:
                self._last[keep] = message
            self._send(message)

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._stopping.set()
        with self._lock:
            # At its end the process ends, and says so to those who look.
            self._let_go()
        process = self._process
        if process is not None:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._keeper.join(_END_S)
        self._listening.close()

    def _send(self, message: bytes) -> None:
        try:
            if self._channel is None:
                raise BrokenPipeError
            self._channel.send(message)
        except OSError:
            # It is stopped or slow, and its channel full, or it has died: nobody waits for it.
            self.n_lost += 1

    def _begin(self) -> None:
        """Begin a process and tell it what is known.

        That may be more than a channel holds, and waits in memory until the process reads it.

        Raises:
            OSError: there is no such process.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        memory = [] if self._memory is None else [self._memory.descriptor]
        shared = [theirs.fileno(), self._listening.fileno(), *memory]
        with self._lock:
            self._let_go()
            self._channel = ours
            told = [self._task.as_bytes(), *self._last.values()]
        known = os.memfd_create("edgespec-task", os.MFD_CLOEXEC)
        try:
            write_all(known, b"\n".join(told))
            os.lseek(known, 0, os.SEEK_SET)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edgespec.web", *map(str, shared)],
                stdin=known,
                stdout=subprocess.DEVNULL,
                pass_fds=shared,
                # Ctrl-C is the observer's to answer.
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(known)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)

    def _let_go(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _keep(self) -> None:
        """Begin it again where it dies, less and less often, and not for ever."""
        deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        pause_s = self._pause_s
        while self._process is not None:
            status = self._process.wait()
            if self._stopping.is_set():
                return
            now_s = time.monotonic()
            deaths.append(now_s)
            if len(deaths) == _MOST_DEATHS and now_s - deaths[0] < _WHILE_S:
                _LOG.error(
                    "the page has ended %d times, the last time with %d: it is not begun again; "
                    "the observer goes on",
                    *(_MOST_DEATHS, status),
                )
                # A browser is refused, rather than left waiting.
                self._listening.close()
                return
            _LOG.warning("the page has ended with %d; it is begun again in %.3g s", status, pause_s)
            if self._stopping.wait(pause_s):
                return
            pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)
            try:
                self._begin()
            except OSError as error:
                _LOG.error("the page cannot be begun again: %s", error)
                self._listening.close()
                return
