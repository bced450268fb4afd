"""Times that a program wrote as a clock on the wall shows them, without saying where that hangs."""

import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edgespec.errors import UsageError

__all__ = ["WallClock", "zone_named", "zone_words"]

_LOG = logging.getLogger(__name__)
_HOUR_S = 3600.0
#: A step back by an hour, give or take so much, is the end of daylight saving.
_SLACK_S = 900.0


def zone_named(name: str | None) -> ZoneInfo | None:
    """Return a time zone by its name, such as ``Europe/Berlin`` or ``UTC``; None: this machine's.

    Raises:
        UsageError: there is none of that name.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"zone is {name!r:.60}; write a time zone that this machine knows, such as "
            "Europe/Berlin or UTC"
        ) from None


def zone_words(zone: ZoneInfo | None) -> str:
    """Return what a zone is called, for people."""
    return "this machine's time zone" if zone is None else str(zone)


class WallClock:
    """From times on the wall to UTC, in the order in which they were written.

    In the hour that comes twice at the end of daylight saving, times that go back are of its second
    round. Where the zone knows of no such hour, times that go back by about an hour are taken for
    that of another zone, and an hour is added from there on. Any other step back is that of a clock
    that was set: times are then as they are written.

    Two times are no clock's of that zone alone, and the log says so: one in the hour that daylight
    saving leaves out, from which on the time before that hour goes on; and one in the hour that
    comes twice with nothing shortly before it, which is taken for the first round.

    Args:
        zone: of the wall; None: that of this machine.
        name: of what is read, for the log.
    """

    def __init__(self, zone: ZoneInfo | None, name: str) -> None:
        self._zone = zone
        self._name = name
        self._last_s: float | None = None
        self._added_s = 0.0
        self._was_left_out = False
        self._told: set[str] = set()

    def utc_s(self, wall: datetime, line: int) -> float:
        """Return seconds since 1970 in UTC."""
        now_s = self._seconds(wall, 0) + self._added_s
        again_s = self._seconds(wall, 1) + self._added_s
        last_s = self._last_s
        was_left_out, self._was_left_out = self._was_left_out, again_s < now_s
        if self._was_left_out:
            self._say(
                "skipped",
                line,
                f"{_shown(wall)} is left out in {zone_words(self._zone)} by daylight saving: the "
                "times are of another zone; give the one that the clock of the writer had "
                "(zone, such as UTC)",
            )
        if last_s is not None and now_s < last_s:
            back_s = last_s - now_s
            if again_s > now_s and again_s >= last_s - _SLACK_S:
                self._say_back(line, "the hour that daylight saving repeats has come again")
                now_s = again_s
            elif was_left_out or abs(back_s - _HOUR_S) <= _SLACK_S:
                self._say_back(line, "an hour is added from here on, as at a change of the clock")
                self._added_s += _HOUR_S
                now_s += _HOUR_S
            else:
                self._say_back(line, f"they go back by {back_s:.0f} s; sweeps are counted on")
        elif again_s > now_s and (last_s is None or now_s - last_s > _SLACK_S):
            self._say(
                "twice",
                line,
                f"{_shown(wall)} comes twice in {zone_words(self._zone)}, at the end of daylight "
                "saving, and nothing before it says which is meant: it is taken for the first, "
                "and may be an hour too early",
            )
        self._last_s = now_s
        return now_s

    def _seconds(self, wall: datetime, fold: int) -> float:
        try:
            return wall.replace(tzinfo=self._zone, fold=fold).timestamp()
        except (OverflowError, OSError):
            return wall.replace(tzinfo=UTC).timestamp()

    def _say_back(self, line: int, words: str) -> None:
        self._say("back", line, f"the times go back: {words}")

    def _say(self, what: str, line: int, words: str) -> None:
        if what not in self._told:
            _LOG.warning("%s, line %d: %s", self._name, line, words)
        self._told.add(what)


def _shown(wall: datetime) -> str:
    return wall.isoformat(" ", "seconds")
