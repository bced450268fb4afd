"""Sweeps of a file of whatever origin: what its bytes say decides how it is read."""

from pathlib import Path

from converter.data.sweeps.bras_deau import bras_deau_tables, is_bras_deau
from converter.data.sweeps.program_sweeps import read_program_sweeps
from converter.data.sweeps.sweep_file import MAX_BYTES, named_table
from edgespec.door import door
from edgespec.errors import SourceError
from edgespec.npz import read_npz
from edgespec.sweep_table import SweepTable

__all__ = ["open_sweeps"]

_ZIP = b"PK"


def open_sweeps(path: Path, zone: str | None = None) -> tuple[SweepTable, ...]:
    """Return the tables of a file, at least one: each is of one receiver in one setting.

    It is an npz with ``utc_s``, ``freqs_hz`` and ``levels_db``, that of Bras d'Eau, or what
    rtl_power, rtl_power_fftw or soapy_power write.

    Args:
        path: of the file.
        zone: of the local times that programs write, such as ``Europe/Berlin``; None: that of this
            machine.

    Raises:
        SourceError: it cannot be opened, or is none of these.
        UsageError: there is no such zone.
    """
    advice = "give sweeps as an npz file or as rtl_power writes them"
    with door(f"sweeps {str(path)!r}", SourceError, advice):
        with path.open("rb") as file:
            begin = file.read(len(_ZIP))
        if begin != _ZIP:
            return (read_program_sweeps(path, zone),)
        arrays = read_npz(path, max_bytes=MAX_BYTES)
        return bras_deau_tables(arrays) if is_bras_deau(arrays) else (named_table(arrays, path),)
