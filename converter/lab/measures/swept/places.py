"""A place of a swept band that nobody was fitted to: normal segments, and anomalies to be added."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from converter.data.sweeps.sweep_dataset import SweepDataset, SweepPart, load_sweep_part
from converter.data.sweeps.sweep_file import signal_of
from converter.data.sweeps.windows import gather_windows, window_starts
from converter.simulate.swept.anomalies import add_anomaly, draw_anomaly
from edgespec.errors import SourceError
from edgespec.records import FloatArray
from edgespec.sweep_table import SweepTable

__all__ = ["Cut", "DrawnAnomaly", "UnseenPlace", "draw_anomalies", "open_place"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Which segments of a place are measured: ``n_segments`` behind ``first_day``, evenly spread.

    Each is ``n_past`` sweeps and the ``n_future`` behind them.
    """

    n_past: int
    n_future: int
    first_day: float
    n_segments: int


@dataclass(frozen=True, slots=True, eq=False)
class DrawnAnomaly:
    """An anomaly for the future of one of a place's segments; see :func:`draw_anomalies`.

    ``power`` float64 ``(n_future, n_points)`` is 1 in the mean while it is there.
    """

    kind: str
    segment: int
    power: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class UnseenPlace:
    """Segments of a place behind its first days, evenly spread.

    ``past_db`` float32 ``(n, n_past, n_points)`` and ``future_db`` ``(n, n_future, n_points)`` in
    dB; ``signal_mw`` ``(n,)`` is the mean power of the band's own signals in each future.
    """

    name: str
    table: SweepTable
    starts: NDArray[np.int64]
    past_db: FloatArray
    future_db: FloatArray
    signal_mw: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts)

    def errors(self, expected_db: FloatArray) -> tuple[float, float]:
        """Return mean absolute and mean square error of forecasts, in dB and its square."""
        error = (self.future_db - expected_db).astype(np.float64)
        return float(np.abs(error).mean()), float((error**2).mean())

    def with_anomaly(self, drawn: DrawnAnomaly, isr_db: float) -> FloatArray:
        """Return the future of a segment with an anomaly at an ISR, ``(n_future, n_points)``."""
        power_mw = 10 ** (isr_db / 10) * float(self.signal_mw[drawn.segment])
        return add_anomaly(self.future_db[drawn.segment], drawn.power, power_mw)


def open_place(cut: Cut, dataset: SweepDataset, part: SweepPart) -> UnseenPlace:
    """Return the segments of a simulated place.

    Raises:
        SourceError: it has fewer segments behind its first days than are asked for, or its file
            does not say how strong the band's own signals are.
    """
    table = load_sweep_part(dataset, part)
    found = window_starts(table, cut.n_past, cut.n_future)
    began_s = table.utc_s[found + cut.n_past] - table.utc_s[0]
    found = found[began_s >= cut.first_day * _DAY_S]
    if len(found) < cut.n_segments:
        raise SourceError(
            f"{part.name} has {len(found)} segments behind its first {cut.first_day:g} "
            f"days, and n_segments is {cut.n_segments}: give more days, or fewer segments"
        )
    chosen = np.linspace(0, len(found) - 1, cut.n_segments).round().astype(np.int64)
    starts = found[chosen]
    past, future, _ = gather_windows(table, starts, cut.n_past, cut.n_future)
    rows = starts[:, None] + cut.n_past + np.arange(cut.n_future)
    signal = _signal_mw(dataset.folder / part.file)[rows].mean(axis=1)
    return UnseenPlace(part.name, table, starts, past, future, signal.astype(np.float64))


def draw_anomalies(
    place: UnseenPlace, kinds: Sequence[str], n_anomalies: int, seed: int, first: int = 0
) -> list[DrawnAnomaly]:
    """Return ``n_anomalies`` of each kind, each for a segment that is drawn, from ``first`` on.

    The same for whoever forecasts.
    """
    rng = np.random.default_rng([seed, crc32(place.name.encode())])
    n_future, n_points = place.future_db.shape[1:]
    return [
        DrawnAnomaly(
            kind, int(rng.integers(first, len(place))), draw_anomaly(kind, n_future, n_points, rng)
        )
        for kind in kinds
        for _ in range(n_anomalies)
    ]


def _signal_mw(path: Path) -> NDArray[np.float32]:
    signal = signal_of(path)
    if signal is None:
        raise SourceError(
            f"{path.name} does not say how strong the band's own signals are, which an ISR is over:"
            " give simulated sweeps"
        )
    return np.asarray(signal)
