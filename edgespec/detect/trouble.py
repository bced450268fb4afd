"""Trouble of the receiver as events of its own: what cannot be scored is not quiet.

====================  ============================================  ==================
kind                  opens when these frames                        ``detector`` names
====================  ============================================  ==================
``overload``          clip: a fifth of 50 ms                         ``clipped``
``receiver``          are not finite, or hold one value, or I or Q   ``nonfinite``, ``constant``,
                      alone does: a fifth of 50 ms                   ``zeros``, ``half``
``dropped``           are lost: half of a second                     ``dropped``
====================  ============================================  ==================

A jammer far above full scale so is an event 10 ms after it began, whatever the detectors can still
make of the signal. These events lie beside those of the detectors, and over the whole band.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from edgespec.clock import ClockQuality
from edgespec.grid import Grid, Span
from edgespec.kinds import DROPPED, OVERLOAD, RECEIVER
from edgespec.records import BandInfo, Change, Event, EventType, FloatArray, FrameFlag, Spectrogram
from edgespec.units import POWER_FLOOR_DBFS, db_from_ratio

__all__ = ["TROUBLES", "Trouble", "TroubleRules", "TroubleWatch"]

_NS = 1_000_000_000
_GOOD = -1
_CLIPPED_FLAG, _DROPPED_FLAG = int(FrameFlag.CLIPPED), int(FrameFlag.DROPPED)
_NONFINITE_FLAG, _HALF_FLAG = int(FrameFlag.NONFINITE), int(FrameFlag.HALF)
#: Of frames that last seconds, as those of a sweep, still more than one must be bad.
_MIN_WINDOW_FRAMES, _MIN_BAD_FRAMES = 4, 2


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble: it opens when ``share`` of the frames of ``window_s`` are flagged."""

    kind: str
    flags: FrameFlag
    window_s: float
    share: float


TROUBLES = (
    Trouble(OVERLOAD, FrameFlag.CLIPPED, 0.05, 0.2),
    Trouble(RECEIVER, FrameFlag.NONFINITE | FrameFlag.CONSTANT | FrameFlag.HALF, 0.05, 0.2),
    Trouble(DROPPED, FrameFlag.DROPPED, 1.0, 0.5),
)


@dataclass(frozen=True, slots=True)
class TroubleRules:
    """It ends when half of its share was not reached for ``hold_off_s``.

    While it goes on it says so at most every ``update_s``.
    """

    hold_off_s: float = 0.5
    update_s: float = 1.0


@dataclass(slots=True)
class _Open:
    """Trouble that is going on; for ``n_unheard`` ticks behind its end nobody listened."""

    start_ns: int
    tick_start: int
    tick_end: int
    said_at: int
    n_unheard: int = 0
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class TroubleWatch:
    """Turns the flags of frames into events, counted in frames whatever the blocks are.

    Lost frames are those between two that do not follow each other. A retune ends all that is
    going on: it goes on as another event, if it does, with the new frequencies.

    Args:
        info: names the events; its grid says where they lie.
        rules: when they end and how often they say that they go on.
        clock_ns: monotonic clock, for the latency of an event.
        utc: how good UTC is now.
    """

    def __init__(
        self,
        info: BandInfo,
        rules: TroubleRules,
        clock_ns: Callable[[], int],
        utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
    ) -> None:
        self.info = info
        self._utc = utc
        self._rules = rules
        self._clock_ns = clock_ns
        self._watches = tuple(_Watch(trouble, info.grid.frame_s) for trouble in TROUBLES)
        self._next_tick: int | None = None
        self._is_idle = True

    @property
    def open_kinds(self) -> tuple[str, ...]:
        """Kinds of trouble that are going on."""
        return tuple([watch.trouble.kind for watch in self._watches if watch.open is not None])

    def update(self, spectrogram: Spectrogram, level_dbfs: Callable[[], float]) -> list[Event]:
        """Take frames and return what there is to say.

        Args:
            spectrogram: the next frames, on the grid of ``info``.
            level_dbfs: returns the level of the band before them; asked while all is well.
        """
        starts = spectrogram.tick_start
        if not len(starts):
            return []
        frame_ticks = self.info.grid.frame_ticks
        goes_on = self._is_idle and self._next_tick in (None, int(starts[0]))
        if goes_on and (spectrogram.is_whole or _are_whole(spectrogram, frame_ticks)):
            self._next_tick = int(starts[-1]) + frame_ticks
            return []
        return self._walk(spectrogram, frame_ticks, level_dbfs)

    def _walk(
        self, spectrogram: Spectrogram, frame_ticks: int, level_dbfs: Callable[[], float]
    ) -> list[Event]:
        """Take one frame after the other."""
        starts = spectrogram.tick_start
        if self._is_idle:
            normal_dbfs = level_dbfs()
            for watch in self._watches:
                watch.normal_dbfs = normal_dbfs
        events: list[Event] = []
        for k in range(len(starts)):
            flag, start = int(spectrogram.flags[k]), int(starts[k])
            if flag & _DROPPED_FLAG:
                # Where the next frame begins says how much was lost.
                self._next_tick = start if self._next_tick is None else self._next_tick
                continue
            n_lost = 0
            if self._next_tick is not None and start != self._next_tick:
                n_lost = max(-((self._next_tick - start) // frame_ticks), 1)
            for watch in self._watches:
                if watch.is_of_loss:
                    self._lose(watch, spectrogram, k, n_lost, events)
                bad = bool(flag & watch.flags)
                self._take(watch, spectrogram, k, start, bad, events)
            self._next_tick = start + frame_ticks
        self._is_idle = all(watch.is_idle for watch in self._watches)
        return events

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened: it is no loss, and ends nothing."""
        self._next_tick = None
        for watch in self._watches:
            if watch.open is None:
                watch.clear()
            else:
                watch.open.n_unheard += n_ticks
        self._is_idle = all(watch.is_idle for watch in self._watches)

    def finish(self) -> list[Event]:
        """Return the ends of all that is going on: the stream is over."""
        events = [
            self._message(watch, watch.open, EventType.END, 0)
            for watch in self._watches
            if watch.open is not None
        ]
        self._next_tick, self._is_idle = None, True
        for watch in self._watches:
            watch.clear()
        return events

    def retune(self, grid: Grid) -> list[Event]:
        """Go on with frames on another grid, and return the ends of all that was going on."""
        events = self.finish()
        self.info = replace(self.info, grid=grid)
        self._watches = tuple(_Watch(trouble, grid.frame_s) for trouble in TROUBLES)
        return events

    def _lose(
        self, watch: "_Watch", spectrogram: Spectrogram, k: int, n_lost: int, events: list[Event]
    ) -> None:
        """Let the frames that are missing before frame ``k`` pass a watch."""
        stop, frame_ticks = int(spectrogram.tick_start[k]), self.info.grid.frame_ticks
        for left in range(min(n_lost, watch.n_window), 0, -1):
            is_first = left == watch.n_window and self._next_tick is not None
            start = self._next_tick if is_first else stop - left * frame_ticks
            self._take(watch, spectrogram, k, int(start or 0), True, events)

    def _take(
        self,
        watch: "_Watch",
        spectrogram: Spectrogram,
        k: int,
        start: int,
        bad: bool,
        events: list[Event],
    ) -> None:
        """Let one frame pass a watch, and say what changed by it."""
        if watch.is_idle and not bad:
            return
        grid, span = self.info.grid, spectrogram.span
        stop = start + grid.frame_ticks
        watch.add(start if bad else _GOOD)
        if bad and not watch.is_of_loss:
            watch.measure(
                spectrogram.power_dbfs[k], int(spectrogram.flags[k]), grid.enbw_bins,
                spectrogram.clipped_share,
            )  # fmt: skip
        going_on = watch.open
        if going_on is None:
            if watch.n_bad >= watch.n_open:
                first = watch.first_bad
                opened = watch.open = _Open(_utc_ns(span, first, grid), first, stop, stop)
                events.append(self._message(watch, opened, EventType.NEW, span.received_ns))
            return
        if bad and watch.is_lasting:
            going_on.tick_end, going_on.n_unheard = stop, 0
        elif stop - going_on.tick_end - going_on.n_unheard >= self._rules.hold_off_s * grid.tick_hz:
            events.append(self._message(watch, going_on, EventType.END, span.received_ns))
            # What an event was made of is no evidence of another.
            watch.clear()
            return
        if stop - going_on.said_at >= self._rules.update_s * grid.tick_hz:
            going_on.said_at = stop
            events.append(self._message(watch, going_on, EventType.UPDATE, span.received_ns))

    def _message(
        self, watch: "_Watch", event: _Open, event_type: EventType, received_ns: int
    ) -> Event:
        grid = self.info.grid
        lower_hz, upper_hz = grid.edges_hz(0, grid.n_bins - 1)
        n_ticks = event.tick_end - event.tick_start
        share = watch.most_bad / watch.n_window
        return Event(
            event_id=event.event_id,
            event_type=event_type,
            band=self.info.band,
            start_ns=event.start_ns,
            end_ns=event.start_ns + round(n_ticks / grid.tick_hz * _NS),
            sample_start=event.tick_start,
            n_samples=n_ticks,
            freq_lower_hz=lower_hz,
            freq_upper_hz=upper_hz,
            peak_freq_hz=float(grid.freqs_hz[watch.peak_bin]),
            peak_dbfs=watch.peak_dbfs,
            change=Change.GAIN,
            excess_db=watch.excess_db,
            severity_db=watch.excess_db,
            detector=watch.reason,
            score=share,
            threshold=watch.n_open / watch.n_window,
            sureness=1.0,
            kind=watch.trouble.kind,
            clock=self._utc(),
            latency_s=(self._clock_ns() - received_ns) / _NS if received_ns else 0.0,
            model_sha256=self.info.model_sha256,
            share=watch.sample_share or share,
        )


class _Watch:
    """The frames of the last window of one kind of trouble, and what is bad among them."""

    def __init__(self, trouble: Trouble, frame_s: float) -> None:
        self.trouble = trouble
        # Plain numbers: they are asked of every frame, and operations on flags are slow.
        self.flags = int(trouble.flags)
        self.is_of_loss = bool(self.flags & _DROPPED_FLAG)
        self.n_window = max(ceil(trouble.window_s / frame_s), _MIN_WINDOW_FRAMES)
        self.n_open = max(ceil(trouble.share * self.n_window), _MIN_BAD_FRAMES)
        self.normal_dbfs = POWER_FLOOR_DBFS
        # Where each bad frame begins.
        self._starts: NDArray[np.int64] = np.empty(self.n_window, np.int64)
        self.clear()

    def clear(self) -> None:
        """Forget all frames."""
        self.open: _Open | None = None
        self._starts[:] = _GOOD
        self._at = 0
        self.n_bad = 0
        self._begin()

    def _begin(self) -> None:
        self.reason = "dropped" if self.is_of_loss else ""
        self.peak_bin, self.peak_dbfs, self.excess_db = 0, POWER_FLOOR_DBFS, 0.0
        self.sample_share, self.most_bad = 0.0, 0

    @property
    def is_idle(self) -> bool:
        """Whether good frames change nothing."""
        return self.open is None and not self.n_bad

    @property
    def is_lasting(self) -> bool:
        """Whether enough of the window is bad for what is open to go on."""
        return 2 * self.n_bad >= self.n_open

    @property
    def first_bad(self) -> int:
        """Where the first bad frame of the window begins."""
        return int(self._starts[self._starts != _GOOD].min())

    def add(self, start: int) -> None:
        """Take where a bad frame begins, or :data:`_GOOD`."""
        if self.is_idle:
            self._begin()
        self.n_bad += (start != _GOOD) - bool(self._starts[self._at] != _GOOD)
        self.most_bad = max(self.most_bad, self.n_bad)
        self._starts[self._at] = start
        self._at = (self._at + 1) % self.n_window

    def measure(
        self, row_dbfs: FloatArray, flag: int, enbw_bins: float, clipped_share: float
    ) -> None:
        """Take what a bad frame holds: where it clips, levels are lower bounds."""
        peak_bin = int(row_dbfs.argmax())
        if row_dbfs[peak_bin] > self.peak_dbfs:
            self.peak_bin, self.peak_dbfs = peak_bin, float(row_dbfs[peak_bin])
        if self.flags & _CLIPPED_FLAG:
            self.reason = "clipped"
            self.sample_share = max(self.sample_share, clipped_share)
            level_dbfs = db_from_ratio(float(np.sum(10.0 ** (row_dbfs / 10.0))) / enbw_bins)
            if self.normal_dbfs > POWER_FLOOR_DBFS:
                self.excess_db = max(self.excess_db, level_dbfs - self.normal_dbfs)
        elif flag & _NONFINITE_FLAG:
            self.reason = "nonfinite"
        elif flag & _HALF_FLAG:
            self.reason = "half"
        else:
            self.reason = "zeros" if row_dbfs[peak_bin] <= POWER_FLOOR_DBFS else "constant"


def _are_whole(spectrogram: Spectrogram, frame_ticks: int) -> bool:
    starts = spectrogram.tick_start
    length = (len(starts) - 1) * frame_ticks
    return bool(starts[-1] - starts[0] == length) and not np.count_nonzero(spectrogram.flags)


def _utc_ns(span: Span, tick: int, grid: Grid) -> int:
    return span.utc_ns + round((tick - span.tick_start) / grid.tick_hz * _NS)
