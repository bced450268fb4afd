"""Osmocom's rtl_tcp as a child of this program: it holds a dongle, and it can be killed."""

import re
import shutil
import socket
import subprocess
import time
from collections import deque
from threading import Thread

from edgespec.errors import SourceError

__all__ = ["RtlServer"]

_PROGRAM = "rtl_tcp"
#: How long it may take to end before it is killed: a dongle that hangs does not let it go.
_END_S = 2.0
#: How long its first lines may be on their way.
_LIST_S = 0.5
_N_LINES = 40
_LISTED = re.compile(r"\s*(\d+):.*\bSN:\s*(\S*)\s*$")
_USED = re.compile(r"Using device (\d+):")
#: What it says, and what helps.
_ADVICE = (
    ("No supported devices", "no RTL-SDR is on the USB bus: plug it in"),
    (
        "usb_claim_interface error",
        "another program or the kernel's television driver holds the dongle: end it, or see "
        "'edgespec doctor'",
    ),
    (
        "usb_open error -3",
        "this user may not open the dongle: install the udev rules of firmware_configs, or "
        "rtl-sdr's",
    ),
    ("No matching devices", "no dongle has that serial: 'edgespec doctor' lists those there are"),
)


class RtlServer:
    """A server for one dongle on a free port of this host.

    Every start is a new process, which opens the dongle anew: nothing of one that broke is used
    again.

    Args:
        device: serial of the dongle; '' for the first.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        # rtl_tcp takes a serial that looks like a number for one; then the number is known.
        self._number: str | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._lines: deque[str] = deque(maxlen=_N_LINES)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> int:
        """Start a new one and return the port that it will listen on.

        Raises:
            SourceError: rtl_tcp is not installed, or cannot be run.
        """
        self.stop()
        program = shutil.which(_PROGRAM)
        if program is None:
            raise SourceError(
                "rtl_tcp is not installed, which reads dongles for edgespec: sudo apt install "
                "rtl-sdr"
            )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        # Whatever becomes of this program, the dongle is free again.
        setpriv = shutil.which("setpriv")
        command = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        command += [program, "-a", "127.0.0.1", "-p", str(port)]
        device = self._number or self._device
        command += ["-d", device] if device else []
        self._lines.clear()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise SourceError(f"{program} cannot be run: {error.strerror}") from error
        self._reader = Thread(target=self._listen, args=(self._process,), daemon=True)
        self._reader.start()
        return port

    def stop(self) -> None:
        """End it, whatever state it is in; a second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(_END_S)

    def is_another(self) -> bool:
        """Return whether it opened another dongle than the one asked for: then the next is right.

        A serial of digits is a number of a device to rtl_tcp, where there are so many.
        """
        if not self._device or self._number is not None:
            return False
        until_s = time.monotonic() + _LIST_S
        while not any(map(_USED.match, list(self._lines))) and time.monotonic() < until_s:
            time.sleep(_LIST_S / 20)
        lines = list(self._lines)
        listed = [found for found in map(_LISTED.match, lines) if found]
        used = [found[1] for found in map(_USED.match, lines) if found]
        own = [found[1] for found in listed if found[2] == self._device]
        if not used or len(own) != 1 or own[0] == used[-1]:
            return False
        self._number = own[0]
        return True

    def why_not(self) -> str:
        """Return why it does not serve, as far as it said so."""
        said = "; ".join(line.strip() for line in list(self._lines)[-3:] if line.strip())
        for words, advice in _ADVICE:
            if any(words in line for line in list(self._lines)):
                return f"{advice} ({said[:200]})"
        return f"rtl_tcp says: {said[:300]}" if said else "rtl_tcp says nothing"

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is not None:
            with process.stdout as stream:
                for line in stream:
                    self._lines.append(line)
