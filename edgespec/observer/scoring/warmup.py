"""The warm-up judges itself: against its own beginning, the last run, and what the bundle knows."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid
from edgespec.observer.kept.heard import Heard, HeardBuffer
from edgespec.observer.kept.kept import KeptFile, KeptNormal, load_kept, save_kept
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.steps import change_in, largest_step, model_bias, quieter_part
from edgespec.records import FloatArray, FrameFlag, Geometry, Score, Segment
from edgespec.units import format_hz

__all__ = ["Judgement", "WarmUp"]

_LOG = logging.getLogger(__name__)

#: From one run to another a cell may fade, and traffic differs between night and day.
MOVED_DB = 8.0
#: Traffic moves a whole band, and a switched cell by much.
LEVEL_DB = 10.0
#: What a model expects too little of, all along, in dB and in spreads of its mean error. Normal
#: signal comes to 3.8 dB (real cells) and 1.6 spreads (simulated ones), seldom both.
BIAS_DB, BIAS_SPREADS = 5.0, 1.75
#: What is not trusted gives way to what fewer segments taught, or to an older run.
FEWEST_SEGMENTS = 8
LONGEST_S = 30 * 86400.0
_NS = 1_000_000_000

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why what was learnt is not to be trusted, '' where it is, and what to learn from instead."""

    distrust: str = ""
    instead: Heard | None = None


class WarmUp:
    """Keeps what the warm-up heard until its end, and says whether it was normal.

    Three things are compared, the surest first: the warm-up with its own beginning, with the last
    run of the same source, frequencies and gain, and with what the bundle's model expects. An
    interferer that came in the middle would else be normal from then on, in silence. What is not
    trusted is not kept for the next run, and where it is known what was there before, that is
    learnt from: the part of the warm-up without the interferer, or the last run. So what is still
    there is an event as soon as the warm-up is over.

    Args:
        geometry: of the segments.
        n_segments: of the warm-up.
        kept: the file; None: nothing is kept.
        error_std_db: ``(n_bins,)``, spread of the error of the bundle's model; empty: not known.
        utc_ns: the clock.
        least_part: segments before or behind a change that are worth learning from alone.

    Attributes:
        usual_dbfs: returns the usual level of every bin at this hour, None where nobody knows it.
        is_judged: whether it is over.
        distrust: why what was learnt is not to be trusted; '' where it is.
    """

    def __init__(
        self,
        geometry: Geometry,
        n_segments: int,
        kept: KeptFile | None = None,
        error_std_db: Sequence[float] = (),
        utc_ns: Callable[[], int] = time.time_ns,
        least_part: int = FEWEST_SEGMENTS,
    ) -> None:
        self._least_part = least_part
        self._geometry = geometry
        self._n_segments = n_segments
        self._kept = kept
        self._error_std_db = np.asarray(error_std_db, np.float64)
        self._utc_ns = utc_ns
        self.usual_dbfs: Callable[[], Array | None] = lambda: None
        self.reset()

    def reset(self) -> None:
        """Forget the band and begin anew."""
        # Held for as long as it is learnt from.
        self._buffer: HeardBuffer | None = HeardBuffer(self._geometry, self._n_segments)
        self._n_heard = self._n_clipped = 0
        self.distrust = ""
        self.is_judged = False

    def skip(self) -> None:
        """Learn nothing: what is normal is known."""
        self._buffer, self.is_judged = None, True

    def add(self, segment: Segment, scores: tuple[Score, ...] = ()) -> None:
        """Take a segment that is learnt from, and the raw scores of it."""
        if self._buffer is None:
            return
        self._buffer.add(segment, scores)
        self._n_heard += 1
        if segment.flags is not None:
            self._n_clipped += bool(np.any(segment.flags & np.uint8(FrameFlag.CLIPPED)))

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what was heard before it."""
        _LOG.warning("the receiver's gain moved by %+.1f dB in the warm-up", step_db)
        if self._buffer is not None:
            self._buffer.shift(step_db)

    def judge(self, grid: Grid) -> Judgement:
        """Return whether what was learnt is to be trusted; if it is, it is kept."""
        self.is_judged = True
        buffer, self._buffer = self._buffer, None
        if buffer is None or not self._n_heard:
            return Judgement()
        heard = buffer.heard()
        rows_dbfs = heard.rows_dbfs()
        normal_dbfs = rows_dbfs.mean(axis=0)
        last = self._last_run(grid, len(normal_dbfs))
        if 2 * self._n_clipped > self._n_heard:
            found = Judgement("the receiver was overloaded in the warm-up")
        else:
            found = (
                self._changed(heard, rows_dbfs, grid, last)
                or self._moved(normal_dbfs, grid, last)
                or self._unexpected(heard, grid)
                or Judgement()
            )
        self.distrust = found.distrust
        if not found.distrust and self._kept is not None:
            kept = KeptNormal(
                self._utc_ns(),
                self._kept.source,
                self._kept.gain_db,
                grid.range_hz,
                self._kept.model_sha256,
                normal_dbfs,
                heard,
            )
            save_kept(self._kept.path, kept)
        return found

    def conclude(
        self, grid: Grid, scorer: Scorer, band: str
    ) -> Iterator[tuple[tuple[Score, ...], FloatArray]] | None:
        """Judge the warm-up, which is over; where it was not normal, what was is learnt instead.

        Returns:
            That once more, for maps to be learnt from it, and nothing else; None where it was.
        """
        found = self.judge(grid)
        if found.distrust:
            _LOG.warning("band %s: what was learnt is not trusted: %s", band, found.distrust)
        if found.instead is None:
            return None
        scorer.relearn(found.instead)
        return found.instead.lessons()

    def _changed(
        self, heard: Heard, rows_dbfs: Array, grid: Grid, last: KeptNormal | None
    ) -> Judgement | None:
        """Say where the band changed in the warm-up; its quieter part is to be learnt from."""
        change = change_in(rows_dbfs)
        if change is None:
            return None
        n = len(heard)
        place = "" if change.bin is None else f" at {format_hz(grid.freqs_hz[change.bin])}"
        said = (
            f"the band changed by {change.step_db:+.1f} dB{place} after "
            f"{change.at / n:.0%} of the warm-up"
        )
        part = quieter_part(change, n)
        if part.stop - part.start < self._least_part:
            return Judgement(said)
        before = self._moved(rows_dbfs[part].mean(axis=0), grid, last)
        if before is not None:
            # The quieter part is not normal either.
            return Judgement(f"{said}; {before.distrust}", before.instead)
        return Judgement(f"{said}: only the rest was learnt from", heard.part(part))

    def _moved(self, normal_dbfs: Array, grid: Grid, last: KeptNormal | None) -> Judgement | None:
        """Say how the band differs from that of the last run, which is learnt from if it is new."""
        if self._kept is None or last is None:
            return None
        age_s = max(self._utc_ns() - last.utc_ns, 0) / _NS
        step_db, bin_ = largest_step(last.normal_dbfs, normal_dbfs)
        level_db = float(np.median(normal_dbfs) - np.median(last.normal_dbfs))
        is_new = step_db > 0
        if abs(step_db) > MOVED_DB:
            where = f"{step_db:+.1f} dB at {format_hz(grid.freqs_hz[bin_])}"
        elif abs(level_db) > LEVEL_DB:
            where = f"{level_db:+.1f} dB over the band"
            # A receiver that sets its own gain says nothing by its level.
            is_new = level_db > 0 and self._kept.gain_db is not None
        else:
            return None
        if self._is_usual(normal_dbfs):
            return None
        said = f"the band differs from the last run, {age_s / 3600:.1f} h ago, by {where}"
        heard = last.heard_with(self._kept, self._geometry.n_horizon)
        if not is_new or heard is None or len(heard) < FEWEST_SEGMENTS or age_s > LONGEST_S:
            return Judgement(said)
        if self._kept.gain_db is None:
            heard = heard.shifted(level_db)
        return Judgement(f"{said}: what that run learnt counts", heard)

    def _is_usual(self, normal_dbfs: Array) -> bool:
        """Whether the band is as it always is at this hour, however it was in the last run."""
        usual_dbfs = self.usual_dbfs()
        if usual_dbfs is None:
            return False
        step_db, _ = largest_step(usual_dbfs, normal_dbfs)
        level_db = float(np.median(normal_dbfs) - np.median(usual_dbfs))
        return abs(step_db) <= MOVED_DB and abs(level_db) <= LEVEL_DB

    def _unexpected(self, heard: Heard, grid: Grid) -> Judgement | None:
        """Say where the bundle's model has expected too little all along."""
        errors_db = heard.errors_db[np.isfinite(heard.scores)].astype(np.float64)
        if len(self._error_std_db) != self._geometry.n_bins or len(errors_db) < FEWEST_SEGMENTS:
            return None
        bias_db, spreads, bin_ = model_bias(errors_db, self._error_std_db)
        if bias_db < BIAS_DB or spreads < BIAS_SPREADS:
            return None
        return Judgement(
            f"the model expects {bias_db:.1f} dB less at {format_hz(grid.freqs_hz[bin_])} than "
            "was there all along"
        )

    def _last_run(self, grid: Grid, n_bins: int) -> KeptNormal | None:
        kept = None if self._kept is None else load_kept(self._kept.path)
        if self._kept is None or kept is None or not kept.is_of(self._kept, grid.range_hz, n_bins):
            return None
        return kept
