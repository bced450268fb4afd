"""Sweeps that other programs wrote, such as rtl_power, as a table; read as on the device."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.sources.sweeps.source import SweepSource, open_sweeps
from edgespec.sources.uri import SourceUri
from edgespec.sweep_block import SweepBlock
from edgespec.sweep_table import SweepTable

__all__ = ["read_program_sweeps"]

#: The pace of sweeps is found in the end, not at the first ones.
_OPTIONS = {"interval_s": "1"}
_SECOND_NS = 1e9


def read_program_sweeps(path: Path, zone: str | None = None) -> SweepTable:
    """Return all sweeps of a file, which lie at the same points.

    Where some sweeps have one time, which many programs write in whole seconds, they share the time
    until the next one.

    Args:
        path: of the file.
        zone: of local times, such as ``Europe/Berlin``; None: that of this machine.

    Raises:
        SourceError: it cannot be read, its points change, or times go back.
        UsageError: there is no such zone.
    """
    options = _OPTIONS if zone is None else {**_OPTIONS, "zone": zone}
    source = open_sweeps(
        SourceUri(f"rtl_power:{path}", "rtl_power", str(path), options), keeps_points=True
    )
    try:
        blocks = _blocks(source, path)
    finally:
        source.close()
    utc_s = _rising(np.array([block.utc_ns for block in blocks]) / _SECOND_NS)
    freqs_hz = blocks[0].grid.freqs_hz
    levels_db: NDArray[np.float32] = np.concatenate([block.samples for block in blocks])
    steps_s = np.diff(utc_s)
    if (steps_s <= 0).any():
        at = int(np.argmax(steps_s <= 0)) + 1
        raise SourceError(
            f"sweep {at + 1} of {str(path)!r:.120} begins {abs(steps_s[at - 1]):g} s before the "
            "one before it: times must rise; give what comes before it as a file of its own"
        )
    return SweepTable(
        path.stem,
        utc_s,
        freqs_hz,
        levels_db,
        sweep_s=float(np.median(steps_s)) if len(steps_s) else 1.0,
        rbw_hz=blocks[0].grid.rbw_hz,
    )


def _rising(utc_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return times of which equal ones share the time until the next one, or usual steps."""
    steps_s = np.diff(utc_s)
    if not (steps_s == 0).any() or not (steps_s > 0).any():
        return utc_s
    usual_s = float(np.median(steps_s[steps_s > 0]))
    firsts = np.flatnonzero(np.concatenate([[True], steps_s != 0]))
    counts = np.diff(np.append(firsts, len(utc_s)))
    until_s = np.append(np.diff(utc_s[firsts]), np.inf)
    own_s = np.minimum(usual_s, np.where(until_s > 0, until_s, np.inf) / counts)
    behind = np.arange(len(utc_s)) - np.repeat(firsts, counts)
    return np.asarray(utc_s + behind * np.repeat(own_s, counts), np.float64)


def _blocks(source: SweepSource, path: Path) -> list[SweepBlock]:
    nothing = np.empty(0, np.complex64)
    blocks: list[SweepBlock] = []
    while (block := source.read(nothing)) is not None:
        if blocks and block.grid is not blocks[0].grid:
            was, now = blocks[0].grid.freqs_hz, block.grid.freqs_hz
            raise SourceError(
                f"sweep {len(blocks) + 1} of {str(path)!r:.120} has {len(now)} points from "
                f"{now[0]:.9g} Hz, those before it {len(was)} from {was[0]:.9g} Hz: give sweeps of "
                "one span"
            )
        blocks.append(block)
    if not blocks:
        raise SourceError(f"{str(path)!r:.120} holds no sweep: check what wrote it")
    return blocks
