"""Bands: what the carrier frequency does to movement, and what operators run there."""

from dataclasses import dataclass

__all__ = ["BANDS", "Band"]

_LIGHT_M_S = 299_792_458.0


@dataclass(frozen=True, slots=True)
class Band:
    """One LTE band.

    ``n_ports`` and ``scheduler`` are what its cells use; ``shadow_db`` is the standard deviation of
    the path loss around its mean.
    """

    carrier_hz: float
    n_ports: int
    scheduler: str
    shadow_db: float

    def doppler_hz(self, speed_m_s: float) -> float:
        """Return the largest Doppler shift at a speed."""
        return speed_m_s * self.carrier_hz / _LIGHT_M_S


#: By the LTE band number, for its downlink carrier.
BANDS: dict[str, Band] = {
    "b12": Band(739e6, 1, "proportional-fair", 6.0),
    "b5": Band(880e6, 2, "proportional-fair", 6.5),
    "b2": Band(1960e6, 2, "round-robin", 7.0),
    "b7": Band(2645e6, 2, "proportional-fair", 8.0),
}
