"""What a band and its observer were like, in the history: one row for each change."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgespec.clock import ClockQuality
from edgespec.heard_cell import CellState
from edgespec.history.tables import Row
from edgespec.history.within import within
from edgespec.records import ObserverState

__all__ = ["KeptState", "condition_of", "state_row", "states"]

_INSERT = "INSERT INTO states (at_ns, clock, band, condition) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class KeptState:
    """A condition, since when, and how good UTC was then; of all bands where ``band`` is ''."""

    at_ns: int
    clock: str
    band: str
    condition: dict[str, Any]


def condition_of(state: ObserverState) -> dict[str, Any]:
    """Return what is worth a row where it differs from before: no figure that moves by itself.

    Alarms are events.
    """
    if state.warmup_left_s > 0:
        phase = "warming up"
    else:
        phase = "not scored" if state.unscored_s else "watching"
    cell = state.cell
    return {
        "phase": phase,
        "why": state.unscored_reason if phase == "not scored" else "",
        "troubles": list(state.troubles),
        "distrust": state.distrust,
        "cell": None if cell is None or cell.state is CellState.NONE else cell.identity,
        "center_freq_hz": state.center_freq_hz,
        "mqtt_connected": state.mqtt_connected,
        "model_sha256": state.model_sha256,
        "gain_db": state.scale.gain_db,
    }


def state_row(at_ns: int, clock: ClockQuality, band: str, condition: dict[str, Any]) -> Row:
    """Return what writes a condition."""
    return _INSERT, (at_ns, clock.value, band, json.dumps(condition, separators=(",", ":")))


def states(
    base: sqlite3.Connection, band: str | None, since_ns: int | None, until_ns: int | None
) -> Iterator[KeptState]:
    """Yield the changes of a band, and of all bands together, in their order.

    What is no condition is left out.
    """
    asked, values = within(
        ("band IN (?, '')", band), ("at_ns >= ?", since_ns), ("at_ns < ?", until_ns)
    )
    found = base.execute(
        f"SELECT at_ns, clock, band, condition FROM states WHERE {asked} ORDER BY number",
        values,
    )
    for at_ns, clock, of_band, text in found:
        try:
            condition = json.loads(text)
        except ValueError:
            continue
        if isinstance(condition, dict):
            yield KeptState(at_ns, clock, of_band, condition)
