"""When segments become an event."""

from dataclasses import dataclass

from edgespec.errors import ConfigError

__all__ = ["STRONG", "EventRules"]

#: Beside a cell, what is so many times its threshold is an event by a single segment, told behind
#: the next one. Of normal signal single segments come to 1.3 at most.
STRONG = 3.0


@dataclass(frozen=True, slots=True)
class EventRules:
    """When an event opens, goes on and ends.

    ``k`` of the last ``n`` scored segments must alarm to open one. While it is open, a segment
    belongs to it when any score is above ``hysteresis`` times its threshold and it is seen where
    the event is. It ends when no segment belonged to it for ``hold_off_s``, and says so again at
    most every ``update_s``; both are signal time.
    """

    k: int = 2
    n: int = 3
    hysteresis: float = 0.9
    hold_off_s: float = 0.5
    update_s: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n:
            raise ConfigError(f"detect.k is {self.k} and detect.n is {self.n}: need 1 <= k <= n")
        if not 0.0 < self.hysteresis <= 1.0:
            raise ConfigError(
                f"detect.hysteresis is {self.hysteresis}; it must lie above 0 and up to 1"
            )
