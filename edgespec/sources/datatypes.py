"""How numbers lie in a recording, and what they become on their way to the front end.

The names are those of SigMF: ``c`` or ``r`` (I and Q, or real), then the number (``f32 f64 i32 i16
i8 u32 u16 u8``), then ``_le`` or ``_be`` where it has more than one byte.

The front end takes cf32, ci16, ci8 and cu8. What is stored as one of them goes through untouched;
the rest becomes the narrowest of them that loses nothing a receiver could have measured, and full
scale stays full scale (the largest modulus of a sample is 0 dBFS before and after):

==================  ===========  ==================================================================
stored              becomes      how
==================  ===========  ==================================================================
i16, i8 big-endian  ci16, ci8    bytes swapped
u16                 ci16         less 32768; half a step of 16 bits is no signal
f32, f64            cf32         rounded to 24 bits of mantissa
i32, i24            cf32         divided by 2^31, 2^23
u32                 cf32         ``(x - c) / c`` with ``c = 2^31 - 1/2``
real i16, i8, u16   ci16, ci8    as above
real f*, i32, u32   cf32         as above
real u8             cf32         ``(x - 127.5) / 127.5``
==================  ===========  ==================================================================

A real sample becomes a complex one with Q = 0, at the rate and the centre frequency that the file
says. Its spectrum is then the mirror of itself about the centre, and a sine of amplitude 1 stands
there as two lines of -6 dBFS.
"""

import re
import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.records import SampleFormat
from edgespec.sources.oddities import Oddities

__all__ = ["DATATYPES", "Datatype", "parse_datatype"]

_NAME = re.compile(r"([cr])(f64|f32|i32|u32|i16|u16|i8|u8)(_le|_be)?")
#: Every datatype of SigMF, for messages and for tests.
DATATYPES = tuple(
    f"{kind}{number}{order}"
    for kind in "cr"
    for number in ("f32", "f64", "i32", "i16", "u32", "u16", "i8", "u8")
    for order in (("",) if number.endswith("8") else ("_le", "_be"))
)
_BYTES = {"i24": 3}
_AS_INTEGERS = {
    "i16": SampleFormat.CI16,
    "u16": SampleFormat.CI16,
    "i8": SampleFormat.CI8,
    "b8": SampleFormat.CI8,
    "u8": SampleFormat.CU8,
}
#: Middle and full scale of what becomes cf32.
_SCALES = {
    "i32": (0.0, 2.0**31),
    "i24": (0.0, 2.0**31),
    "u32": (2.0**31 - 0.5, 2.0**31 - 0.5),
    "u8": (127.5, 127.5),
}


@dataclass(frozen=True, slots=True)
class Datatype:
    """How one sample is stored.

    ``number`` is the SigMF name of one number, or what only wav files have: ``i24``, three bytes,
    and ``b8``, a byte in which 128 is zero. ``order`` is ``<`` or ``>``.
    """

    number: str
    order: Literal["<", ">"] = "<"
    is_complex: bool = True

    @property
    def n_numbers(self) -> int:
        """Numbers in a sample: 2 (I, Q) or 1."""
        return 2 if self.is_complex else 1

    @property
    def number_bytes(self) -> int:
        """Bytes of one number."""
        return _BYTES.get(self.number) or int(self.number[1:]) // 8

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return self.n_numbers * self.number_bytes

    @property
    def sample_format(self) -> SampleFormat:
        """What it becomes."""
        if self.number == "u8" and not self.is_complex:
            # Q = 0 lies between two steps of cu8.
            return SampleFormat.CF32
        return _AS_INTEGERS.get(self.number, SampleFormat.CF32)

    @property
    def is_native(self) -> bool:
        """Whether the bytes are what the front end takes."""
        native = "<" if sys.byteorder == "little" else ">"
        return (
            self.is_complex
            and self.number in ("f32", "i16", "i8", "u8")
            and (self.number_bytes == 1 or self.order == native)
        )

    def deliver(
        self, octets: NDArray[np.uint8], out: NDArray[Any], n_channels: int, channel: int
    ) -> None:
        """Write the samples of one channel as the front end takes them.

        Args:
            octets: uint8 ``(len(out) * n_channels * sample_bytes,)``.
            out: buffer of :attr:`sample_format`.
            n_channels: channels that take turns, sample by sample.
            channel: which of them, from 0.
        """
        numbers = self._numbers(octets).reshape(len(out), n_channels, self.n_numbers)[:, channel]
        if self.sample_format is SampleFormat.CF32:
            parts = out.view(np.float32).reshape(-1, 2)
            self._to_float(numbers, parts[:, : self.n_numbers])
        else:
            parts = out
            self._to_integer(numbers, parts[:, : self.n_numbers])
        parts[:, self.n_numbers :] = 0

    def _numbers(self, octets: NDArray[np.uint8]) -> NDArray[Any]:
        if self.number != "i24":
            kind = "u1" if self.number == "b8" else f"{self.number[0]}{self.number_bytes}"
            return octets.view(np.dtype(kind).newbyteorder(self.order))
        # The three bytes are the upper ones of an int32.
        wide = np.zeros((len(octets) // 3, 4), np.uint8)
        wide[:, 1:] = octets.reshape(-1, 3)
        return wide.reshape(-1).view("<i4")

    def _to_float(self, numbers: NDArray[Any], out: NDArray[np.float32]) -> None:
        # What float32 cannot hold becomes infinite, and its frame is marked as not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            if self.number[0] == "f":
                out[:] = numbers
                return
            middle, scale = _SCALES[self.number]
            out[:] = (numbers - middle) / scale

    def _to_integer(self, numbers: NDArray[Any], out: NDArray[Any]) -> None:
        if self.number[0] == "i" or self.sample_format is SampleFormat.CU8:
            out[:] = numbers
            return
        # The highest bit of offset binary is the sign of two's complement, inverted.
        unsigned = out.view(f"u{self.number_bytes}")
        np.bitwise_xor(numbers, 1 << (8 * self.number_bytes - 1), out=unsigned)


def parse_datatype(text: str, where: str, oddities: Oddities | None = None) -> Datatype:
    """Return the datatype of a SigMF name.

    Args:
        text: its name.
        where: what says so, for messages.
        oddities: takes a sentence where the name is not as SigMF writes it but can be understood.

    Raises:
        SourceError: it names nothing that holds samples.
    """
    match = _NAME.fullmatch(text.strip().lower())
    if match is None:
        raise SourceError(
            f"{where} has the datatype {brief(repr(text), 40)}; accepted are c or r, then f32, "
            "f64, i32, i16, u32, u16, i8 or u8, then _le or _be: cf32_le, cu8, ri16_be"
        )
    kind, number, order = match.groups()
    if oddities is not None and text not in DATATYPES:
        meant = "" if number.endswith("8") or order else ", little-endian"
        oddities.add(f"the datatype {brief(repr(text), 40)} is taken as {match[0]}{meant}")
    return Datatype(number, ">" if order == "_be" else "<", kind == "c")
