"""What is not to alarm for a while."""

from dataclasses import dataclass

from edgespec.records import Event

__all__ = ["Mute"]


@dataclass(frozen=True, slots=True)
class Mute:
    """Events of a band, of a kind, within a range of frequencies, until a time in UTC.

    What is None is left open, but not all of it at once. An event that reaches out of the range is
    not muted: a mute of one transmitter does not hide a jammer of the whole band. What has no name
    yet may be of the kind: until it has, it is muted.
    """

    id: str
    made_ns: int
    until_ns: int
    band: str | None = None
    kind: str | None = None
    lower_hz: float | None = None
    upper_hz: float | None = None

    def holds(self, now_ns: int) -> bool:
        """Whether it has not expired."""
        return now_ns < self.until_ns

    def covers(self, event: Event) -> bool:
        """Whether an event is one of those that it mutes."""
        return (
            self.band in (None, event.band)
            and (self.kind in (None, event.kind) or not event.is_named)
            and (self.lower_hz is None or event.freq_lower_hz >= self.lower_hz)
            and (self.upper_hz is None or event.freq_upper_hz <= self.upper_hz)
        )
