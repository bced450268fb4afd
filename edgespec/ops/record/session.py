"""Recording a source: from its reader to the disk, with a live line."""

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

from edgespec.errors import ConfigError, SourceError
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.ops.meter import Meter
from edgespec.ops.record.recording import GrowingRecording, recording_paths
from edgespec.ops.silence import has_been_silent
from edgespec.screen.progress import Tell
from edgespec.sources.reader import Reader
from edgespec.sources.source import Source
from edgespec.units import db_from_ratio
from edgespec.wire.levels import level_payload, scale_payload

__all__ = ["Recorded", "record"]

#: A block is so long, and so much signal may wait for the disk.
_BLOCK_S, _RING_S = 0.05, 4.0
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


def record(
    source: Source,
    path: Path,
    duration_s: float,
    gain: str,
    tell: Tell,
    stop_on: Callable[[Callable[[], None]], None],
    scale: LevelScale = UNCALIBRATED,
) -> Recorded:
    """Write a source to a new SigMF recording, and close it.

    Args:
        source: open.
        path: of the recording.
        duration_s: so much signal at most; the source may end earlier.
        gain: what is known of the gain, '' for nothing.
        tell: told four times a second of signal how much there is, and how loud.
        stop_on: given what ends it early; what was recorded is kept.
        scale: what levels mean.

    Raises:
        ConfigError: the recording exists, cannot be written, or there is no room for so much.
        SourceError: the source broke, fell silent or gave nothing; what it gave before is kept.
        EdgespecError: the disk is full; what it took is kept.
    """
    info = source.info
    rate_hz, stopping = info.sample_rate_hz, Flag()
    with ExitStack() as stack:
        stack.callback(source.close)
        n_wanted = max(round(duration_s * rate_hz), 1)
        _check_room(path, n_wanted * info.sample_format.sample_bytes)
        made = GrowingRecording(path, info, gain)
        # Whatever breaks, the recording is put in order.
        stack.callback(made.close)
        block_samples = max(round(_BLOCK_S * rate_hz), 1)
        n_blocks = round(_RING_S / _BLOCK_S)
        reader = Reader(source, block_samples=block_samples, n_blocks=n_blocks)
        stack.callback(reader.close)
        stop_on(stopping.set)
        reader.start()
        heard_s = time.monotonic()
        (ring,) = reader.rings
        meter, n_shown = Meter(info.sample_format), 0
        while made.n_samples < n_wanted and not stopping.is_set():
            try:
                block = ring.next_block(_POLL_S)
            except SourceError as error:
                raise SourceError(f"{error}; {_kept(made, rate_hz)}") from error
            if block is None:
                if ring.finished:
                    break
                if info.is_live and has_been_silent(heard_s):
                    if made.n_samples:
                        raise SourceError(
                            f"{info.uri:.160} has fallen silent, and is given up: see whether the "
                            f"radio delivers; {_kept(made, rate_hz)}"
                        )
                    break
                continue
            heard_s = time.monotonic()
            n_left = n_wanted - made.n_samples
            if block.n_samples > n_left:
                block = replace(block, samples=block.samples[:n_left])
            share = meter.add(block)
            made.add(block, share)
            n_shown += block.n_samples
            if n_shown >= _LINE_S * rate_hz:
                n_shown = 0
                tell(
                    f"{made.n_samples / rate_hz:.1f} of {duration_s:g} s {meter.bar()} "
                    f"{scale.text(meter.level_dbfs)}, peak "
                    f"{db_from_ratio(meter.peak**2):.1f} dBFS, {share:.2%} clip, "
                    f"{made.n_dropped} lost",
                    made.n_samples / n_wanted,
                )
    if not made.n_samples:
        raise SourceError(
            f"the source {info.uri!r:.160} gave no samples, and nothing is recorded: see whether "
            "the radio delivers"
        )
    return Recorded(
        made.meta,
        made.n_samples / rate_hz,
        made.n_samples,
        made.n_dropped,
        meter.mean_dbfs,
        meter.peak,
        meter.clipped_share,
        time.time_ns(),
        scale,
    )


def _kept(made: GrowingRecording, rate_hz: float) -> str:
    return f"{made.n_samples / rate_hz:.1f} s before that are in {made.meta}"


def _check_room(path: Path, n_bytes: int) -> None:
    """See that the recording is new, and that its disk has room for it."""
    data, _ = recording_paths(path)
    try:
        free = shutil.disk_usage(data.parent).free
    except OSError as error:
        raise ConfigError(f"{data.parent} cannot be written to: {error.strerror}") from error
    if n_bytes > free:
        raise ConfigError(
            f"so many seconds are {n_bytes / 1e6:.0f} MB, and {data.parent} has room for "
            f"{free / 1e6:.0f} MB: give fewer --seconds, or another disk"
        )
