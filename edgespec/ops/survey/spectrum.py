"""The mean spectrum of a stretch of samples, and the parts of it that somebody occupies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.records import FloatArray

__all__ = ["Part", "Peak", "Spectrum", "mean_spectrum"]

_N_BINS = 512
_N_ROWS = 256
#: What stands this much above the floor is occupied; a twentieth of the bins lie below the floor,
#: so a band that is occupied from edge to edge has none.
_OCCUPIED_DB = 6.0
_FLOOR_SHARE = 0.05
#: Narrower gaps do not part what is occupied.
_GAP_BINS = 8


@dataclass(frozen=True, slots=True)
class Part:
    """Occupied frequencies, offsets from the centre in Hz, and their mean level in dBFS a bin."""

    lower_hz: float
    upper_hz: float
    level_dbfs: float


@dataclass(frozen=True, slots=True)
class Peak:
    """A bin above those beside it: its offset from the centre in Hz, and its level in dBFS."""

    offset_hz: float
    level_dbfs: float


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Mean power a bin: ``power_dbfs`` float32 ``(512,)`` at ``offset_hz`` float64 ``(512,)``.

    A complex exponential of modulus 1 in the middle of a bin is 0 dBFS. ``parts`` are occupied.
    """

    offset_hz: NDArray[np.float64]
    power_dbfs: FloatArray
    floor_dbfs: float
    parts: tuple[Part, ...]

    def peaks(self, n_most: int) -> tuple[Peak, ...]:
        """Return the strongest bins that are occupied, as far apart as a gap, strongest first."""
        found: list[int] = []
        for at in np.argsort(-self.power_dbfs):
            is_over = self.power_dbfs[at] > self.floor_dbfs + _OCCUPIED_DB
            if not is_over or len(found) == n_most:
                break
            if all(abs(at - other) > _GAP_BINS for other in found):
                found.append(int(at))
        return tuple(Peak(float(self.offset_hz[at]), float(self.power_dbfs[at])) for at in found)


def mean_spectrum(samples: NDArray[np.complex64], sample_rate_hz: float) -> Spectrum:
    """Return the mean of Hann spectra of 512 points side by side (Welch 1967, without overlap)."""
    taper = np.hanning(_N_BINS + 1)[:_N_BINS].astype(np.float32)
    taper /= taper.sum()
    rows = samples[: len(samples) // _N_BINS * _N_BINS].reshape(-1, _N_BINS)
    power = np.zeros(_N_BINS)
    for first in range(0, len(rows), _N_ROWS):
        spectra = fft.fft(rows[first : first + _N_ROWS] * taper, axis=1)
        power += np.sum(spectra.real**2 + spectra.imag**2, axis=0, dtype=np.float64)
    power = fft.fftshift(power) / max(len(rows), 1)
    power_dbfs = (10.0 * np.log10(power + 1e-20)).astype(np.float32)
    offset_hz = (np.arange(_N_BINS) - _N_BINS // 2) * sample_rate_hz / _N_BINS
    floor_dbfs = float(np.quantile(power_dbfs, _FLOOR_SHARE))
    parts = _parts(power_dbfs, offset_hz, floor_dbfs + _OCCUPIED_DB)
    return Spectrum(offset_hz, power_dbfs, floor_dbfs, parts)


def _parts(
    power_dbfs: FloatArray, offset_hz: NDArray[np.float64], least_dbfs: float
) -> tuple[Part, ...]:
    """Return runs of bins above a level, the strongest first."""
    above = np.flatnonzero(power_dbfs > least_dbfs)
    half_hz = (offset_hz[1] - offset_hz[0]) / 2
    runs = np.split(above, np.flatnonzero(np.diff(above) > _GAP_BINS) + 1) if len(above) else []
    parts = [
        Part(
            float(offset_hz[run[0]] - half_hz),
            float(offset_hz[run[-1]] + half_hz),
            float(10.0 * np.log10(np.mean(10.0 ** (power_dbfs[run[0] : run[-1] + 1] / 10.0)))),
        )
        for run in runs
    ]
    return tuple(sorted(parts, key=lambda part: -part.level_dbfs))
