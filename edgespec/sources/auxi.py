"""What programs for radios write into a wav file beside its samples: centre frequency and time.

HDSDR, SDRuno and others write the ``auxi`` chunk of SpectraVue: two Windows times (start, stop) of
16 bytes, then the centre frequency in Hz as 32 bits, the rate of the converter and so on. SDR
Console writes XML into a chunk of that name. SDR# writes none, and the frequency stands in the name
of the file::

    HDSDR_20260930_125202Z_6140kHz_RF.wav       SDRuno_20260731_165031Z_88489kHz.wav
    SDRSharp_20260930_125202Z_6140000Hz_IQ.wav  SDRconnect_IQ_20260930_125202_6140000HZ.wav
    baseband_137100000Hz_12-34-56_01-02-2023.wav  31-Jul-2026 180926.754 88.500MHz.wav
"""

import re
import struct
from dataclasses import dataclass

from edgespec.sources.dates import utc_ns_of
from edgespec.sources.oddities import Oddities
from edgespec.sources.ranges import is_frequency
from edgespec.units import format_hz

__all__ = ["Reception", "read_auxi", "read_name", "reception_of"]

_NS = 1_000_000_000
_START_BYTES, _CENTER_AT = 16, 32
#: Largest frequency that 32 bits hold; recorders let it run over.
_WRAP_HZ = 1 << 32
_FREQUENCY = re.compile(r"(?<![0-9.,A-Za-z])([0-9]+(?:\.[0-9]+)?) ?([kMG]?)Hz(?![A-Za-z])", re.I)
#: A date in a name counts where it is marked as UTC.
_TIME = re.compile(
    r"(?<![0-9])([0-9]{4})-?([0-9]{2})-?([0-9]{2})[_T]([0-9]{2})[-_]?([0-9]{2})[-_]?([0-9]{2})Z"
)
_XML = re.compile(r'(RadioCenterFreq|UTCSeconds)="([0-9]{1,19})"')
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
#: Names say the bandwidth, or an audio tone, in Hz as well.
_LEAST_HZ = 1e3


@dataclass(frozen=True, slots=True)
class Reception:
    """Where a radio was tuned and when its first sample was taken, each None where unknown."""

    center_freq_hz: float | None = None
    utc_ns: int | None = None


def reception_of(auxi: bytes | None, name: str, oddities: Oddities) -> Reception:
    """Return what chunk and name of a file say together; the chunk counts where both do.

    Args:
        auxi: the chunk, None where there is none.
        name: name of the file.
        oddities: takes a contradiction.
    """
    in_chunk = read_auxi(auxi) if auxi is not None else Reception()
    in_name = read_name(name)
    center_hz, named_hz = in_chunk.center_freq_hz, in_name.center_freq_hz
    if center_hz is None:
        center_hz = named_hz
    elif named_hz is not None and named_hz >= _WRAP_HZ:
        # A megahertz: names are rounded to kHz or less.
        if abs(named_hz % _WRAP_HZ - center_hz) < 1e6:
            center_hz = named_hz // _WRAP_HZ * _WRAP_HZ + center_hz
    elif named_hz is not None and abs(named_hz - center_hz) > 1e6:
        oddities.add(
            f"its auxi chunk says {format_hz(center_hz)}, its name {format_hz(named_hz)}: the "
            "chunk is believed"
        )
    utc_ns = in_chunk.utc_ns if in_chunk.utc_ns is not None else in_name.utc_ns
    return Reception(center_hz, utc_ns)


def read_auxi(octets: bytes) -> Reception:
    """Return what a chunk of SpectraVue or of SDR Console says."""
    is_wide = octets[1:2] == b"\0"
    text = octets.decode("utf-16-le" if is_wide else "latin-1", errors="replace")
    if text.lstrip().startswith("<"):
        found = dict(_XML.findall(text))
        seconds = int(found.get("UTCSeconds", 0))
        # Nanoseconds in 64 bits end there.
        utc_ns = seconds * _NS if 0 < seconds < 9_223_372_036 else None
        center_hz = float(found.get("RadioCenterFreq", 0))
        return Reception(center_hz if center_hz and is_frequency(center_hz) else None, utc_ns)
    if len(octets) < _CENTER_AT + 4:
        return Reception()
    year, month, _, day, hour, minute, second, millisecond = struct.unpack("<8H", octets[:16])
    utc_ns = utc_ns_of(
        f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
    )
    # A chunk with neither a date nor an empty one is not of this kind.
    if utc_ns is None and any(octets[:_START_BYTES]):
        return Reception()
    (center_hz,) = struct.unpack_from("<I", octets, _CENTER_AT)
    return Reception(float(center_hz) or None, utc_ns)


def read_name(name: str) -> Reception:
    """Return what the name of a file says; a frequency counts where it says only one."""
    name = name[:400]
    found = {float(value) * _SCALES[unit.lower()] for value, unit in _FREQUENCY.findall(name)}
    found = {value for value in found if value >= _LEAST_HZ and is_frequency(value)}
    date = _TIME.search(name)
    utc_ns = None
    if date is not None:
        year, month, day, hour, minute, second = date.groups()
        utc_ns = utc_ns_of(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")
    return Reception(found.pop() if len(found) == 1 else None, utc_ns)
