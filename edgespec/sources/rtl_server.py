"""Osmocom's rtl_tcp as a child of this program: it holds a dongle, and it can be killed."""

import logging
import re
import shutil
import time

from edgespec.errors import SourceError
from edgespec.port import free_port
from edgespec.sources.child import Child

__all__ = ["RtlServer"]

_LOG = logging.getLogger(__name__)
_PROGRAM = "rtl_tcp"
#: How long its first lines may be on their way.
_LIST_S = 0.5
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

    Args:
        device: serial of the dongle; '' for the first.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        #: Of the dongle that is meant, once that is known; its number where the serial does not do.
        self._serial: str | None = None
        self._number: str | None = None
        self._has_warned = False
        self._child = Child()

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._child.is_running

    def start(self) -> int:
        """Start a new one and return the port that it will listen on.

        Raises:
            SourceError: rtl_tcp is not installed, or cannot be run.
        """
        program = shutil.which(_PROGRAM)
        if program is None:
            raise SourceError(
                "rtl_tcp is not installed, which reads dongles for edgespec: sudo apt install "
                "rtl-sdr"
            )
        port = free_port()
        command = [program, "-a", "127.0.0.1", "-p", str(port)]
        device = self._number or self._device
        self._child.start([*command, "-d", device] if device else command)
        return port

    def stop(self) -> None:
        """End it, whatever state it is in; a second call does nothing."""
        self._child.stop()

    def is_another(self) -> bool:
        """Return whether it opened another dongle than the one that is meant.

        Then the next start asks for that one. To rtl_tcp a serial of digits is the number of a
        device, where there are so many, and a part of a serial will do; numbers change when
        something is pulled out. So what is opened first stays the one that is meant. Without a
        serial any will do, which is said.
        """
        until_s = time.monotonic() + _LIST_S
        while not any(map(_USED.match, self._child.lines)) and time.monotonic() < until_s:
            time.sleep(_LIST_S / 20)
        lines = self._child.lines
        serials = {found[1]: found[2] for found in map(_LISTED.match, lines) if found}
        used = [found[1] for found in map(_USED.match, lines) if found]
        opened = serials.get(used[-1]) if used else None
        if opened is None:
            return False
        if self._serial is None:
            self._serial = self._device if self._device in serials.values() else opened
        own = [number for number, serial in serials.items() if serial == self._serial]
        if len(own) > 1 and not self._has_warned:
            self._has_warned = True
            _LOG.warning(
                "%d dongles have the serial %.60r: nobody knows which of them is heard, and which "
                "after it was away; give each its own: rtl_eeprom -s NEW_SERIAL",
                *(len(own), opened),
            )
        if opened == self._serial:
            return False
        if not self._device:
            _LOG.warning(
                "the dongle %.60r is heard in place of %.60r: write rtlsdr:SERIAL to wait for one",
                *(opened, self._serial),
            )
            self._serial = opened
            return False
        self._number = own[0] if own else None
        return True

    def why_not(self) -> str:
        """Return why it does not serve, as far as it said so."""
        said = self._child.last_words()
        for words, advice in _ADVICE:
            if any(words in line for line in self._child.lines):
                return f"{advice} ({said[:200]})"
        return f"rtl_tcp says: {said[:300]}" if said else "rtl_tcp says nothing"
