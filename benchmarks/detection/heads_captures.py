"""Real captures as rows of a detection table: normal hops, and those with an interferer in them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.hop_scores import hops_of, segments_of
from benchmarks.detection.injected import KINDS, draw_interferer
from benchmarks.detection.real_cases import Case, Recording, read_recording
from benchmarks.detection.real_recordings import AGC_CAPTURES, CAPTURES
from converter.lab.measures.hops.hop_scorer import HopScorer, Place
from converter.lab.measures.hops.level_hops import LevelHops
from converter.lab.measures.hops.power_features import PowerFeatures
from converter.lab.measures.hops.residual_features import ResidualFeatures
from converter.lab.measures.hops.residual_hops import ResidualHops
from converter.lab.measures.windows.segment_detectors import column_of, make_segment_detector
from converter.lab.tables import columns_of
from edgespec.dsp.prefix.search import find_cell
from edgespec.framing import Recipe
from edgespec.records import SourceInfo

__all__ = ["Listener", "captured", "place_of", "rows_of"]

Columns = dict[str, NDArray[Any]]

_SEED = 20261142
#: The scan of the residual learns for 0.4 s, the rest of the warm-up says what is usual.
_SEARCH_S, _WARMUP_S, _STARTS_S = 0.4, 0.56, (0.6, 0.66)
#: Whoever is there since 45 ms is persistent.
_PERSISTENT_S = 0.045
#: Below these ISRs nothing is found, above them everything is.
_ISRS_DB = {CAPTURES: (-30.0, -25.0, -20.0), AGC_CAPTURES: (-10.0, -5.0, 0.0)}
_DETECTORS = ("zscore", "energy", "scan")


def captured(data: Path, progress: Callable[[str], None]) -> Columns:
    """Return the rows of all captures, as test observers with a ``seed`` of -1."""
    rows: list[dict[str, Any]] = []
    for names, isrs_db in _ISRS_DB.items():
        for number, name in enumerate(names):
            progress(name)
            recording = read_recording(data / f"{name}.sigmf-meta")
            rows += rows_of(recording, isrs_db, number)
    return {name: np.asarray(values) for name, values in columns_of(rows).items()}


def place_of(recording: Recording) -> Place:
    """Return how a capture becomes hops, with the cell that is in its first 0.4 s."""
    info = recording.info
    heard = recording.samples[: round(_SEARCH_S * info.sample_rate_hz)]
    cell = find_cell(info.sample_format.to_complex(heard), info.sample_rate_hz)
    return Place(Recipe.for_rate(info.sample_rate_hz), info.sample_format, _WARMUP_S, cell)


def rows_of(recording: Recording, isrs_db: tuple[float, ...], number: int) -> list[dict[str, Any]]:
    """Return the rows of one capture: warm-up, normal, and every kind at every ISR and start."""
    place = place_of(recording)
    hop_s = place.hop_samples / place.sample_rate_hz
    listener = Listener(recording, place)
    clean = listener.scores(recording.samples)
    same = {
        "split": "test",
        "seed": -1,
        "observer": recording.name,
        "neighbour": False,
        "kind": "",
        "isr_db": np.nan,
        "share": 0.0,
        "stretch": -1,
    }
    n_hops = len(next(iter(clean.values())))
    rows = [
        same
        | {"mode": "warmup" if hop < place.n_warmup else "normal", "segment": hop}
        | {name: float(values[hop]) for name, values in clean.items()}
        for hop in range(n_hops)
    ]
    later = int(np.ceil(_PERSISTENT_S / hop_s))
    stretch = 0
    for place_of_kind, kind in enumerate(KINDS):
        rng = np.random.default_rng((_SEED, number, place_of_kind))
        interferer = draw_interferer(kind, place.sample_rate_hz, rng)
        for isr_db in isrs_db:
            for start in listener.starts:
                mixed = recording.mixed(Case(kind, interferer, isr_db), start * hop_s)
                found = listener.scores(mixed, start)
                what = {"kind": KINDS[kind], "isr_db": isr_db, "share": 1.0, "stretch": stretch}
                rows += [
                    same
                    | what
                    | {"mode": "persistent" if hop else "onset", "segment": start + hop}
                    | {name: float(values[start + hop]) for name, values in found.items()}
                    for hop in (0, *range(later, n_hops - start))
                ]
                stretch += 1
    return rows


class Listener:
    """Scores a capture hop by hop; what is the same before an interferer is heard once.

    Args:
        recording: the capture.
        place: how it becomes hops, with the cell.

    Attributes:
        starts: hops that an interferer begins with.
    """

    def __init__(self, recording: Recording, place: Place) -> None:
        # Scorers of the laboratory know offsets from the centre only.
        self._info, self._place = replace(recording.info, center_freq_hz=0.0), place
        self._scorers: tuple[HopScorer, ...] = (
            ResidualHops(),
            LevelHops(),
            ResidualFeatures(),
            PowerFeatures(),
        )
        rate_hz = place.sample_rate_hz
        self.starts = tuple(round(s * rate_hz) // place.hop_samples for s in _STARTS_S)
        self._states: dict[int, tuple[Any, ...]] = {}
        self._before: list[list[float]] = []

    def scores(self, samples: NDArray[Any], start: int = 0) -> dict[str, NDArray[np.float64]]:
        """Return the scores of every hop by column, the same as before ahead of ``start``."""
        if start:
            for scorer, state in zip(self._scorers, self._states[start], strict=True):
                scorer.restore(state)
        else:
            for scorer in self._scorers:
                scorer.begin(self._place)
        rows = self._before[:start]
        for hop, block in enumerate(hops_of(samples, self._info, self._place.hop_samples)):
            if hop < start:
                continue
            if not start and hop in self.starts:
                self._states[hop] = tuple(s.snapshot() for s in self._scorers)
            rows.append([value for scorer in self._scorers for value in scorer.score(block)])
        if not start:
            self._before = rows
        names = [name for scorer in self._scorers for name in scorer.columns]
        table = np.array(rows, np.float64)
        by_name = {name: table[:, number] for number, name in enumerate(names)}
        return by_name | _of_segments(samples, self._info, self._place, len(rows))


def _of_segments(
    samples: NDArray[Any], info: SourceInfo, place: Place, n_hops: int
) -> dict[str, NDArray[np.float64]]:
    """Return raw scores by hop of the detectors of segments, and which the device skips."""
    recipe = place.recipe
    detectors = {
        name: make_segment_detector(name, recipe.geometry, place.n_warmup // 2)
        for name in _DETECTORS
    }
    out = {f"score:{column_of(name)}": np.full(n_hops, np.nan) for name in detectors}
    flagged = np.zeros(n_hops)
    for hop, segment in segments_of(samples, info, recipe):
        if segment.reason:
            flagged[hop] = 1.0
            continue
        for name, detector in detectors.items():
            found = detector.score(segment, None)
            if found is not None:
                out[f"score:{column_of(name)}"][hop] = found.value
    return out | {"flagged": flagged}
