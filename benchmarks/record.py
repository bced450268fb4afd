"""Results by machine: who measured, on what, and where it is written."""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgespec.machine import machine_facts, power_facts

__all__ = [
    "DATA",
    "RESULTS",
    "ROOT",
    "SITES",
    "commit",
    "facts",
    "on_one_core",
    "save",
    "save_rows",
    "slug",
]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
#: Recordings and published data that are no part of the project.
DATA = ROOT.parent / "shared" / "data"
#: The example site of the central unit, with its maps.
SITES = ROOT / "edgespec" / "twin" / "sites"


def on_one_core() -> None:
    """Keep this process on one core: libraries that start threads then share it, as on a board.

    To be called before they are imported: most look once how many cores there are.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def facts(packages: Sequence[str] = ()) -> dict[str, str]:
    """Return processor, system, versions of what runs everywhere and of ``packages``, and the time.

    ``load`` is the mean number of running processes of the last minute, this one included: above
    about 1 on two cores, medians say little and minima a little less.
    """
    found = machine_facts() | power_facts()
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["load"] = f"{os.getloadavg()[0]:.2f}"
    found["date"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%MZ")
    return found


def commit() -> str:
    """Return the commit that the project is at, and a plus where files differ; '' without git."""
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=9", "--exclude=*"]
    try:
        told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip()


def slug(machine: Mapping[str, str]) -> str:
    """Return what result files of a machine are called by."""
    return re.sub(r"[^a-z0-9]+", "-", f"{machine['machine']} {machine['cpu']}".lower()).strip("-")


def save(name: str, title: str, result: Mapping[str, Any], text: str, room: str = "speed") -> Path:
    """Write ``NAME-MACHINE.json`` and ``.md`` to the results; return the path of the latter.

    ``name`` is that of the module in the ``room`` of benchmarks; ``result["machine"]`` is what ran.
    """
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / f"{name}-{slug(result['machine'])}"
    content = {"schema": f"edgespec.benchmark.{name}/1", **result}
    stem.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
    known = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    path = stem.with_suffix(".md")
    path.write_text(
        f"# {title}\n\nMade by `python -m benchmarks.{room}.{name}`.\n\n{text}\n\n{known}.\n"
    )
    return path


def save_rows(
    name: str,
    title: str,
    machine: Mapping[str, str],
    rows: Iterable[Mapping[str, Any]],
    text: str,
    *,
    save: bool,
) -> str:
    """Return the page of a module in ``benchmarks.detection``, written with its rows if asked to.

    What is found does not depend on the machine, so no file is called by it. In JSON, what is not
    known is null.
    """
    known = ", ".join(f"{key} {value}" for key, value in machine.items())
    page = f"# {title}\n\nMade by `python -m benchmarks.detection.{name}`. {known}.\n\n{text}"
    if save:
        (RESULTS / f"{name}.md").write_text(page)
        strict = [{k: None if v != v else v for k, v in row.items()} for row in rows]
        content = json.dumps({"machine": machine, "rows": strict}, indent=1, allow_nan=False)
        (RESULTS / f"{name}.json").write_text(content + "\n")
    return page
