"""The sink that keeps the samples around every alert."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from types import MappingProxyType

from edgespec.evidence.pictures import Picture, Pictures
from edgespec.evidence.recording import Recording, recording_of
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.sweep_recording import sweep_recording_of
from edgespec.evidence.sweep_tape import SweepCut, SweepTape
from edgespec.evidence.tape import Cut, Normal, Tape
from edgespec.records import Event, ObserverState, RssReport, SampleFormat, SourceInfo
from edgespec.sweep_table import SweepTable

__all__ = ["Recorder"]

_LOG = logging.getLogger(__name__)
#: Cuts that wait for the disk; each may be some megabytes.
_MOST_WAITING = 4
_CLOSE_S = 10.0
#: What a picture shows of a long recording.
_SHOWN_BEFORE_S, _SHOWN_S, _SHOWN_BYTES = 1.5, 4.0, 200_000_000


class Recorder:
    """Cuts what is around an alert out of each band's tape, and writes it beside the stream.

    The stream never waits for the disk: what it cannot take is left out, and counted.

    Args:
        shelf: where recordings are kept.
        node: name of the observer.
        sources: of each band by its id, at least one.
        before_s: seconds before an event.
        after_s: seconds from its begin on.
        max_memory_bytes: of all tapes together.
        pictures: draws what is kept; None for nothing. Closed with it.
        on_kept: told the ids of the events in a recording and where its metadata is, from the
            thread that writes.
        normal: of each band, returns what is normal in it now; asked by whoever works on it.
        sweeps: of bands of sweeps, how many before an event and from its begin on.
        as_power: makes sweeps of what was cut out of a source's samples, where samples themselves
            are not to be kept.

    Attributes:
        shelf: where recordings are kept.
        tapes: for each band; whoever works on it adds its blocks.
        n_left_out: cuts that the disk was too slow for.
    """

    def __init__(
        self,
        shelf: Shelf,
        node: str,
        sources: Mapping[str, SourceInfo],
        before_s: float,
        after_s: float,
        max_memory_bytes: int,
        pictures: Pictures | None = None,
        on_kept: Callable[[Iterable[str], Path], None] = lambda event_ids, path: None,
        normal: Mapping[str, Callable[[], Normal | None]] = MappingProxyType({}),
        sweeps: tuple[int, int] = (60, 20),
        as_power: Callable[[Cut, SampleFormat], SweepTable] | None = None,
    ) -> None:
        self.shelf = shelf
        self._node = node
        self._sources = sources
        self._pictures = pictures
        self._on_kept = on_kept
        self._as_power = as_power
        self._waiting: Queue[tuple[str, Cut | SweepCut] | None] = Queue(_MOST_WAITING)
        self._has_failed = False
        self.n_left_out = 0
        max_bytes = max_memory_bytes // len(sources)
        self.tapes: dict[str, Tape | SweepTape] = {}
        for band, source in sources.items():
            put = partial(self._put, band)
            if source.grid is not None:
                self.tapes[band] = SweepTape(*sweeps, max_bytes, put)
                continue
            usual = normal.get(band, lambda: None)
            self.tapes[band] = Tape(source, before_s, after_s, max_bytes, put, usual)
        self._writer = Thread(target=self._write_all, name="edgespec-evidence", daemon=True)
        self._writer.start()

    def event(self, event: Event) -> None:
        """Ask for what is around an alert."""
        tape = self.tapes.get(event.band)
        if tape is not None and event.alert.is_on:
            tape.want(event)

    def state(self, state: ObserverState) -> None:
        """Nothing: states are no evidence."""

    def rss(self, report: RssReport) -> None:
        """Nothing: nor is received power."""

    def close(self) -> None:
        """Write what is wanted and what waits; a second call does nothing."""
        if not self._writer.is_alive():
            return
        for tape in self.tapes.values():
            tape.finish()
        try:
            self._waiting.put(None, timeout=_CLOSE_S)
        except Full:
            _LOG.warning("the disk takes too long: some recordings of alerts are not kept")
        self._writer.join(_CLOSE_S)
        if self._pictures is not None:
            self._pictures.close()

    def _put(self, band: str, cut: Cut | SweepCut) -> None:
        try:
            self._waiting.put_nowait((band, cut))
        except Full:
            self.n_left_out += 1
            if self.n_left_out == 1:
                _LOG.warning("alerts come faster than the disk takes recordings: some are left out")

    def _write_all(self) -> None:
        while (one := self._waiting.get()) is not None:
            band, cut = one
            try:
                cut = self._to_keep(band, cut)
                if isinstance(cut, SweepCut) and not cut.table.n_sweeps:
                    # A gap right behind the begin: not one frame.
                    continue
                path = self.shelf.put(self._made(band, cut))
            except OSError as error:
                if not self._has_failed:
                    _LOG.warning("recordings of alerts cannot be kept: %s", error)
                self._has_failed = True
                continue
            self._has_failed = False
            if path is not None:
                _LOG.info("kept what was heard around an alert: %s", path)
                self._on_kept([event.event_id for event in cut.events], path)
                if self._pictures is not None:
                    self._pictures.put(_shown(path, cut))

    def _to_keep(self, band: str, cut: Cut | SweepCut) -> Cut | SweepCut:
        """Return what is kept of a cut."""
        if self._as_power is None or isinstance(cut, SweepCut):
            return cut
        table = self._as_power(cut, self._sources[band].sample_format)
        return SweepCut(table, cut.events)

    def _made(self, band: str, cut: Cut | SweepCut) -> Recording:
        if isinstance(cut, SweepCut):
            return sweep_recording_of(cut, self._node)
        return recording_of(cut, self._sources[band].sample_format, self._node)


def _shown(meta: Path, cut: Cut | SweepCut) -> Picture:
    """Return which seconds of a recording its picture shows: around its first event."""
    event_ids = tuple(event.event_id for event in cut.events)
    if isinstance(cut, SweepCut):
        return Picture(meta, table=meta.with_suffix(".npz"), event_ids=event_ids)
    begin_s = (cut.events[0].sample_start - cut.sample_start) / cut.sample_rate_hz
    skip_s = max(begin_s - _SHOWN_BEFORE_S, 0.0)
    most_s = min(
        _SHOWN_S, _SHOWN_BYTES * len(cut.samples) / cut.samples.nbytes / cut.sample_rate_hz
    )
    rest_s = len(cut.samples) / cut.sample_rate_hz - skip_s
    return Picture(meta, skip_s, min(most_s, rest_s), event_ids=event_ids)
