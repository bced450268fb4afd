"""Rows of the detection table of one observer, gathered into columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.lab.measures.windows.stretches import Addition
from edgespec.records import FloatArray

__all__ = ["NOTHING", "Row", "ScoreTable"]

#: What is on the air where nothing is.
NOTHING = Addition("", np.nan, np.nan, np.nan, np.nan, 0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a segment: its mode, what is on the air, and where it lies.

    ``share`` of its horizon has something on the air, ``flagged`` of its horizon's frames are not
    fit to be scored.
    """

    mode: str
    added: Addition
    stretch: int
    segment: int
    share: float = 0.0
    flagged: float = 0.0


class ScoreTable:
    """Columns of one observer; ``columns`` are the names of the scores."""

    def __init__(self, context: str, has_neighbour: bool, columns: Sequence[str]) -> None:
        self._context = context
        self._has_neighbour = has_neighbour
        self._rows: list[Row] = []
        self._scores: dict[str, list[FloatArray]] = {
            name: [np.empty(0, np.float32)] for name in columns
        }

    def add(self, rows: Sequence[Row], scores: Mapping[str, FloatArray]) -> None:
        """Take rows with their scores ``(n_rows,)`` of every column."""
        self._rows.extend(rows)
        for name, parts in self._scores.items():
            if scores[name].shape != (len(rows),):
                raise ValueError(f"{scores[name].shape} scores of {name} for {len(rows)} rows")
            parts.append(np.asarray(scores[name], np.float32))

    def columns(self) -> dict[str, Any]:
        """Return the columns: lists of texts, arrays of numbers."""
        rows = self._rows
        columns: dict[str, Any] = {
            "context": [self._context] * len(rows),
            "mode": [row.mode for row in rows],
            "kind": [row.added.kind for row in rows],
            "neighbour": np.full(len(rows), self._has_neighbour),
        }
        for name in ("isr_db", "inr_db", "duty", "bandwidth_hz"):
            columns[name] = np.array([getattr(row.added, name) for row in rows], np.float64)
        for name in ("share", "flagged"):
            columns[name] = np.array([getattr(row, name) for row in rows], np.float64)
        for name in ("stretch", "segment"):
            columns[name] = np.array([getattr(row, name) for row in rows], np.int64)
        for name, parts in self._scores.items():
            columns[name] = np.concatenate(parts)
        return columns
