"""Cells that were not there at commissioning: a second base station, or one that pretends."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from edgespec.detect.cell.sighting import CellSighting
from edgespec.grid import Grid
from edgespec.lte.numerology import FRAME_S
from edgespec.units import db_from_ratio

__all__ = ["FoundCell", "NewCells"]


class FoundCell(Protocol):
    """What a search says of a cell."""

    @property
    def identity(self) -> int:
        """Physical cell identity."""
        ...

    @property
    def sample_rate_hz(self) -> float:
        """Rate of the stream."""
        ...

    @property
    def frame_start(self) -> float:
        """Sample at which a frame begins."""
        ...

    @property
    def ppm(self) -> float:
        """Samples beyond the nominal ones, in millionths."""
        ...

    @property
    def snr_db(self) -> float:
        """Power over all else that is there."""
        ...


#: Frames of one identity that begin further apart than this are those of two cells: the delays of
#: one cell's paths are shorter.
_SAME_S = 20e-6


class NewCells:
    """Remembers who is known, and names who is not.

    A search always has some answer of an identity in noise now and then; the one that the product
    searches with proves its cells by their reference signals. A cell is told when it has been found
    ``n_looks`` times in a row, and then known. Cells of a known identity whose frames begin
    elsewhere are others: who copies an identity does not copy its timing.

    Args:
        n_looks: searches in a row that must find it.
    """

    def __init__(self, n_looks: int = 1) -> None:
        self._n_looks = n_looks
        self._known: list[tuple[int, float]] = []
        self._looks: list[tuple[tuple[int, float], int]] = []

    def learn(self, cells: Iterable[FoundCell], cell: FoundCell) -> None:
        """Take cells beside ``cell`` as known, as those that are heard at commissioning."""
        for found in cells:
            self._meet(_place(found, cell))

    def update(
        self, cells: Sequence[FoundCell], cell: FoundCell, tick: int, grid: Grid
    ) -> list[CellSighting]:
        """Return a sighting for each cell that is new.

        Args:
            cells: what one search found beside ``cell``.
            cell: the cell that is watched, with a frame that begins near those of the others: the
                timing of all is told against it, since the clock of the receiver moves it alike.
            tick: sample at which the searched stretch ends.
            grid: of the reference plane; a new cell has all of its band.
        """
        before, self._looks = self._looks, []
        sightings: list[CellSighting] = []
        for found in cells:
            place = _place(found, cell)
            if _is_same(place, _place(cell, cell)) or self._is_known(place):
                continue
            n_seen = 1 + max((n for one, n in before if _is_same(one, place)), default=0)
            if n_seen < self._n_looks:
                self._looks.append((place, n_seen))
                continue
            self._known.append(place)
            sightings.append(_sighting(found, cell, tick, grid, self._n_looks))
        return sightings

    def take_over(
        self, found: FoundCell, cell: FoundCell, tick: int, grid: Grid
    ) -> list[CellSighting]:
        """Let ``found`` be watched in the place of ``cell``, which is lost; say if it is new.

        One search is enough: it proves what it finds as a band's first cell.
        """
        is_new = not self._is_known(_place(found, cell))
        # All timings are told against the watched cell.
        frame_s = FRAME_S * (1.0 + found.ppm * 1e-6)
        later_s = _place(found, cell)[1]
        self._known = [(one, (at_s - later_s) % frame_s) for one, at_s in self._known]
        self._looks = []
        self._meet(_place(cell, found))
        return [_sighting(found, cell, tick, grid, 1)] if is_new else []

    @property
    def is_unsure(self) -> bool:
        """Whether a look found someone new who has not been found often enough yet."""
        return bool(self._looks)

    def _meet(self, place: tuple[int, float]) -> None:
        if not self._is_known(place):
            self._known.append(place)

    def _is_known(self, place: tuple[int, float]) -> bool:
        """Whether it is; the clocks of two base stations drift apart, so its place is kept."""
        for number, known in enumerate(self._known):
            if _is_same(place, known):
                self._known[number] = place
                return True
        return False


def _sighting(
    found: FoundCell, cell: FoundCell, tick: int, grid: Grid, n_looks: int
) -> CellSighting:
    edges_hz = grid.edges_hz(0, grid.n_bins - 1)
    size_db = db_from_ratio(_share(found) / _share(cell))
    return CellSighting("new cell", tick, size_db, 1.0, *edges_hz, n_looks, n_looks, found.identity)


def _place(found: FoundCell, cell: FoundCell) -> tuple[int, float]:
    """Return the identity, and how long after those of ``cell`` frames begin, in seconds."""
    frame_s = FRAME_S * (1.0 + cell.ppm * 1e-6)
    return found.identity, (found.frame_start - cell.frame_start) / cell.sample_rate_hz % frame_s


def _is_same(one: tuple[int, float], other: tuple[int, float]) -> bool:
    apart_s = abs(one[1] - other[1])
    return one[0] == other[0] and min(apart_s, FRAME_S - apart_s) < _SAME_S


def _share(cell: FoundCell) -> float:
    """Return the part of all power that is the cell's."""
    return 1.0 / (1.0 + float(10.0 ** (-cell.snr_db / 10.0)))
