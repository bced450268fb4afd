"""What was normal at a site when an alert came: kept beside its recording, for a replay."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edgespec.decode import Decoder, read_bounded
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.stream import is_near_range
from edgespec.errors import ModelError
from edgespec.inference.arrays import arrays_from_npz
from edgespec.observer.cell.known_cell import KnownCell
from edgespec.observer.kept.kept_arrays import as_kept
from edgespec.reference import Reference, below, under

__all__ = ["SiteReference", "load_site"]

_LOG = logging.getLogger(__name__)
_SCHEMA = "edgespec.site/1"
_ADVICE = "the replay learns from what lies before the alert"
#: The rows of three maps of 1024 bins are 1.6 MB.
_MAX_BYTES = 4_000_000
_DECODER = Decoder(ModelError, advice=_ADVICE)
_ARRAYS, _CELL = "site", "cell"


@dataclass(frozen=True, slots=True)
class _Head:
    range_hz: tuple[float, float]
    model_sha256: str
    thresholds: Mapping[str, float]
    cell: Cell | None = None
    phase: int = 0


@dataclass(frozen=True, slots=True)
class SiteReference:
    """What an observer went by in one band.

    Segments begin at sample ``at_sample`` of the source and every ``hop_samples`` from there;
    ``factor`` of its samples are one of the band, in which the frames of ``cell`` are counted, from
    ``at_sample``. ``thresholds`` are those of the detectors; the band lies in ``range_hz``.
    """

    range_hz: tuple[float, float]
    model_sha256: str
    thresholds: Mapping[str, float]
    reference: Reference
    cell: KnownCell | None = None
    at_sample: int = 0
    hop_samples: int = 1
    factor: int = 1

    def as_bytes(self, sample_start: int) -> bytes:
        """Return it for a recording that begins with this sample of the source."""
        cell, phase, arrays = None, 0, under(_ARRAYS, self.reference)
        if self.cell is not None:
            later = (self.at_sample - sample_start) / self.factor
            cell = replace(self.cell.cell, frame_start=self.cell.cell.frame_start + later)
            phase = self.cell.phase
            arrays |= under(_CELL, self.cell.reference)
        head = _Head(self.range_hz, self.model_sha256, self.thresholds, cell, phase)
        return as_kept({"schema": _SCHEMA, **asdict(head)}, arrays)

    def differs_from(
        self, range_hz: tuple[float, float], model_sha256: str, thresholds: Mapping[str, float]
    ) -> str:
        """Return in which words it is of another band, model or choice of detectors; '' if not."""
        if not is_near_range(self.range_hz, range_hz):
            return "the band lies elsewhere"
        if self.model_sha256 != model_sha256:
            return "it goes with another model"
        if set(self.thresholds) != set(thresholds):
            return f"it goes with the detectors {', '.join(sorted(self.thresholds))}"
        return ""


def load_site(path: Path) -> SiteReference | None:
    """Return what is kept beside a recording that begins with sample 0; None where nothing is."""
    if not path.exists():
        return None
    try:
        text, _, rest = read_bounded(path, ModelError, _ADVICE, _MAX_BYTES).partition(b"\n")
        head = _DECODER.from_json(_Head, text, _SCHEMA, str(path))
        arrays = arrays_from_npz(rest, str(path))
    except ModelError as error:
        _LOG.warning("%s: it is not used", error)
        return None
    cell = None if head.cell is None else KnownCell(head.cell, below(_CELL, arrays), head.phase)
    return SiteReference(
        head.range_hz, head.model_sha256, head.thresholds, below(_ARRAYS, arrays), cell
    )
