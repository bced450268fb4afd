"""What was said of steps of the gain, and of what is none, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from converter.report.markdown_table import markdown_table

__all__ = ["Outcome", "markdown"]

#: A step is right if it is said by so many dB more or less.
_RIGHT_DB = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one case: steps with their size and how long after it, and other events.

    ``moves_db`` are those of the gain; ``n_open`` other events were still open at the end.
    """

    observer: str
    group: str
    case: str
    moves_db: list[float]
    said_db: list[float]
    said_after_ms: list[float]
    others: list[str]
    n_open: int

    @property
    def is_gain(self) -> bool:
        """Whether the gain has moved."""
        return bool(self.moves_db)

    @property
    def is_followed(self) -> bool:
        """Whether what was said comes to the move of the gain, in all."""
        return bool(self.said_db) and abs(sum(self.said_db) - sum(self.moves_db)) <= _RIGHT_DB

    @property
    def is_right(self) -> bool:
        """Whether every move was said once, and nothing stays."""
        if not self.is_gain:
            return not self.said_db
        return (
            len(self.said_db) <= len(self.moves_db)
            and (self.is_followed or abs(sum(self.moves_db)) < _RIGHT_DB)
            and not self.n_open
        )

    def line(self) -> str:
        """Return all of it in a line."""
        said = ", ".join(f"{step_db:+.1f} dB after {after_ms:.0f} ms"
                         for step_db, after_ms in zip(self.said_db, self.said_after_ms,
                                                      strict=True))  # fmt: skip
        mark = "right" if self.is_right else "WRONG"
        return (
            f"{mark} | {self.observer} | {self.group} {self.case} | {said or 'no step'} | "
            f"{'; '.join(self.others) or 'no other event'}, {self.n_open} open at the end"
        )


def markdown(found: Sequence[Outcome]) -> str:
    """Return a table of the groups, and every case that is not right."""
    table = []
    groups = dict.fromkeys((one.group, one.case if one.group == "step" else "") for one in found)
    for group, case in groups:
        rows = [one for one in found if one.group == group and (not case or one.case == case)]
        after_ms = sorted(ms for one in rows for ms in one.said_after_ms)
        median = f"{after_ms[len(after_ms) // 2]:.0f}" if after_ms else "-"
        followed = str(sum(one.is_followed for one in rows)) if rows[0].is_gain else "-"
        counts = (
            len(rows),
            sum(one.is_right for one in rows),
            sum(bool(one.said_db) for one in rows),
            followed,
            sum(one.n_open > 0 for one in rows),
            sum(bool(one.others) for one in rows),
        )
        table.append((f"{group} {case}", *counts, median))
    head = ("what happened", "cases", "right", "said", "followed", "with an event that stays",
            "with other events", "median ms")  # fmt: skip
    wrong = [one for one in found if not one.is_right]
    lines = [markdown_table(head, table), "", f"Not right: {len(wrong)} of {len(found)}.", ""]
    lines += [f"- {one.line()}" for one in wrong]
    return "\n".join(lines) + "\n"
