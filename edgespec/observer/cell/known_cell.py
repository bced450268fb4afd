"""A cell that is tracked, and what is normal beside it: as it is told, and as it is handed on."""

from dataclasses import dataclass, replace

from edgespec.detect.scan.residual_scan import ResidualScan
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.heard_cell import CellState, HeardCell
from edgespec.lte.numerology import SLOT_S
from edgespec.observer.cell.residual_scale import ResidualScale
from edgespec.reference import Reference, below, under

__all__ = ["KnownCell", "heard_cell"]

#: Of a recording of an alert, and of a crystal.
_MOST_SAMPLES, _MOST_PPM = 1e10, 500.0


@dataclass(frozen=True, slots=True)
class KnownCell:
    """A cell as it is tracked, and what its scan learnt.

    A radio frame begins ``cell.frame_start`` behind a sample that whoever asks for it names;
    ``phase`` is that of the scan's blocks there.
    """

    cell: Cell
    reference: Reference
    phase: int = 0

    @classmethod
    def of(
        cls,
        cell: Cell | None,
        plane: ResidualPlane | None,
        scan: ResidualScan | None,
        scale: ResidualScale,
        at: int,
    ) -> "KnownCell | None":
        """Return what is known now, counted from the sample ``at``; None while it is learnt."""
        if cell is None or plane is None or scan is None or not scale.is_settled:
            return None
        tracker = plane.tracker
        clock = tracker.clock
        frame_start = clock.whole - at + clock.part + (clock.passed - clock.number) * clock.step
        tracked = replace(cell, frame_start=frame_start, cfo_hz=tracker.cfo_hz, ppm=tracker.ppm)
        reference = under("scan", scan.reference()) | under("scale", scale.reference())
        return cls(tracked, reference, scan.phase - clock.number)

    def teach(self, scan: ResidualScan, scale: ResidualScale) -> None:
        """Let another scan go by what this one learnt.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape, or no cell is like that.
        """
        cell = self.cell
        is_near = abs(cell.frame_start) <= _MOST_SAMPLES
        if not is_near or abs(cell.ppm) > _MOST_PPM or abs(cell.cfo_hz) > cell.sample_rate_hz:
            raise ValueError(f"no cell is like {cell!r:.160}")
        scan.take_reference(below("scan", self.reference))
        scale.take_reference(below("scale", self.reference))

    def align(self, scan: ResidualScan, slots: PrefixSlots) -> bool:
        """Let the blocks of a scan that begins with these slots begin where they did.

        Return whether there are any.
        """
        if slots.n_slots:
            step = SLOT_S * self.cell.sample_rate_hz * (1.0 + self.cell.ppm * 1e-6)
            later = (int(slots.tick_start[0]) - self.cell.frame_start) / step
            scan.phase = self.phase + round(later)
        return bool(slots.n_slots)


def heard_cell(
    state: CellState, cell: Cell | None, plane: ResidualPlane | None, scan: ResidualScan | None
) -> HeardCell:
    """Return what states say of a cell."""
    if cell is None or plane is None:
        return HeardCell(state)
    tracker = plane.tracker
    return HeardCell(
        state,
        cell.identity,
        cell.duplex,
        cell.snr_db,
        tracker.quality,
        tracker.cfo_hz,
        tracker.ppm,
        "" if scan is None else scan.distrust,
        cell.technology,
    )
