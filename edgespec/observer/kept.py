"""What a warm-up learnt, kept over a restart: one small file a band, replaced as a whole."""

import json
import logging
import math
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from edgespec.newfile import replace_file

__all__ = ["KeptFile", "KeptNormal", "kept_file", "load_kept", "save_kept"]

_LOG = logging.getLogger(__name__)
#: 4096 bins in text; what is longer was not written here.
_MAX_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class KeptFile:
    """Where it is kept for a band, and what it must have been learnt with to be compared."""

    path: Path
    source: str
    gain_db: float | None


@dataclass(frozen=True, slots=True)
class KeptNormal:
    """The mean level of every bin in dBFS, and when, where and with what it was learnt.

    A gain of None is that of a source which sets it itself, or has none.
    """

    utc_ns: int
    source: str
    gain_db: float | None
    range_hz: tuple[float, float]
    normal_dbfs: tuple[float, ...]

    def is_of(self, file: KeptFile, range_hz: tuple[float, float], n_bins: int) -> bool:
        """Whether it can be compared with what is heard now."""
        learnt = (self.source, self.gain_db, self.range_hz, len(self.normal_dbfs))
        return learnt == (file.source, file.gain_db, range_hz, n_bins)


def kept_file(folder: Path, band: str, source: str, gain_db: float | None) -> KeptFile:
    """Return the file of a band; its id may hold what a name of a file cannot."""
    name = sha256(band.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return KeptFile(folder / "normal" / f"{name}.json", source, gain_db)


def save_kept(path: Path, kept: KeptNormal) -> None:
    """Write it beside the file, then in its place; a disk that refuses costs the file alone."""
    values = {**asdict(kept), "normal_dbfs": [round(level, 2) for level in kept.normal_dbfs]}
    try:
        replace_file(path, json.dumps(values).encode())
    except OSError as error:
        _LOG.warning("what the warm-up learnt is not kept for the next run: %s", error)


def load_kept(path: Path) -> KeptNormal | None:
    """Return what was kept, None where there is nothing or nothing that can be read."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError:
        return None
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it is longer than {_MAX_BYTES} bytes")
        values = json.loads(data)
        kept = KeptNormal(
            int(values["utc_ns"]),
            str(values["source"]),
            None if values["gain_db"] is None else float(values["gain_db"]),
            (float(values["range_hz"][0]), float(values["range_hz"][1])),
            tuple(float(level) for level in values["normal_dbfs"]),
        )
        if not all(map(math.isfinite, (*kept.range_hz, *kept.normal_dbfs))):
            raise ValueError("a level is not finite")
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        _LOG.warning("%s is no normal of a band (%s): it is not used", path, str(error)[:100])
        return None
    return kept
