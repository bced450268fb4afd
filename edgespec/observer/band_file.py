"""Which file of the observer's state is a band's."""

from hashlib import sha256
from pathlib import Path

__all__ = ["band_file"]


def band_file(folder: Path, band: str, ending: str) -> Path:
    """Return the file of a band in a folder; its id may hold what a name of a file cannot."""
    name = sha256(band.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return folder / f"{name}{ending}"
