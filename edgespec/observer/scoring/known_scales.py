"""What the detectors of segments learnt in each of the last cells of a band, by their labels."""

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from edgespec.aside import Jobs
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_cells import MOST_CELLS
from edgespec.observer.kept.kept_scales import CellScale, load_scales, save_scales
from edgespec.reference import Reference

__all__ = ["KnownScales"]

_MOST_WAITING, _CLOSE_S = 4, 5.0


class KnownScales:
    """Keeps it while another cell is followed, and over a restart: eight cells at most.

    Steps of the receiver's gain meanwhile count. What is kept is written by a thread of its own,
    when a cell is left and at the end; not behind a retune.

    Args:
        file: where it is kept; None: nowhere.
        utc_ns: UTC.
    """

    def __init__(
        self, file: LevelFile | None = None, utc_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._file = file
        self._utc_ns = utc_ns
        self._cells: OrderedDict[str, CellScale] = OrderedDict()
        self._moved_db = 0.0
        loss = "what is normal in the cell is not kept"
        self._jobs = Jobs("scales", loss, _MOST_WAITING)
        if file is not None:
            for kept in load_scales(file):
                self._put(kept)

    def __len__(self) -> int:
        return len(self._cells)

    def keep(self, label: str, model_sha256: str, reference: Reference) -> None:
        """Keep what was learnt in a cell that is left."""
        kept = CellScale(label, self._utc_ns(), model_sha256, reference, self._moved_db)
        self._put(kept)
        if self._file is not None:
            self._jobs.add(partial(save_scales, self._file, kept))

    def of(self, label: str, model_sha256: str) -> tuple[Reference, float] | None:
        """Return what is known of a cell by a model, and by how many dB the gain has moved since.

        None where nothing is, or another model learnt it.
        """
        kept = self._cells.get(label)
        if kept is None or kept.model_sha256 != model_sha256:
            return None
        self._cells.move_to_end(label)
        return kept.reference, self._moved_db - kept.moved_db

    def forget(self, label: str) -> None:
        """Forget a cell: what is known of it cannot be used."""
        self._cells.pop(label, None)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self._moved_db += step_db

    def clear(self) -> None:
        """Forget all, as behind a retune; nothing is written any more."""
        self._cells.clear()
        self._file = None

    def close(self) -> None:
        """Wait for what is written."""
        self._jobs.close(_CLOSE_S)

    def _put(self, kept: CellScale) -> None:
        self._cells[kept.label] = kept
        self._cells.move_to_end(kept.label)
        while len(self._cells) > MOST_CELLS:
            self._cells.popitem(last=False)
