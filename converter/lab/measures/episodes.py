"""Events of the whole device chain on simulated signal: false ones, recall, delay, and place.

The observer's IQ goes through :class:`edgespec.observer.band.BandChain` hop by hop, as
on the device.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from converter.lab.experiment import Episodes
from converter.lab.measures.hop_chain import open_hop_chain
from converter.simulate.specs import RecordingSpec
from converter.simulate.strangers import draw_stranger
from edgespec.config import DetectConfig
from edgespec.errors import ModelError, UsageError
from edgespec.framing import Recipe
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import Event, EventType, IqBlock, SourceInfo
from edgespec.simulate.config import InterfererConfig, SceneConfig
from edgespec.simulate.interferers import complete
from edgespec.simulate.scene import Scene

__all__ = [
    "Episode",
    "HeardEvent",
    "device_detection",
    "frequency_iou",
    "open_device",
    "play_observer",
    "resolved_edges_hz",
    "schedule",
]

#: Half the width in bins at which a line of each taper has fallen by 6 dB (Harris 1978, table 1).
_HALF_WIDTH_BINS = {"hann": 1.0, "rect": 0.605}


@dataclass(frozen=True, slots=True)
class Episode:
    """One interferer from sample ``on`` to before ``off``."""

    interferer: InterfererConfig
    on: int
    off: int


@dataclass(frozen=True, slots=True)
class HeardEvent:
    """An event: the last sample that its opening decision needed, and its last message.

    ``closed`` is the last sample that the decision needed that it is over, ``told_s`` the work from
    the last sample until the first message was there.
    """

    opened: int
    last: Event
    closed: int
    told_s: float = float("nan")


@dataclass(frozen=True, slots=True)
class _Run:
    """What the device said: events, and of each hop the work and whether it was scored.

    Work is in seconds of the processor, so that it is the same beside other programs.
    """

    events: tuple[HeardEvent, ...]
    work_s: np.ndarray
    is_scored: np.ndarray

    def in_alarm(self, hop: int) -> np.ndarray:
        """Return behind which hops an event is open, bool ``(n_hops,)``."""
        ends = (np.arange(len(self.work_s)) + 1) * hop
        out = np.zeros(len(ends), np.bool_)
        for event in self.events:
            out |= (ends >= event.opened) & (ends < event.closed)
        return out


def play_observer(spec: RecordingSpec, bundle: Bundle, episodes: Episodes) -> list[dict[str, Any]]:
    """Run the device on one observer: warm-up, normal signal, then every kind at every ISR.

    An event belongs to an episode when it opened after the interferer began and before everything
    that could see it had passed: context, horizon and the n segments that are counted together.
    One that opened earlier and goes on finds nothing: the episode is ``inside_false`` then. All
    others are false.

    The kinds and ISRs come in an order that the observer's seed draws, each with a channel, place
    and start of its own.

    Args:
        spec: the observer; its duration is not looked at.
        bundle: with thresholds for the detectors at the false-alarm rate.
        episodes: what is played.

    Returns:
        A row for each episode, one for the normal stretch and one for the normal signal between
        the episodes (both of kind ''): ``observer context kind isr_db seconds n_events alarm_s
        inside_false detected delay_ms compute_ms told_ms iou centre_error_hz bandwidth_hz detector
        n_segments``. ``delay_ms`` is from the first sample of the interferer to the last one that
        the opening decision needs, ``compute_ms`` the median of the work per hop, and ``told_ms``
        from that sample on until the event is told. ``iou`` compares
        the last edges of the event with the interferer's, widened by the resolution of the taper.
        ``alarm_s`` is how much of the normal signal an event was open in.

    Raises:
        ModelError: the bundle has no thresholds for what is asked.
        SourceError: the observer's sample rate is not the bundle's.
    """
    recipe = bundle.manifest.recipe
    detect = device_detection(episodes)
    played = schedule(spec, recipe, episodes)
    interferers = tuple(episode.interferer for episode in played)
    scene = replace(spec.scene, interferers=interferers)
    chain = open_device(bundle, scene, detect, spec.center_freq_hz)
    hop = recipe.hop_samples
    end_s = episodes.warmup_s + episodes.normal_s
    end_s += len(played) * (episodes.on_s + episodes.off_s)
    n_hops = round(end_s * recipe.sample_rate_hz) // hop
    run = _play(chain, Scene(scene, spec.seed), n_hops, hop, spec.center_freq_hz)
    memory = recipe.samples_in(recipe.geometry.n_segment + detect.n * recipe.hop_frames)
    head = {"observer": spec.name, "context": spec.context}
    rows = [
        head | _normal_row(run, recipe, span, [*_reaches(played, memory)])
        for span in _normal_spans(played, n_hops * hop)
    ]
    center_hz = spec.center_freq_hz
    rows += [head | _episode_row(run, recipe, item, memory, center_hz) for item in played]
    return rows


def device_detection(episodes: Episodes) -> DetectConfig:
    """Return the device's settings: its own, with a hold-off that fits between two episodes."""
    usual = DetectConfig()
    return replace(
        usual,
        detectors=episodes.detectors,
        false_alarm_rate=episodes.false_alarm_rate,
        warmup_s=episodes.warmup_s,
        hold_off_s=min(usual.hold_off_s, episodes.off_s / 2),
    )


def open_device(
    bundle: Bundle, scene: SceneConfig, detect: DetectConfig, center_freq_hz: float = 0.0
) -> BandChain:
    """Return the device's chain for a simulated observer, fed one hop at a time.

    Raises:
        ModelError: the bundle was not calibrated, or not for what is asked.
        SourceError: the scene's sample rate is not the bundle's.
    """
    manifest = bundle.manifest
    if not manifest.detectors:
        raise ModelError(
            f"the bundle {manifest.name!r} has no thresholds, so nothing can alarm: run "
            "'edgespec-converter calibrate' on it first"
        )
    receiver = scene.receiver
    info = SourceInfo(
        "simulated", scene.sample_rate_hz, center_freq_hz, receiver.sample_format, is_live=False
    )
    return open_hop_chain(Basis.of_bundle(bundle, open_backend(bundle), detect), info, detect)


def schedule(spec: RecordingSpec, recipe: Recipe, episodes: Episodes) -> list[Episode]:
    """Return the episodes of an observer in the order of time; its seed draws order and starts.

    Raises:
        UsageError: a time is not positive, or a kind is unknown.
    """
    if not (episodes.on_s > 0 and episodes.off_s > 0):
        raise UsageError(
            f"on_s is {episodes.on_s} and off_s {episodes.off_s}; both must be positive"
        )
    rng = np.random.default_rng([spec.seed, 31])
    asked = [(kind, isr_db) for kind in episodes.kinds for isr_db in episodes.isrs_db]
    rate_hz = recipe.sample_rate_hz
    first_s = episodes.warmup_s + episodes.normal_s
    later_s = min(recipe.geometry.n_segment * recipe.geometry.frame_s, episodes.off_s / 4)
    played = []
    for number, at in enumerate(rng.permutation(len(asked))):
        kind, isr_db = asked[at]
        start_s = first_s + number * (episodes.on_s + episodes.off_s) + later_s * rng.random()
        on, off = round(start_s * rate_hz), round((start_s + episodes.on_s) * rate_hz)
        interferer = replace(
            complete(draw_stranger(kind, spec.scene, rng), spec.scene.sample_rate_hz),
            isr_db=isr_db,
            start_s=on / rate_hz,
            stop_s=off / rate_hz,
        )
        played.append(Episode(interferer, on, off))
    return played


def resolved_edges_hz(interferer: InterfererConfig, recipe: Recipe) -> tuple[float, float]:
    """Return the edges of an interferer as the spectrogram can show them, against the centre.

    A line is as wide as the taper's 6 dB width, so that much is added to each side; what lies
    outside the sampled band is cut off.
    """
    half_hz = interferer.bandwidth_hz / 2 + _HALF_WIDTH_BINS[recipe.taper] * recipe.framing.bin_hz
    edge_hz = recipe.sample_rate_hz / 2
    lower, upper = interferer.offset_hz - half_hz, interferer.offset_hz + half_hz
    return max(lower, -edge_hz), min(upper, edge_hz)


def frequency_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the length of the intersection of two intervals over that of their union."""
    overlap = max(min(one[1], other[1]) - max(one[0], other[0]), 0.0)
    return overlap / ((one[1] - one[0]) + (other[1] - other[0]) - overlap)


def _play(chain: BandChain, scene: Scene, n_hops: int, hop: int, center_freq_hz: float) -> _Run:
    buffer = scene.config.receiver.sample_format.empty(hop)
    rate_hz = scene.config.sample_rate_hz
    opened: dict[str, int] = {}
    told_s: dict[str, float] = {}
    closed: dict[str, int] = {}
    last: dict[str, Event] = {}
    work_s, is_scored = np.zeros(n_hops), np.zeros(n_hops, np.bool_)
    for number in range(n_hops):
        scene.read_into(buffer)
        start = number * hop
        utc_ns = round(start / rate_hz * 1e9)
        n_before = chain.n_segments
        began_s = time.thread_time()
        messages = []
        for event in chain.process(IqBlock(buffer, rate_hz, center_freq_hz, start, utc_ns)):
            told_s.setdefault(event.event_id, time.thread_time() - began_s)
            messages.append(event)
        work_s[number] = time.thread_time() - began_s
        is_scored[number] = chain.scorer.is_warm and chain.n_segments > n_before
        for event in messages:
            last[event.event_id] = event
            if event.event_type == EventType.NEW:
                opened[event.event_id] = start + hop
            if event.event_type == EventType.END:
                closed[event.event_id] = start + hop
    last |= {event.event_id: event for event in chain.finish()}
    end = n_hops * hop + 1
    events = tuple(
        HeardEvent(at, last[event_id], closed.get(event_id, end), told_s[event_id])
        for event_id, at in opened.items()
    )
    return _Run(events, work_s, is_scored)


def _reaches(played: Sequence[Episode], memory: int) -> Iterator[tuple[int, int]]:
    """Yield the samples after and up to which an event that opens belongs to each episode."""
    for episode in played:
        yield episode.on, episode.off + memory


def _normal_spans(played: Sequence[Episode], n_samples: int) -> list[tuple[int, int]]:
    """Return the normal stretch and, where there are episodes, the rest of the signal."""
    if not played:
        return [(0, n_samples)]
    return [(0, played[0].on), (played[0].on, n_samples)]


def _normal_row(
    run: _Run, recipe: Recipe, span: tuple[int, int], reaches: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    hop = recipe.hop_samples
    ends = (np.arange(len(run.work_s)) + 1) * hop
    inside = run.is_scored & (ends > span[0]) & (ends <= span[1])
    for after, until in reaches:
        inside &= (ends <= after) | (ends > until)
    false = [
        heard
        for heard in run.events
        if span[0] < heard.opened <= span[1]
        and not any(after < heard.opened <= until for after, until in reaches)
    ]
    in_alarm = np.count_nonzero(inside & run.in_alarm(hop)) * recipe.geometry.hop_s
    row = _row("", float("nan"), recipe, run, inside)
    return row | {"n_events": len(false), "alarm_s": float(in_alarm)}


def _episode_row(
    run: _Run, recipe: Recipe, episode: Episode, memory: int, center_freq_hz: float
) -> dict[str, Any]:
    hop = recipe.hop_samples
    ends = (np.arange(len(run.work_s)) + 1) * hop
    inside = run.is_scored & (ends > episode.on) & (ends <= episode.off)
    found = [e for e in run.events if episode.on < e.opened <= episode.off + memory]
    interferer = episode.interferer
    row = _row(interferer.kind, interferer.isr_db, recipe, run, inside)
    row |= {
        "seconds": (episode.off - episode.on) / recipe.sample_rate_hz,
        "n_events": len(found),
        "bandwidth_hz": interferer.bandwidth_hz,
        "inside_false": any(e.opened <= episode.on < e.closed for e in run.events),
    }
    if not found:
        return row
    first = min(found, key=lambda heard: heard.opened)
    truth = resolved_edges_hz(interferer, recipe)
    lower = first.last.freq_lower_hz - center_freq_hz
    upper = first.last.freq_upper_hz - center_freq_hz
    return row | {
        "detected": True,
        "delay_ms": (first.opened - episode.on) / recipe.sample_rate_hz * 1e3,
        "told_ms": first.told_s * 1e3,
        "iou": frequency_iou((lower, upper), truth),
        "centre_error_hz": abs((lower + upper) / 2 - interferer.offset_hz),
        "detector": first.last.detector,
    }


def _row(kind: str, isr_db: float, recipe: Recipe, run: _Run, inside: np.ndarray) -> dict[str, Any]:
    """Return a row in which nothing was found; its seconds are those of the hops ``inside``."""
    n_segments = int(np.count_nonzero(inside))
    nan = float("nan")
    return {
        "kind": kind,
        "isr_db": float(isr_db),
        "seconds": n_segments * recipe.geometry.hop_s,
        "n_events": 0,
        "alarm_s": float("nan"),
        "inside_false": False,
        "detected": False,
        "delay_ms": nan,
        "compute_ms": float(np.median(run.work_s[inside])) * 1e3 if n_segments else nan,
        "told_ms": nan,
        "iou": nan,
        "centre_error_hz": nan,
        "bandwidth_hz": nan,
        "detector": "",
        "n_segments": n_segments,
    }
