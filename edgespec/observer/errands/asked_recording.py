"""A recording that somebody asks a running observer for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from time import gmtime, strftime
from typing import Any
from uuid import uuid4

from edgespec.config import BandConfig, Config
from edgespec.errors import UsageError
from edgespec.evidence.growing import GrowingRecording
from edgespec.evidence.shelf import Shelf
from edgespec.nearest import advice
from edgespec.observer.ear import Ear
from edgespec.observer.errands.errands import check_fields
from edgespec.observer.errands.recorded import RingRecorder
from edgespec.observer.fixed_gain import gain_text, scale_of
from edgespec.wire.request import Request

__all__ = ["AskedRecording", "band_asked", "recording_asked"]

#: The longest that may be asked for; quota and disk allow less.
_MOST_S, _LEAST_S = 600.0, 0.01
#: Room for the metadata.
_META_BYTES = 4096


@dataclass(frozen=True, slots=True)
class AskedRecording:
    """So many seconds of a band, which go where the evidence of alerts is, under its quota.

    The parts are those of the band: where it is kept, where it is heard, how long, its gain in
    words.
    """

    config: Config
    band_config: BandConfig
    shelf: Shelf
    ear: Ear
    duration_s: float

    @property
    def band(self) -> str:
        """Id of the band."""
        return self.band_config.id

    @property
    def told(self) -> dict[str, Any]:
        """What is said when it is taken."""
        return {"band": self.band, "duration_s": self.duration_s, "n_bytes": self.n_bytes}

    @property
    def n_bytes(self) -> int:
        """Bytes that it may come to."""
        info = self.ear.info
        n_samples = max(round(self.duration_s * info.sample_rate_hz), 1)
        return n_samples * info.sample_format.sample_bytes + _META_BYTES

    def do(self, stopping: Flag, tell: Callable[[float], None]) -> dict[str, Any]:
        """Record, and return what was.

        Raises:
            ConfigError: quota or disk have no room for it.
            SourceError: the source gave nothing, or broke; what came before is kept.
            EdgespecError: the disk is full; what it took is kept.
            OSError: the folder cannot be written to.
        """
        name = f"{strftime('%Y%m%dT%H%M%SZ', gmtime())}-{self.band}-{uuid4().hex[:8]}"
        info = self.ear.info
        with self.shelf.growing(name, self.n_bytes) as path:
            made = GrowingRecording(path, info, gain_text(self.config, self.band_config))
            recorder = RingRecorder(
                info,
                made,
                self.duration_s,
                lambda text, share: tell(share),
                scale_of(self.config, self.band_config),
            )
            try:
                with self.ear.listen() as ring:
                    recorder.take(ring, stopping, lambda heard_s: self.ear.is_silent)
            finally:
                made.close()
        return recorder.recorded().as_json()


def recording_asked(
    config: Config, ears: Mapping[str, Ear], shelf: Shelf | None, request: Request
) -> AskedRecording:
    """Return the recording that is asked for.

    Args:
        config: of the observer.
        ears: where its bands are heard, by their ids.
        shelf: where evidence is kept; None where none is.
        request: of the command ``record``.

    Raises:
        UsageError: it cannot be made, or not so.
        ConfigError: quota or disk have no room for it.
        OSError: the folder cannot be made.
    """
    check_fields(request, "band", "duration_s")
    if request.duration_s is None or not _LEAST_S <= request.duration_s <= _MOST_S:
        raise UsageError(
            f"duration_s is {request.duration_s}: say how many seconds are to be recorded, "
            f"{_LEAST_S:g} to {_MOST_S:g}"
        )
    band, ear = band_asked(config, ears, request)
    if config.evidence.keep != "samples" or shelf is None:
        raise UsageError(
            f"evidence.keep is {config.evidence.keep!r} here: samples are not to be kept"
        )
    job = AskedRecording(config, band, shelf, ear, request.duration_s)
    shelf.check_asked(job.n_bytes)
    return job


def band_asked(config: Config, ears: Mapping[str, Ear], request: Request) -> tuple[BandConfig, Ear]:
    """Return the live band of samples that a request is about, the first where it names none.

    Raises:
        UsageError: there is no such band, or it has no samples that come now.
    """
    name = request.band or next(iter(ears))
    if name not in ears:
        raise UsageError(f"{name!r} is not there: {advice(name, ears)}")
    ear = ears[name]
    if not ear.info.is_live:
        raise UsageError(f"band {name} is a recording that is played: it is there already")
    if ear.info.grid is not None:
        raise UsageError(f"band {name} is swept: there are no samples to {request.command}")
    (band,) = (one for one in config.band if one.id == name)
    return band, ear
