"""What a model may be given besides its context: what the band was like hours and days ago."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgespec.errors import ModelError
from edgespec.option import about, check_record

__all__ = ["DAYS", "HOURS", "HOUR_NS", "MOST_HOURS", "SAME_HOURS", "USUAL", "SideInput"]

HOUR_NS = 3_600_000_000_000
#: No memory of a band reaches further back; it bounds what a wrong bundle can cost.
MOST_HOURS = 14 * 24
_NAME = {"pattern": r"[a-z][a-z0-9_]{0,31}", "pattern_text": "1 to 32 of a-z, 0-9 and _"}


@dataclass(frozen=True, slots=True)
class SideInput:
    """``n_rows`` means of the power of each bin, oldest first: float32 ``(n_rows, n_bins)`` in dB.

    With ``H`` the hour of UTC in which the horizon begins, the row ``j`` before the end (the last
    is ``j = 1``) is of the ``span_hours`` whole hours that begin at ``H - j step_hours``. All of
    them are over: what is asked for changes once an hour. A model is given it standardised by its
    context, as the context itself is. ``name`` is that of the model's input.

    Raises:
        ModelError: a row would reach into the present, or further back than :data:`MOST_HOURS`.
    """

    name: str = field(metadata=about("Name of the model's input", **_NAME))
    n_rows: int = field(metadata=about("Rows", minimum=1))
    span_hours: int = field(metadata=about("What a row is the mean of", unit="h", minimum=1))
    step_hours: int = field(metadata=about("From row to row", unit="h", minimum=1))

    def __post_init__(self) -> None:
        check_record(self, ModelError)
        if self.span_hours > self.step_hours:
            raise ModelError(
                f"span_hours is {self.span_hours} and step_hours {self.step_hours}; a row that is "
                "longer than a step is not over yet: make span_hours as short"
            )
        if self.n_hours > MOST_HOURS:
            raise ModelError(
                f"n_rows is {self.n_rows} and step_hours {self.step_hours}, which is "
                f"{self.n_hours} h back; at most {MOST_HOURS} are remembered: ask for fewer"
            )

    @property
    def n_hours(self) -> int:
        """How far back it reaches."""
        return self.n_rows * self.step_hours


#: Means of each of the last three hours and of the last three days (Peng et al. 2022, sec. 4.2),
#: and of the hour to come on each of the last three days.
HOURS = SideInput("hours", 3, 1, 1)
DAYS = SideInput("days", 3, 24, 24)
SAME_HOURS = SideInput("same_hours", 3, 1, 24)
#: Those by their names.
USUAL: Mapping[str, SideInput] = {side.name: side for side in (HOURS, DAYS, SAME_HOURS)}
