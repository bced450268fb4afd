"""What the units should hear: transmitters through path gains, plus noise."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site
from edgespec.wire.transmitters import Transmitter

__all__ = ["Expectation", "antenna_gain_db", "occupied_shares", "sector_fall_db"]

FloatArray = NDArray[np.float64]

#: Attenuation behind a sector antenna (3GPP TR 38.901, table 7.3-1).
_MOST_ATTENUATION_DB = 30.0


class Expectation:
    """Expected levels of one site, kept until its transmitters change.

    ``parts_mw`` float64 ``(n_transmitters, n_units, n_subbands)``: what each active transmitter
    contributes; ``noise_mw``: the noise of one subband; ``level_dbm`` float64 ``(n_units,
    n_subbands)``: ``10 log10(sum of parts + noise)``; ``is_occupied`` bool of that shape: whether
    transmitters give more power there than noise.
    """

    def __init__(self, site: Site, gain: PathGain) -> None:
        self._site = site
        self._gain = gain
        self.noise_mw = 10.0 ** (site.noise_floor_dbm / 10.0) / site.n_subbands
        self.transmitters: tuple[Transmitter, ...] = ()
        self.set(site.transmitter)

    def set(self, transmitters: tuple[Transmitter, ...]) -> None:
        """Replace all transmitters."""
        self.transmitters = tuple(one for one in transmitters if one.active)
        shape = (len(self.transmitters), len(self._site.unit), self._site.n_subbands)
        self.parts_mw = np.zeros(shape)
        if self.transmitters:
            places_m = np.array([one.xyz_m for one in self.transmitters], np.float64)
            arriving_dbm = self._gain.gains_db(places_m)
            for index, one in enumerate(self.transmitters):
                arriving_dbm[index] += one.power_dbm + antenna_gain_db(one, self._site)
                shares = occupied_shares(one, self._site)
                power_mw = 10.0 ** (arriving_dbm[index] / 10.0)
                self.parts_mw[index] = power_mw[:, None] * shares
        self.level_dbm, self.is_occupied = self.without(())

    def without(self, silent: tuple[int, ...]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return expected levels in dBm, and where they are occupied, without some transmitters."""
        kept = [index for index in range(len(self.transmitters)) if index not in silent]
        signal_mw = self.parts_mw[kept].sum(axis=0)
        return 10.0 * np.log10(signal_mw + self.noise_mw), signal_mw > self.noise_mw


def occupied_shares(transmitter: Transmitter, site: Site) -> FloatArray:
    """Return the share of a transmitter's power in each subband: float64 ``(n_subbands,)``.

    It is spread evenly over the edges that it occupies; what lies outside of the band is lost.
    """
    edges_hz = np.array(site.edges_hz)
    if not transmitter.freq_lower_hz:
        return np.full(site.n_subbands, 1.0 / site.n_subbands)
    overlap_hz = np.zeros(site.n_subbands)
    width_hz = 0.0
    for low_hz, high_hz in zip(transmitter.freq_lower_hz, transmitter.freq_upper_hz, strict=True):
        inside_hz = np.minimum(edges_hz[1:], high_hz) - np.maximum(edges_hz[:-1], low_hz)
        overlap_hz += np.maximum(inside_hz, 0.0)
        width_hz += high_hz - low_hz
    return overlap_hz / width_hz


def antenna_gain_db(transmitter: Transmitter, site: Site) -> FloatArray:
    """Return the antenna's gain towards each unit relative to its boresight: ``(n_units,)``.

    Isotropic is 0 dB; a sector is ``-min(12 (angle / width)^2, 30)`` dB over the azimuth of the
    straight line (3GPP TR 38.901, table 7.3-1, horizontal cut).
    """
    if transmitter.antenna == "isotropic" or transmitter.azimuth_deg is None:
        return np.zeros(len(site.unit))
    line_m = site.units_xyz_m - np.array(transmitter.xyz_m)
    return -sector_fall_db(line_m, transmitter.azimuth_deg, transmitter.width_deg)


def sector_fall_db(line_m: FloatArray, azimuth_deg: float, width_deg: float) -> FloatArray:
    """Return what a sector antenna attenuates along lines ``(..., 3)`` away from it, in dB."""
    bearing_deg = np.degrees(np.arctan2(line_m[..., 0], line_m[..., 1]))
    off_deg = (bearing_deg - azimuth_deg + 180.0) % 360.0 - 180.0
    return np.asarray(np.minimum(12.0 * (off_deg / width_deg) ** 2, _MOST_ATTENUATION_DB))
