"""Add an interferer to samples that already exist: real recordings, for tests and training."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import Interferer
from edgespec.simulate.receiver import quantise

__all__ = ["inject", "mean_power"]

_FORMAT_OF_DTYPE = {
    f.dtype: f for f in (SampleFormat.CF32, SampleFormat.CU8, SampleFormat.CI8, SampleFormat.CI16)
}


def inject(
    samples: NDArray[Any],
    sample_rate_hz: float,
    interferer: InterfererConfig,
    isr_db: float,
    start_sample: int,
    n_samples: int,
    signal_power: float | None = None,
    seed: int = 0,
) -> NDArray[Any]:
    """Return a copy of ``samples`` with an interferer in ``n_samples`` from ``start_sample``.

    The gain is fixed: the rest of the samples stays as it is, and integers are quantised again,
    and clipped, after the sum.

    Args:
        samples: complex64 ``(n,)``, or uint8, int8 or int16 ``(n, 2)``, I then Q.
        sample_rate_hz: their rate.
        interferer: what to add; its own ISR and times are not looked at.
        isr_db: mean power of the interferer while it transmits over that of the signal.
        start_sample: first sample with the interferer.
        n_samples: length of the interferer.
        signal_power: mean power of the wanted signal, linear, full scale 1; None measures the
            stretch itself, noise included.
        seed: phase and data of the interferer.

    Raises:
        UsageError: the stretch lies outside the samples, or the interferer outside the band.
    """
    stop = start_sample + n_samples
    if not 0 <= start_sample < stop <= len(samples):
        raise UsageError(
            f"an interferer from sample {start_sample} to {stop} does not lie within the "
            f"{len(samples)} samples there are"
        )
    sample_format = _format_of(samples)
    out = samples.copy()
    stretch = sample_format.to_complex(samples[start_sample:stop])
    power = mean_power(stretch) if signal_power is None else signal_power
    gain = np.float32(np.sqrt(power * 10.0 ** (isr_db / 10.0)))
    here = replace(interferer, start_s=0.0, stop_s=n_samples / sample_rate_hz, every_s=0.0)
    stretch += gain * Interferer(here, sample_rate_hz, seed).samples(0, n_samples)
    bits = {SampleFormat.CF32: 0, SampleFormat.CI16: 16}.get(sample_format, 8)
    quantise(stretch, sample_format, bits, out[start_sample:stop])
    return out


def mean_power(samples: NDArray[np.complex64]) -> float:
    """Return the mean of the squared modulus, linear: 1 for an exponential of modulus 1."""
    return float(np.mean(np.abs(samples) ** 2, dtype=np.float64))


def _format_of(samples: NDArray[Any]) -> SampleFormat:
    try:
        sample_format = _FORMAT_OF_DTYPE[samples.dtype]
    except KeyError:
        known = ", ".join(str(dtype) for dtype in _FORMAT_OF_DTYPE)
        raise UsageError(f"samples are {samples.dtype}; accepted are {known}") from None
    wanted = () if sample_format is SampleFormat.CF32 else (2,)
    if samples.shape[1:] != wanted:
        raise UsageError(
            f"samples of type {samples.dtype} have the shape {samples.shape}; complex64 is (n,), "
            "integers are (n, 2)"
        )
    return sample_format
