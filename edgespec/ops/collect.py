"""Samples of a source that follow each other: all of them first, and what is asked of them after.

So a live source loses nothing while a command computes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.believed import silence_unbelieved
from edgespec.ops.silence import while_it_speaks
from edgespec.records import IqBlock, SourceInfo
from edgespec.sources.source import Source

__all__ = ["Collected", "collect"]

_READ_SAMPLES = 32_768


@dataclass(frozen=True, slots=True)
class Collected:
    """Samples without a gap, in the source's own format; ``utc_ns`` is the time of the first.

    The source gave ``n_before`` before the first, and ``n_dropped`` were lost while it was heard.
    """

    info: SourceInfo
    samples: NDArray[Any]
    center_freq_hz: float
    n_before: int
    utc_ns: int
    n_dropped: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.info.sample_rate_hz

    def to_complex(self, n_most: int | None = None) -> NDArray[np.complex64]:
        """Return the first samples as complex64, full scale 1.0; what is no number is 0."""
        return silence_unbelieved(self.info.sample_format.to_complex(self.samples[:n_most]))

    def blocks(self, n_most: int) -> Iterator[IqBlock]:
        """Yield the samples as blocks of at most ``n_most``, counted from 0."""
        rate_hz = self.info.sample_rate_hz
        for start in range(0, len(self.samples), n_most):
            part = self.samples[start : start + n_most]
            utc_ns = self.utc_ns + round(start / rate_hz * 1e9)
            yield IqBlock(part, rate_hz, self.center_freq_hz, start, utc_ns)


def collect(source: Source, duration_s: float, skip_s: float = 0.0) -> Collected:
    """Return at most ``duration_s`` of a source behind ``skip_s``; it stays open.

    Where samples are lost, or a radio is tuned elsewhere, what came before is left out. One that
    falls silent is closed, and gives what it gave.

    Raises:
        SourceError: the source broke.
    """
    info = source.info
    n_most = max(round(duration_s * info.sample_rate_hz), 1)
    # A short recording takes no memory for a long time.
    raw = info.sample_format.empty(
        n_most if info.n_samples is None else min(n_most, info.n_samples)
    )
    n_skip = round(skip_s * info.sample_rate_hz)
    n = n_dropped = n_before = 0
    first: IqBlock | None = None
    with while_it_speaks(source) as hearing:
        while n < len(raw):
            block = source.read(raw[n : n + min(n_skip or len(raw), _READ_SAMPLES)])
            if block is None:
                break
            hearing.heard()
            if n_skip:
                n_skip -= min(n_skip, block.n_samples)
                n_before += block.n_samples
                continue
            is_next = first is not None and block.center_freq_hz == first.center_freq_hz
            if first is None or block.n_dropped or not is_next:
                n_dropped += block.n_dropped if n else 0
                raw[: block.n_samples] = block.samples.copy()
                n_before += n
                n, first = 0, block
            n += block.n_samples
    if first is None:
        return Collected(info, raw[:0], info.center_freq_hz, n_before, 0, 0)
    return Collected(info, raw[:n], first.center_freq_hz, n_before, first.utc_ns, n_dropped)
