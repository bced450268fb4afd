"""Says where the levels of a site have moved too slowly for any detector, as events."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.clock import ClockQuality
from edgespec.detect.regions import Region
from edgespec.detect.slow.levels import SiteLevels
from edgespec.detect.slow.looks import FLOOR, Looks
from edgespec.detect.slow.moved import MOST, OVER, Moved, floor_rise_db, moved_regions
from edgespec.grid import Grid
from edgespec.kinds import DRIFT, NOISE_FLOOR_RAISED
from edgespec.records import BandInfo, Decision, Event, EventType, FloatArray, Geometry

__all__ = ["SiteWatch", "SlowRules"]

_NS = 1_000_000_000
_HOUR_NS = 3600 * _NS
_NEVER = -(1 << 62)
#: Ten looks a second for ten seconds; of slower frames, every horizon is one, and ten of them a
#: block: what is rare and what is usual need as many.
_LOOK_S, _BLOCK_S, _LEAST_LOOKS = 0.1, 10.0, 10


@dataclass(frozen=True, slots=True)
class SlowRules:
    """A level has drifted, or the noise floor is raised, from so many dB on.

    What goes on is said again every ``update_s``.
    """

    drift_db: float = 3.0
    floor_db: float = 3.0
    update_s: float = 600.0


class SiteWatch:
    """Looks at a band ten times a second, beside the detectors: it changes nothing for them.

    While there is an alarm it looks away. A level that has moved from what it was at first, or is
    at this hour, is an event until it is back or somebody has said that it is normal: what it is
    compared with does not follow.

    Args:
        info: names the events; its grid says where they lie.
        geometry: of the segments.
        rules: what is told.
        clock_ns: monotonic clock, for the latency of an event.
        utc: how good UTC is: hours count where it is synchronised.
        is_normal: whether people have said that an event like this is normal.

    Attributes:
        levels: of the site, as they are known.
        next_tick: before that there is nothing to look at.
    """

    def __init__(
        self,
        info: BandInfo,
        geometry: Geometry,
        rules: SlowRules,
        clock_ns: Callable[[], int],
        utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
        is_normal: Callable[[Event], bool] = lambda event: False,
    ) -> None:
        self.info = info
        self.levels = SiteLevels(geometry.n_bins)
        self._rules = rules
        self._clock_ns = clock_ns
        self._utc = utc
        self._is_normal = is_normal
        self._look_s = max(_LOOK_S, geometry.hop_s)
        n_looks = max(round(_BLOCK_S / self._look_s), _LEAST_LOOKS)
        self._looks = Looks(geometry.n_bins, n_looks)
        self._block_s = max(_BLOCK_S, n_looks * self._look_s)
        self._open: list[Moved] = []
        # Since when each bin is on its way, by ticks and by UTC.
        self._since = np.zeros((2, geometry.n_bins), np.int64)
        self._is_moving = np.zeros(geometry.n_bins, np.bool_)
        self._has_moved = np.zeros(geometry.n_bins + 1, np.bool_)
        self._begun = (0, 0)
        self._last_tick = self.next_tick = _NEVER

    @property
    def is_open(self) -> bool:
        """Whether anything has moved."""
        return bool(self._open)

    def look(self, decision: Decision, target_dbfs: FloatArray, *, is_alarm: bool) -> list[Event]:
        """Take the horizon ``(n_horizon, n_bins)`` of a decision; return what there is to say.

        Args:
            decision: when it was.
            target_dbfs: its levels.
            is_alarm: whether it is not normal, as others say.
        """
        tick, tick_hz = decision.tick_start, self.info.grid.tick_hz
        self.next_tick = tick + round((self._look_s - 1e-6) * tick_hz)
        if is_alarm:
            return []
        if tick - self._last_tick > 2 * self._block_s * tick_hz:
            # What was heard so long ago is of another block.
            self._looks.clear()
        self._last_tick = tick
        if self._looks.is_empty:
            self._begun = tick, decision.utc_ns
        self._looks.add(target_dbfs)
        return self._judge(decision) if self._looks.is_full else []

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into all that is known."""
        self._looks.follow(step_db)
        self.levels.follow(step_db)

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened: ten seconds are of what was heard."""
        self._last_tick += n_ticks

    def finish(self) -> list[Event]:
        """Return the ends of what is going on: the stream is over."""
        ended, self._open = self._open, []
        return [self._message(one, EventType.END, 0) for one in ended]

    def retune(self, grid: Grid) -> list[Event]:
        """Forget the site, go on with another grid, and return the ends of what was going on."""
        ended = self.finish()
        self.info = replace(self.info, grid=grid)
        self._looks.clear()
        self.levels.clear()
        self._is_moving[:] = False
        self._last_tick = self.next_tick = _NEVER
        return ended

    def _judge(self, decision: Decision) -> list[Event]:
        """Take the ten seconds that are complete, and say what has moved with them."""
        levels, utc = self.levels, self._utc()
        self._has_moved[:] = False
        for one in self._open:
            self._has_moved[one.region.lower_bin : one.region.upper_bin + 1] = True
            self._has_moved[FLOOR] |= one.kind == NOISE_FLOOR_RAISED
        hour = None
        if utc is ClockQuality.SYNCHRONISED:
            hour = decision.utc_ns // _HOUR_NS % 24
        # What has risen now is no step that the site had before.
        first = levels.first
        floor_db = 0.0 if first is None else first.floor_limit_db(self._rules.floor_db)
        levels.take(self._looks.take(), hour, self._has_moved)
        if levels.first is None or not levels.has_level:
            return []
        excess_db = levels.excess_db()
        limit_db = levels.first.limit_db(self._rules.drift_db)[:FLOOR]
        self._note_beginnings(np.abs(excess_db) >= OVER * limit_db)
        now = decision.tick_start + decision.n_ticks
        found = [
            self._drift(region, excess_db, limit_db)
            for region in moved_regions(excess_db, limit_db)
        ]
        found += self._raised_floor(floor_db)
        said = []
        for one in self._open:
            one.tick_end = now
        for one in found:
            said += self._told(one, now, decision.received_ns)
        return [*said, *self._over(excess_db, limit_db, decision.received_ns)]

    def _note_beginnings(self, is_moving: NDArray[np.bool_]) -> None:
        begins = is_moving & ~self._is_moving
        self._since[:, begins] = np.array(self._begun)[:, None]
        self._is_moving[:] = is_moving

    def _drift(self, region: Region, excess_db: FloatArray, limit_db: FloatArray) -> Moved:
        inside = slice(region.lower_bin, region.upper_bin + 1)
        # What is bridged has not begun to move.
        since = np.where(self._is_moving[inside], self._since[0, inside], np.iinfo(np.int64).max)
        first = region.lower_bin + int(since.argmin())
        return Moved(
            DRIFT,
            region,
            float(limit_db[region.peak_bin]),
            float(np.abs(excess_db[inside]).mean()),
            float(self.levels.level_dbfs[region.peak_bin]) + region.excess_db,
            *self._since[:, first].tolist(),
        )

    def _raised_floor(self, limit_db: float) -> list[Moved]:
        """Return that the floor of the last ten seconds is raised, if it is."""
        levels = self.levels
        rise_db = floor_rise_db(levels.newest_db(), levels.level_dbfs)
        if rise_db < limit_db:
            return []
        whole = Region(0, levels.n_bins - 1, 0, 1, rise_db)
        level_dbfs = float(levels.level_dbfs[FLOOR]) + rise_db
        return [Moved(NOISE_FLOOR_RAISED, whole, limit_db, rise_db, level_dbfs, *self._begun)]

    def _told(self, found: Moved, now: int, received_ns: int) -> list[Event]:
        """Return what is new of something that has moved: that it has, or that it goes on."""
        for one in self._open:
            if one.is_of(found):
                one.go_on(found)
                due = now - one.said_at >= self._rules.update_s * self.info.grid.tick_hz
                one.said_at = now if due else one.said_at
                return [self._message(one, EventType.UPDATE, received_ns)] if due else []
        found.tick_end = found.said_at = now
        message = self._message(found, EventType.NEW, received_ns)
        if len(self._open) >= MOST or self._is_normal(message):
            return []
        self._open.append(found)
        return [message]

    def _over(self, excess_db: FloatArray, limit_db: FloatArray, received_ns: int) -> list[Event]:
        """Return the ends of what is back, or normal."""
        said = []
        for one in tuple(self._open):
            message = self._message(one, EventType.END, received_ns)
            if self._is_back(one, excess_db, limit_db) or self._is_normal(message):
                self._open.remove(one)
                said.append(message)
        return said

    def _is_back(self, one: Moved, excess_db: FloatArray, limit_db: FloatArray) -> bool:
        if one.kind == NOISE_FLOOR_RAISED:
            levels = self.levels
            rise_db = floor_rise_db(levels.newest_db(), levels.level_dbfs)
            return rise_db < OVER * one.limit_db
        inside = slice(one.region.lower_bin, one.region.upper_bin + 1)
        ratio = one.region.sign * excess_db[inside] / limit_db[inside]
        return bool(ratio.max() < OVER)

    def _message(self, one: Moved, event_type: EventType, received_ns: int) -> Event:
        latency_ns = self._clock_ns() - received_ns if received_ns else 0
        return one.message(event_type, self.info, self._utc(), latency_ns)
