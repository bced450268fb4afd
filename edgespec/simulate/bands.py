"""Bands: what the carrier frequency does to movement and range, and what operators run there."""

from dataclasses import dataclass

import numpy as np

__all__ = ["BANDS", "Band"]

_LIGHT_M_S = 299_792_458.0


@dataclass(frozen=True, slots=True)
class Band:
    """One LTE band.

    ``exponent`` is that of the log-distance path loss beyond 1 m of free space, and ``shadow_db``
    the standard deviation around it; ``n_ports`` and ``scheduler`` are what its cells use.
    """

    carrier_hz: float
    n_ports: int
    scheduler: str
    exponent: float
    shadow_db: float

    def doppler_hz(self, speed_m_s: float) -> float:
        """Return the largest Doppler shift at a speed."""
        return speed_m_s * self.carrier_hz / _LIGHT_M_S

    def path_loss_db(self, distance_m: float) -> float:
        """Return the mean path loss: free space to 1 m, then ``10 n log10(d)`` (Rappaport)."""
        first = 20.0 * np.log10(4.0 * np.pi * self.carrier_hz / _LIGHT_M_S)
        return float(first + 10.0 * self.exponent * np.log10(distance_m))


#: By the LTE band number, for its downlink carrier.
BANDS: dict[str, Band] = {
    "b12": Band(739e6, 1, "proportional-fair", 3.2, 6.0),
    "b5": Band(880e6, 2, "proportional-fair", 3.3, 6.5),
    "b2": Band(1960e6, 2, "round-robin", 3.5, 7.0),
    "b7": Band(2645e6, 2, "proportional-fair", 3.7, 8.0),
}
