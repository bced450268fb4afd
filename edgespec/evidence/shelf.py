"""Where recordings are kept: a folder that never grows beyond its quota."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from edgespec.errors import ConfigError
from edgespec.evidence.growing import check_room
from edgespec.evidence.recording import Recording
from edgespec.newfile import replace_file

__all__ = ["Shelf"]

_LOG = logging.getLogger(__name__)
_PICTURE, _NORMAL = ".png", ".normal"
#: Of samples, and of sweeps: metadata by data.
_META_OF = {".sigmf-data": ".sigmf-meta", ".sweeps.npz": ".sweeps.json"}
_DAY_S = 86_400.0
#: How the names of recordings end that somebody asked for, and their share of the quota.
_ASKED, _ASKED_SHARE = "-asked", 0.5


@dataclass(frozen=True, slots=True)
class Shelf:
    """The newest recordings, as many as fit, with what goes with them; any thread may add to it.

    Those that somebody asked for have half of it at most: nobody asks away the evidence of alerts.

    Args:
        folder: where they are, and nothing else is touched.
        max_bytes: of all of them.
        max_age_days: older ones go, too.
    """

    folder: Path
    max_bytes: int
    max_age_days: float
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    #: Files of data that grow, and what they will come to.
    _growing: dict[Path, int] = field(default_factory=dict, repr=False, compare=False)

    def put(self, recording: Recording) -> Path | None:
        """Keep a recording, and let the oldest go; return its metadata file, None if it is too big.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        n_bytes = len(recording.data) + len(recording.meta) + len(recording.normal or b"")
        if n_bytes > self.max_bytes:
            _LOG.warning(
                "a recording of %.1f MB is more than evidence.max_bytes allows (%.1f MB): it is "
                "not kept",
                *(n_bytes / 1e6, self.max_bytes / 1e6),
            )
            return None
        data, meta, normal = (
            self.folder / f"{recording.name}{end}"
            for end in (recording.data_ending, recording.meta_ending, _NORMAL)
        )
        with self._lock:
            self._make_room(self.max_bytes - n_bytes)
            try:
                replace_file(data, recording.data)
                if recording.normal is not None:
                    replace_file(normal, recording.normal)
                # Who finds metadata finds data.
                replace_file(meta, recording.meta)
            except OSError:
                if not meta.exists():
                    data.unlink(missing_ok=True)
                    normal.unlink(missing_ok=True)
                raise
        return meta

    def check_asked(self, n_bytes: int) -> None:
        """See that a recording may be asked for.

        Raises:
            ConfigError: it is more than they may have together, or the disk has no room for it.
            OSError: there is no such folder, and none can be made.
        """
        most = self._most_asked
        if n_bytes > most:
            raise ConfigError(
                f"so many seconds are {n_bytes / 1e6:.1f} MB, and recordings that are asked for "
                f"have {most / 1e6:.1f} MB, half of evidence.max_bytes: ask for fewer seconds, or "
                "raise it"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        check_room(self.folder, n_bytes)

    @contextmanager
    def growing(self, name: str, n_bytes: int) -> Iterator[Path]:
        """Keep room for a recording that somebody asked for while it grows; give its path.

        The oldest that were asked for go first.

        Raises:
            ConfigError, OSError: as :meth:`check_asked`.
        """
        self.check_asked(n_bytes)
        path = self.folder / f"{name}{_ASKED}"
        data = _beside(path, ".sigmf-data")
        with self._lock:
            self._make_room(self._most_asked - n_bytes, f"*{_ASKED}")
            self._make_room(self.max_bytes - n_bytes)
            self._growing[data] = n_bytes
        try:
            yield path
        finally:
            with self._lock:
                del self._growing[data]

    def put_picture(self, meta: Path, drawn: Path) -> Path | None:
        """Move a picture beside its recording and return where it is.

        The recording may have gone meanwhile: so does the picture, and that is None.

        Raises:
            OSError: it cannot be moved.
        """
        with self._lock:
            self._make_room(self.max_bytes - drawn.stat().st_size)
            if not meta.exists():
                drawn.unlink()
                return None
            return drawn.replace(_beside(meta, _PICTURE))

    @property
    def _most_asked(self) -> int:
        return int(_ASKED_SHARE * self.max_bytes)

    def _make_room(self, n_bytes: int, pattern: str = "*") -> None:
        """Remove the oldest until what is left has so many bytes at most.

        What grows counts as what it will come to, and stays.
        """
        oldest_s = time.time() - self.max_age_days * _DAY_S
        kept, total = [], sum(self._growing.values())
        # A cut of power may leave data without metadata.
        found = ((data, end) for end in _META_OF for data in self.folder.glob(f"{pattern}{end}"))
        for data, ending in found:
            if data in self._growing:
                continue
            ends = (_META_OF[ending], _NORMAL, _PICTURE)
            of_one = (data, *(_beside(data, end) for end in ends))
            files = [path for path in of_one if path.exists()]
            # A picture may be drawn much later.
            kept.append((max(path.stat().st_mtime for path in files[:2]), files))
        kept.sort(key=lambda one: one[0])
        total += sum(path.stat().st_size for _, files in kept for path in files)
        for at_s, files in kept:
            if total <= n_bytes and at_s >= oldest_s:
                break
            total -= sum(path.stat().st_size for path in files)
            for path in reversed(files):
                path.unlink(missing_ok=True)


def _beside(path: Path, ending: str) -> Path:
    """Return the file of the same recording with another ending."""
    name = path.name
    for known in (*_META_OF, *_META_OF.values()):
        name = name.removesuffix(known)
    return path.with_name(name + ending)
