"""How the bands of an observer are, in a line for people."""

import math
from collections.abc import Collection

from edgespec.heard_cell import CellState, HeardCell
from edgespec.kinds import OVERLOAD
from edgespec.records import ObserverState

__all__ = ["StatusLine", "status_text"]


class StatusLine:
    """The last word on each band; together they are a line.

    Args:
        bands: ids of the bands of which there will be states.
    """

    def __init__(self, bands: Collection[str] = ()) -> None:
        self._texts = dict.fromkeys(bands, "starting")

    @property
    def n_bands(self) -> int:
        """How many bands there are."""
        return len(self._texts)

    def take(self, state: ObserverState) -> str:
        """Return the line with what a new state says; of a single band it says more."""
        self._texts[state.band] = _short(state)
        if len(self._texts) < 2:
            return status_text(state)
        return " | ".join(f"{band}: {words}" for band, words in self._texts.items())


def _highest(state: ObserverState) -> str | None:
    """Return which detector stands highest, in words that fit to the mood; None where none does.

    While an event is kept open by its hold-off, nothing is above its threshold: that is said.
    """
    highest = _highest_share(state)
    if highest is None or state.warmup_left_s > 0:
        return None
    share, name = highest
    if state.alarm and share <= 1.0:
        return "nothing above its threshold now"
    return f"{name} at {100.0 * max(share, 0.0):.0f}% of its threshold"


def _highest_share(state: ObserverState) -> tuple[float, str] | None:
    """Return the largest score as a share of its threshold, and whose it is."""
    return max(
        ((score / state.thresholds[name], name) for name, score in state.scores.items()
         if state.thresholds.get(name) and math.isfinite(score)),
        default=None,
    )  # fmt: skip


def _short(state: ObserverState) -> str:
    """Return what fits into a line beside other bands."""
    parts = [
        _turn(state),
        _mood(state),
        _why_unscored(state),
        "calibrating" if state.rhythm is not None and state.rhythm.is_calibrating else None,
        _highest(state),
        f"fit for {state.speed:.1f}x real time",
    ]
    return ", ".join(part for part in parts if part)


def status_text(state: ObserverState) -> str:
    """Return how one band is, in a line."""
    parts = [
        _mood(state),
        *_levels(state),
        _count(state.n_segments, "segment"),
        _count(state.n_events, "event"),
        f"fit for {state.speed:.1f}x real time",
    ]
    for words in (_highest(state), _calibrating(state), _why_unscored(state), _turn(state)):
        if words is not None:
            parts.insert(1, words)
    if state.n_dropped:
        parts.append(f"{_count(state.n_dropped, 'sample')} lost")
    if state.cell is not None:
        parts.append(_cell(state.cell))
    if state.rhythm is not None and not state.rhythm.is_calibrating:
        parts.append(str(state.rhythm))
    if state.promise is not None:
        came = _count(state.events_last_day, "event")
        parts.append(f"calibrated for {state.promise.per_day:g} false events a day, {came} in 24 h")
    if state.raised:
        times = ", ".join(f"{name} x{by:.2g}" for name, by in state.raised.items())
        parts.append(f"thresholds raised ({times})")
    if state.side_inputs:
        parts.append(f"the context's mean for hours not heard yet ({state.side_inputs})")
    if state.distrust:
        parts.append(f"not trusted: {state.distrust}")
    parts += [f"{_count(n, 'segment')} {reason}" for reason, n in state.n_skipped.items() if n]
    if state.mqtt_connected is not None:
        waiting = f", {state.spool_events} waiting" if state.spool_events else ""
        parts.append(f"broker {'connected' if state.mqtt_connected else 'unreachable'}{waiting}")
    if state.n_untold:
        parts.append(f"{_count(state.n_untold, 'notification')} lost")
    if state.errand is not None:
        parts.append(f"{state.errand.command}: {state.errand.share:.0%}")
    if state.board:
        parts.append(f"board: {', '.join(state.board)}")
    if state.model_caution:
        parts.append(f"model: {state.model_caution}")
    if state.history_problem:
        parts.append(f"history not kept ({state.history_problem})")
    return " | ".join(parts)


def _calibrating(state: ObserverState) -> str | None:
    """Return how long the rhythm of a band is still learnt, who watches meanwhile, and how well."""
    if state.rhythm is None or not state.rhythm.is_calibrating:
        return None
    who = " and ".join(state.scores)
    if not who:
        return f"{state.rhythm}: nobody watches yet"
    verb = "watch" if len(state.scores) > 1 else "watches"
    promise = "" if state.promise is not None else ", nothing is promised"
    return f"{state.rhythm}: until then {who} alone {verb}{promise}"


def _turn(state: ObserverState) -> str | None:
    """Return whether the radio is tuned to the band now; None where it always is."""
    if state.tuned and state.duty >= 1.0:
        return None
    where = "tuned here" if state.tuned else "tuned elsewhere"
    return f"{where}, heard {state.duty:.0%} of the time"


def _mood(state: ObserverState) -> str:
    """Return ``ALARM`` while an event is open, ``noticed`` if a score is high without one."""
    if state.warmup_left_s > 0:
        return f"warming up, {max(state.warmup_left_s, 0.1):.1f} s left"
    if state.troubles:
        return f"{'ALARM: ' if state.alarm else ''}{', '.join(state.troubles)}"
    if state.alarm:
        return "ALARM"
    if state.unscored_s:
        return "not scored"
    highest = _highest_share(state)
    # One segment is no event yet: k of n are.
    if highest is not None and highest[0] > 1.0:
        return "noticed"
    return "not trusted" if state.distrust else "quiet"


def _why_unscored(state: ObserverState) -> str | None:
    """Return what was not scored in the last second, in words; None where all was."""
    if not state.unscored_reason:
        return None
    since = f", nothing for {state.unscored_s:.1f} s" if state.unscored_s else ""
    return f"{state.unscored_share:.0%} not scored ({state.unscored_reason}{since})"


def _levels(state: ObserverState) -> tuple[str, ...]:
    if not state.n_segments:
        return ()
    # What clips is louder than it reads.
    least = "at least " if OVERLOAD in state.troubles else ""
    words = [
        f"level {least}{state.scale.text(state.level_dbfs)}",
        f"noise floor {state.scale.text(state.noise_floor_dbfs)}",
    ]
    age = state.scale.age_text(state.utc_ns)
    return (*words, f"levels {age}") if age else tuple(words)


def _cell(cell: HeardCell) -> str:
    if cell.identity is None:
        return "no cell" if cell.state is CellState.NONE else "looking for a cell"
    doubt = ", says little" if cell.distrust else ""
    learning = ", learning" if cell.state is CellState.LEARNING else ""
    kind = "NR cell" if cell.technology == "nr" else "cell"
    return f"{kind} {cell.identity} cancelled ({cell.quality:.0%} of the power{learning}{doubt})"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
