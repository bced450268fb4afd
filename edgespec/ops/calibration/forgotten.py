"""What was learnt of bands goes, in words and numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgespec.config import Config
from edgespec.errors import ConfigError
from edgespec.nearest import advice
from edgespec.observer.forgetting import forget_files

__all__ = ["ForgottenBand", "forget_bands"]


@dataclass(frozen=True, slots=True)
class ForgottenBand:
    """How many files of what were kept of a band, and are gone."""

    band: str
    files: dict[str, int]
    folder: Path

    def as_json(self) -> dict[str, Any]:
        """Return an object of schema ``edgespec.forgotten/1``."""
        return {
            "schema": "edgespec.forgotten/1",
            "band": self.band,
            "files": self.files,
            "state_dir": str(self.folder),
        }

    def as_text(self) -> str:
        """Return a line for people."""
        gone = [what if n == 1 else f"{what} ({n} files)" for what, n in self.files.items()]
        if not gone:
            return f"band {self.band}: nothing of it was kept in {self.folder}"
        return (
            f"band {self.band}: {', '.join(gone)} of it are forgotten in {self.folder}: an "
            "observer that runs learns anew within seconds, the next one from its start"
        )


def forget_bands(config: Config, band_id: str | None) -> list[ForgottenBand]:
    """Delete what was learnt of all bands of an observer, or of one.

    Raises:
        ConfigError: there is no such band, or something cannot be deleted.
    """
    known = [band.id for band in config.band]
    if band_id is not None and band_id not in known:
        raise ConfigError(f"there is no band {band_id!r:.60}: {advice(band_id, known)}")
    folder, done = config.node.state_dir, []
    for band in known if band_id is None else [band_id]:
        try:
            done.append(ForgottenBand(band, forget_files(folder, band), folder))
        except OSError as error:
            raise ConfigError(
                f"what was learnt of band {band} in {folder} cannot be forgotten "
                f"({error.strerror or error}): run it as the user who may write there"
            ) from error
    return done
