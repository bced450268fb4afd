"""How samples become frames, and frames segments: what the front end and a bundle's maker share.

Whatever works on frames is given a :class:`~edgespec.records.Geometry` and a
:class:`~edgespec.records.Grid`, and knows nothing of FFTs and sample rates.
"""

from dataclasses import dataclass

import numpy as np

from edgespec.errors import ModelError
from edgespec.grid import Grid
from edgespec.records import Geometry

__all__ = ["FFT_SIZES", "TAPER_ENBW_BINS", "Framing", "Recipe"]

#: Equivalent noise bandwidth in bins of each taper (Harris 1978, table 1).
TAPER_ENBW_BINS = {"hann": 1.5, "rect": 1.0}
FFT_SIZES = (64, 128, 256, 512, 1024)
#: Bounds what a wrong or forged recipe can cost: a block has the samples of a hop, and a segment is
#: kept several times. The largest of ours have 64,000 samples and 25,600 cells.
MAX_HOP_SAMPLES = 1 << 22
MAX_SEGMENT_CELLS = 1 << 22
MAX_RATE_HZ = 1e11
#: What :meth:`Recipe.for_rate` makes.
USUAL_FRAME_S, WIDEST_BIN_HZ, LEAST_FFT = 0.256e-3, 40e3, 128


@dataclass(frozen=True, slots=True)
class Framing:
    """How the front end makes frames: ``n_averages`` tapered power spectra of ``n_fft`` samples.

    The defaults are those of Li et al. 2019, sec. 4.2: at 5 MS/s a frame lasts 0.256 ms.
    """

    sample_rate_hz: float
    n_fft: int = 128
    n_averages: int = 10
    taper: str = "hann"

    def __post_init__(self) -> None:
        if self.n_fft not in FFT_SIZES:
            raise ModelError(f"n_fft is {self.n_fft}; the front end takes one of {FFT_SIZES}")
        if self.taper not in TAPER_ENBW_BINS:
            raise ModelError(f"taper is {self.taper!r}; known are {sorted(TAPER_ENBW_BINS)}")
        if not 0 < self.sample_rate_hz <= MAX_RATE_HZ:
            raise ModelError(
                f"sample_rate_hz is {self.sample_rate_hz:g}; it must be positive, at most "
                f"{MAX_RATE_HZ:g}"
            )
        if not 1 <= self.n_averages <= MAX_HOP_SAMPLES // self.n_fft:
            raise ModelError(
                f"n_averages is {self.n_averages}; it must be at least 1, at most "
                f"{MAX_HOP_SAMPLES // self.n_fft}"
            )

    @property
    def n_bins(self) -> int:
        """Bins of one frame: as many as an FFT has."""
        return self.n_fft

    @property
    def frame_samples(self) -> int:
        """Samples in one frame."""
        return self.n_fft * self.n_averages

    @property
    def frame_s(self) -> float:
        """Length of one frame in seconds."""
        return self.frame_samples / self.sample_rate_hz

    @property
    def bin_hz(self) -> float:
        """Distance of two bins in Hz."""
        return self.sample_rate_hz / self.n_fft

    @property
    def rbw_hz(self) -> float:
        """Resolution bandwidth: ENBW of the taper times the bin distance."""
        return TAPER_ENBW_BINS[self.taper] * self.bin_hz

    def grid(self, center_freq_hz: float = 0.0) -> Grid:
        """Return the grid at a centre frequency; 0 where that is unknown."""
        first_hz = center_freq_hz - self.bin_hz * self.n_fft / 2
        freqs_hz = first_hz + self.bin_hz * np.arange(self.n_fft, dtype=np.float64)
        return Grid(freqs_hz, self.rbw_hz, self.frame_samples, self.sample_rate_hz)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How samples become segments: what a data set and a bundle were made with.

    It is written down flat, as the ``geometry`` of a manifest; its two halves are what others are
    given. The defaults are those of Li et al. 2019, sec. 4.2: at 5 MS/s a frame lasts 0.256 ms,
    the context 25.6 ms, the horizon 6.4 ms.
    """

    sample_rate_hz: float
    n_fft: int = 128
    n_averages: int = 10
    taper: str = "hann"
    n_context: int = 100
    n_horizon: int = 25
    hop_frames: int = 25

    def __post_init__(self) -> None:
        # Both halves check themselves.
        framing, geometry = self.framing, self.geometry
        if self.hop_frames * framing.frame_samples > MAX_HOP_SAMPLES:
            raise ModelError(
                f"hop_frames is {self.hop_frames}, which is more than {MAX_HOP_SAMPLES} samples; "
                "it must be smaller"
            )
        if geometry.n_segment * geometry.n_bins > MAX_SEGMENT_CELLS:
            raise ModelError(
                f"n_context is {self.n_context} and n_horizon {self.n_horizon}; a segment has at "
                f"most {MAX_SEGMENT_CELLS} cells"
            )

    @classmethod
    def for_rate(cls, sample_rate_hz: float) -> "Recipe":
        """Return frames of about 0.256 ms at any rate, as those of the paper are at 5 MS/s.

        Bins are 40 kHz wide at most, where the front end has an FFT of that size.
        """
        wide_enough = (
            n for n in FFT_SIZES if n >= LEAST_FFT and n * WIDEST_BIN_HZ >= sample_rate_hz
        )
        n_fft = next(wide_enough, FFT_SIZES[-1])
        return cls(sample_rate_hz, n_fft, max(1, round(USUAL_FRAME_S * sample_rate_hz / n_fft)))

    @property
    def framing(self) -> Framing:
        """From samples to frames."""
        return Framing(self.sample_rate_hz, self.n_fft, self.n_averages, self.taper)

    @property
    def geometry(self) -> Geometry:
        """From frames to segments."""
        framing = self.framing
        return Geometry(
            framing.n_bins, framing.frame_s, self.n_context, self.n_horizon, self.hop_frames
        )

    @property
    def hop_samples(self) -> int:
        """Samples from one segment to the next."""
        return self.samples_in(self.hop_frames)

    def samples_in(self, n_frames: int) -> int:
        """Return how many samples so many frames are made of."""
        return n_frames * self.framing.frame_samples

    def frames_in(self, n_samples: int) -> int:
        """Return how many whole frames can be made of so many samples."""
        return n_samples // self.framing.frame_samples
