"""Blocks of samples, or of sweeps, from one process of ours to another, as they are."""

import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.records import FrameFlag, IqBlock, SourceInfo
from edgespec.sweep_block import SweepBlock

__all__ = ["BlockSource", "block_bytes"]

#: Samples, first sample, those lost and heard elsewhere before it, UTC, when it was received,
#: flags; rate and centre.
_HEAD = struct.Struct("<qqqqqqqdd")


def block_bytes(block: IqBlock) -> bytes:
    """Return a block as :class:`BlockSource` reads it."""
    head = _HEAD.pack(
        block.n_samples,
        block.sample_start,
        block.n_dropped,
        block.n_away,
        block.utc_ns,
        block.received_ns,
        int(block.flags),
        block.sample_rate_hz,
        block.center_freq_hz,
    )
    return head + np.ascontiguousarray(block.samples).tobytes()


class BlockSource:
    """A source that gives the blocks that come out of a pipe, until that is closed.

    Args:
        info: of the source that they are of.
        stream: the pipe.

    Attributes:
        has_ended: whether the pipe was closed.
    """

    def __init__(self, info: SourceInfo, stream: BinaryIO) -> None:
        self.info = info
        self.has_ended = False
        self._stream = stream

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Return the next block, in ``out``, or of sweeps by itself; None at the end.

        Raises:
            SourceError: it is larger than ``out``.
        """
        head = self._stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            self.has_ended = True
            return None
        n, start, n_dropped, n_away, utc_ns, received_ns, flags, rate_hz, center_hz = _HEAD.unpack(
            head
        )
        if n > len(out):
            raise SourceError(f"a block has {n} samples, and there is room for {len(out)}")
        grid = self.info.grid
        samples = out[:n] if grid is None else np.empty((n, grid.n_bins), np.float32)
        data = self._stream.read(samples.nbytes)
        if len(data) < samples.nbytes:
            self.has_ended = True
            return None
        samples[...] = np.frombuffer(data, samples.dtype).reshape(samples.shape)
        said = samples, rate_hz, center_hz, start, utc_ns, n_dropped, received_ns, FrameFlag(flags)
        if grid is not None:
            return SweepBlock(*said, n_away, grid=grid)
        return IqBlock(*said, n_away)

    def close(self) -> None:
        """Nothing: the pipe is closed by its other end."""
