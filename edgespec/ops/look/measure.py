"""Looking at a band: some seconds of a source, and what is to be seen in them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgespec.config.mask import Mask
from edgespec.dsp.block_meter import Meter
from edgespec.dsp.cells import find_named_cell
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.plan import can_cancel
from edgespec.errors import SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.observer.kept.kept import KeptNormal
from edgespec.ops.collect import Collected, collect
from edgespec.ops.look.listed import Listed, listed_in
from edgespec.ops.look.planes import LeftOfCell, Plane, left_of_cell, power_plane
from edgespec.ops.look.reference import Reference, reference_of
from edgespec.ops.look.report import Excess, Look
from edgespec.ops.rhythm import RhythmBefore
from edgespec.ops.survey.spectrum import Spectrum, mean_spectrum
from edgespec.records import FloatArray, SampleFormat
from edgespec.sources.sigmf import Annotation
from edgespec.sources.source import Source

__all__ = ["look_at"]

#: Most bytes of samples that are looked at: three seconds of 20 MS/s in int16.
_MOST_BYTES = 256_000_000
#: How much of it cells are looked for in, and how much the finer spectrum is made of.
_SEARCH_S, _LEAST_SEARCH_S, _SPECTRUM_SAMPLES = 0.64, 0.03, 4_000_000
_PIECE_SAMPLES = 1_000_000


def look_at(
    source: Source,
    recipe: Recipe,
    duration_s: float,
    *,
    skip_s: float = 0.0,
    normal: Callable[[Collected], KeptNormal | None] = lambda heard: None,
    annotations: tuple[Annotation, ...] = (),
    mask: Mask | None = None,
    scale: LevelScale = UNCALIBRATED,
    rhythm: RhythmBefore | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Look:
    """Return what some seconds of a source look like, and close it.

    Args:
        source: open.
        recipe: of the frames that the band is watched by.
        duration_s: how much of it.
        skip_s: how much to leave out before.
        normal: returns what is comparable of the last run, None for nothing.
        annotations: of the recording that the source plays, counted from its begin.
        mask: what should be in the band; of a source that knows its frequency.
        scale: what its levels mean.
        rhythm: what its observer knows of it if no cell is there; None for nothing to say.
        progress: told what may take long.

    Raises:
        UsageError: so many seconds are too many samples.
        SourceError: the source broke, or gave too little.
    """
    try:
        n_bytes = duration_s * source.info.sample_rate_hz * source.info.sample_format.sample_bytes
        if n_bytes > _MOST_BYTES:
            raise UsageError(
                f"{duration_s:g} s of this source are {n_bytes / 1e6:.0f} MB of samples, and a "
                f"look takes {_MOST_BYTES / 1e6:.0f} MB at most: give --duration "
                f"{duration_s * _MOST_BYTES / n_bytes:.2g} or less"
            )
        heard = collect(source, duration_s, skip_s)
    finally:
        source.close()
    if not len(heard.samples):
        raise SourceError(
            f"the source {source.info.uri!r:.160} gave no samples"
            + (f" behind the first {skip_s:g} s" if skip_s else "")
            + ": see whether the radio delivers, or the recording is that long"
        )
    plane, means_dbfs = power_plane(heard, recipe)
    max_dbfs = means_dbfs.max(axis=0)
    kept = normal(heard)
    reference = None if kept is None else reference_of(kept, heard.utc_ns)
    shown = tuple(_moved(one, heard) for one in annotations)
    shown = tuple(one for one in shown if one.sample_start + one.n_samples > 0)
    shown = tuple(one for one in shown if one.sample_start < len(heard.samples))
    cell, left = _cell_of(heard, shown, progress)
    has_scale = heard.info.sample_format is not SampleFormat.CF32
    meter = Meter(heard.info.sample_format)
    for block in heard.blocks(_PIECE_SAMPLES):
        meter.add(block)
    spectrum = mean_spectrum(heard.to_complex(_SPECTRUM_SAMPLES), heard.info.sample_rate_hz)
    return Look(
        source=source.info.uri,
        sample_rate_hz=heard.info.sample_rate_hz,
        center_freq_hz=heard.center_freq_hz,
        utc_ns=heard.utc_ns,
        duration_s=heard.duration_s,
        n_dropped=heard.n_dropped,
        level_dbfs=meter.mean_dbfs,
        peak=meter.peak,
        # Samples without a full scale do not say whether they clip.
        clipped_share=meter.clipped_share if has_scale else None,
        spectrum=spectrum,
        power=plane,
        horizon_s=recipe.n_horizon * recipe.framing.frame_s,
        mean_dbfs=means_dbfs.mean(axis=0),
        median_dbfs=np.median(means_dbfs, axis=0),
        max_dbfs=max_dbfs,
        reference=reference,
        excess=() if reference is None else _excess(plane, max_dbfs, reference),
        cell=cell,
        left=left,
        annotations=shown,
        listed=_listed(mask, heard, plane, max_dbfs, spectrum),
        scale=scale,
        rhythm=rhythm if cell is None else None,
    )


def _listed(
    mask: Mask | None, heard: Collected, plane: Plane, max_dbfs: FloatArray, spectrum: Spectrum
) -> Listed | None:
    center_hz = heard.center_freq_hz
    if mask is None or not center_hz:
        return None
    occupied_hz = [
        (part.lower_hz + center_hz, part.upper_hz + center_hz) for part in spectrum.parts
    ]
    return listed_in(mask, plane.freqs_hz, max_dbfs, occupied_hz, heard.utc_ns)


def _moved(annotation: Annotation, heard: Collected) -> Annotation:
    """Return an annotation counted from the first sample that was looked at."""
    return replace(annotation, sample_start=annotation.sample_start - heard.n_before)


def _cell_of(
    heard: Collected, shown: tuple[Annotation, ...], progress: Callable[[str], None]
) -> tuple[Cell | None, LeftOfCell | None]:
    rate_hz = heard.info.sample_rate_hz
    if not can_cancel(rate_hz) or heard.duration_s < _LEAST_SEARCH_S:
        return None, None
    progress("looking for cells")
    samples = heard.to_complex(round(_SEARCH_S * rate_hz))
    cell = find_named_cell(samples, rate_hz)
    if cell is None:
        return None, None
    begins = [one.sample_start / rate_hz for one in shown]
    return cell, left_of_cell(heard, cell, min(begins, default=None))


def _excess(plane: Plane, max_dbfs: FloatArray, reference: Reference) -> tuple[Excess, ...]:
    """Return the runs of bins that are clear of what is normal, the strongest first."""
    over = np.flatnonzero(max_dbfs > reference.limit_dbfs)
    half_hz = (plane.freqs_hz[1] - plane.freqs_hz[0]) / 2
    runs = np.split(over, np.flatnonzero(np.diff(over) > 1) + 1) if len(over) else []
    excess_db = max_dbfs - reference.mean_dbfs
    found = [
        Excess(
            float(plane.freqs_hz[run[0]] - half_hz),
            float(plane.freqs_hz[run[-1]] + half_hz),
            float(excess_db[run].max()),
        )
        for run in runs
    ]
    return tuple(sorted(found, key=lambda one: -one.excess_db))
