"""Recording a source: from its reader to the disk, with a live line."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event as Flag

from edgespec.errors import EdgespecError
from edgespec.evidence.growing import GrowingRecording, check_room, recording_paths
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.observer.errands.recorded import Recorded, RingRecorder
from edgespec.ops.silence import has_been_silent
from edgespec.screen.progress import Tell
from edgespec.sources.reader import Reader
from edgespec.sources.source import Source

__all__ = ["record"]

#: A block is so long, and so much signal may wait for the disk.
_BLOCK_S, _RING_S = 0.05, 4.0


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
        EdgespecError: the disk is full, and what it took is kept; or it was stopped before
            anything came.
    """
    info = source.info
    rate_hz, stopping = info.sample_rate_hz, Flag()
    with ExitStack() as stack:
        stack.callback(source.close)
        n_wanted = max(round(duration_s * rate_hz), 1)
        data, _ = recording_paths(path)
        check_room(data.parent, n_wanted * info.sample_format.sample_bytes)
        made = GrowingRecording(path, info, gain)
        # Whatever breaks, the recording is put in order.
        stack.callback(made.close)
        block_samples = max(round(_BLOCK_S * rate_hz), 1)
        n_blocks = round(_RING_S / _BLOCK_S)
        reader = Reader(source, block_samples=block_samples, n_blocks=n_blocks)
        stack.callback(reader.close)
        stop_on(stopping.set)
        reader.start()
        (ring,) = reader.rings
        recording = RingRecorder(info, made, duration_s, tell, scale)
        recording.take(ring, stopping, has_been_silent)
    if stopping.is_set() and not made.n_samples:
        raise EdgespecError("stopped before a sample came: nothing is recorded")
    return recording.recorded()
