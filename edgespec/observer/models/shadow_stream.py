"""What goes from an observer to the process in which a candidate runs: a task, blocks, notes."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from edgespec.config import Config
from edgespec.errors import SourceError
from edgespec.grid import Grid
from edgespec.observer.block_stream import BlockSource, block_bytes
from edgespec.records import Event, IqBlock, Score, SourceInfo

__all__ = ["Note", "RunningScore", "ShadowTask", "as_block", "as_note", "as_other_grid", "parts"]

_BLOCK, _NOTE, _OTHER_GRID = b"B", b"N", b"G"


@dataclass(frozen=True, slots=True)
class ShadowTask:
    """What a candidate is tried on: pickled, it comes first.

    ``config`` is of the band alone, with the candidate as its model; ``info`` is what its source
    delivers of it, in blocks of ``block_samples`` at most. ``running`` is the name of the model
    that runs, and its hash.
    """

    config: Config
    info: SourceInfo
    block_samples: int
    running: tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class RunningScore:
    """What the running model said of a segment whose target begins at a sample of the source.

    The next one begins ``hop_samples`` later; that of another model of sweeps need not.
    """

    sample_start: int
    hop_samples: int
    utc_ns: int
    scores: tuple[Score, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What the running model said since the last one, and how long it took so far.

    ``n_skipped`` samples were not given to the candidate so far, since it was behind.
    """

    scored: tuple[RunningScore, ...] = ()
    events: tuple[Event, ...] = ()
    latency_s: Mapping[str, float] = field(default_factory=dict)
    call_s: Mapping[str, float] = field(default_factory=dict)
    n_skipped: int = 0


def as_block(block: IqBlock) -> bytes:
    """Return a block as :func:`parts` reads it."""
    return _BLOCK + block_bytes(block)


def as_note(note: Note) -> bytes:
    """Return a note as :func:`parts` reads it."""
    return _NOTE + pickle.dumps(note)


def as_other_grid(grid: Grid) -> bytes:
    """Return what says that sweeps lie on another grid from now on."""
    return _OTHER_GRID + pickle.dumps(grid)


def parts(source: BlockSource, stream: BinaryIO, out: Any) -> Iterator[IqBlock | Note]:
    """Yield what comes, to the end of the stream; a block is valid until the next part.

    Args:
        source: reads blocks from the stream.
        stream: what was written by this program.
        out: room for the samples of a block.

    Raises:
        SourceError: the sweeps lie on another grid from here on.
    """
    while tag := stream.read(1):
        if tag == _NOTE:
            note: Note = pickle.load(stream)
            yield note
        elif tag == _OTHER_GRID:
            grid: Grid = pickle.load(stream)
            lower_hz, upper_hz = grid.range_hz
            raise SourceError(
                f"the sweeps have {grid.n_bins} points from {lower_hz / 1e6:.9g} to "
                f"{upper_hz / 1e6:.9g} MHz by now, which are not those that it began with: let it "
                "run anew"
            )
        elif (block := source.read(out)) is not None:
            yield block
