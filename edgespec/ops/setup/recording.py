"""A recording that is to be watched: it is there, and is what was asked for."""

from pathlib import Path

from edgespec.config import SourceConfig
from edgespec.errors import UsageError
from edgespec.observer.opening.unheeded import unheeded
from edgespec.sources import open_source
from edgespec.sources.schemes import SOURCES, parse_source

__all__ = ["check_recording"]

#: As the command line calls them.
_FLAGS = {"center_freq_hz": "--band", "gain_db": "--gain"}


def check_recording(source: SourceConfig) -> None:
    """Open a recording for a moment; a radio, or what another program is to write, is left alone.

    Raises:
        UsageError: it was made elsewhere, or at a gain that nobody can set any more.
        SourceError: it is not there, or cannot be played.
    """
    uri = parse_source(source.address)
    path = Path(uri.rest)
    is_written = uri.rest == "-" or (path.exists() and not path.is_file() and not path.is_dir())
    if SOURCES[uri.scheme].is_tunable or uri.scheme == "sweep" or is_written:
        return
    opened = open_source(source.address, center_freq_hz=source.center_freq_hz)
    opened.close()
    given = {name: getattr(source, name) for name in _FLAGS}
    if opened.info.grid is not None and any(one is not None for one in given.values()):
        raise UsageError(
            f"{source.address!r:.160} gives sweeps that were made elsewhere, and stays as it is: "
            "leave --band and --gain out"
        )
    said = "; ".join(unheeded(source, opened.info))
    for name, flag in _FLAGS.items():
        said = said.replace(name, flag)
    if said:
        raise UsageError(said)
