"""Whether an event is an alert: detection and alarm are two things."""

from dataclasses import dataclass

__all__ = ["ON", "Alert"]


@dataclass(frozen=True, slots=True)
class Alert:
    """Whether somebody is to be alarmed by an event, and why not.

    ``reason`` is why not: ``rule``, ``quiet hours``, ``muted``, ``acknowledged`` or ``normal
    here``; '' for an alert. ``incident`` names what the event is one of, '' for nothing, or as
    long as it has no name.
    """

    is_on: bool = True
    reason: str = ""
    incident: str = ""


#: What every event is unless something speaks against it.
ON = Alert()
