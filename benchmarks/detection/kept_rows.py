"""What is through of a long run, a line of JSON each: a run that was ended goes on where it was.

A run that is kept with the results is packed (``xz``): it can be read, and goes on when unpacked.
"""

import json
import lzma
from pathlib import Path
from typing import Any

from edgespec.errors import UsageError

__all__ = ["check_unpacked", "keep_row", "read_rows"]


def read_rows(kept: Path) -> list[dict[str, Any]]:
    """Return what is through; a line that was cut off is not."""
    rows = []
    if kept.exists():
        packed = lzma.open if kept.suffix == ".xz" else open
        with packed(kept, "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
        for line in lines:
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return rows


def check_unpacked(kept: Path) -> None:
    """Refuse to add to a packed file, before anything is played.

    Raises:
        UsageError: it is one.
    """
    if kept.suffix == ".xz":
        raise UsageError(
            f"{kept} is packed and only read: to go on, unpack it with 'unxz -k {kept}' and give "
            f"{kept.with_suffix('')}"
        )


def keep_row(kept: Path, row: dict[str, Any]) -> None:
    """Add what is through.

    Raises:
        UsageError: the file is packed.
    """
    check_unpacked(kept)
    with kept.open("a", encoding="utf-8") as file:
        # On a line of its own, behind one that was cut off.
        file.write(f"\n{json.dumps(row)}\n")
