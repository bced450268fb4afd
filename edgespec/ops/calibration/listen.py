"""Normal signal through the chains of an observer, and the largest scores that it came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.config import Config
from edgespec.detect.peaks import BLOCK_S, EventPeaks
from edgespec.detect.rules import EventRules
from edgespec.observer.band import BandChain
from edgespec.observer.calibrated import Setting
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.opening import setting_of
from edgespec.observer.startup import open_radio
from edgespec.ops.silence import Patience
from edgespec.records import Event, EventType, ObserverState, RssReport
from edgespec.screen.progress import Tell
from edgespec.sources.schemes import refuse_sweeps

__all__ = ["HeardBand", "listen"]

#: Seconds of signal after which a band warms up anew, as in another run of the observer.
_LEARN_S = 60.0


@dataclass(slots=True)
class HeardBand:
    """What one band came to: blocks of half a second, and the events that were raised meanwhile.

    ``blocks`` is ``(n_blocks, n_detectors)``; ``thresholds`` are those that were in force. ``cell``
    is the label of that which was there all along, '' where there was none, or several.
    """

    band: str
    setting: Setting
    names: tuple[str, ...]
    thresholds: dict[str, float]
    blocks: NDArray[np.float32]
    n_events: int = 0
    cell: str = ""


@dataclass(slots=True)
class _Progress:
    """A sink that tells how much was heard, and counts events."""

    tell: Tell
    chains: Sequence[BandChain]
    duration_s: float | None
    n_events: dict[str, int] = field(default_factory=dict)
    n_learnt: dict[str, int] = field(default_factory=dict)
    cells: dict[str, set[str]] = field(default_factory=dict)

    def event(self, event: Event) -> None:
        if event.event_type == EventType.NEW:
            self.n_events[event.band] = self.n_events.get(event.band, 0) + 1

    def state(self, state: ObserverState) -> None:
        # Told between two blocks of the band, by the thread that works on it.
        for chain in self.chains:
            if chain.info.band == state.band:
                if chain.cancelled is not None and chain.cancelled.cell is not None:
                    self.cells.setdefault(state.band, set()).add(chain.cancelled.cell.label)
                self._relearn(chain)
        heard_s = min(
            chain.peaks.n_blocks * BLOCK_S for chain in self.chains if chain.peaks is not None
        )
        of = "" if self.duration_s is None else f" of {self.duration_s:.0f}"
        left = f", {state.warmup_left_s:.1f} s of warm-up left" if state.warmup_left_s else ""
        self.tell(
            f"heard {heard_s:.0f}{of} s, {sum(self.n_events.values())} events{left}",
            None if self.duration_s is None else heard_s / self.duration_s,
        )

    def _relearn(self, chain: BandChain) -> None:
        """Let a band learn anew what is normal: no two warm-ups teach the same."""
        if chain.peaks is None or not chain.scorer.is_warm:
            return
        band, n_blocks = chain.info.band, chain.peaks.n_blocks
        if (n_blocks - self.n_learnt.get(band, 0)) * BLOCK_S < _LEARN_S:
            return
        self.n_learnt[band] = n_blocks
        chain.retune(chain.grid)
        if chain.cancelled is not None:
            chain.cancelled.forget()

    def cell_of(self, band: str) -> str:
        """Return the label of the only cell that was there, '' where there was none, or several."""
        labels = self.cells.get(band, set())
        return next(iter(labels)) if len(labels) == 1 else ""

    def rss(self, report: RssReport) -> None:
        """Nothing: the received power is none of its business."""

    def close(self) -> None:
        """Nothing is open."""


def listen(
    config: Config,
    recordings: Sequence[str],
    duration_s: float | None,
    tell: Tell,
    stop: Callable[[Callable[[], None]], None] = lambda stop: None,
) -> list[HeardBand]:
    """Return what the bands of an observer came to on signal that is taken to be normal.

    Args:
        config: of the observer that is calibrated.
        recordings: sources to hear in place of its own, one after another; only of an observer
            with one source. Each has a warm-up of its own.
        duration_s: so much of each source is enough; None: all of it.
        tell: told of the progress.
        stop: given what ends it early; what was heard so far counts.

    Raises:
        SourceError: a source gave no samples.
        EdgespecError: as :func:`edgespec.observer.startup.open_radio`.
    """
    heard: dict[str, HeardBand] = {}
    for uri in recordings or (None,):
        for source in config.source:
            played = source if uri is None else replace(source, uri=uri)
            view = replace(
                config, source=tuple(played if one is source else one for one in config.source)
            )
            refuse_sweeps(played.address, "calibrate")
            radio = open_radio(view, played, switches_models=False)
            for part in _hear(config, radio, duration_s, tell, stop):
                before = heard.get(part.band)
                if before is not None:
                    part.blocks = np.concatenate((before.blocks, part.blocks))
                    part.n_events += before.n_events
                    part.cell = part.cell if part.cell == before.cell else ""
                heard[part.band] = part
    return list(heard.values())


def _hear(
    config: Config,
    radio: Radio,
    duration_s: float | None,
    tell: Tell,
    stop: Callable[[Callable[[], None]], None],
) -> list[HeardBand]:
    rules = EventRules(config.detect.k, config.detect.n)
    for chain in radio.chains:
        chain.peaks = EventPeaks(tuple(chain.thresholds), rules, chain.geometry.hop_s)
    progress = _Progress(tell, radio.chains, duration_s)
    patience = Patience(radio.source.info)
    monitor = Monitor([radio], [progress, patience], state_s=1.0, on_radio=patience.radio)
    patience.stop = monitor.stop
    stop(monitor.stop)
    warmup_s = max(chain.warmup_left_s for chain in radio.chains)
    monitor.run(None if duration_s is None else duration_s + warmup_s)
    patience.check()
    bands = {band.id: band for band in config.band}
    return [
        HeardBand(
            info.band,
            setting_of(
                config.only(bands[info.band]),
                chain.grid,
                chain.geometry.hop_s,
                info.model_sha256,
            ),
            chain.peaks.names,
            dict(chain.thresholds),
            chain.peaks.blocks(),
            progress.n_events.get(info.band, 0),
            progress.cell_of(info.band),
        )
        for chain in radio.chains
        for info in (chain.info,)
        if chain.peaks is not None
    ]
