"""Positions of a walk on the ground of a site."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site

__all__ = ["Ground"]

FloatArray = NDArray[np.float64]

#: A site is small beside the Earth: one degree of latitude and, at the equator, of longitude, in m.
_LATITUDE_M, _LONGITUDE_M = 110_950.0, 111_320.0

#: A walk may leave the site by this share of its size.
_MARGIN = 0.1


class Ground:
    """Takes positions of a file to metres at a site, or says which line is off it.

    Args:
        site: of the walk.
        where: the file, for messages.
    """

    def __init__(self, site: Site, where: str) -> None:
        self._site, self._where = site, where

    def places_m(self, places: FloatArray, is_geographic: bool, lines: Sequence[int]) -> FloatArray:
        """Return positions ``(n, 2)`` in metres from the origin of the site.

        Args:
            places: x and y in metres, or latitude and longitude in degrees.
            is_geographic: which of both.
            lines: number of the line of each.

        Raises:
            ConfigError: a place off the site; it says so if the coordinates are swapped.
        """
        places_m = self._metres(places, lines) if is_geographic else places
        is_off = self._is_off(places_m)
        if not is_off.any():
            return places_m
        first = int(np.flatnonzero(is_off)[0])
        swapped = places[:, ::-1]
        swapped_m = self._from_degrees(swapped) if is_geographic else swapped
        names = ("latitude", "longitude") if is_geographic else ("x", "y")
        if not self._is_off(swapped_m).any():
            raise self._refused(
                lines[first],
                f"{names[0]} {places[first, 0]:.7g} and {names[1]} {places[first, 1]:.7g} are off "
                "the site, and exchanged they are on it, as all others are: exchange the two "
                "columns' names",
            )
        width_m, depth_m, _ = self._site.size_m
        raise self._refused(
            lines[first],
            f"{names[0]} {places[first, 0]:.7g} and {names[1]} {places[first, 1]:.7g} are at x "
            f"{places_m[first, 0]:.7g} m, y {places_m[first, 1]:.7g} m, which is off the site "
            f"(0 to {width_m:g} m, 0 to {depth_m:g} m), as are {int(is_off.sum())} of "
            f"{len(places)} places: correct them, size_m, or "
            + ("latitude_deg and longitude_deg of the site" if is_geographic else "their origin"),
        )

    def _metres(self, places: FloatArray, lines: Sequence[int]) -> FloatArray:
        if self._site.latitude_deg is None or self._site.longitude_deg is None:
            raise ConfigError(
                f"{self._where} has latitudes and longitudes, and the site does not say where its "
                "origin is: add latitude_deg and longitude_deg of x = 0, y = 0 to the site file"
            )
        is_none = (np.abs(places) > [90.0, 180.0]).any(axis=1)
        if is_none.any():
            first = int(np.flatnonzero(is_none)[0])
            is_swapped = bool((np.abs(places[:, ::-1]) <= [90.0, 180.0]).all())
            raise self._refused(
                lines[first],
                f"latitude {places[first, 0]:.7g} and longitude {places[first, 1]:.7g} are no "
                "place on Earth: "
                + (
                    "exchange the two columns' names, the other way round they are"
                    if is_swapped
                    else "a latitude is -90 to 90 and a longitude -180 to 180 degrees"
                ),
            )
        return self._from_degrees(places)

    def _from_degrees(self, places: FloatArray) -> FloatArray:
        latitude = self._site.latitude_deg or 0.0
        longitude = self._site.longitude_deg or 0.0
        north_m = (places[:, 0] - latitude) * _LATITUDE_M
        east_m = (places[:, 1] - longitude) * _LONGITUDE_M * np.cos(np.radians(latitude))
        return np.column_stack([east_m, north_m])

    def _is_off(self, places_m: FloatArray) -> NDArray[np.bool_]:
        size_m = np.array(self._site.size_m[:2])
        return np.asarray(
            ((places_m < -_MARGIN * size_m) | (places_m > (1.0 + _MARGIN) * size_m)).any(axis=1)
        )

    def _refused(self, line: int, what: str) -> ConfigError:
        return ConfigError(f"{self._where}, line {line}: {what}")
