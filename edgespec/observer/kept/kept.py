"""What a warm-up learnt, kept over a restart: one small file a band, replaced as a whole."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.config import BandConfig, Config
from edgespec.dsp.stream import is_near_range
from edgespec.observer.fixed_gain import kept_gain_db
from edgespec.observer.kept.band_file import LearntKind, learnt_file
from edgespec.observer.kept.heard import Heard
from edgespec.observer.kept.kept_arrays import load_arrays, range_of, save_arrays

__all__ = ["KeptFile", "KeptNormal", "kept_file", "kept_of", "load_kept", "save_kept"]

#: Two lines and a sample of at most 64 segments; what is longer was not written here.
MAX_BYTES = 1_000_000
_MOST_SEGMENTS, _MOST_SAMPLE_BYTES = 64, 800_000


@dataclass(frozen=True, slots=True)
class KeptFile:
    """Where it is kept for a band, and what it must have been learnt with to be compared.

    ``model_sha256`` is that of the bundle: only with the same one it can be learnt from again.
    """

    path: Path
    source: str
    gain_db: float | None
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class KeptNormal:
    """The mean level of every bin in dBFS, some segments, and when, where and with what.

    A gain of None is that of a source which sets it itself, or has none.
    """

    utc_ns: int
    source: str
    gain_db: float | None
    range_hz: tuple[float, float]
    model_sha256: str
    normal_dbfs: NDArray[np.float64]
    heard: Heard

    def is_of(self, file: KeptFile, range_hz: tuple[float, float], n_bins: int) -> bool:
        """Whether it can be compared with what is heard now."""
        learnt = (self.source, self.gain_db, len(self.normal_dbfs))
        # A radio may round its rate otherwise at the next start.
        is_same_range = is_near_range(self.range_hz, range_hz)
        return is_same_range and learnt == (file.source, file.gain_db, n_bins)

    def heard_with(self, file: KeptFile, n_horizon: int) -> Heard | None:
        """Return its segments, None where they are another bundle's."""
        if self.model_sha256 != file.model_sha256:
            return None
        return self.heard if self.heard.targets_dbfs.shape[1] == n_horizon else None


def kept_file(
    folder: Path, band: str, source: str, gain_db: float | None, model_sha256: str = ""
) -> KeptFile:
    """Return the file of a band, and what goes with it."""
    path = learnt_file(LearntKind.NORMAL, folder, band)
    return KeptFile(path, source, gain_db, model_sha256)


def kept_of(config: Config, band: BandConfig, source: str, model_sha256: str | None) -> KeptFile:
    """Return the file of a band of a configuration that hears a source, judged by a bundle or none.

    Raises:
        UsageError: the URI of the band's source cannot be understood.
    """
    gain_db = kept_gain_db(config, band)
    return kept_file(config.node.state_dir, band.id, source, gain_db, model_sha256 or "")


def save_kept(path: Path, kept: KeptNormal) -> None:
    """Write it beside the file, then in its place; a disk that refuses costs the file alone.

    Of the segments as many are written as the file may hold.
    """
    head = {
        "utc_ns": kept.utc_ns,
        "source": kept.source,
        "gain_db": kept.gain_db,
        "range_hz": list(kept.range_hz),
        "model_sha256": kept.model_sha256,
        "detector": kept.heard.detector,
    }
    segment_bytes = kept.heard.targets_dbfs[0].nbytes if len(kept.heard) else 1
    some = kept.heard.thinned(max(min(_MOST_SEGMENTS, _MOST_SAMPLE_BYTES // segment_bytes), 1))
    arrays: dict[str, NDArray[Any]] = {
        "normal_dbfs": kept.normal_dbfs.astype(np.float32),
        "targets_dbfs": some.targets_dbfs,
        "scores": some.scores,
        "errors_db": some.errors_db,
    }
    save_arrays(path, head, arrays, unkept="what the warm-up learnt is not kept for the next run")


def load_kept(path: Path) -> KeptNormal | None:
    """Return what was kept, None where there is nothing or nothing that can be read."""
    return load_arrays(path, MAX_BYTES, _parse, label="its sample", unlike="no normal of a band")


def _parse(head: Any, arrays: Mapping[str, NDArray[Any]]) -> KeptNormal:
    heard = Heard(
        str(head["detector"]), arrays["targets_dbfs"], arrays["scores"], arrays["errors_db"]
    )
    kept = KeptNormal(
        int(head["utc_ns"]),
        str(head["source"]),
        None if head["gain_db"] is None else float(head["gain_db"]),
        range_of(head),
        str(head["model_sha256"]),
        arrays["normal_dbfs"].astype(np.float64),
        heard,
    )
    n_segments, n_bins = len(heard.targets_dbfs), len(kept.normal_dbfs)
    shapes = (kept.normal_dbfs.shape, heard.scores.shape, heard.errors_db.shape)
    if shapes != ((n_bins,), (n_segments,), (n_segments, n_bins)):
        raise ValueError(f"its arrays are of shapes {shapes}")
    if heard.targets_dbfs.ndim != 3 or heard.targets_dbfs.shape[2] != n_bins:
        raise ValueError(f"its sample is of shape {heard.targets_dbfs.shape}")
    levels = (kept.range_hz, kept.normal_dbfs, heard.targets_dbfs, heard.errors_db)
    if not all(np.isfinite(values).all() for values in levels):
        raise ValueError("a level is not finite")
    if not math.isfinite(kept.gain_db or 0.0):
        raise ValueError("its gain is not finite")
    return kept
