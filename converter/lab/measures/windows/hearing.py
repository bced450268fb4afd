"""What an observer hears without anything on the air: frames, and statistics of its samples."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.baselines.iq import IqStatistics, iq_statistics
from converter.baselines.segments import Segments
from converter.lab.measures.hops.hop_listener import HopListener
from converter.lab.measures.windows.stretch_layout import Layout
from converter.simulate.specs import RecordingSpec
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.records import FloatArray, Geometry, IqBlock
from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ
from edgespec.simulate.scene import Scene

__all__ = [
    "LEAD_S",
    "Heard",
    "flagged_share",
    "horizon_statistics",
    "listen",
    "segments_of",
    "valid_segments",
]

#: A scene has made so much ahead, in which no fault can begin any more.
LEAD_S = 2 * FRAME_SAMPLES / SAMPLE_RATE_HZ
_BLOCK_S = 0.25


@dataclass(frozen=True, slots=True)
class Heard:
    """The clean signal of one observer as frames, and its scene at some points.

    ``power_dbfs`` float32 ``(n_frames, n_bins)``; ``flags`` uint8 ``(n_frames,)`` of
    :class:`~edgespec.records.FrameFlag`; ``iq`` of the horizons of all segments, or None.
    ``before`` holds the scene :data:`LEAD_S` before each of the segments that were asked for.
    """

    geometry: Geometry
    power_dbfs: FloatArray
    flags: NDArray[np.uint8]
    iq: IqStatistics | None
    before: Mapping[int, Scene]

    def valid(self, first: int, stop: int) -> NDArray[np.int64]:
        """Return those segments from ``first`` to before ``stop`` that the device would score."""
        return valid_segments(self.flags, np.arange(first, stop), self.geometry)

    def flagged(self, number: int) -> float:
        """Return the share of flagged frames in the horizon of a segment."""
        return flagged_share(self.flags, number, self.geometry)

    def segments(self, numbers: NDArray[np.int64]) -> Segments:
        """Return some segments of the grid as copies."""
        iq = None if self.iq is None else self.iq.take(numbers)
        return segments_of(self.power_dbfs, numbers, self.geometry, iq)


def listen(
    spec: RecordingSpec,
    layout: Layout,
    n_segments: int,
    starts: Iterable[int] = (),
    *,
    needs_iq: bool,
    hops: HopListener | None = None,
) -> Heard:
    """Simulate one observer and return what it hears.

    Args:
        spec: the observer; its duration is not looked at.
        layout: gives the recipe.
        n_segments: length in segments.
        starts: segments before which the scene is wanted.
        needs_iq: whether the statistics of the samples are wanted.
        hops: is given the same samples.

    Raises:
        UsageError: one of ``starts`` comes before :data:`LEAD_S`.
        ModelError: the sample rate of the observer is not that of the recipe.
    """
    recipe = layout.recipe
    rate_hz, receiver = spec.scene.sample_rate_hz, spec.scene.receiver
    points = _points(layout, starts)
    n_samples = layout.sample_of(n_segments - 1) + recipe.samples_in(recipe.geometry.n_segment)
    block = round(_BLOCK_S * rate_hz)
    front_end = FrontEnd(recipe.framing, receiver.sample_format, max_block_samples=block)
    horizons = _Horizons(recipe)
    scene = Scene(spec.scene, spec.seed)
    power, flags = [], []
    iq: list[IqStatistics] = []
    before: dict[int, Scene] = {}
    for start, stop in pairwise(sorted({*range(0, n_samples, block), n_samples, *points})):
        if start in points:
            before[points[start]] = scene.branch()
        samples = receiver.sample_format.empty(stop - start)
        scene.read_into(samples)
        frames = front_end.process(IqBlock(samples, rate_hz, 0.0, start, 0))
        power.append(frames.power_dbfs.copy())
        flags.append(frames.flags.copy())
        if hops is not None:
            hops.take(samples)
        if needs_iq:
            iq.extend(horizon_statistics(item, recipe, spec) for item in horizons.take(samples))
    joined = IqStatistics.joined(iq) if needs_iq else None
    return Heard(recipe.geometry, np.concatenate(power), np.concatenate(flags), joined, before)


def _points(layout: Layout, starts: Iterable[int]) -> dict[int, int]:
    """Return where the scene has to be kept for each of ``starts``: sample -> segment."""
    rate_hz = layout.recipe.sample_rate_hz
    points = {layout.sample_of(start) - round(LEAD_S * rate_hz): start for start in starts}
    if min(points, default=0) < 0:
        raise UsageError(
            f"a stretch begins {layout.sample_of(min(points.values())) / rate_hz:g} s after the "
            f"observer; it takes at least {LEAD_S:g} s: make warmup_s longer"
        )
    return points


def valid_segments(
    flags: NDArray[np.uint8], numbers: NDArray[np.int64], geometry: Geometry
) -> NDArray[np.int64]:
    """Return those of some segments none of whose frames is flagged: the device scores these."""
    n_flagged = np.concatenate([[0], np.cumsum(flags != 0)])
    first = numbers * geometry.hop_frames
    clean = n_flagged[first + geometry.n_segment] == n_flagged[first]
    return np.asarray(numbers[clean], np.int64)


def flagged_share(flags: NDArray[np.uint8], number: int, geometry: Geometry) -> float:
    """Return the share of flagged frames in the horizon of a segment."""
    first = number * geometry.hop_frames + geometry.n_context
    return float(np.mean(flags[first : first + geometry.n_horizon] != 0))


def horizon_statistics(samples: NDArray[Any], recipe: Recipe, spec: RecordingSpec) -> IqStatistics:
    """Return the statistics of one horizon of samples in the format of the observer."""
    heard = spec.scene.receiver.sample_format.to_complex(samples)
    return iq_statistics(heard[None], recipe)


def segments_of(
    power_dbfs: FloatArray,
    numbers: NDArray[np.int64],
    geometry: Geometry,
    iq: IqStatistics | None,
) -> Segments:
    """Return the segments of these numbers in a run of frames, as copies."""
    rows = numbers[:, None] * geometry.hop_frames + np.arange(geometry.n_segment)
    batch = power_dbfs[rows]
    return Segments(geometry, batch[:, : geometry.n_context], batch[:, geometry.n_context :], iq)


class _Horizons:
    """Cuts the horizons of segments out of a stream of blocks of samples."""

    def __init__(self, recipe: Recipe) -> None:
        self._n = recipe.samples_in(recipe.n_horizon)
        self._hop = recipe.hop_samples
        self._next = recipe.samples_in(recipe.n_context)
        self._rest: NDArray[Any] | None = None
        self._rest_start = 0

    def take(self, block: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield the samples of each horizon that the next block completes, as views."""
        line = block if self._rest is None else np.concatenate([self._rest, block])
        start, stop = self._rest_start, self._rest_start + len(line)
        while self._next + self._n <= stop:
            yield line[self._next - start : self._next - start + self._n]
            self._next += self._hop
        self._rest_start = min(self._next, stop)
        self._rest = line[self._rest_start - start :].copy()
