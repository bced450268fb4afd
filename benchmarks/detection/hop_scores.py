"""What each detector says of every hop of a stretch of signal, at one place in time alike."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.any_band.any_band_hops import AnyBandHops
from converter.lab.measures.hops.hop_listener import scores_of_blocks
from converter.lab.measures.hops.hop_scorer import Place
from edgespec.computing import Computing
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
from edgespec.observer.scorer import Scorer
from edgespec.records import FloatArray, IqBlock, Segment, SourceInfo

__all__ = ["AnyBandScores", "device_scores", "power_scan_scores", "residual_scores"]


def _blocks(samples: NDArray[Any], info: SourceInfo, hop_samples: int) -> Iterator[IqBlock]:
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
    for number, block in enumerate(_blocks(samples, info, hop_samples)):
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


def _segments(
    samples: NDArray[Any], info: SourceInfo, recipe: Recipe
) -> Iterator[tuple[int, Segment]]:
    """Yield every segment with the number of the hop that is its target."""
    front_end = FrontEnd(
        recipe.framing, info.sample_format, max_block_samples=recipe.hop_samples, computing="auto"
    )
    segmenter = Segmenter(recipe.geometry, partial=True)
    for block in _blocks(samples, info, recipe.hop_samples):
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
    for number, segment in _segments(samples, info, recipe):
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
    for number, segment in _segments(samples, info, recipe):
        found = scan.score(segment, None)
        if found is not None:
            scores[number] = found.value
    return scores


class AnyBandScores:
    """The scores of the detector for any band on one recording, its warm-up learnt once.

    Args:
        samples: of the recording.
        info: what they are.
        recipe: how they become hops.
        n_warmup: hops to learn from.
    """

    def __init__(
        self, samples: NDArray[Any], info: SourceInfo, recipe: Recipe, n_warmup: int
    ) -> None:
        warmup_s = n_warmup * recipe.hop_samples / recipe.sample_rate_hz
        self._place = Place(recipe, info.sample_format, warmup_s)
        self._hops = AnyBandHops()
        self._n_warmup = n_warmup
        self._hops.begin(self._place)
        for block in _blocks(samples[: n_warmup * recipe.hop_samples], info, recipe.hop_samples):
            self._hops.score(block)
        self._state = self._hops.snapshot()

    def of(self, samples: NDArray[Any]) -> dict[str, FloatArray]:
        """Return the scores of each hop by part, NaN in the warm-up."""
        n_warmup, place = self._n_warmup, self._place
        later = samples[n_warmup * place.hop_samples :]
        found = scores_of_blocks([self._hops], [self._state], later, place, n_warmup)
        silent = np.full(n_warmup, np.nan, np.float32)
        return {
            name.removeprefix("score:"): np.concatenate([silent, scores])
            for name, scores in found.items()
        }
