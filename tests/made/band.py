"""A band to watch: noise of a fixed shape as a receiver delivers it, and what is put on top."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, lfilter

from edgespec.records import SampleFormat
from tests.made import tiny

RATE_HZ = tiny.FRAMING.sample_rate_hz
CENTER_HZ = 806e6
#: In the middle of a bin, on the upper half of the band.
TONE_HZ = 13 * tiny.FRAMING.bin_hz

ComplexArray = NDArray[np.complex128]


def noise(rng: np.random.Generator, seconds: float) -> ComplexArray:
    """Return noise of power 0.02, its middle 20 dB above the edges, at :data:`RATE_HZ`."""
    n = round(seconds * RATE_HZ)
    white = rng.standard_normal((n, 2)) @ np.array([1.0, 1j])
    shaped = lfilter(firwin(31, 0.5), 1.0, white) + 0.05 * white
    return shaped * np.sqrt(0.02 / np.mean(np.abs(shaped) ** 2))


def with_tone(
    band: ComplexArray, start_s: float, stop_s: float, power: float = 0.05
) -> ComplexArray:
    """Return the band with a carrier at :data:`TONE_HZ` from ``start_s`` to ``stop_s``."""
    k = np.arange(round(start_s * RATE_HZ), round(stop_s * RATE_HZ))
    out = band.copy()
    out[k] += np.sqrt(power) * np.exp(2j * np.pi * TONE_HZ / RATE_HZ * k)
    return out


def cu8(band: ComplexArray) -> NDArray[np.uint8]:
    """Return it as offset-binary samples ``(n, 2)``, 1.0 is full scale."""
    pairs = np.stack([band.real, band.imag], axis=1)
    return np.clip(np.rint(127.5 + 127.5 * pairs), 0, 255).astype(np.uint8)


def cf32(band: ComplexArray) -> NDArray[np.complex64]:
    return band.astype(np.complex64)


def write_sigmf(path: Path, samples: NDArray[np.generic], **changes: object) -> str:
    """Write a recording and return its URI; ``changes`` go into ``global`` of the metadata."""
    is_cu8 = samples.dtype == SampleFormat.CU8.dtype
    head = {
        "core:datatype": "cu8" if is_cu8 else "cf32_le",
        "core:sample_rate": RATE_HZ,
        "core:version": "1.2.5",
        **changes,
    }
    capture = {
        "core:sample_start": 0,
        "core:frequency": CENTER_HZ,
        "core:datetime": "2026-11-22T10:00:00Z",
    }
    metadata = {"global": head, "captures": [capture], "annotations": []}
    path.with_suffix(".sigmf-meta").write_text(json.dumps(metadata))
    samples.tofile(path.with_suffix(".sigmf-data"))
    return f"sigmf:{path}"
