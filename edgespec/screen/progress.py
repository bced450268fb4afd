"""How far a command has come, on stderr."""

import sys
import time
from collections.abc import Callable
from threading import Event as Flag
from threading import RLock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from edgespec.screen.output import Output
from edgespec.units import format_duration

if TYPE_CHECKING:
    from edgespec.screen.live import LiveLine

__all__ = ["Progress", "Tell"]

#: Takes how far something is, in words and as a share of all, None where that is not known.
Tell = Callable[[str, float | None], None]

#: Nothing that is over sooner is told where no terminal is; so is what takes longer now and then.
_FIRST_S, _EVERY_S = 3.0, 15.0
#: A terminal is not drawn on more often, and is told that nothing new happens.
_DRAWN_S, _TICK_S = 0.2, 1.0


class Progress:
    """On a terminal a text that overwrites itself and is gone at the end; elsewhere some lines.

    A context manager. What goes on without a word for long is said to go on, by a thread.

    Args:
        what: comes before all words.
        stream: where to; default: stderr.
        ticks: whether there is that thread; a measurement of time is not to be disturbed by it.
        clock: seconds, of a clock that never steps.
    """

    def __init__(
        self,
        what: str = "",
        *,
        stream: TextIO | None = None,
        ticks: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = Output(sys.stderr if stream is None else stream)
        self._clock = clock
        self._prefix = f"{what}: " if what else ""
        self._live: LiveLine | None = None
        self._lock = RLock()
        self._ended = Flag()
        self._text = ""
        self._share: float | None = None
        self._begun_s = self._since_s = self._told_s = clock()
        self._drawn_s = -_DRAWN_S
        self._next_s = _FIRST_S
        self._thread = Thread(target=self._watch, daemon=True) if ticks else None

    def say(self, text: str) -> None:
        """Tell what is done now: elsewhere than on a terminal a line, whatever comes next."""
        self._take(text, None, is_step=True)

    def at(self, text: str, share: float | None = None) -> None:
        """Tell how far that is; elsewhere than on a terminal this is a line now and then.

        Args:
            text: in words.
            share: how much of all is done, 0 to 1: a bar, and how long the rest takes at that pace.
        """
        self._take(text, share, is_step=False)

    def tick(self) -> None:
        """Tell that it goes on; the thread does so every second."""
        with self._lock:
            if self._text:
                self._tell(self._clock(), is_step=False)

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._live is not None:
            self._live.close()

    def _watch(self) -> None:
        while not self._ended.wait(_TICK_S):
            self.tick()

    def _take(self, text: str, share: float | None, *, is_step: bool) -> None:
        with self._lock:
            now_s = self._clock()
            self._text, self._share, self._since_s = self._prefix + text, share, now_s
            self._tell(now_s, is_step=is_step)

    def _tell(self, now_s: float, *, is_step: bool) -> None:
        if self._ended.is_set():
            return
        if self._output.is_screen:
            if is_step or now_s - self._drawn_s >= _DRAWN_S:
                self._drawn_s = now_s
                self._draw(f"{self._text}{self._time(now_s)}")
        elif is_step or now_s - self._told_s >= self._next_s:
            self._told_s, self._next_s = now_s, _EVERY_S
            self._output.write(f"{self._text}{self._time(now_s)}\n")

    def _draw(self, text: str) -> None:
        if self._live is None:
            from edgespec.screen.live import LiveLine

            self._live = LiveLine(self._output, stays=False)
        self._live.show(text, self._share)

    def _time(self, now_s: float) -> str:
        """Return how long it takes yet, or has taken without a word."""
        passed_s = now_s - self._begun_s
        if self._share is not None and 0.0 < self._share < 1.0 and passed_s >= _FIRST_S:
            return f", about {format_duration(passed_s * (1.0 / self._share - 1.0))} left"
        silent_s = now_s - self._since_s
        return f", for {format_duration(silent_s)} now" if silent_s >= _FIRST_S else ""
