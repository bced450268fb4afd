"""What was learnt beside each of the last cells of a band, by their identity."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from edgespec.aside import Jobs
from edgespec.detect.scan.residual_scan import ResidualScan
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.observer.cell.residual_scale import ResidualScale
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_cell import KeptCell, load_cells, save_cell
from edgespec.observer.kept.kept_cells import MOST_CELLS
from edgespec.reference import Reference, below, under
from edgespec.site_cell import SiteCell

__all__ = ["LearntCells"]

_LOG = logging.getLogger(__name__)
_MOST_WAITING, _CLOSE_S = 4, 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Learnt:
    """What was learnt beside a cell, at a gain that had moved by ``moved_db`` since the start.

    ``plane`` knows who is beside it; None of what an earlier run knew.
    """

    cell: Cell
    reference: Reference
    utc_ns: int
    plane: ResidualPlane | None = None
    moved_db: float = 0.0


class LearntCells:
    """Keeps what is normal beside a cell while another one is followed, and over a restart.

    What is not trusted is not kept. Steps of the receiver's gain meanwhile count. What is kept is
    written by a thread of its own, when a cell is left and at the end; not behind a retune.

    Args:
        file: where it is kept; None: nowhere.
        utc_ns: UTC.

    Attributes:
        n_changes: how often another cell took the place of one.
    """

    def __init__(
        self, file: LevelFile | None = None, utc_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._file = file
        self._utc_ns = utc_ns
        self._cells: OrderedDict[tuple[object, ...], _Learnt] = OrderedDict()
        self._moved_db = 0.0
        self.n_changes = 0
        loss = "what is normal beside the cell is not kept"
        self._jobs = Jobs("cells", loss, _MOST_WAITING)
        if file is not None:
            for kept in load_cells(file):
                self._put(_Learnt(kept.cell, kept.reference, kept.utc_ns))

    def __len__(self) -> int:
        return len(self._cells)

    def known(self) -> tuple[SiteCell, ...]:
        """Return the cells that something is known of, the one that was left last at the end."""
        return tuple(
            [
                SiteCell(one.cell.technology, one.cell.identity, one.cell.duplex, one.utc_ns)
                for one in self._cells.values()
            ]
        )

    def clear(self) -> None:
        """Forget all, as behind a retune."""
        self._cells.clear()
        self._file = None

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self._moved_db += step_db

    def keep(
        self, cell: Cell, plane: ResidualPlane | None, scan: ResidualScan, scale: ResidualScale
    ) -> None:
        """Keep what is normal beside a cell that is left, where that is known and trusted."""
        if scan.site is None or scan.distrust or not scale.is_settled:
            return
        reference = under("scan", scan.reference()) | under("scale", scale.reference())
        utc_ns = self._utc_ns()
        self._put(_Learnt(cell, reference, utc_ns, plane, self._moved_db))
        if self._file is not None:
            kept = KeptCell.of(self._file, utc_ns, cell, reference)
            self._jobs.add(partial(save_cell, self._file, kept))

    def change(
        self, before: Cell, cell: Cell, plane: ResidualPlane, scan: ResidualScan,
        scale: ResidualScale,
    ) -> None:  # fmt: skip
        """Let a scan of a cell that takes the place of another go by what is known, if anything.

        One that was lost before it was learnt, and is found again, takes nobody's place.
        """
        is_known = self._teach(cell, plane, scan, scale)
        how = "what was learnt beside it counts" if is_known else "it is learnt what is normal"
        if cell.is_again(before):
            _LOG.debug("the cell %s of the band is found again: %s", cell.label, how)
            return
        self.n_changes += 1
        said = "the cell of the band is %s now, and was %s: %s"
        _LOG.warning(said, _name(cell), _name(before), how)

    def _teach(
        self, cell: Cell, plane: ResidualPlane, scan: ResidualScan, scale: ResidualScale
    ) -> bool:
        learnt = self._cells.get(_key(cell))
        if learnt is None:
            return False
        try:
            scan.take_reference(below("scan", learnt.reference))
            scale.take_reference(below("scale", learnt.reference))
        except (LookupError, ValueError) as error:
            _LOG.warning("what was normal beside cell %d is not used: %.200s", cell.identity, error)
            del self._cells[_key(cell)]
            scan.reset()
            scale.begin()
            return False
        scan.follow(self._moved_db - learnt.moved_db)
        if learnt.plane is not None:
            plane.adopt_beside(learnt.plane)
        self._cells.move_to_end(_key(cell))
        return True

    def close(self) -> None:
        """Wait for what is written."""
        self._jobs.close(_CLOSE_S)

    def _put(self, learnt: _Learnt) -> None:
        key = _key(learnt.cell)
        self._cells[key] = learnt
        self._cells.move_to_end(key)
        while len(self._cells) > MOST_CELLS:
            self._cells.popitem(last=False)


def _name(cell: Cell) -> str:
    """Return what tells a cell from another, for people."""
    about = (cell.duplex, f"{cell.prefix} prefixes", f"{cell.spacing_hz / 1e3:g} kHz")
    return f"{cell.label} ({', '.join(filter(None, about))})"


def _key(cell: Cell) -> tuple[object, ...]:
    return cell.technology, cell.identity, cell.prefix, cell.duplex, cell.spacing_hz
