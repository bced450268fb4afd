"""Samples around an alert as power alone: what is said over the air is not in it."""

import numpy as np

from edgespec.computing import Computing
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.evidence.tape import Cut
from edgespec.framing import Recipe
from edgespec.records import IqBlock, SampleFormat
from edgespec.sweep_table import SweepTable

__all__ = ["power_of"]

_NS = 1_000_000_000


def power_of(cut: Cut, sample_format: SampleFormat) -> SweepTable:
    """Return the mean power of each bin over each horizon, in dBFS, as sweeps.

    A row every 6.4 ms at 5 MS/s, as those that scores are made of: of a voice or of data nothing
    can be told from it, of a short burst no more than that it was there.
    """
    recipe = Recipe.for_rate(cut.sample_rate_hz)
    front_end = FrontEnd(
        recipe.framing,
        sample_format,
        max_block_samples=recipe.hop_samples,
        # A second or two, by a thread that nobody waits for.
        computing=Computing.PLAIN,
        center_freq_hz=cut.center_freq_hz,
    )
    hop, rows = recipe.hop_samples, []
    # What is too short for one horizon is one row of the frames that there are.
    for start in range(0, max(len(cut.samples) - hop, 0) + 1, hop):
        block = IqBlock(
            cut.samples[start : start + hop],
            cut.sample_rate_hz,
            cut.center_freq_hz,
            cut.sample_start + start,
            cut.utc_ns,
        )
        power = 10.0 ** (front_end.process(block).power_dbfs.astype(np.float64) / 10.0)
        if len(power):
            rows.append(10.0 * np.log10(power.mean(axis=0)))
    row_s = hop / cut.sample_rate_hz
    grid = front_end.grid
    return SweepTable(
        cut.events[0].band,
        cut.utc_ns / _NS + row_s * np.arange(len(rows), dtype=np.float64),
        grid.freqs_hz,
        np.array(rows, np.float32).reshape(len(rows), grid.n_bins),
        row_s,
        grid.rbw_hz,
        "dBFS",
    )
