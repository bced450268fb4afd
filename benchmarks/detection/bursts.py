"""How short a burst over all of the band may be to become an event, at the default settings.

``python -m benchmarks.detection.bursts`` lets still simulated observers of an idle cell learn, and
plays them one burst of noise at a time, so that it falls anywhere into a hop. Found is a burst of
which any event is told.
"""

from dataclasses import asdict, dataclass

import click
import numpy as np

from benchmarks.detection.gain_steps import WITHOUT_MODEL, Listening, play_each, simulated_airs
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.config import DetectConfig
from edgespec.records import EventType, SampleFormat
from edgespec.simulate.inject import mean_power

__all__ = ["Burst", "main"]

LENGTHS_MS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
ISRS_DB = (10.0, 20.0, 30.0)
#: Behind the warm-up, and how much more is played, s.
_AT_S, _PLAYED_S = 0.1, 0.35
#: The level is so much lower that bursts do not clip.
_ROOM_DB = 30.0
_SEED = 20261130


@dataclass(frozen=True, slots=True)
class Burst:
    """A burst that began ``shift`` of a hop behind the start of one, and whether it was told."""

    observer: str
    isr_db: float
    length_ms: float
    shift: float
    is_told: bool


def _play(heard: Listening, burst: tuple[float, float, float]) -> Burst:
    isr_db, length_ms, shift = burst
    rate_hz = heard.air.rate_hz
    played = heard.air.samples[heard.begin : heard.begin + round(_PLAYED_S * rate_hz)].copy()
    at = (round(_AT_S * rate_hz / heard.hop) + shift) * heard.hop
    part = slice(round(at), round(at) + round(1e-3 * length_ms * rate_hz))
    rng = np.random.default_rng((_SEED, round(1e3 * shift)))
    noise = rng.normal(size=(2, part.stop - part.start)).astype(np.float32)
    power = mean_power(heard.air.samples) * 10.0 ** (isr_db / 10.0)
    played[part] += np.float32(np.sqrt(power / 2.0)) * (noise[0] + 1j * noise[1])
    events = heard.hear(heard.converted(played), heard.begin)
    is_told = any(event.event_type is EventType.NEW for event in events)
    return Burst(heard.air.name, isr_db, length_ms, shift, is_told)


def _table(found: list[Burst]) -> str:
    rows = [
        (f"{isr_db:+g} dB", *(f"{sum(one.is_told for one in those)} of {len(those)}"
                              for length_ms in LENGTHS_MS
                              if (those := [one for one in found if one.isr_db == isr_db
                                            and one.length_ms == length_ms])))
        for isr_db in ISRS_DB
    ]  # fmt: skip
    return markdown_table(("over the signal", *(f"{ms:g} ms" for ms in LENGTHS_MS)), rows) + "\n"


@click.command()
@click.option("--shifts", default=4, show_default=True, help="Places in a hop.")
@click.option("--rate", "rate_hz", default=1.92e6, show_default=True, help="S/s.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(shifts: int, rate_hz: float, save: bool) -> None:
    """Count bursts of which an event is told, by their length and level."""
    bursts = [
        (isr_db, length_ms, number / shifts)
        for isr_db in ISRS_DB
        for length_ms in LENGTHS_MS
        for number in range(shifts)
    ]
    found: list[Burst] = []
    for air in simulated_airs((rate_hz,), DetectConfig().warmup_s + 0.1, "still, idle"):
        listening = Listening(air, SampleFormat.CI16, WITHOUT_MODEL, _ROOM_DB)
        found += play_each(listening, _play, bursts)
    title = "Bursts over all of the band"
    rows = [asdict(one) for one in found]
    click.echo(save_rows("bursts", title, facts(), rows, _table(found), save=save))


if __name__ == "__main__":
    main()
