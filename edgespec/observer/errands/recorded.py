"""Blocks of a ring as a SigMF recording, for who records a source and for who asks an observer."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

from edgespec.dsp.block_meter import Meter
from edgespec.errors import SourceError
from edgespec.evidence.growing import GrowingRecording
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.records import SourceInfo
from edgespec.sources.ring import Ring
from edgespec.units import db_from_ratio
from edgespec.wire.levels import level_payload, scale_payload

__all__ = ["Recorded", "RingRecorder"]

_LINE_S = 0.25
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded; ``peak`` is the largest modulus of I or Q, 1 at full scale.

    ``scale`` is what levels meant at ``utc_ns``, its end.
    """

    meta: Path
    duration_s: float
    n_samples: int
    n_dropped: int
    level_dbfs: float
    peak: float
    clipped_share: float
    utc_ns: int
    scale: LevelScale = UNCALIBRATED

    def as_json(self) -> dict[str, Any]:
        """Return an object of schema ``edgespec.record/1``."""
        return {
            "schema": "edgespec.record/1",
            "recording": str(self.meta),
            "duration_s": self.duration_s,
            "n_samples": self.n_samples,
            "n_dropped": self.n_dropped,
            "level_dbfs": round(self.level_dbfs, 2),
            **level_payload("level", round(self.level_dbfs, 2), self.scale),
            **scale_payload(self.scale, self.utc_ns),
            "peak": round(self.peak, 4),
            "clipped_share": self.clipped_share,
        }

    def as_text(self) -> str:
        """Return the same as a line for people."""
        clips = f"{self.clipped_share:.2%} clipped"
        if self.clipped_share > 1e-3:
            clips += " (lower the gain)"
        age = self.scale.age_text(self.utc_ns)
        level = self.scale.text(self.level_dbfs) + (f" ({age})" if age else "")
        return (
            f"{self.meta}: {self.duration_s:.3g} s, {level}, peak "
            f"{db_from_ratio(self.peak**2):.1f} dBFS, {clips}, {self.n_dropped} samples lost"
        )


class RingRecorder:
    """Writes what comes out of a ring into a recording, and measures it.

    Args:
        info: of the source.
        made: the recording; closed by its maker.
        duration_s: so much signal at most.
        tell: told four times a second of signal how much there is, and how loud, and the share.
        scale: what levels mean.
    """

    def __init__(
        self,
        info: SourceInfo,
        made: GrowingRecording,
        duration_s: float,
        tell: Callable[[str, float], None],
        scale: LevelScale = UNCALIBRATED,
    ) -> None:
        self._info, self._made, self._duration_s = info, made, duration_s
        self._tell, self._scale = tell, scale
        self._n_wanted = max(round(duration_s * info.sample_rate_hz), 1)
        self._meter = Meter(info.sample_format)

    def take(self, ring: Ring, stopping: Flag, is_silent: Callable[[float], bool]) -> None:
        """Write what comes out of a ring until there is enough, its source ends or all is to stop.

        Args:
            ring: of the source, from now on.
            stopping: ends it early; what was recorded is kept.
            is_silent: returns whether a live source that was last heard then, on the monotonic
                clock, is to be given up.

        Raises:
            SourceError: the source broke or fell silent; what it gave before is kept.
            EdgespecError: the disk is full; what it took is kept.
        """
        made, rate_hz, n_shown = self._made, self._info.sample_rate_hz, 0
        heard_s = time.monotonic()
        while made.n_samples < self._n_wanted and not stopping.is_set():
            try:
                block = ring.next_block(_POLL_S)
            except SourceError as error:
                raise SourceError(f"{error}; {self._kept()}") from error
            if block is None:
                if ring.finished:
                    return
                if self._info.is_live and is_silent(heard_s):
                    if not made.n_samples:
                        return
                    raise SourceError(
                        f"{self._info.uri:.160} has fallen silent, and is given up: see whether "
                        f"the radio delivers; {self._kept()}"
                    )
                continue
            heard_s = time.monotonic()
            n_left = self._n_wanted - made.n_samples
            if block.n_samples > n_left:
                block = replace(block, samples=block.samples[:n_left])
            share = self._meter.add(block)
            made.add(block, share)
            n_shown += block.n_samples
            if n_shown >= _LINE_S * rate_hz:
                n_shown = 0
                self._tell(self._line(share), made.n_samples / self._n_wanted)

    def recorded(self) -> Recorded:
        """Return what was recorded, once it is closed.

        Raises:
            SourceError: nothing was.
        """
        made, meter = self._made, self._meter
        if not made.n_samples:
            raise SourceError(
                f"the source {self._info.uri!r:.160} gave no samples, and nothing is recorded: see "
                "whether the radio delivers"
            )
        return Recorded(
            made.meta,
            made.n_samples / self._info.sample_rate_hz,
            made.n_samples,
            made.n_dropped,
            meter.mean_dbfs,
            meter.peak,
            meter.clipped_share,
            time.time_ns(),
            self._scale,
        )

    def _line(self, clipped_share: float) -> str:
        made, meter = self._made, self._meter
        return (
            f"{made.n_samples / self._info.sample_rate_hz:.1f} of {self._duration_s:g} s "
            f"{meter.bar()} {self._scale.text(meter.level_dbfs)}, peak "
            f"{db_from_ratio(meter.peak**2):.1f} dBFS, {clipped_share:.2%} clip, "
            f"{made.n_dropped} lost"
        )

    def _kept(self) -> str:
        made = self._made
        return f"{made.n_samples / self._info.sample_rate_hz:.1f} s before that are in {made.meta}"
