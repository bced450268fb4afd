"""What is kept of an alert, played again: is the event found again, where, and with which score?

``python -m benchmarks.detection.replays`` simulates scenes of 9 s with an interferer from 6 s on,
plays each through the observer, cuts one second before the event and one from there on as
``[evidence]`` does, and plays that. It writes ``benchmarks/results/replays.md``.
"""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from edgespec.config import Config, override
from edgespec.evidence.recording import recording_of
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.tape import Cut, Tape
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.recall import reference_of
from edgespec.records import Event, EventType, IqBlock, SampleFormat
from edgespec.sources.source import Source

__all__ = ["main"]

_START_S, _END = 6.0, "start_s=6&stop_s=8&duration_s=9&bits=8&center_freq=806M"
_AROUND_S, _UPDATE_S = 1.0, 0.1
_SCENES = {
    "wideband, ISR -6 dB": "seed=4&sample_rate=1.92M&snr_db=20&load=1&kind=wideband&isr_db=-6"
    "&bandwidth_hz=300k&offset_hz=400k",
    "wideband, ISR -16 dB": "seed=11&sample_rate=1.92M&snr_db=20&load=0.6&kind=wideband&isr_db=-16"
    "&bandwidth_hz=200k&offset_hz=-300k",
    "QPSK at 0 dB, fading, 2.4 MS/s": "seed=12&sample_rate=2.4M&snr_db=15&load=0.4&profile=eva"
    "&doppler_hz=5&kind=qpsk&isr_db=0",
    "tone at 0 dB, no cell, 1.4 MS/s": "seed=9&sample_rate=1.4M&snr_db=20&load=0.7&kind=tone"
    "&isr_db=0&offset_hz=200k",
    "wideband at 0 dB, a neighbour 10 dB below": "seed=7&sample_rate=1.92M&snr_db=20&load=0.5"
    "&neighbour_db=-10&kind=wideband&isr_db=0&bandwidth_hz=300k&offset_hz=-200k",
    "wideband at -3 dB, walking": "seed=8&sample_rate=1.92M&snr_db=20&load=0.6&profile=epa"
    "&doppler_hz=5&kind=wideband&isr_db=-3&bandwidth_hz=300k&offset_hz=400k",
    "pulse at +6 dB, shipped model, 5 MS/s": "seed=5&sample_rate=5M&snr_db=20&load=0.5"
    "&kind=pulse&isr_db=6&bandwidth_hz=500k&offset_hz=900k&period_s=0.02&duty=0.3",
    "tone at +3 dB, shipped model, 5 MS/s": "seed=6&sample_rate=5M&snr_db=20&load=0.5&kind=tone"
    "&isr_db=3&offset_hz=900k",
}
_OUT = Path("benchmarks/results/replays.md")


@dataclass(frozen=True, slots=True)
class Found:
    """The event where the interferer is: begin in samples, and the number of others.

    ``scores`` are those of its messages, by the samples at which what they tell of ends.
    """

    begin: int
    scores: dict[int, float]
    detector: str
    n_others: int


def _blocks(source: Source, n_most: int) -> Iterator[IqBlock]:
    buffer = source.info.sample_format.empty(n_most)
    while (block := source.read(buffer)) is not None:
        yield block


def play(uri: str, folder: Path, begin_s: float) -> tuple[Found | None, Cut | None]:
    """Play a source; return what is found from ``begin_s`` on, and what is kept of it."""
    config = override(Config(), source=uri)
    config = replace(
        config,
        node=replace(config.node, state_dir=folder),
        alarm=replace(config.alarm, update_s=_UPDATE_S),
    )
    radio = open_radio(config, config.source[0])
    (chain,) = radio.chains
    cuts: list[Cut] = []
    tape = Tape(
        *(radio.source.info, _AROUND_S, _AROUND_S, 1 << 28, cuts.append),
        partial(reference_of, chain),
    )
    said: list[Event] = []
    for block in _blocks(radio.source, chain.hop_samples):
        tape.add(block)
        for event in chain.process(block):
            said.append(event)
            tape.want(event)
    said.extend(chain.finish())
    tape.finish()
    radio.source.close()
    earliest = (begin_s - 0.05) * radio.source.info.sample_rate_hz
    ids = [one.event_id for one in said if one.event_type is EventType.NEW]
    right = [one.event_id for one in said if one.sample_start >= earliest]
    if not right:
        return None, None
    of_one = [one for one in said if one.event_id == right[0]]
    cut = next(one for one in cuts if any(event.event_id == right[0] for event in one.events))
    first = of_one[0]
    # The last one ends where the recording does, or goes on.
    told = [one for one in of_one if one.event_type is not EventType.END]
    scores = {one.sample_start + one.n_samples: one.score for one in told}
    return Found(first.sample_start, scores, first.detector, len(ids) - 1), cut


@click.command()
def main() -> None:
    """Write the table of replays."""
    rows = []
    for name, scene in _SCENES.items():
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            uri = f"sim:lte-dl?{scene}&{_END}"
            live, cut = play(uri, folder, _START_S)
            again = None
            if live is not None and cut is not None:
                made = recording_of(cut, SampleFormat.CU8, "bench")
                meta = Shelf(folder / "kept", 1 << 30, 1.0).put(made)
                begin_s = (live.begin - cut.sample_start) / cut.sample_rate_hz
                again, _ = play(f"sigmf:{meta}", folder, begin_s)
            rows.append(_row(name, live, again, cut))
            click.echo(rows[-1])
    head = (
        "# What is kept of an alert, played again\n\n`python -m benchmarks.detection.replays`; one "
        "simulated scene a row, one second before the event and one behind.\n\n| interferer | "
        "detector, live and again | begins later by, ms | first score | last score | largest "
        "difference | other events |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    _OUT.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


def _row(name: str, live: Found | None, again: Found | None, cut: Cut | None) -> str:
    if live is None or cut is None:
        return f"| {name} | not found live | | | | | |"
    if again is None:
        return f"| {name} | {live.detector}, not found again | | | | | |"
    late_ms = 1e3 * (again.begin + cut.sample_start - live.begin) / cut.sample_rate_hz
    # The same messages, those that were told live before the recording ends.
    later = {at - cut.sample_start: score for at, score in live.scores.items()}
    both = [(later[at], score) for at, score in again.scores.items() if at in later]
    apart = max((abs(b / a - 1.0) for a, b in both), default=math.nan)
    first, last = both[0], both[-1]
    return (
        f"| {name} | {live.detector}, {again.detector} | {late_ms:.1f} | {first[0]:.2f}, "
        f"{first[1]:.2f} | {last[0]:.2f}, {last[1]:.2f} | {apart:.2%} of {len(both)} | "
        f"{live.n_others}, {again.n_others} |"
    )


if __name__ == "__main__":
    main()
