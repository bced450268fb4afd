"""Which radios are there: on the USB bus, known to SoapySDR, and served on this host."""

import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgespec.config import Config
from edgespec.errors import ConfigError
from edgespec.sources.dongles import dongles_in
from edgespec.sources.soapy.listed import SoapyRadio, soapy_radios

__all__ = ["FoundRadio", "check_sources", "found_radios", "nothing_named"]

_LOG = logging.getLogger(__name__)

_HOST, _PORT = "127.0.0.1", 1234
_WAIT_S = 0.5
#: SoapySDR's module for what ``rtlsdr:`` opens.
_DONGLE_DRIVER = "rtlsdr"


@dataclass(frozen=True, slots=True)
class FoundRadio:
    """A radio that is there: the URI that opens it, and what it is."""

    uri: str
    words: str


def found_radios(
    sys_dir: Path = Path("/sys"),
    address: tuple[str, int] = (_HOST, _PORT),
    ask_soapy: Callable[[], Sequence[SoapyRadio]] = soapy_radios,
) -> list[FoundRadio]:
    """Return what can be listened to, without opening any of it.

    Args:
        sys_dir: the kernel's tree of devices.
        address: where an rtl_tcp of this host would answer.
        ask_soapy: returns what SoapySDR finds.
    """
    found = []
    if _serves_rtl(address):
        uri = f"rtl_tcp:{address[0]}:{address[1]}"
        found.append(FoundRadio(uri, "a dongle that rtl_tcp serves on this host"))
    dongles = dongles_in(sys_dir)
    serials = Counter(dongle.serial for dongle in dongles)
    for dongle in dongles:
        is_sure = dongle.serial and serials[dongle.serial] == 1
        words = f"RTL-SDR at USB port {dongle.port}"
        if not is_sure and len(dongles) > 1:
            words += ", with a serial that does not tell it from another: see 'edgespec doctor'"
        found.append(FoundRadio(f"rtlsdr:{dongle.serial}", words))
    return found + [
        FoundRadio(f"soapy:{radio.device}", f"{radio.label}, by SoapySDR")
        for radio in ask_soapy()
        if not (dongles and radio.driver == _DONGLE_DRIVER)
    ]


def nothing_named(radios: list[FoundRadio]) -> str:
    """Return what to do where no source is named, with what is there."""
    if not radios:
        return (
            "no source is named, and no radio is found here: plug in an RTL-SDR and run 'edgespec "
            "setup', play a recording with --source sigmf:FILE, or see 'edgespec demo'"
        )
    listed = "; ".join(f"{radio.uri} ({radio.words})" for radio in radios)
    gain = "&gain=30" if radios[0].uri.startswith("soapy:") else ""
    return (
        f"no source is named; found: {listed}. Run 'edgespec setup', or give --source "
        f"'{radios[0].uri}?center_freq=806M{gain}' with a frequency of yours"
    )


def check_sources(config: Config, *, refuse_simulation: bool) -> None:
    """Say loudly what is no radio.

    Raises:
        ConfigError: no source is named, with those that are there; or one is a simulation, and that
            is refused.
    """
    if any(source.uri is None for source in config.source):
        raise ConfigError(nothing_named(found_radios()))
    for source in config.source:
        if not source.address.startswith("sim:"):
            continue
        if refuse_simulation:
            raise ConfigError(
                f"source {source.id!r} is the simulation {source.address!r:.80}: name a radio; "
                "`edgespec setup` finds those that are there"
            )
        _LOG.warning("%.80s is a SIMULATION: no radio is heard", source.address)


def _serves_rtl(address: tuple[str, int]) -> bool:
    """Whether an rtl_tcp answers; one that has a client says nothing to a second."""
    try:
        with socket.create_connection(address, _WAIT_S) as connection:
            connection.settimeout(_WAIT_S)
            return connection.recv(4) == b"RTL0"
    except OSError:
        return False
