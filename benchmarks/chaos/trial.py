"""What a fault came to, in one line."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Trial", "heard_trial"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A fault, how often it was tried, and what became of the messages.

    Args:
        fault: what was done.
        n_tried: how many times.
        n_said: messages, reads or files that were at stake.
        n_lost: of those, never heard, or not to be read any more.
        n_repeated: heard more than once.
        in_order: whether first arrivals were in order; None where there is no order.
        growth_mb: memory that the observer grew by; None where it was not measured.
        failed: what is not as it should be, in words; empty where all is.
        note: what else there is to say.
    """

    fault: str
    n_tried: int
    n_said: int
    n_lost: int
    n_repeated: int = 0
    in_order: bool | None = None
    growth_mb: float | None = None
    failed: str = ""
    note: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """Its line of the table."""
        order = {None: "-", True: "yes", False: "no"}[self.in_order]
        growth = "-" if self.growth_mb is None else f"{self.growth_mb:.1f} MB"
        said = "; ".join(filter(None, (self.failed and f"**fails: {self.failed}**", self.note)))
        return (
            self.fault,
            *(str(number) for number in (self.n_tried, self.n_said, self.n_lost, self.n_repeated)),
            order,
            growth,
            said,
        )


def heard_trial(
    fault: str,
    n_tried: int,
    said: Sequence[str],
    heard: Sequence[tuple[str, int, bool]],
    growth_mb: float,
    note: str = "",
    failed: str = "",
) -> Trial:
    """Return the trial of messages that were said and heard.

    Args:
        fault: what was done.
        n_tried: how many times.
        said: their ids, in order.
        heard: id, sequence number and whether it says that it was repeated, as they came.
        growth_mb: of the observer's memory.
        note: what else there is to say.
        failed: what else went wrong.
    """
    first: dict[str, int] = {}
    n_unmarked = 0
    for name, sequence, is_replayed in heard:
        n_unmarked += name in first and not is_replayed
        first.setdefault(name, sequence)
    lost = [name for name in said if name not in first]
    known = {name: place for place, name in enumerate(said)}
    places = [known[name] for name in first if name in known]
    sequences = list(first.values())
    faults = [failed] if failed else []
    if lost:
        faults.append(f"{len(lost)} of {len(said)} lost")
    if n_unmarked:
        faults.append(f"{n_unmarked} repeated without saying so")
    if len(set(sequences)) < len(sequences):
        faults.append(f"{len(sequences) - len(set(sequences))} sequence numbers come twice")
    return Trial(
        fault,
        n_tried,
        len(said),
        len(lost),
        len(heard) - len(first),
        places == sorted(places),
        growth_mb,
        "; ".join(faults),
        note,
    )
