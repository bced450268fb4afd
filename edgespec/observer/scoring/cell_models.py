"""Bundles that were adapted to single cells: found, checked, and open before the first handover."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgespec.config import Config
from edgespec.errors import EdgespecError, ModelError
from edgespec.grid import Grid
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.inference.manifest import Manifest
from edgespec.observer.kept.kept_cells import MOST_CELLS
from edgespec.observer.scoring.basis import Basis

__all__ = ["adapted_cell", "cell_models", "is_alike", "model_path"]

_LOG = logging.getLogger(__name__)
_FOLDER, _ENDING = "models", ".edgespec"
_STAYS = "the band goes on with the model that it has"
_ADVICE = "adapt it anew in its cell with `edgespec adapt`, or take it away"


def model_path(state_dir: Path, cell: str, center_freq_hz: float) -> Path:
    """Return where a bundle of the cell of a label, such as ``lte-123``, is found by itself."""
    return state_dir / _FOLDER / f"{cell}@{center_freq_hz:.0f}{_ENDING}"


def adapted_cell(bundle: Bundle) -> tuple[str, float]:
    """Return the label of the cell that a bundle was adapted to, and the centre of its band in Hz.

    Raises:
        ModelError: it was adapted to none.
    """
    adapted = bundle.manifest.training.get("adapted")
    cell: Any = adapted.get("cell") if isinstance(adapted, dict) else None
    try:
        technology, identity, center_hz = (
            cell[key] for key in ("technology", "identity", "center_freq_hz")
        )
        if not isinstance(technology, str) or type(identity) is not int:
            raise ValueError(identity)
        return f"{technology}-{identity}", float(center_hz)
    except (TypeError, LookupError, ValueError, OverflowError):
        raise ModelError(f"it names no cell; {_ADVICE}") from None


def cell_models(config: Config, basis: Basis, grid: Grid) -> dict[str, Basis]:
    """Return what the first band is judged by in single cells, by their labels.

    Of the bundles that ``band.cell_models`` names, then of the newest in the state directory; of
    two for one cell the first. What cannot be used is said and left out. Each has the runtime of
    the band's own model, open and checked: a handover is to load nothing.

    Args:
        config: of the observer.
        basis: what the band is judged by elsewhere.
        grid: of its frames.
    """
    found: dict[str, Basis] = {}
    if basis.bundle is None or basis.backend is None:
        return found
    named = config.band[0].cell_models
    for path in (*named, *_newest(config.node.state_dir / _FOLDER)):
        if len(found) == MOST_CELLS:
            break
        try:
            bundle = load_bundle(path)
            label, center_hz = adapted_cell(bundle)
            if not _is_here(center_hz, grid):
                if path in named:
                    raise ModelError(f"it is of a cell at {center_hz:.10g} Hz; {_ADVICE}")
                continue
            if label not in found:
                found[label] = _opened(bundle, basis, config)
        except EdgespecError as error:
            said = "band %s: the bundle %s is not used in its cell: %.300s: %s"
            _LOG.warning(said, config.band[0].id, path, error, _STAYS)
    return found


def _opened(bundle: Bundle, basis: Basis, config: Config) -> Basis:
    if basis.bundle is None or basis.backend is None:
        raise ModelError("the band has no model")
    own, its = basis.bundle.manifest, bundle.manifest
    if _kind(its) != _kind(own):
        raise ModelError(
            f"it was made for other frames, inputs or errors than the band's {own.name!r}"
        )
    backend = open_backend(bundle, basis.backend.name)
    check_golden(bundle, backend)
    return Basis.of_bundle(bundle, backend, config.detect)


def is_alike(one: Basis, other: Basis) -> bool:
    """Whether one may take the place of the other while it runs: frames, inputs, detectors."""
    if one.names != other.names or one.recipe != other.recipe:
        return False
    if one.bundle is None or other.bundle is None:
        return one.bundle is other.bundle
    return _kind(one.bundle.manifest) == _kind(other.bundle.manifest)


def _kind(manifest: Manifest) -> tuple[object, ...]:
    """Return what must be the same for one to take the place of another while it runs."""
    role = manifest.model.role
    return manifest.recipe, role, tuple(manifest.side_inputs), manifest.discriminant


def _is_here(center_hz: float, grid: Grid) -> bool:
    return abs(center_hz - sum(grid.range_hz) / 2.0) <= grid.rbw_hz


def _newest(folder: Path) -> Iterator[Path]:
    """Yield the bundles of a folder, the newest first."""
    dated = []
    with suppress(OSError):
        for path in folder.glob(f"*{_ENDING}"):
            with suppress(FileNotFoundError):
                dated.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(dated, reverse=True):
        yield path
