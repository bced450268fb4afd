"""Hours of drawn planes without a stranger: what any-band comes to, and how often it would alarm.

``python -m benchmarks.detection.any_band_hours`` draws frames as the front end makes them: of
noise, of the bursts of four devices that know nothing of each other, of hoppers. A sample is never
made, so an hour takes a minute; real receivers drift, and are not drawn. An event is two of three
hops above a threshold, with half a second of hold-off, as on the device.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import click
import numpy as np

from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.detector import THRESHOLD, AnyBand, Rhythm
from edgespec.observer.opening.parts import RHYTHM_S
from edgespec.records import FloatArray, Geometry

__all__ = ["BANDS", "Band", "Heard", "count_events", "listen", "main", "markdown"]

_SEED = 20261129
_N_FRAMES, _N_BINS, _FRAME_S = 25, 128, 2.56e-4
_THRESHOLDS = (8.0, THRESHOLD, 16.0)
_HOLD_OFF_S = 0.5
#: Devices: where, how strong over the noise, and how a burst of theirs varies, dB.
_DEVICES = ((9, 12.0), (40, 20.0), (41, 25.0), (90, 30.0))
_FADING_DB = 1.5


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one band: hours watched, the highest score, and events at each threshold."""

    band: str
    n_averages: int
    hours: float
    learnt_s: float
    highest: float
    n_events: tuple[int, ...]


class Band:
    """Adds what is sent to the noise of one hop after another.

    Args:
        rng: draws it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        # Bin, power, first frame in this hop, and frames that are left.
        self._sent: list[tuple[int, float, int, int]] = []

    def bursts(self, power: FloatArray) -> None:
        """Add bursts of 2 to 41 ms, 20 a second."""
        rng, going_on = self._rng, []
        for _ in range(int(rng.poisson(20.0 * _N_FRAMES * _FRAME_S))):
            at, level_db = _DEVICES[int(rng.integers(len(_DEVICES)))]
            n = int(8.0 * 20.0 ** rng.random())
            self._sent.append((at, self._faded(level_db), int(rng.integers(_N_FRAMES)), n))
        for at, added, begin, n in self._sent:
            n_here = min(n, _N_FRAMES - begin)
            chance = rng.standard_gamma(10.0, (n_here, 3)) / 10.0
            power[begin : begin + n_here, at : at + 3] += added * chance
            if n > n_here:
                going_on.append((at, added, 0, n - n_here))
        self._sent = going_on

    def hoppers(self, power: FloatArray) -> None:
        """Add bursts of a frame and a half in one of 16 channels of 8 bins, 300 a second."""
        rng = self._rng
        for _ in range(int(rng.poisson(300.0 * _N_FRAMES * _FRAME_S))):
            channel, begin = 8 * int(rng.integers(16)), int(rng.integers(_N_FRAMES - 1))
            added = self._faded(float(rng.choice([10.0, 16.0, 25.0])))
            power[begin, channel : channel + 8] += added
            power[begin + 1, channel : channel + 8] += 0.5 * added

    def noise(self, power: FloatArray) -> None:
        """Add nobody."""

    def _faded(self, level_db: float) -> float:
        return float(10.0 ** ((level_db + _FADING_DB * self._rng.standard_normal()) / 10.0))


BANDS: dict[str, Callable[[Band, FloatArray], None]] = {
    "noise": Band.noise,
    "bursts": Band.bursts,
    "hoppers": Band.hoppers,
}


def listen(band: str, n_averages: int, seconds: float, seed: int) -> Heard:
    """Return what any-band comes to in a band, with frames that are means of so many spectra."""
    rng, add = np.random.default_rng(seed), BANDS[band]
    sender = Band(rng)
    geometry = Geometry(_N_BINS, _FRAME_S)
    least, most = (round(part_s / geometry.hop_s) for part_s in RHYTHM_S)
    detector = AnyBand(geometry, Rhythm(least, most), 4, open_arithmetic(Computing.named("auto")))
    scores = []
    for _ in range(round(seconds / geometry.hop_s)):
        power = rng.standard_gamma(n_averages, (_N_FRAMES, _N_BINS), np.float32)
        power *= np.float32(1.0 / n_averages)
        add(sender, power)
        np.maximum(power, np.float32(1e-9), out=power)
        np.log10(power, out=power)
        power *= np.float32(10.0)
        found = detector.take(power, is_alarm=False)
        if found is not None:
            scores.append(found.value)
    watched = np.array(scores, np.float32)
    n_events = tuple(count_events(watched > limit, geometry.hop_s) for limit in _THRESHOLDS)
    hours = len(watched) * geometry.hop_s / 3600.0
    learnt_s = detector.n_learnt * geometry.hop_s
    highest = float(watched.max(initial=-np.inf))
    return Heard(band, n_averages, hours, learnt_s, highest, n_events)


def count_events(is_high: Sequence[bool] | np.ndarray, hop_s: float) -> int:
    """Return how many events hops above a threshold are: two of three open one."""
    high = np.flatnonzero(is_high)
    opening = high[1:][np.diff(high) <= 2]
    if not len(opening):
        return 0
    return 1 + int(np.count_nonzero(np.diff(opening) * hop_s > _HOLD_OFF_S))


def markdown(rows: Sequence[Heard]) -> str:
    """Return a line for each band."""
    head = ["band", "spectra a frame", "learnt, s", "hours watched", "highest score",
            *(f"events above {limit:g}" for limit in _THRESHOLDS)]  # fmt: skip
    table = [
        [row.band, row.n_averages, f"{row.learnt_s:.0f}", f"{row.hours:.2f}",
         f"{row.highest:.1f}", *row.n_events]
        for row in rows
    ]  # fmt: skip
    return f"{markdown_table(head, table)}\n"


@click.command()
@click.option("--minutes", default=30.0, help="Of each band.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(minutes: float, save: bool) -> None:
    """Count what any-band raises in bands that are drawn."""
    rows = []
    for number, (band, n_averages) in enumerate((b, n) for n in (10, 4) for b in BANDS):
        rows.append(listen(band, n_averages, 60.0 * minutes, _SEED + number))
        click.echo(rows[-1], err=True)
    title = "Hours of bands that are drawn, without a stranger"
    kept = [asdict(row) for row in rows]
    click.echo(save_rows("any_band_hours", title, facts(), kept, markdown(rows), save=save))


if __name__ == "__main__":
    main()
