"""Real recordings without any known interferer: how often does each detector alarm?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from converter.lab.measures.hop_chain import open_hop_chain
from edgespec.config import DetectConfig
from edgespec.errors import SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.scoring.basis import Basis
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from edgespec.sources.source import Source

__all__ = ["can_watch", "watch_real"]

#: Largest factor of a change of rate: 19.2 to 5 MS/s is 25 / 96.
_LARGEST_FACTOR = 200
_RATE_RTOL = 1e-4


def can_watch(heard_hz: float, rate_hz: float) -> bool:
    """Whether a recording of one sample rate can be watched by a bundle of another.

    It has to be the same, or higher by a ratio of small numbers: a lower one lacks the edges of
    the band.
    """
    ratio = _ratio(heard_hz, rate_hz)
    return ratio == 1 or (ratio < 1 and ratio.denominator <= _LARGEST_FACTOR)


def watch_real(
    uri: str,
    bundle: Bundle,
    detectors: Sequence[str],
    warmup_share: float,
    *,
    false_alarm_rate: float | None = None,
) -> list[dict[str, Any]]:
    """Return scores and alarms of every segment of a recording after its warm-up.

    The recording is as short as it is: the first ``warmup_share`` of its segments, at least 4,
    teaches the references and the site's scale, and ``n_warmup`` and the number of rows say how few
    they are. A recording of a higher sample rate is filtered and resampled to the bundle's.

    Args:
        uri: of the recording, such as ``sigmf:NAME.sigmf-meta``.
        bundle: with thresholds.
        detectors: ``model`` or names of the device's detectors.
        warmup_share: above 0 and below 1.
        false_alarm_rate: that the thresholds are for; None for the device's default.

    Returns:
        A row for each segment: ``file segment n_warmup recorded_hz``, ``score:DETECTOR`` in
        standard deviations of the warm-up and ``alarm:DETECTOR``. None where nothing is left
        after the warm-up.

    Raises:
        UsageError: ``warmup_share`` is out of its range, or the URI cannot be understood.
        SourceError: the recording cannot be read, or its rate cannot become the bundle's.
        ModelError: the bundle has no thresholds for what is asked.
    """
    if not 0.0 < warmup_share < 1.0:
        raise UsageError(f"warmup_share is {warmup_share}; it must lie between 0 and 1")
    recipe = bundle.manifest.recipe
    source = open_source(uri)
    try:
        info, samples, recorded_hz = source.info, _read_all(source), source.info.sample_rate_hz
    finally:
        source.close()
    ratio = _ratio(recorded_hz, recipe.sample_rate_hz)
    if ratio != 1:
        info, samples = _resampled(info, samples, recipe.sample_rate_hz)
    n_warmup = max(round(warmup_share * _n_segments(len(samples), recipe)), 4)
    usual = DetectConfig()
    detect = replace(
        usual,
        detectors=tuple(detectors),
        false_alarm_rate=false_alarm_rate or usual.false_alarm_rate,
        # Half a hop less: the scorer rounds up.
        warmup_s=(n_warmup - 0.5) * recipe.geometry.hop_s,
    )
    chain = open_hop_chain(Basis.of_bundle(bundle, open_backend(bundle), detect), info, detect)
    head = {"file": uri, "n_warmup": n_warmup, "recorded_hz": recorded_hz}
    rows = []
    for block in _blocks(samples, info, recipe.hop_samples):
        for scored in chain.scored(block):
            if not chain.scorer.is_warm:
                continue
            row: dict[str, Any] = head | {"segment": chain.n_segments - 1}
            for score in scored.scores:
                row[f"score:{score.detector}"] = score.value
                row[f"alarm:{score.detector}"] = score.value > chain.thresholds[score.detector]
            rows.append(row)
    return rows


def _ratio(heard_hz: float, rate_hz: float) -> Fraction:
    """Return the bundle's rate over the recording's; 1 where they are as good as equal."""
    if abs(heard_hz - rate_hz) <= _RATE_RTOL * rate_hz:
        return Fraction(1)
    return Fraction(rate_hz / heard_hz).limit_denominator(10 * _LARGEST_FACTOR)


def _read_all(source: Source) -> NDArray[Any]:
    """Return the samples of a recording.

    Raises:
        SourceError: it has no end, or parts of it are missing.
    """
    info = source.info
    if info.n_samples is None:
        raise SourceError(f"{info.uri} has no end; give a recording")
    block = source.read(info.sample_format.empty(info.n_samples))
    if block is None or block.n_samples < info.n_samples:
        raise SourceError(f"{info.uri} has gaps; give a recording in one piece")
    return block.samples


def _resampled(
    info: SourceInfo, samples: NDArray[Any], rate_hz: float
) -> tuple[SourceInfo, NDArray[np.complex64]]:
    if not can_watch(info.sample_rate_hz, rate_hz):
        raise SourceError(
            f"{info.uri} has {info.sample_rate_hz:.10g} samples/s, which cannot become the "
            f"{rate_hz:.10g} of the bundle: take a bundle made for its rate, or a recording of a "
            "higher one"
        )
    ratio = _ratio(info.sample_rate_hz, rate_hz)
    heard = info.sample_format.to_complex(samples)
    out = resample_poly(heard, ratio.numerator, ratio.denominator).astype(np.complex64)
    info = replace(
        info, sample_rate_hz=rate_hz, sample_format=SampleFormat.CF32, n_samples=len(out)
    )
    return info, out


def _n_segments(n_samples: int, recipe: Recipe) -> int:
    n_frames = recipe.frames_in(n_samples)
    return max((n_frames - recipe.geometry.n_segment) // recipe.hop_frames + 1, 0)


def _blocks(samples: NDArray[Any], info: SourceInfo, hop: int) -> Iterator[IqBlock]:
    for start in range(0, len(samples), hop):
        part = samples[start : start + hop]
        yield IqBlock(part, info.sample_rate_hz, info.center_freq_hz, start, 0)
