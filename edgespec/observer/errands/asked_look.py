"""A look at a band that somebody asks a running observer for."""

import logging
import pickle
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import Any

from edgespec.apart import run_apart
from edgespec.config import BandConfig, Config
from edgespec.errors import EdgespecError, UsageError
from edgespec.evidence.growing import GrowingRecording
from edgespec.figures import can_draw
from edgespec.observer.ear import Ear
from edgespec.observer.errands.asked_recording import band_asked
from edgespec.observer.errands.errands import check_fields
from edgespec.observer.errands.recorded import RingRecorder
from edgespec.wire.request import Request
from edgespec.wire.text import decode

__all__ = ["AskedLook", "look_asked"]

_LOG = logging.getLogger(__name__)
_LEAST_S, _USUAL_S, _MOST_S = 0.05, 1.0, 10.0
#: Of samples, which lie in a file for some seconds, and of a picture.
_MOST_BYTES, _MOST_PICTURE_BYTES = 64_000_000, 1_000_000
#: A slow board loads what it needs for a minute.
_LOOK_S = 180.0
#: The share of the work that is hearing.
_HEARD_SHARE = 0.3
_MODULE = "edgespec.ops.look.beside"


@dataclass(frozen=True, slots=True)
class AskedLook:
    """What a band looks like now: numbers, and a picture where one can be drawn.

    ``show`` publishes a picture of a band and returns its topic.
    """

    config: Config
    band_config: BandConfig
    ear: Ear
    duration_s: float
    show: Callable[[str, bytes], str]

    @property
    def band(self) -> str:
        """Id of the band."""
        return self.band_config.id

    @property
    def told(self) -> dict[str, Any]:
        """What is said when it is taken."""
        return {"band": self.band, "duration_s": self.duration_s}

    def do(self, stopping: Flag, tell: Callable[[float], None]) -> dict[str, Any]:
        """Hear the band, let another process look at that, and return what it says.

        Raises:
            SourceError: the source gave nothing, or broke.
            EdgespecError: the disk is full, or it was stopped.
            OSError: it cannot be looked at.
        """
        with tempfile.TemporaryDirectory(prefix="edgespec-look-") as name:
            folder = Path(name)
            made = GrowingRecording(folder / "heard", self.ear.info, "")
            recorder = RingRecorder(
                self.ear.info, made, self.duration_s, lambda text, share: tell(_HEARD_SHARE * share)
            )
            try:
                with self.ear.listen() as ring:
                    recorder.take(ring, stopping, lambda heard_s: self.ear.is_silent)
            finally:
                made.close()
            heard = recorder.recorded()
            if stopping.is_set():
                raise EdgespecError("it was cancelled before it was looked at")
            tell(_HEARD_SHARE)
            picture = folder / "look.png" if can_draw() else None
            given = (
                self.config,
                self.band,
                (heard.meta, self.ear.info.uri),
                heard.duration_s,
                picture,
            )
            cache = self.config.node.state_dir / "matplotlib"
            said = decode(run_apart((_MODULE,), pickle.dumps(given), stopping, _LOOK_S, cache))
            return {**said, "picture": self._shown(picture)}

    def _shown(self, path: Path | None) -> dict[str, Any] | None:
        """Publish the picture and say where; None where there is none, which the log explains."""
        if path is None:
            _LOG.info("a look has no picture: matplotlib is not installed")
            return None
        content = path.read_bytes()
        if len(content) > _MOST_PICTURE_BYTES:
            _LOG.warning("a picture of %d bytes is too large for a message", len(content))
            return None
        return {"topic": self.show(self.band, content), "n_bytes": len(content)}


def look_asked(
    config: Config, ears: Mapping[str, Ear], show: Callable[[str, bytes], str], request: Request
) -> AskedLook:
    """Return the look that is asked for.

    Args:
        config: of the observer.
        ears: where its bands are heard, by their ids.
        show: publishes a picture of a band and returns its topic.
        request: of the command ``look``.

    Raises:
        UsageError: it cannot be had, or not so.
    """
    check_fields(request, "band", "duration_s")
    duration_s = _USUAL_S if request.duration_s is None else request.duration_s
    if not _LEAST_S <= duration_s <= _MOST_S:
        raise UsageError(
            f"duration_s is {duration_s:g}: a look is at {_LEAST_S:g} to {_MOST_S:g} s"
        )
    band, ear = band_asked(config, ears, request)
    rate = ear.info.sample_rate_hz * ear.info.sample_format.sample_bytes
    if duration_s * rate > _MOST_BYTES:
        raise UsageError(
            f"{duration_s:g} s of this source are {duration_s * rate / 1e6:.0f} MB, and a look "
            f"takes {_MOST_BYTES / 1e6:.0f} MB at most: ask for {_MOST_BYTES / rate:.2g} s or less"
        )
    return AskedLook(config, band, ear, duration_s, show)
