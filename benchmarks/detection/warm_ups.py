"""What an observer says of its warm-up: of a clean one, and of one with an interferer in it.

``python -m benchmarks.detection.warm_ups`` lets simulated observers, still, walking and driving,
of idle and busy cells, learn what is normal: from a clean band, with an interferer that is there
all along, and with one that comes in the middle and stays. No run before is known, and no model: at
1.92 MS/s the shipped one does not apply.

A clean observer should not distrust what it learnt, nor tell an event. Whoever is in the warm-up is
seen if the observer distrusts what it learnt, or tells an event behind it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import click
import numpy as np

from benchmarks.detection.gain_steps import ANTENNA, WITHOUT_MODEL, Air, Listening
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.config import DetectConfig
from edgespec.kinds import GAIN_STEP
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import EventType, SampleFormat
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    SceneConfig,
)
from edgespec.simulate.interferers import complete
from edgespec.simulate.scene import Scene

__all__ = ["PLACES", "WarmUpOutcome", "main", "markdown", "scene_of"]

#: What is in the warm-up.
PLACES = ("clean", "all along", "from the middle on")
_KINDS = ("tone", "chirp", "pulse", "wideband", "barrage", "qpsk")
_ISRS_DB = (-10.0, 0.0, 10.0)
_CHANNELS = (
    ChannelConfig("epa", 0.0, None), ChannelConfig("epa", 8.0, None),
    ChannelConfig("eva", 60.0, None),
)  # fmt: skip
#: Behind the warm-up, s.
_BEHIND_S = 1.0
_SEED = 20261129


@dataclass(frozen=True, slots=True)
class WarmUpOutcome:
    """What one observer said: why it distrusts what it learnt, '' if not, and of what events."""

    observer: int
    place: str
    interferer: str
    isr_db: float
    distrust: str
    events: list[str]


def scene_of(number: int, place: str, rate_hz: float, warmup_s: float) -> SceneConfig:
    """Return what an observer hears; a number has the same cell, channel and interferer always."""
    rng = np.random.default_rng((_SEED, number))
    cell = CellConfig(pci=int(rng.integers(504)), load=float(rng.choice([0.05, 0.3, 0.8])))
    channel = replace(_CHANNELS[number % len(_CHANNELS)], snr_db=float(rng.uniform(10.0, 25.0)))
    kind = _KINDS[number % len(_KINDS)]
    width_hz = complete(InterfererConfig(kind), rate_hz).bandwidth_hz
    room_hz = max(0.45 * rate_hz - width_hz / 2.0, 0.0)
    one = InterfererConfig(
        kind,
        isr_db=_ISRS_DB[number // len(_KINDS) % len(_ISRS_DB)],
        offset_hz=float(rng.uniform(-room_hz, room_hz)),
        start_s=0.0 if place == "all along" else warmup_s / 2.0,
    )
    return SceneConfig(
        rate_hz, cell, channel, ANTENNA, interferers=() if place == "clean" else (one,)
    )


def outcome_of(number: int, place: str, rate_hz: float) -> WarmUpOutcome:
    """Let an observer learn and listen for a while."""
    warmup_s = DetectConfig().warmup_s
    config = scene_of(number, place, rate_hz, warmup_s)
    samples = Scene(config, _SEED + number).read(round((warmup_s + _BEHIND_S) * rate_hz))
    air = Air(f"{number}", rate_hz, samples, warmup_s + 0.1)
    listening = Listening(air, SampleFormat.CI16, WITHOUT_MODEL)
    events = list(listening.warmup_events)
    events += listening.hear(listening.converted(samples[listening.begin :]), listening.begin)
    one = config.interferers[0] if config.interferers else None
    return WarmUpOutcome(
        number,
        place,
        "" if one is None else one.kind,
        0.0 if one is None else one.isr_db,
        snapshot_of(listening.chain).distrust,
        [
            f"{event.kind} by {event.detector}"
            for event in events
            if event.event_type is EventType.NEW and event.kind != GAIN_STEP
        ],
    )


def markdown(found: Sequence[WarmUpOutcome]) -> str:
    """Return a table of what is in the warm-up, and whoever was not seen or distrusted for nothing.

    ``found``: of all observers, in any order.
    """
    rows = []
    groups = [(place, isr_db) for place in PLACES for isr_db in (0.0, *_ISRS_DB)]
    for place, isr_db in dict.fromkeys(groups):
        those = [one for one in found if one.place == place and one.isr_db == isr_db]
        if not those:
            continue
        name = place if place == PLACES[0] else f"{place}, {isr_db:+g} dB"
        n_told = sum(bool(one.events) for one in those)
        n_either = sum(bool(one.events or one.distrust) for one in those)
        n_doubted = sum(bool(one.distrust) for one in those)
        rows.append((name, str(len(those)), str(n_doubted), str(n_told), str(n_either)))
    head = ("in the warm-up", "observers", "distrust what they learnt", "tell an event", "either")
    odd = [one for one in found if (one.place == PLACES[0]) == bool(one.distrust or one.events)]
    lines = [
        f"- {one.place}, observer {one.observer}"
        + (f", {one.interferer} {one.isr_db:+g} dB: not seen" if one.interferer else ": ")
        + "; ".join(filter(None, (one.distrust, *one.events)))
        for one in odd
    ]
    return "\n".join([markdown_table(head, rows), "", *lines]) + "\n"


def _outcomes(n_observers: int, rate_hz: float) -> Iterator[WarmUpOutcome]:
    for number in range(n_observers):
        for place in PLACES:
            yield outcome_of(number, place, rate_hz)


@click.command()
@click.option("--observers", default=24, show_default=True, help="Of each kind of warm-up.")
@click.option("--rate", "rate_hz", default=1.92e6, show_default=True, help="S/s.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(observers: int, rate_hz: float, save: bool) -> None:
    """Count clean warm-ups that are distrusted, and interferers in one that are seen."""
    found = []
    for outcome in _outcomes(observers, rate_hz):
        found.append(outcome)
        click.echo(f"{outcome.observer} {outcome.place} {outcome.interferer} "
                   f"{outcome.distrust or 'trusted'}: {outcome.events}", err=True)  # fmt: skip
    title = "What observers say of their warm-ups"
    rows = [asdict(one) for one in found]
    click.echo(save_rows("warm_ups", title, facts(), rows, markdown(found), save=save))


if __name__ == "__main__":
    main()
