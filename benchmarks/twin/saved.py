"""Results of benchmarks of a site's twin, as they are written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS

__all__ = ["save_result"]


def save_result(name: str, result: Mapping[str, Any], page: str) -> Path:
    """Write ``NAME.json`` and ``NAME.md`` to the results of the twin; return their folder."""
    folder = RESULTS / "twin"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    (folder / f"{name}.md").write_text(page, "utf-8")
    return folder
