"""A picture beside each recording: drawn by a process of its own, when there is time for it."""

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from queue import Full, Queue
from threading import Event as Flag
from threading import Thread

from edgespec.apart import run_apart
from edgespec.evidence.shelf import Shelf

__all__ = ["Picture", "Pictures", "draw_apart"]

_LOG = logging.getLogger(__name__)
#: Recordings that wait to be drawn; of more, the newest have none.
_MOST_WAITING = 32
#: A slow board takes a minute to load what draws, for the first time.
_DRAW_S, _CLOSE_S = 180.0, 5.0
#: The least that is looked at: what an observer that ends has kept of an alert may be less.
_LEAST_S = 0.01
_PART = ".part.png"


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn: a recording, by its metadata file, and which seconds of it.

    Of sweeps all are drawn, from the file of their ``table``. ``event_ids`` are those in it.
    """

    meta: Path
    skip_s: float = 0.0
    duration_s: float = 0.0
    table: Path | None = None
    event_ids: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its files are called, without an ending."""
        return self.meta.name.removesuffix(".sigmf-meta").removesuffix(".sweeps.json")

    @property
    def options(self) -> tuple[str, ...]:
        """What ``edgespec look`` is told."""
        if self.table is not None:
            return ("--source", f"rtl_power:{self.table}")
        return (
            *("--source", f"sigmf:{self.meta}"),
            *("--skip", f"{self.skip_s:.6f}", "--duration", f"{self.duration_s:.6f}"),
        )


class Pictures:
    """Draws recordings one after another; neither the stream nor the disk's thread waits for it.

    Args:
        shelf: where they are kept.
        draw: draws a picture into a file, and gives up once the flag is set.
        on_drawn: told the ids of the events in a recording and where its picture is.
    """

    def __init__(
        self,
        shelf: Shelf,
        draw: Callable[[Picture, Path, Flag], None],
        on_drawn: Callable[[Iterable[str], Path], None] = lambda event_ids, path: None,
    ) -> None:
        self._shelf = shelf
        self._draw = draw
        self._on_drawn = on_drawn
        self._has_failed = False
        self._stopping = Flag()
        self._waiting: Queue[Picture | None] = Queue(_MOST_WAITING)
        # What a kill left half drawn.
        for part in shelf.folder.glob(f".*{_PART}"):
            _remove(part)
        self._drawer = Thread(target=self._draw_all, name="edgespec-pictures", daemon=True)
        self._drawer.start()

    def put(self, picture: Picture) -> None:
        """Draw a recording when its turn comes; where too many wait, or of too little, never."""
        if picture.table is None and picture.duration_s < _LEAST_S:
            _LOG.info("%s is too short for a picture", picture.meta)
            return
        try:
            self._waiting.put_nowait(picture)
        except Full:
            _LOG.info("too many recordings wait to be drawn: %s has no picture", picture.meta)

    def close(self) -> None:
        """Draw what waits for some seconds yet, and give up the rest."""
        try:
            self._waiting.put_nowait(None)
        except Full:
            self._stopping.set()
        self._drawer.join(_CLOSE_S)
        self._stopping.set()
        self._drawer.join(_CLOSE_S)

    def _draw_all(self) -> None:
        while not self._stopping.is_set() and (picture := self._waiting.get()) is not None:
            name = picture.name
            part = picture.meta.with_name(f".{name}{_PART}")
            try:
                self._draw(picture, part, self._stopping)
                kept = self._shelf.put_picture(picture.meta, part)
                self._has_failed = False
                if kept is not None:
                    self._on_drawn(picture.event_ids, kept)
            except OSError as error:
                if self._stopping.is_set():
                    _LOG.info(
                        "the observer ends before %s is drawn: edgespec look --source FILE -o "
                        "FILE.png does it",
                        name,
                    )
                elif not self._has_failed:
                    said = error.strerror or error
                    _LOG.warning("recordings of alerts cannot be drawn: %.300s", said)
                self._has_failed = True
            finally:
                _remove(part)


def draw_apart(picture: Picture, path: Path, stopping: Flag, cache: Path) -> None:
    """Draw a picture by ``edgespec look`` in a process that yields to everybody.

    Args:
        picture: of which recording.
        path: where to.
        stopping: ends the process once it is set.
        cache: folder in which matplotlib may keep its list of fonts.

    Raises:
        OSError: there is no such process, or it did not draw.
    """
    told = ("edgespec", "look", *picture.options, "-o", str(path))
    run_apart(told, b"", stopping, _DRAW_S, cache)


def _remove(part: Path) -> None:
    """Remove what is half drawn, unless the disk has become read-only: the next may be drawn."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
