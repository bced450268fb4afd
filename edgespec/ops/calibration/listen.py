"""Normal signal through the chains of an observer, and the largest scores that it came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.config import Config
from edgespec.detect.calibration import check_enough
from edgespec.detect.peaks import EventPeaks, block_s_of
from edgespec.detect.rules import EventRules
from edgespec.errors import ModelError, SourceError, UsageError
from edgespec.observer.band import BandChain
from edgespec.observer.kept.calibrated import Setting
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.opening.opening import setting_of
from edgespec.observer.radio_opening import open_radio
from edgespec.ops.silence import Patience
from edgespec.records import Event, EventType, ObserverState, RssReport, SourceInfo
from edgespec.screen.progress import Tell
from edgespec.sources.schemes import gives_sweeps
from edgespec.units import counted

__all__ = ["HeardBand", "hear", "listen", "usual_s"]

#: Seconds of signal after which a band warms up anew, as in another run of the observer; of one
#: that is swept, or warms up for long, so many warm-ups.
_LEARN_S, _LEARN_WARMUPS = 60.0, 15.0
#: Of a live source, where nothing else is said: so many seconds, and so many sweeps at least.
_USUAL_S, _USUAL_SWEEPS = 1800.0, 600
#: Recordings of sweeps that are as far apart, but for this share, are alike.
_ALIKE = 0.25


@dataclass(slots=True)
class HeardBand:
    """What one band came to: blocks of half a second or a sweep, and the events of meanwhile.

    ``blocks`` is ``(n_blocks, n_detectors)``; ``thresholds`` are those that were in force,
    ``usual`` those of an observer that was never calibrated. ``cell`` is the label of that which
    was there all along, '' where there was none, or several.
    """

    band: str
    setting: Setting
    names: tuple[str, ...]
    thresholds: dict[str, float]
    usual: dict[str, float]
    blocks: NDArray[np.float32]
    block_s: float
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
            chain.peaks.n_blocks * chain.peaks.block_s
            for chain in self.chains
            if chain.peaks is not None
        )
        of = "" if self.duration_s is None else f" of {self.duration_s:.0f}"
        left = f", {state.warmup_left_s:.1f} s of warm-up left" if state.warmup_left_s else ""
        self.tell(
            f"heard {heard_s:.0f}{of} s, {counted(sum(self.n_events.values()), 'event')}{left}",
            None if self.duration_s is None else heard_s / self.duration_s,
        )

    def _relearn(self, chain: BandChain) -> None:
        """Let a band learn anew what is normal: no two warm-ups teach the same."""
        if chain.peaks is None or not chain.scorer.is_warm:
            return
        band, n_blocks = chain.info.band, chain.peaks.n_blocks
        warmup_s = chain.scorer.n_warmup * chain.geometry.hop_s
        learn_s = max(_LEARN_S, _LEARN_WARMUPS * warmup_s)
        if (n_blocks - self.n_learnt.get(band, 0)) * chain.peaks.block_s < learn_s:
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
        duration_s: so much of each source is enough; None: all of it, and of one without an end
            30 minutes or 600 sweeps, whichever is longer.
        tell: told of the progress.
        stop: given what ends it early; what was heard so far counts.

    Raises:
        ModelError: what is to be heard is too little.
        SourceError: a source gave no samples, or recordings are not alike.
        UsageError: a recording has sweeps in place of samples, or the other way round.
        EdgespecError: as :func:`edgespec.observer.radio_opening.open_radio`.
    """
    heard: dict[str, HeardBand] = {}
    uris = recordings or (None,)
    for uri in uris:
        for source in config.source:
            played = source if uri is None else replace(source, uri=uri)
            if gives_sweeps(played.address) != gives_sweeps(source.address):
                raise UsageError(
                    f"of {played.address!r:.120} and {source.address!r:.120} one gives sweeps and "
                    "the other samples: hear a recording of the same kind"
                )
            view = replace(
                config, source=tuple(played if one is source else one for one in config.source)
            )
            radio = open_radio(view, played, switches_models=False)
            if duration_s is not None:
                _check_amount(radio, duration_s * len(uris))
            for part in hear(config, radio, duration_s, tell, stop):
                before = heard.get(part.band)
                if before is not None:
                    _check_alike(before, part, played.address)
                    part.blocks = np.concatenate((before.blocks, part.blocks))
                    part.n_events += before.n_events
                    part.cell = part.cell if part.cell == before.cell else ""
                heard[part.band] = part
    return list(heard.values())


def usual_s(source: SourceInfo) -> float | None:
    """Return how much of a source is heard where nobody says it; None: all of it."""
    if source.n_samples is not None and not source.is_live:
        return None
    sweep_s = 0.0 if source.grid is None else source.grid.frame_s
    return max(_USUAL_S, _USUAL_SWEEPS * sweep_s)


def _check_amount(radio: Radio, signal_s: float) -> None:
    """Refuse, and close the radio, before somebody waits for nothing."""
    try:
        check_enough(signal_s, min(block_s_of(chain.geometry.hop_s) for chain in radio.chains))
    except ModelError:
        radio.source.close()
        raise


def _check_alike(before: HeardBand, part: HeardBand, address: str) -> None:
    """Refuse recordings that cannot be one calibration.

    Raises:
        SourceError: their sweeps, or hops, are not as far apart.
    """
    if abs(before.block_s - part.block_s) > _ALIKE * before.block_s:
        raise SourceError(
            f"{address!r:.120} has a sweep every {part.block_s:.3g} s and those before it one "
            f"every {before.block_s:.3g} s: calibrate with recordings that are alike"
        )


def hear(
    config: Config,
    radio: Radio,
    duration_s: float | None,
    tell: Tell,
    stop: Callable[[Callable[[], None]], None] = lambda stop: None,
) -> list[HeardBand]:
    """Return what the bands of an open radio came to, and close it.

    The arguments, and what is raised, are those of :func:`listen`.
    """
    swept = radio.source.info.grid is not None
    asked = config.sweep if swept else config.detect
    rules = EventRules(asked.k, asked.n)
    for chain in radio.chains:
        # What is normal by itself is what is asked.
        chain.keep_to(None)
        chain.peaks = EventPeaks(tuple(chain.thresholds), rules, chain.geometry.hop_s)
    if duration_s is None:
        duration_s = usual_s(radio.source.info)
    progress = _Progress(tell, radio.chains, duration_s)
    patience = Patience(radio.source.info)
    monitor = Monitor([radio], [progress, patience], state_s=1.0, on_radio=patience.radio)
    patience.stop = monitor.stop
    stop(patience.end)
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
            dict(chain.yardstick.terms.usual),
            chain.peaks.blocks(),
            chain.peaks.block_s,
            progress.n_events.get(info.band, 0),
            progress.cell_of(info.band),
        )
        for chain in radio.chains
        for info in (chain.info,)
        if chain.peaks is not None
    ]
