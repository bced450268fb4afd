"""Hours of the week as people write them: ``22:00-06:00``, ``sat-sun``, ``mon-fri 08:00-18:00``."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from edgespec.errors import ConfigError

__all__ = ["HOURS", "Hours", "local_time"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(_DAYS)})"
_FROM, _TO = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
_TIMES = f"{_FROM}-{_TO}"
_PATTERN = rf"(?:{_DAY}(?:-{_DAY})?(?: {_TIMES})?|{_TIMES})"
#: Bounds of an option that holds such hours.
HOURS = {
    "pattern": _PATTERN,
    "pattern_text": "days, times or both, such as 'mon-fri 08:00-18:00', '22:00-06:00' or 'sun'",
}
_WHOLE_DAY = [("00", "00"), ("24", "00")]


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of some days, 0 being Monday. Those over midnight are of the day they begin on."""

    days: frozenset[int]
    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Return the hours that a text of :data:`HOURS` names.

        Raises:
            ConfigError: it is no such text, or of no length.
        """
        if not re.fullmatch(_PATTERN, text):
            raise ConfigError(f"hours are {text!r:.60}; they must be {HOURS['pattern_text']}")
        days, times = re.findall(_DAY, text), re.findall(r"(\d\d):(\d\d)", text)
        first, last = (_DAYS.index(days[0]), _DAYS.index(days[-1])) if days else (0, 6)
        begin, end = (60 * int(hour) + int(minute) for hour, minute in times or _WHOLE_DAY)
        if begin == end:
            raise ConfigError(f"hours are {text!r:.60}, which begin when they end: leave times out")
        n_days = (last - first) % 7 + 1
        return cls(frozenset((first + k) % 7 for k in range(n_days)), begin, end)

    def hold(self, when: datetime) -> bool:
        """Return whether a time is within them, as the clock on its wall says."""
        minute, day = 60 * when.hour + when.minute, when.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        is_late = day in self.days and minute >= self.begin
        return is_late or ((day - 1) % 7 in self.days and minute < self.end)


def local_time(utc_ns: int, zone: str) -> datetime:
    """Return what the clocks of a zone show: ``UTC``, ``local`` for the system's, or a name.

    Raises:
        ConfigError: there is no such zone.
    """
    when = datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC)
    if zone == "local":
        return when.astimezone()
    return when.astimezone(_zone_of(zone))


def _zone_of(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        # A text that is no name is a ValueError, a zone that is not there a KeyError.
        raise ConfigError(
            f"time_zone is {name!r:.60}; it must be UTC, local or a zone that this system knows, "
            "such as Europe/Berlin"
        ) from None
