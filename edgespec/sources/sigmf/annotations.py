"""The annotations of a recording: where in it somebody saw something."""

from dataclasses import dataclass
from pathlib import Path

from edgespec.door import brief
from edgespec.sources.oddities import Oddities
from edgespec.sources.sigmf.files import find_recording
from edgespec.sources.sigmf.metadata import Metadata, load_metadata, number, whole

__all__ = ["Annotation", "annotations_in", "annotations_of"]

_MOST = 256
_LABEL = 60


@dataclass(frozen=True, slots=True)
class Annotation:
    """A box in a recording: samples counted from its first, and edges in Hz.

    An edge is None where the annotation names none. ``score`` and ``threshold`` are those of an
    event of ours, None of another program's.
    """

    sample_start: int
    n_samples: int
    freq_lower_hz: float | None
    freq_upper_hz: float | None
    label: str
    score: float | None = None
    threshold: float | None = None


def annotations_of(path: Path) -> tuple[Annotation, ...]:
    """Return the first annotations of a recording; what is malformed is left out.

    Raises:
        SourceError: there is no recording, or its metadata cannot be read.
    """
    found = find_recording(path, Oddities())
    return annotations_in(load_metadata(found.meta, found.meta_path, Oddities()))


def annotations_in(metadata: Metadata) -> tuple[Annotation, ...]:
    """Return the first annotations of metadata; what is malformed is left out."""
    offset = whole(metadata.head.get("core:offset", 0)) or 0
    out = []
    for item in metadata.annotations[:_MOST]:
        start = whole(item.get("core:sample_start")) if isinstance(item, dict) else None
        if start is None:
            continue
        out.append(
            Annotation(
                start - offset,
                max(whole(item.get("core:sample_count", 1)) or 1, 1),
                number(item.get("core:freq_lower_edge")),
                number(item.get("core:freq_upper_edge")),
                brief(item.get("core:label") or "", _LABEL),
                number(item.get("edgespec:score")),
                number(item.get("edgespec:threshold")),
            )
        )
    return tuple(out)
