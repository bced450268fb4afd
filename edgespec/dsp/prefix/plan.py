"""Where in a slot the cyclic prefixes lie, and which part of them is taken: a record of sizes."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.stream import RATE_TOLERANCE
from edgespec.errors import ConfigError
from edgespec.grid import Grid
from edgespec.lte.numerology import BASIC_RATE_HZ, PREFIX_UNITS, SLOT_S, SUBCARRIER_HZ
from edgespec.nr.numerology import SPACINGS_HZ, prefix_units

__all__ = ["LEAST_RATE_HZ", "PrefixPlan", "can_cancel"]

#: The widest signal that every LTE cell sends, six resource blocks, needs this rate.
LEAST_RATE_HZ = 1.92e6

#: Length of the part that is taken, in periods of the spacing. It is half of a short prefix: what
#: comes before is left to echoes of the last symbol.
_WINDOW = 0.03675
#: Kept free at the end of a prefix, for the receiver's filter and what timing is wrong by.
_GUARD_S = 0.4e-6
_MOST_SUBBANDS = 16


def can_cancel(sample_rate_hz: float) -> bool:
    """Whether cells can be cancelled at a sample rate, which a radio may have rounded."""
    least_hz = LEAST_RATE_HZ * (1.0 - RATE_TOLERANCE)
    return math.isfinite(sample_rate_hz) and sample_rate_hz >= least_hz


@dataclass(frozen=True, slots=True)
class PrefixPlan:
    """The cyclic prefixes of an OFDM cell, LTE or NR, at one sample rate.

    A slot of 0.5 ms has ``n_symbols``; each of them begins with a copy of what lies
    ``lag_samples`` later. Of every prefix the ``n_window`` samples are taken that end ``n_guard``
    samples before it does. Their spectrum has ``n_window`` bins, neighbours of which are one
    subband: 5 at 1.92 MS/s, 12 at 5 and 20 MS/s, never more than 16.

    Args:
        sample_rate_hz: of the receiver, 1.92 MS/s or more; 3.84 MS/s with 30 kHz.
        prefix: ``normal``, or ``extended`` with 15 kHz.
        spacing_hz: of the subcarriers, 15 or 30 kHz.

    Raises:
        ConfigError: one of them is not accepted.
    """

    sample_rate_hz: float
    prefix: str = "normal"
    spacing_hz: float = SUBCARRIER_HZ

    def __post_init__(self) -> None:
        if self.spacing_hz not in SPACINGS_HZ:
            known = " and ".join(f"{one:g}" for one in SPACINGS_HZ)
            raise ConfigError(
                f"the subcarriers lie {self.spacing_hz:g} Hz apart; known are {known}"
            )
        ratio = self.spacing_hz / SUBCARRIER_HZ
        if not can_cancel(self.sample_rate_hz / ratio):
            raise ConfigError(
                f"the sample rate is {self.sample_rate_hz:.10g} S/s; to cancel a cell it must be "
                f"{ratio * LEAST_RATE_HZ:.10g} S/s or more: set source.sample_rate_hz"
            )
        prefixes = tuple(PREFIX_UNITS) if ratio == 1 else ("normal",)
        if self.prefix not in prefixes:
            raise ConfigError(
                f"the cyclic prefix is {self.prefix!r}; known are {', '.join(prefixes)} with "
                f"subcarriers {self.spacing_hz:g} Hz apart"
            )

    @classmethod
    def of(cls, cell: Cell) -> "PrefixPlan":
        """Return that of a cell."""
        return cls(cell.sample_rate_hz, cell.prefix, cell.spacing_hz)

    @property
    def _prefix_units(self) -> tuple[int, ...]:
        if self.spacing_hz == SUBCARRIER_HZ:
            return PREFIX_UNITS[self.prefix]
        return prefix_units(self.spacing_hz)

    @property
    def _window_samples(self) -> float:
        return _WINDOW / self.spacing_hz * self.sample_rate_hz

    @property
    def lag_samples(self) -> float:
        """Samples from a prefix to its copy: those of one useful symbol, whole or not."""
        return self.sample_rate_hz / self.spacing_hz

    @property
    def slot_samples(self) -> float:
        """Samples of a slot by a receiver whose clock is right."""
        return self.sample_rate_hz * SLOT_S

    @property
    def n_symbols(self) -> int:
        """Symbols in a slot, and so prefixes."""
        return len(self._prefix_units)

    @property
    def n_window(self) -> int:
        """Samples that are taken of every prefix; as many bins."""
        n_together = self.bins_per_subband
        return n_together * round(self._window_samples / n_together)

    @property
    def n_guard(self) -> int:
        """Samples at the end of a prefix that are not taken."""
        return max(1, round(_GUARD_S * self.sample_rate_hz))

    @property
    def bins_per_subband(self) -> int:
        """Neighbouring bins that are one subband."""
        return math.ceil(self._window_samples / _MOST_SUBBANDS)

    @property
    def n_subbands(self) -> int:
        """Subbands of a slot, from half of the sample rate below the centre on."""
        return self.n_window // self.bins_per_subband

    @property
    def prefix_ends(self) -> NDArray[np.float64]:
        """Where each prefix of a slot ends, float64 ``(n_symbols,)`` in samples of the slot."""
        prefixes = np.array(self._prefix_units) / BASIC_RATE_HZ * self.sample_rate_hz
        ends: NDArray[Any] = np.cumsum(prefixes) + np.arange(self.n_symbols) * self.lag_samples
        return ends

    @property
    def window_stops(self) -> NDArray[np.intp]:
        """Where each window of a slot stops, in whole samples of the slot, ``(n_symbols,)``."""
        return np.round(self.prefix_ends).astype(np.intp) - self.n_guard

    def grid(self, center_freq_hz: float) -> Grid:
        """Return the axes of a plane: the middle of each subband, a slot a frame.

        The first of an even number of bins lies on half of the sample rate, and so on both edges.
        """
        n_bins, n_together = self.n_window, self.bins_per_subband
        bin_hz = self.sample_rate_hz / n_bins
        bins_hz = (np.arange(n_bins) - n_bins // 2) * bin_hz
        return Grid(
            center_freq_hz + bins_hz.reshape(-1, n_together).mean(axis=1),
            n_together * bin_hz,
            round(self.slot_samples),
            self.sample_rate_hz,
        )
