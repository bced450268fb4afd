"""What people have said of events: one small file, which several processes may change."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from edgespec.alerts.mute import Mute
from edgespec.alerts.normal import Normal
from edgespec.decode import Decoder
from edgespec.decode.text import read_bounded
from edgespec.errors import EdgespecError, UsageError
from edgespec.lock import locked
from edgespec.newfile import replace_file
from edgespec.records import Event
from edgespec.set_aside import set_aside

__all__ = ["ACKNOWLEDGED", "MUTED", "NORMAL", "NOTHING", "Decisions", "DecisionsFile"]

R = TypeVar("R")

ACKNOWLEDGED, MUTED, NORMAL = "acknowledged", "muted", "normal here"
_LOG = logging.getLogger(__name__)
_SCHEMA = "edgespec.decisions/1"
#: Of each.
MOST = 64
_MAX_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Decisions:
    """Events that were acknowledged, what is muted and what is normal here, newest last."""

    acknowledged: tuple[str, ...] = ()
    mutes: tuple[Mute, ...] = ()
    normals: tuple[Normal, ...] = ()

    def why_not(self, event: Event, now_ns: int, alert_since_ns: int | None) -> str:
        """Return why an event is no alert, as people have said; '' where nobody has.

        An event that alarms, since ``alert_since_ns``, was not like what was called normal before:
        it does not become so by getting weaker, but if somebody says it of this one.
        """
        if event.event_id in self.acknowledged:
            return ACKNOWLEDGED
        if any(mute.holds(now_ns) and mute.covers(event) for mute in self.mutes):
            return MUTED
        since_ns = -1 if alert_since_ns is None else alert_since_ns
        is_normal = any(
            normal.made_ns >= since_ns and normal.holds(now_ns) and normal.covers(event)
            for normal in self.normals
        )
        return NORMAL if is_normal else ""

    def is_normal(self, event: Event, now_ns: int) -> bool:
        """Whether people have said that an event like this is normal."""
        return any(one.holds(now_ns) and one.covers(event) for one in self.normals)

    def acknowledge(self, event_id: str) -> "Decisions":
        """Return them with an event that was acknowledged."""
        others = tuple(one for one in self.acknowledged if one != event_id)
        return replace(self, acknowledged=(*others, event_id)[-MOST:])

    def mute(self, mute: Mute) -> "Decisions":
        """Return them with another mute.

        Raises:
            UsageError: there are too many.
        """
        if len(self.mutes) >= MOST:
            raise UsageError(f"{MOST} mutes are in force: undo one first")
        return replace(self, mutes=(*self.mutes, mute))

    def learn(self, normal: Normal) -> "Decisions":
        """Return them with what is normal; what was said of the same incident before is replaced.

        Raises:
            UsageError: there are too many.
        """
        others = tuple(one for one in self.normals if one.incident != normal.incident)
        if len(others) >= MOST:
            raise UsageError(f"{MOST} things are normal here: undo one first")
        return replace(self, normals=(*others, normal))

    def without(self, name: str) -> "Decisions":
        """Return them without a mute or a normal."""
        return replace(
            self,
            mutes=tuple(one for one in self.mutes if one.id != name),
            normals=tuple(one for one in self.normals if one.id != name),
        )

    def current(self, now_ns: int) -> "Decisions":
        """Return them without what has expired."""
        return replace(
            self,
            mutes=tuple(one for one in self.mutes if one.holds(now_ns)),
            normals=tuple(one for one in self.normals if one.holds(now_ns)),
        )


NOTHING = Decisions()


class DecisionsFile:
    """The decisions of an observer, in ``decisions.json`` of the folder of its events.

    Whoever changes them holds the folder's lock and replaces the file in one step; whoever reads
    looks whether it is another file than last time. One that cannot be read is said once, and
    counts as none: rather an alarm too many. It gets another name before it is replaced.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "decisions.json"
        self._seen: tuple[int, int, int] | None = None
        self._last = NOTHING
        self._is_unread = False

    def read(self) -> Decisions:
        """Return the decisions; cheap as long as nobody changes them."""
        try:
            found = self._path.stat()
        except OSError:
            self._seen, self._last, self._is_unread = None, NOTHING, False
            return NOTHING
        mark = (found.st_ino, found.st_mtime_ns, found.st_size)
        if mark != self._seen:
            self._seen, self._last = mark, self._load()
        return self._last

    def change(self, how: Callable[[Decisions], tuple[Decisions, R]], now_ns: int) -> R:
        """Change the decisions and return what ``how`` returns beside the new ones.

        What has expired by ``now_ns`` goes. Nothing is written where nothing changes.

        Raises:
            OSError: they cannot be written.
            EdgespecError: whatever ``how`` raises.
        """
        with locked(self._folder):
            before = self.read()
            after, answer = how(before.current(now_ns))
            if after != before:
                content = json.dumps({"schema": _SCHEMA, **asdict(after)}, indent=0)
                if self._is_unread:
                    kept = set_aside(self._path, _SCHEMA)
                    _LOG.warning("what people said before is kept in %s", kept)
                replace_file(self._path, content.encode())
        return answer

    def _load(self) -> Decisions:
        advice = "all events alarm by the rules alone"
        self._is_unread = False
        try:
            content = read_bounded(self._path, EdgespecError, advice, _MAX_BYTES)
            return Decoder(EdgespecError).from_json(Decisions, content, _SCHEMA, str(self._path))
        except EdgespecError as error:
            _LOG.warning("%s: %s", error, advice)
            self._is_unread = True
            return NOTHING
