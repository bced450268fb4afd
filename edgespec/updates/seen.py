"""What was seen of models before: the highest version of each band, and the latest time ever known.

``models/seen.json`` in the state directory. A file that cannot be read is an error, not an empty
one: whoever could damage it could bring an old model back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from edgespec.decode import Decoder
from edgespec.decode.text import read_kept
from edgespec.door import door
from edgespec.errors import ConfigError
from edgespec.lock import locked
from edgespec.newfile import keep_file
from edgespec.option import about, check_record

__all__ = ["Seen", "SeenFile", "Version"]

_SCHEMA = "edgespec.seen/1"
_MAX_BYTES = 1 << 20
_ADVICE = (
    "older versions of models are no longer told from newer ones; where you accept that, move the "
    "file away"
)
_DECODER = Decoder(ConfigError, advice=_ADVICE)


@dataclass(frozen=True, slots=True)
class Version:
    """The highest version that a key has signed for a band, and the model that had it."""

    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seen:
    """``versions`` by band and key; ``latest_utc_ns`` is a time that is over for certain."""

    latest_utc_ns: int = field(default=0, metadata=about("Latest time", unit="ns", minimum=0))
    versions: Mapping[str, Mapping[str, Version]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_record(self)

    def highest(self, band: str, keys: tuple[str, ...]) -> Version | None:
        """Return the highest version that one of the keys has signed for a band; None: none has.

        Of keys that are not trusted any more nothing counts: whoever stole one may have signed the
        highest of all.
        """
        of_band = self.versions.get(band, {})
        found = [of_band[key] for key in keys if key in of_band]
        return max(found, key=lambda one: one.version, default=None)

    def with_version(self, band: str, key: str, it: Version) -> "Seen":
        """Return it with a version that was accepted; a higher one that was before it stays."""
        of_band = dict(self.versions.get(band, {}))
        if key not in of_band or of_band[key].version < it.version:
            of_band[key] = it
        return replace(self, versions={**self.versions, band: of_band})


class SeenFile:
    """The file of it, which several processes may change.

    Args:
        state_dir: of the observer.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "models"
        self._path = self._folder / "seen.json"

    def read(self) -> Seen:
        """Return what was seen; nothing where there is no file.

        Raises:
            ConfigError: it cannot be read.
        """
        where = str(self._path)
        with door(where, ConfigError, _ADVICE):
            content = read_kept(self._path, ConfigError, _ADVICE, _MAX_BYTES)
            if content is None:
                return Seen()
            return _DECODER.from_json(Seen, content, _SCHEMA, where)

    def accept(
        self,
        band: str,
        keys: tuple[str, ...],
        it: Version,
        utc_ns: int,
        check: Callable[[Seen], object],
    ) -> None:
        """Remember a version that is about to be installed, and a time that is over.

        Args:
            band: its id.
            keys: all that have signed it, so that any of them alone is proof later.
            it: the version.
            utc_ns: the time.
            check: raises for what was seen meanwhile, as by another process.

        Raises:
            ConfigError: it cannot be read or written.
        """

        def change(seen: Seen) -> Seen:
            check(seen)
            for key in keys:
                seen = seen.with_version(band, key, it)
            return seen

        self._change(utc_ns, change)

    def set_time(self, utc_ns: int) -> None:
        """Take a time for the latest one, though a later one was known.

        Raises:
            ConfigError: as :meth:`accept`.
        """
        self._change(0, lambda seen: replace(seen, latest_utc_ns=utc_ns))

    def pass_time(self, utc_ns: int) -> None:
        """Remember a time that is over, as a clock says that something disciplines.

        Raises:
            ConfigError: as :meth:`accept`.
        """
        self._change(utc_ns, lambda seen: seen)

    def _change(self, utc_ns: int, how: Callable[[Seen], Seen]) -> None:
        try:
            with locked(self._folder):
                before = self.read()
                after = how(replace(before, latest_utc_ns=max(before.latest_utc_ns, utc_ns)))
                if after != before:
                    text = json.dumps({"schema": _SCHEMA, **asdict(after)}, indent=1)
                    keep_file(self._path, text.encode())
        except OSError as error:
            raise ConfigError(
                f"{str(self._path)!r} cannot be written ({error.strerror}): make room there, or "
                "let the user of edgespec write it"
            ) from error
