"""RTL-SDR dongles on the USB bus, as Linux lists them."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Dongle", "dongles_in"]

_RTL_SDR_IDS = (("0bda", "2838"), ("0bda", "2832"))


@dataclass(frozen=True, slots=True)
class Dongle:
    """One dongle, its port on the bus, its serial and its device file; '' where it has none."""

    port: str
    serial: str
    node: str = ""


def dongles_in(sys_dir: Path) -> list[Dongle]:
    """Return the dongles among the devices of the USB bus.

    Args:
        sys_dir: where the kernel's tree of devices is, ``/sys``.
    """
    return [
        Dongle(device.name, _word(device / "serial"), _node(device))
        for device in sorted((sys_dir / "bus/usb/devices").glob("*"))
        if (_word(device / "idVendor"), _word(device / "idProduct")) in _RTL_SDR_IDS
    ]


def _node(device: Path) -> str:
    """Return the file that opens a device, ``/dev/bus/usb/001/004``."""
    numbers = [_word(device / name) for name in ("busnum", "devnum")]
    if not all(number.isdecimal() for number in numbers):
        return ""
    return "/".join(["/dev/bus/usb", *(f"{int(number):03}" for number in numbers)])


def _word(path: Path) -> str:
    """Return the content of a small file, empty where it is gone or was never there."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
