"""Where recordings are kept: a folder that never grows beyond its quota."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from edgespec.evidence.recording import Recording
from edgespec.newfile import replace_file

__all__ = ["Shelf"]

_LOG = logging.getLogger(__name__)
_META, _DATA = ".sigmf-meta", ".sigmf-data"
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """The newest recordings, as many as fit.

    Args:
        folder: where they are, and nothing else is touched.
        max_bytes: of all of them.
        max_age_days: older ones go, too.
    """

    folder: Path
    max_bytes: int
    max_age_days: float

    def put(self, recording: Recording) -> Path | None:
        """Keep a recording, and let the oldest go; return its metadata file, None if it is too big.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        n_bytes = len(recording.data) + len(recording.meta)
        if n_bytes > self.max_bytes:
            _LOG.warning(
                "a recording of %.1f MB is more than evidence.max_bytes allows (%.1f MB): it is "
                "not kept",
                *(n_bytes / 1e6, self.max_bytes / 1e6),
            )
            return None
        self._make_room(self.max_bytes - n_bytes)
        data, meta = (self.folder / f"{recording.name}{end}" for end in (_DATA, _META))
        try:
            replace_file(data, recording.data)
            # Who finds metadata finds data.
            replace_file(meta, recording.meta)
        except OSError:
            if not meta.exists():
                data.unlink(missing_ok=True)
            raise
        return meta

    def _make_room(self, n_bytes: int) -> None:
        """Remove the oldest until what is left has so many bytes at most."""
        oldest_s = time.time() - self.max_age_days * _DAY_S
        kept = []
        # A cut of power may leave data without metadata.
        for data in self.folder.glob(f"*{_DATA}"):
            meta = data.with_name(data.name.removesuffix(_DATA) + _META)
            pair = [path for path in (data, meta) if path.exists()]
            kept.append((max(path.stat().st_mtime for path in pair), pair))
        kept.sort(key=lambda one: one[0])
        total = sum(path.stat().st_size for _, pair in kept for path in pair)
        for at_s, pair in kept:
            if total <= n_bytes and at_s >= oldest_s:
                break
            total -= sum(path.stat().st_size for path in pair)
            for path in reversed(pair):
                path.unlink(missing_ok=True)
