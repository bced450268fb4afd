"""What is through of a long run, a line of JSON each: a run that was ended goes on where it was."""

import json
from pathlib import Path
from typing import Any

__all__ = ["keep_row", "read_rows"]


def read_rows(kept: Path) -> list[dict[str, Any]]:
    """Return what is through; a line that was cut off is not."""
    rows = []
    if kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return rows


def keep_row(kept: Path, row: dict[str, Any]) -> None:
    """Add what is through."""
    with kept.open("a", encoding="utf-8") as file:
        # On a line of its own, behind one that was cut off.
        file.write(f"\n{json.dumps(row)}\n")
