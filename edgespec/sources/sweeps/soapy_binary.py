"""The binary records of soapy_power: ``SDRFF``, a header, levels; one record a hop.

Version 2, little-endian: version u8; begin, end (s since 1970), lower, upper and step (Hz) f64;
samples and bytes of levels u64; two bytes of nothing; levels f32.
"""

import struct
from collections.abc import Iterator

import numpy as np

from edgespec.errors import SourceError
from edgespec.sources.sweeps.hop import Hop, TornError, hop_of
from edgespec.sources.sweeps.octets import Octets
from edgespec.sweep_file import MOST_POINTS

__all__ = ["MAGIC", "soapy_binary_hops"]

MAGIC = b"SDRFF"
_HEADER = struct.Struct("<BdddddQQ2x")
_VERSION = 2


def soapy_binary_hops(octets: Octets) -> Iterator[Hop | TornError]:
    """Yield the hops of records; a record that is cut off at the end is none.

    Raises:
        SourceError: what follows is no record, so that nobody knows where the next one begins.
    """
    number = 0
    while True:
        number += 1
        magic = octets.exactly(len(MAGIC))
        header = octets.exactly(_HEADER.size)
        if magic is None or header is None:
            return
        version, begin_s, _, lower_hz, upper_hz, step_hz, _, n_bytes = _HEADER.unpack(header)
        if magic != MAGIC or version != _VERSION or n_bytes % 4 or n_bytes > 4 * MOST_POINTS:
            raise SourceError(
                f"{octets.name}: record {number} is none of soapy_power's (begins with {magic!r}, "
                f"version {version}, {n_bytes} bytes of levels); version {_VERSION} is read, with "
                f"{MOST_POINTS} points at most"
            )
        levels = octets.exactly(n_bytes)
        if levels is None:
            return
        try:
            if not np.isfinite([begin_s, lower_hz, upper_hz, step_hz]).all():
                raise TornError(f"record {number} has a header that is not of numbers")
            values = np.frombuffer(levels, "<f4").tolist()
            yield hop_of(begin_s, (lower_hz, upper_hz), step_hz, values, number)
        except TornError as error:
            yield error
