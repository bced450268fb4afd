"""Some subcarriers of symbols that begin anywhere in a stream, by a DFT at these alone."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Carrier", "subcarriers_at"]


class Carrier(Protocol):
    """What is known of the symbols of a cell."""

    @property
    def sample_rate_hz(self) -> float:
        """Of the samples."""
        ...

    @property
    def spacing_hz(self) -> float:
        """Of the subcarriers."""
        ...

    @property
    def cfo_hz(self) -> float:
        """Of the subcarriers' middle minus the receiver's centre."""
        ...


def subcarriers_at(
    samples: NDArray[np.complex64],
    carrier: Carrier,
    begin: NDArray[np.float64],
    early_s: float,
    offsets_hz: NDArray[np.floating[Any]],
) -> NDArray[np.complex64]:
    """Return subcarriers of symbols, complex64 ``(n_symbols, n_subcarriers)``.

    Those are the elements that were sent times the channel: a delay is a slope of the phase over
    the subcarriers, and a frequency that is wrong a phase common to all of a symbol.

    Args:
        samples: complex64 at the rate of ``carrier``.
        carrier: rate, spacing and carrier.
        begin: where the transform of each symbol is to begin, in samples with their fraction.
        early_s: by how much that is before the useful part.
        offsets_hz: of the subcarriers from the carrier.
    """
    rate_hz = carrier.sample_rate_hz
    first = np.floor(begin).astype(np.int64)
    n_window = int(rate_hz / carrier.spacing_hz)
    hz = offsets_hz + carrier.cfo_hz
    waves = np.exp(-2j * np.pi * np.outer(np.arange(n_window) / rate_hz, hz)).astype(np.complex64)
    # Not by BLAS: its threads cost more than these few products.
    values = np.einsum("nt,tk->nk", samples[first[:, None] + np.arange(n_window)], waves)
    # The transform began early, at a whole sample; the carrier turned since the stream began.
    moved_s = (first - begin) / rate_hz - early_s
    phase = np.outer(moved_s, offsets_hz) + (carrier.cfo_hz * first / rate_hz)[:, None]
    return np.asarray(values * np.exp(-2j * np.pi * phase) / n_window, np.complex64)
