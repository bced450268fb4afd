"""A stretch with something on the air, as frames: an interferer at its ISRs, or a fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.baselines.iq import IqStatistics
from converter.baselines.segments import Segments
from converter.lab.measures.windows.hearing import (
    flagged_share,
    horizon_statistics,
    segments_of,
    valid_segments,
)
from converter.lab.measures.windows.observer_plan import Slot
from converter.lab.measures.windows.stretches import (
    Addition,
    ComplexArray,
    Stretch,
    interfere,
    misconfigure,
)
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.records import FloatArray, IqBlock

__all__ = ["Variant", "Variants"]


@dataclass(frozen=True, slots=True)
class Variant:
    """A stretch with something on the air.

    ``samples`` in the receiver's format ``(n_samples,)`` or ``(n_samples, 2)``; ``power_dbfs``
    float32 ``(n_frames, n_bins)`` and ``flags`` uint8 ``(n_frames,)``. All three are written over
    when the next variant is asked for.
    """

    stretch: Stretch
    added: Addition
    samples: NDArray[Any]
    power_dbfs: FloatArray
    flags: NDArray[np.uint8]

    @property
    def valid(self) -> NDArray[np.int64]:
        """The segments of the stretch that the device would score."""
        layout = self.stretch.layout
        return valid_segments(self.flags, np.arange(layout.n_segments), layout.recipe.geometry)

    def flagged(self, number: int) -> float:
        """Return the share of flagged frames in the horizon of a segment."""
        return flagged_share(self.flags, number, self.stretch.layout.recipe.geometry)

    def segments(self, numbers: NDArray[np.int64]) -> Segments:
        """Return some segments of the stretch, without statistics of samples, as copies."""
        return segments_of(self.power_dbfs, numbers, self.stretch.layout.recipe.geometry, None)

    def iq(self, numbers: NDArray[np.int64]) -> IqStatistics:
        """Return the statistics of the samples of some segments."""
        layout, spec = self.stretch.layout, self.stretch.spec
        return IqStatistics.joined(
            [
                horizon_statistics(self.samples[layout.horizon(int(n))], layout.recipe, spec)
                for n in numbers
            ]
        )


class Variants:
    """Makes every variant of a stretch: an interferer at each ISR, or a fault.

    An interferer is made once and scaled to each ISR, and only the frames that it touches are
    computed again.
    """

    def __init__(self, stretch: Stretch, slot: Slot, isrs_db: Sequence[float]) -> None:
        layout = stretch.layout
        self._stretch = stretch
        self._slot = slot
        self._isrs_db = isrs_db
        self._n_frame = layout.recipe.samples_in(1)
        sample_format = stretch.spec.scene.receiver.sample_format
        self._front_end = FrontEnd(
            layout.recipe.framing, sample_format, max_block_samples=layout.n_samples
        )
        self._clean = stretch.quantised(stretch.samples)
        self._clean_power, self._clean_flags = self._frames(self._clean)
        self._samples = np.empty_like(self._clean)
        self._power = np.empty_like(self._clean_power)
        self._flags = np.empty_like(self._clean_flags)

    def __iter__(self) -> Iterator[Variant]:
        text = self._slot.text
        if self._slot.is_fault:
            added, samples = misconfigure(self._stretch, text)
            yield self._with(added, samples, 0)
            return
        interference = interfere(self._stretch, text)
        for isr_db in self._isrs_db:
            added, samples = interference.at(isr_db)
            yield self._with(added, samples, added.on)

    def _with(self, added: Addition, heard: ComplexArray, first: int) -> Variant:
        """Return the variant in which the samples from ``first`` on are others."""
        np.copyto(self._samples, self._clean)
        np.copyto(self._power, self._clean_power)
        np.copyto(self._flags, self._clean_flags)
        self._samples[first : first + len(heard)] = self._stretch.quantised(heard)
        begin, end = first // self._n_frame, -(-(first + len(heard)) // self._n_frame)
        touched = self._samples[begin * self._n_frame : end * self._n_frame]
        self._power[begin:end], self._flags[begin:end] = self._frames(touched)
        return Variant(self._stretch, added, self._samples, self._power, self._flags)

    def _frames(self, samples: NDArray[Any]) -> tuple[FloatArray, NDArray[np.uint8]]:
        self._front_end.reset()
        rate_hz = self._stretch.layout.recipe.sample_rate_hz
        frames = self._front_end.process(IqBlock(samples, rate_hz, 0.0, 0, 0))
        return frames.power_dbfs.copy(), frames.flags.copy()
