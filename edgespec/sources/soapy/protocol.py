"""What goes between the process that reads a radio and the observer: a job, an answer, frames.

The job is an argument of the process. It answers with one line of JSON, :class:`Answer`; then
frames follow, each a header of 16 bytes and its samples. The other way go tunings.
"""

import json
import math
import struct
from dataclasses import asdict, dataclass
from typing import Any

from edgespec.sample_format import SampleFormat
from edgespec.sources.request import Tuning
from edgespec.sources.soapy.settings import SoapySettings

__all__ = [
    "FRAME_SAMPLES",
    "HEADER_BYTES",
    "TUNING_BYTES",
    "Answer",
    "FrameHeader",
    "Job",
    "decode_tuning",
    "encode_tuning",
]

#: What the observer may say then: a centre frequency in Hz and a gain in dB, NaN for none.
_TUNING = struct.Struct("<dd")
TUNING_BYTES = _TUNING.size
_HEADER = struct.Struct("<QI?3x")
HEADER_BYTES = _HEADER.size
#: Samples in a frame, at most: 14 ms at 2.4 MS/s.
FRAME_SAMPLES = 32_768


@dataclass(frozen=True, slots=True)
class Job:
    """What a radio is set to, and the format it must deliver; None leaves that to the radio."""

    settings: SoapySettings
    wanted: SampleFormat | None

    def encode(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Job":
        """Return what :meth:`encode` wrote."""
        values: dict[str, Any] = json.loads(text)
        wanted = values["wanted"]
        later = tuple(Tuning(*one) for one in values["settings"].pop("later"))
        settings = SoapySettings(**values["settings"], later=later)
        return cls(settings, None if wanted is None else SampleFormat(wanted))


def encode_tuning(tuning: Tuning) -> bytes:
    """Return a tuning as 16 bytes."""
    return _TUNING.pack(
        tuning.center_freq_hz, math.nan if tuning.gain_db is None else tuning.gain_db
    )


def decode_tuning(octets: bytes) -> Tuning:
    """Return what :func:`encode_tuning` wrote."""
    center_freq_hz, gain_db = _TUNING.unpack(octets)
    return Tuning(center_freq_hz, None if math.isnan(gain_db) else gain_db)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the opening: the format, or an error, which may be there for good."""

    sample_format: SampleFormat | None = None
    error: str = ""
    is_for_good: bool = False

    def encode(self) -> bytes:
        """Return it as a line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Answer":
        """Return what :meth:`encode` wrote."""
        values: dict[str, Any] = json.loads(line)
        named = values.pop("sample_format")
        return cls(None if named is None else SampleFormat(named), **values)


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """A frame: samples lost before it, whether there may be more that nobody counted, samples."""

    n_lost: int
    is_known: bool
    n_samples: int

    def encode(self) -> bytes:
        """Return it as 16 bytes."""
        return _HEADER.pack(self.n_lost, self.n_samples, self.is_known)

    @classmethod
    def decode(cls, octets: bytes | bytearray) -> "FrameHeader":
        """Return what :meth:`encode` wrote."""
        n_lost, n_samples, is_known = _HEADER.unpack(octets)
        return cls(n_lost, is_known, n_samples)
