"""The cells that an observer knows what is normal beside: kept on the broker, one record a band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgespec.site_cell import SiteCell
from edgespec.units import format_utc
from edgespec.wire.fields import Fields, parse_utc
from edgespec.wire.text import decode

__all__ = ["CELLS_SCHEMA", "cells_payload", "parse_cells"]

CELLS_SCHEMA = "edgespec.cells/1"


@dataclass(frozen=True, slots=True)
class _Cell:
    technology: str
    identity: int
    duplex: str
    learnt: str


def cells_payload(
    cells: Sequence[SiteCell], node: str, band: str, center_freq_hz: float
) -> dict[str, Any]:
    """Return the object of schema ``edgespec.cells/1``; the cell that was left last is the last."""
    return {
        "schema": CELLS_SCHEMA,
        "node": node,
        "band": band,
        "center_freq_hz": float(center_freq_hz),
        "cells": [
            {
                "technology": cell.technology,
                "identity": int(cell.identity),
                "duplex": cell.duplex,
                "learnt": format_utc(cell.utc_ns),
            }
            for cell in cells
        ],
    }


def parse_cells(data: bytes | str) -> tuple[str, str, float, tuple[SiteCell, ...]]:
    """Return node, band, its centre in Hz and the cells written as :func:`cells_payload`.

    Raises:
        PayloadError: it is no record of this schema.
    """
    fields = Fields.of(decode(data), CELLS_SCHEMA)
    cells = tuple(
        SiteCell(cell.technology, cell.identity, cell.duplex, parse_utc(cell.learnt))
        for cell in fields.records("cells", _Cell)
    )
    return fields.text("node"), fields.text("band"), fields.number("center_freq_hz"), cells
