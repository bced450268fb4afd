"""A band's test of itself: a tone is added to what was just heard, and must be found in it.

What is tested is a copy, played by another process with what is normal now: nothing that the band
has learnt, and nobody who listens to it, meets the tone. So radio, samples, reference, thresholds
and detectors are proven once a day, and, with the event that tells of it, everybody behind them.
"""

import logging
import pickle
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgespec.aside import Aside
from edgespec.clock import ClockQuality, UtcWatch
from edgespec.config import Config
from edgespec.evidence.recording import recording_of
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.sweep_tape import SweepTape
from edgespec.evidence.tape import Cut, Tape
from edgespec.kinds import DEAF, TEST
from edgespec.observer.band import BandChain
from edgespec.observer.drill_tone import Tone, with_tone
from edgespec.records import Change, Event, EventType, SampleFormat

__all__ = ["Drill", "drills_of"]

_LOG = logging.getLogger(__name__)
#: After its start a band has its first test; one that cannot be now is looked at again.
_FIRST_S, _AGAIN_S = 600.0, 60.0
#: Of the tone: over the power of the band, and how much is heard without and with it.
LEVELS_DB = (0.0, 10.0)
_QUIET_S, _TONE_S = 0.3, 0.3
#: A slow board loads what it needs for a minute.
_PLAY_S, _CLOSE_S = 300.0, 1.0
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Copy:
    """What was heard, where the tone will be, and how strong the band was."""

    cut: Cut
    freq_hz: float
    level_dbfs: float


class Drill:
    """Tests a band now and then, in a thread of its own; told of by whoever works on the band.

    Args:
        config: of that band alone.
        sample_format: of its source.
        every_s: from one test to the next.
        clock: seconds, of a clock that never steps.
        play: returns the events of a recording, by its metadata file.
        quality: returns how good UTC is.

    Attributes:
        last_ns: UTC when a tone was last found; None: not yet.
    """

    def __init__(
        self,
        config: Config,
        sample_format: SampleFormat,
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
        play: Callable[[Config, Path], list[Event]] | None = None,
        quality: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
    ) -> None:
        self._quality = quality
        self._config, self._format, self._every_s = config, sample_format, every_s
        self._clock, self._play = clock, play or play_apart
        self._next_s = clock() + min(_FIRST_S, every_s)
        self._aside = Aside[_Copy]("test", self._try, 1)
        self._told: deque[Event] = deque()
        self.last_ns: int | None = None

    def look(self, chain: BandChain, tape: Tape) -> list[Event]:
        """Begin a test if it is time, and return what there is to say of the last; never waits.

        Called between two blocks. While the band cannot be judged or an alarm is on, it is put off.
        """
        now_s = self._clock()
        if now_s >= self._next_s:
            copy = _copy_of(chain, tape)
            is_begun = copy is not None and self._aside.put(copy)
            self._next_s = now_s + (self._every_s if is_begun else min(_AGAIN_S, self._every_s))
        said = []
        while self._told:
            said.append(self._told.popleft())
        return said

    def close(self) -> None:
        """End; a test that goes on is not told of."""
        self._aside.close(_CLOSE_S)

    def _try(self, copy: _Copy) -> None:
        try:
            found = self._found(copy)
        except Exception as error:
            # A test that cannot be made proves nothing; the band goes on.
            _LOG.warning("band %s could not be tested: %.300s", self._config.band[0].id, error)
            return
        if found is None:
            _LOG.error("band %s is deaf: a test tone was not found", self._config.band[0].id)
        else:
            self.last_ns = time.time_ns()
        # What is played has the clock of a recording.
        said = _messages(copy, found)
        self._told.extend(replace(one, clock=self._quality()) for one in said)

    def _found(self, copy: _Copy) -> Event | None:
        """Return the event of the tone, at the least level at which it is found."""
        cut = copy.cut
        begin = len(cut.samples) - round(_TONE_S * cut.sample_rate_hz)
        for over_db in LEVELS_DB:
            tone = Tone(copy.freq_hz - cut.center_freq_hz, copy.level_dbfs + over_db, begin)
            samples = with_tone(cut.samples, self._format, cut.sample_rate_hz, tone)
            mark = replace(_message(copy, EventType.NEW), sample_start=cut.sample_start + begin)
            made = replace(cut, samples=samples, events=(mark,))
            with tempfile.TemporaryDirectory(prefix="edgespec-test-") as name:
                recording = recording_of(made, self._format, self._config.node.id)
                meta = Shelf(Path(name), 1 << 40, 1.0).put(recording)
                events = [] if meta is None else self._play(self._config, meta)
            for event in events:
                is_there = event.freq_lower_hz <= copy.freq_hz <= event.freq_upper_hz
                if is_there and event.sample_start + event.n_samples > begin:
                    return replace(event, sample_start=event.sample_start + cut.sample_start)
        return None


def drills_of(config: Config, tapes: Mapping[str, Tape | SweepTape]) -> dict[str, Drill]:
    """Return a test for each band whose samples are kept for a while, by its id.

    Args:
        config: of the observer.
        tapes: of its bands; those of sweeps have no samples, and no test.
    """
    every_s, quality = 3600.0 * config.alarm.test_every_h, UtcWatch().quality
    bands = {band.id: band for band in config.band}
    return {
        name: Drill(config.only(bands[name]), tape.sample_format, every_s, quality=quality)
        for name, tape in tapes.items()
        if every_s and isinstance(tape, Tape)
    }


def _copy_of(chain: BandChain, tape: Tape) -> _Copy | None:
    """Return what is tested; None where the band cannot be judged now."""
    if not chain.scorer.is_warm or chain.is_alarming or chain.unscored.lately().duration_s:
        return None
    cut = tape.heard(_QUIET_S + _TONE_S)
    if cut is None or cut.normal is None or chain.last is None:
        return None
    # The quietest place, but for edges and the middle, where receivers have a spike.
    usual_db = chain.last.segment.target.mean(axis=0)
    n = len(usual_db)
    inner = np.abs(np.arange(n) - (n - 1) / 2)
    usual_db[(inner > 0.4 * n) | (inner < 0.05 * n)] = np.inf
    return _Copy(cut, float(chain.grid.freqs_hz[int(usual_db.argmin())]), chain.levels_dbfs()[0])


def _messages(copy: _Copy, found: Event | None) -> list[Event]:
    """Return what is said: a test that went well, or that the band is deaf; both are over."""
    name = f"test-{uuid.uuid4().hex[:16]}"
    if found is None:
        return [
            replace(_message(copy, one), event_id=name) for one in (EventType.NEW, EventType.END)
        ]
    said = replace(
        found, event_id=name, kind=TEST, kind_probability=1.0, kind_hint="", latency_s=0.0
    )
    return [replace(said, event_type=one) for one in (EventType.NEW, EventType.END)]


def _message(copy: _Copy, event_type: EventType) -> Event:
    """Return what is said of a tone that was not found."""
    cut = copy.cut
    start_ns = cut.utc_ns
    length_ns = round(len(cut.samples) / cut.sample_rate_hz * _NS)
    return Event(
        event_id="",
        event_type=event_type,
        band="",
        start_ns=start_ns,
        end_ns=start_ns + length_ns,
        sample_start=cut.sample_start,
        n_samples=len(cut.samples),
        freq_lower_hz=copy.freq_hz,
        freq_upper_hz=copy.freq_hz,
        peak_freq_hz=copy.freq_hz,
        peak_dbfs=copy.level_dbfs + LEVELS_DB[-1],
        change=Change.GAIN,
        excess_db=0.0,
        severity_db=0.0,
        detector=TEST,
        score=0.0,
        threshold=1.0,
        sureness=1.0,
        kind=DEAF,
    )


def play_apart(config: Config, meta: Path) -> list[Event]:
    """Return the events of a recording, played by a process that yields to everybody.

    Raises:
        OSError: there is no such process, or it ended early.
        subprocess.SubprocessError: it took too long.
    """
    done = subprocess.run(
        [sys.executable, "-m", "edgespec.observer.drill_play"],
        input=pickle.dumps((config, meta)),
        capture_output=True,
        timeout=_PLAY_S,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(said[-1] if said else "it was ended")
    events: list[Event] = pickle.loads(done.stdout)
    return events
