"""What goes between the process that reads a radio and the observer: a job, an answer, frames.

The job is an argument of the process. It answers with one line of JSON, :class:`Answer`; then
frames follow, each a header of 16 bytes and its samples. The other way go frequencies to tune to.
"""

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

from edgespec.sample_format import SampleFormat
from edgespec.sources.soapy.settings import SoapySettings

__all__ = ["FRAME_SAMPLES", "HEADER_BYTES", "TUNING", "Answer", "FrameHeader", "Job"]

#: What the observer may say then: a centre frequency in Hz.
TUNING = struct.Struct("<d")
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
        centers_hz = tuple(values["settings"].pop("centers_hz"))
        settings = SoapySettings(**values["settings"], centers_hz=centers_hz)
        return cls(settings, None if wanted is None else SampleFormat(wanted))


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
