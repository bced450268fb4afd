"""What each detector says of every hop of a stretch of signal, at one place in time alike."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.metrics import rank_scores
from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic as open_any_band_arithmetic
from edgespec.detect.any_band.detector import AnyBand, Rhythm
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.scan.arithmetic import open_arithmetic as open_scan_arithmetic
from edgespec.detect.scan.power_scan import PowerScan
from edgespec.detect.scan.residual_scan import THRESHOLD, ResidualScan
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import FloatArray, IqBlock, Segment, SourceInfo

__all__ = [
    "Row",
    "any_band_scores",
    "area_and_share",
    "device_scores",
    "hops_of",
    "power_scan_scores",
    "residual_scores",
    "segments_of",
]


_FALSE_ALARM_RATE = 0.01


@dataclass(frozen=True, slots=True)
class Row:
    """Scores of one detector: of normal hops, or of those with an interferer.

    ``mode`` is ``normal``, ``onset``, the hop that the interferer begins with, or ``persistent``.
    """

    recording: str
    detector: str
    mode: str
    scores: tuple[float, ...]
    kind: str = ""
    isr_db: float = 0.0

    @classmethod
    def of(
        cls,
        recording: str,
        detector: str,
        mode: str,
        scores: FloatArray,
        kind: str = "",
        isr_db: float = 0.0,
    ) -> "Row":
        """Return a row of those scores that are finite."""
        known = scores[np.isfinite(scores)]
        return cls(recording, detector, mode, tuple(map(float, known)), kind, isr_db)

    def summed_up(self) -> dict[str, Any]:
        """Return the row with the number and the median of its scores in their place."""
        found = asdict(self)
        del found["scores"]
        return found | {"n": len(self.scores), "median": float(np.median(self.scores))}


def area_and_share(normal: NDArray[np.float64], scores: Sequence[float]) -> tuple[float, float]:
    """Return the AUC of scores, and the share above the limit that 1% of normal hops are."""
    ranked = rank_scores(normal, scores)
    limit = np.quantile(normal, 1.0 - _FALSE_ALARM_RATE)
    area = float(ranked.areas()[ranked.place].mean())
    return area, float(np.mean(np.asarray(scores) > limit))


def hops_of(samples: NDArray[Any], info: SourceInfo, hop_samples: int) -> Iterator[IqBlock]:
    """Yield the whole hops of some samples, as blocks."""
    for start in range(0, len(samples) - hop_samples + 1, hop_samples):
        part = samples[start : start + hop_samples]
        yield IqBlock(part, info.sample_rate_hz, info.center_freq_hz, start, 0)


def residual_scores(
    samples: NDArray[Any], info: SourceInfo, cell: Cell, hop_samples: int
) -> tuple[FloatArray, ResidualScan]:
    """Return the deviation of the residual in each hop, and the scan.

    NaN in the warm-up, and where the timing of the cell is lost or the scan does not trust itself.
    While it is above the shipped threshold, the phase of the cell stays what it was.
    """
    plane = ResidualPlane(
        info.sample_rate_hz,
        info.sample_format,
        cell,
        max_block_samples=hop_samples,
        center_freq_hz=info.center_freq_hz,
    )
    scan = ResidualScan(
        plane.plan.n_subbands, arithmetic=open_scan_arithmetic(Computing.named("auto"))
    )
    scores = np.full(len(samples) // hop_samples, np.nan, np.float32)
    for number, block in enumerate(hops_of(samples, info, hop_samples)):
        slots = plane.process(block)
        found = scan.score(slots.residual, slots.power, slots.slot, slots.flags)
        is_lost = plane.tracker.state is not TrackState.TRACKING
        if found is None or scan.distrust or is_lost:
            continue
        scores[number] = found.value
        if found.value > THRESHOLD:
            plane.tracker.freeze()
        else:
            plane.tracker.thaw()
    return scores, scan


def segments_of(
    samples: NDArray[Any], info: SourceInfo, recipe: Recipe
) -> Iterator[tuple[int, Segment]]:
    """Yield every segment with the number of the hop that is its target."""
    front_end = FrontEnd(
        recipe.framing, info.sample_format, max_block_samples=recipe.hop_samples, computing="auto"
    )
    segmenter = Segmenter(recipe.geometry, partial=True)
    for block in hops_of(samples, info, recipe.hop_samples):
        segmenter.push(front_end.process(block))
        for segment in segmenter.segments():
            yield int(segment.tick_start[recipe.n_context]) // recipe.hop_samples, segment


def device_scores(
    samples: NDArray[Any], info: SourceInfo, recipe: Recipe, names: Sequence[str], n_warmup: int
) -> dict[str, FloatArray]:
    """Return the scores of detectors without a model, in deviations at the site, of each hop.

    NaN in the warm-up of ``n_warmup`` hops.
    """
    arithmetic = open_arithmetic(Computing.named("auto"))
    scorer = Scorer(None, names, recipe.geometry, n_warmup, arithmetic=arithmetic)
    n_hops = len(samples) // recipe.hop_samples
    scores = {name: np.full(n_hops, np.nan, np.float32) for name in names}
    for number, segment in segments_of(samples, info, recipe):
        found = scorer.score(segment)
        if scorer.is_warm:
            for score in found:
                scores[score.detector][number] = score.value
    return scores


def power_scan_scores(
    samples: NDArray[Any], info: SourceInfo, recipe: Recipe, n_warmup: int
) -> FloatArray:
    """Return the deviation of the scan of power in each hop, NaN in the warm-up."""
    computing = Computing.named("auto")
    scan = PowerScan(
        recipe.geometry, n_warmup, open_arithmetic(computing), open_scan_arithmetic(computing)
    )
    scores = np.full(len(samples) // recipe.hop_samples, np.nan, np.float32)
    for number, segment in segments_of(samples, info, recipe):
        found = scan.score(segment, None)
        if found is not None:
            scores[number] = found.value
    return scores


def any_band_scores(
    samples: NDArray[Any], info: SourceInfo, recipe: Recipe, n_warmup: int
) -> FloatArray:
    """Return the scores of the detector for any band in each hop, NaN in the warm-up."""
    arithmetic = open_any_band_arithmetic(Computing.named("auto"))
    hop = recipe.hop_samples
    detector = AnyBand(recipe.geometry, Rhythm(n_warmup, n_warmup), 0, arithmetic, hop)
    scores = np.full(len(samples) // hop, np.nan, np.float32)
    for number, segment in segments_of(samples, info, recipe):
        detector.hear(samples[number * hop : (number + 1) * hop])
        found = detector.take(segment.target, is_alarm=False)
        if found is not None:
            scores[number] = found.value
    return scores
