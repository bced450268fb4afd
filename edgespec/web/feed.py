"""What an observer shows to whoever looks: rows of each band, made only while somebody does."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from edgespec.detect.scan.site import Site
from edgespec.door import brief
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.dsp.spectrogram import PlaneSource
from edgespec.grid import Grid
from edgespec.observer.band import BandChain
from edgespec.observer.worker import BandWorker
from edgespec.records import FloatArray, Spectrogram
from edgespec.web.feed_memory import PLANES, FeedMemory, plane_of, stamp_of
from edgespec.web.levels import levels_of_band, levels_of_site
from edgespec.web.plane_memory import BinLevels, PlaneMemory
from edgespec.web.rows import Frames, RowMaker

__all__ = ["BandFeed", "Feed"]

_LOG = logging.getLogger(__name__)

#: How often what is normal is compared with what was told.
_LEVELS_NS = 2_000_000_000
_LEAST_RATIO = 1e-6
#: Steps of the receiver's clock and rounding are no change.
_SAME_DB = 0.01


class Feed:
    """What an observer shows of all its bands.

    Args:
        n_bands: of the observer.

    Attributes:
        memory: that is shared with whoever looks.
    """

    def __init__(self, n_bands: int) -> None:
        self.memory = FeedMemory(n_bands)
        self._bands = [BandFeed(self.memory.band(number)) for number in range(n_bands)]

    def watch(self, workers: Sequence[BandWorker]) -> None:
        """Be told what the workers of the bands compute, before they begin."""
        for worker, band in zip(workers, self._bands, strict=True):
            band.install(worker.chain)
            worker.on_chain = band.install


class BandFeed:
    """Takes what a band's worker computes anyway, and makes rows of it while somebody looks.

    While nobody does, a block costs a comparison, and nothing is made.

    Args:
        memory: the band's part of it.
    """

    def __init__(self, memory: memoryview) -> None:
        self._until_ns = stamp_of(memory)
        self._power, self._residual = (
            _PlaneFeed(plane_of(memory, number), *scale)
            for number, scale in enumerate(PLANES.values())
        )
        self._levels: Callable[[], BinLevels | None] = lambda: None
        self._site: Site | None = None
        self._chain: BandChain | None = None

    def install(self, chain: BandChain) -> None:
        """Be told what a chain makes from now on, and no more what the one before it makes."""
        if self._chain is not None and isinstance(self._chain.front_end, SeenPlane):
            self._chain.front_end = self._chain.front_end.plane
        self._chain = chain
        chain.front_end = SeenPlane(chain.front_end, self.power)
        if chain.cancelled is not None:
            chain.cancelled.on_slots = self.residual
        self._levels = lambda: levels_of_band(chain)

    def power(self, frames: Spectrogram) -> None:
        """Take frames of power."""
        now_ns = frames.span.received_ns
        if now_ns >= self._until_ns[0]:
            self._power.rest()
            return
        if frames.n_frames:
            with self._sparing_the_band():
                self._power.add(frames.power_dbfs, frames)
                if self._power.is_due(now_ns):
                    self._power.tell_levels(self._levels())

    def residual(self, slots: PrefixSlots, site: Site) -> None:
        """Take slots of which the cell was cancelled, and what is normal of it."""
        if slots.span.received_ns >= self._until_ns[0]:
            self._residual.rest()
            return
        if slots.n_slots:
            with self._sparing_the_band():
                ratio = slots.residual / site.expected(slots.power, slots.slot)
                level_db = 10.0 * np.log10(np.maximum(ratio, _LEAST_RATIO))
                is_new = self._residual.add(level_db.astype(np.float32), slots)
                if is_new or site is not self._site:
                    self._site = site
                    self._residual.tell_levels(levels_of_site(site))

    @contextmanager
    def _sparing_the_band(self) -> Iterator[None]:
        """Show nothing more of the band where something fails, rather than end its watch."""
        try:
            yield
        except Exception as error:
            _LOG.error("nothing more of a band can be shown: %s", brief(repr(error)))
            self._until_ns = memoryview(bytes(8)).cast("q")


class _PlaneFeed:
    """Rows of one plane, and where they go."""

    def __init__(self, memory: memoryview, db_min: float, db_step: float) -> None:
        self._memory = PlaneMemory(memory)
        self._maker = RowMaker(self._memory.put, db_min, db_step)
        self._due_ns = 0
        self._told: BinLevels | None = None
        self.rest = self._maker.rest

    def add(self, levels_db: FloatArray, frames: Frames) -> bool:
        """Take frames or slots; return whether their axes are new."""
        axes = self._maker.tune(frames.grid)
        if axes is not None:
            self._memory.tell(axes)
            self._told, self._due_ns = None, 0
        self._maker.add(levels_db, frames)
        return axes is not None

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is time to look whether what is normal has changed."""
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + _LEVELS_NS
        return True

    def tell_levels(self, levels: BinLevels | None) -> None:
        """Tell what is normal, where it has changed."""
        if levels is None or (self._told is not None and _is_same(levels, self._told)):
            return
        self._told = levels
        columns = self._maker.columns
        shown: list[FloatArray | None] = []
        for values_db in (levels.reference_db, levels.threshold_db):
            column_db = None if values_db is None else np.empty(columns.n_columns, np.float32)
            if values_db is not None and column_db is not None:
                columns.take(values_db, column_db)
            shown.append(column_db)
        reference_db, threshold_db = shown
        if reference_db is not None:
            self._memory.tell_levels(BinLevels(reference_db, threshold_db))


def _is_same(one: BinLevels, other: BinLevels) -> bool:
    pairs = (
        (one.reference_db, other.reference_db),
        (one.threshold_db, other.threshold_db),
    )
    return all(
        a is b
        or (
            a is not None
            and b is not None
            and a.shape == b.shape
            and bool(np.all(np.abs(a - b) < _SAME_DB))
        )
        for a, b in pairs
    )


class SeenPlane:
    """A plane whose frames somebody else is shown, too.

    Args:
        plane: makes them.
        see: is told them before they are overwritten.
    """

    def __init__(self, plane: PlaneSource, see: Callable[[Spectrogram], None]) -> None:
        self.plane, self._see = plane, see

    @property
    def grid(self) -> Grid:
        """The grid of the next frames."""
        return self.plane.grid

    def process(self, block: object) -> Spectrogram:
        """Return the frames that some input completes."""
        frames = self.plane.process(block)
        self._see(frames)
        return frames
