"""Objects of one schema as a table for other programs."""

import csv
import io
from collections.abc import Sequence
from typing import Any

__all__ = ["csv_text"]


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return CSV (RFC 4180): a column for each field of the first object, which all have."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
