"""The store of installed models: bundles by their content, and a pointer for each band.

``models/sha256/ID.edgespec`` in the state directory is a bundle, ``models/bands/BAND.json`` says
which of them a band runs. A bundle is forced to the medium under its name before a pointer names
it, and a pointer is switched by one rename: a power cut at any byte leaves the old pointer or the
new one, and every model that either names.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edgespec.decode.text import read_kept
from edgespec.door import brief
from edgespec.errors import ConfigError, ModelError
from edgespec.inference.bundle import Bundle, load_bundle, parse_bundle
from edgespec.lock import locked
from edgespec.newfile import keep_file
from edgespec.option import ID
from edgespec.set_aside import name_aside
from edgespec.units import format_utc
from edgespec.updates.installed import Installed, installed_from_json

__all__ = ["ModelStore", "Running"]

_ENDING, _POINTER = ".edgespec", ".json"
_MAX_POINTER_BYTES = 1 << 16
_NAME = re.compile(r"[0-9a-f]{64}")
_WHY_CHARS = 500
_AGAIN = "install the model again with `edgespec model install`"


@dataclass(frozen=True, slots=True)
class Running:
    """The installed model that a band can run.

    ``bundle`` is None where no model is installed, or none of those that were can be read.
    ``caution`` says why it is not the current one, '' where it is.
    """

    bundle: Bundle | None
    caution: str = ""


class ModelStore:
    """The installed models of an observer.

    Whoever changes something holds the store's lock, of whatever process; readers need none.

    Args:
        state_dir: of the observer; nothing is made in it before a model is installed.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "models"
        self._bundles, self._bands = self._folder / "sha256", self._folder / "bands"

    def path(self, sha256: str) -> Path:
        """Return where a bundle is kept."""
        return self._bundles / f"{sha256}{_ENDING}"

    def ids(self) -> tuple[str, ...]:
        """Return the models that are kept, in the order of their ids."""
        return tuple(sorted(one for one in _stems(self._bundles, _ENDING) if _NAME.fullmatch(one)))

    def bands(self) -> tuple[str, ...]:
        """Return the bands in which a model was installed at some time."""
        found = _stems(self._bands, _POINTER)
        return tuple(sorted(one for one in found if re.fullmatch(ID["pattern"], one)))

    def load(self, sha256: str) -> Bundle:
        """Return a bundle that is kept.

        Raises:
            ModelError: it is not there, damaged, or not what its name says.
        """
        bundle = load_bundle(self.path(sha256))
        if bundle.sha256 != sha256:
            raise ModelError(
                f"the installed model {str(bundle.path)!r} has the SHA-256 {bundle.sha256[:12]}, "
                f"not that of its name: it was changed, {_AGAIN}"
            )
        return bundle

    def installed(self, band: str) -> Installed | None:
        """Return what is installed in a band; None where nothing ever was.

        Raises:
            ModelError: its pointer cannot be read.
        """
        path = self._pointer(band)
        content = read_kept(path, ModelError, _AGAIN, _MAX_POINTER_BYTES)
        return None if content is None else installed_from_json(content, str(path))

    def running(self, band: str) -> Running:
        """Return the model that a band can run: the current one, or the one before it.

        Whatever was done to the files, there is an answer; ``caution`` says what was wrong.
        """
        try:
            installed = self.installed(band)
        except ModelError as error:
            return Running(None, f"which model is installed cannot be read: {error}")
        if installed is None or installed.current is None:
            return Running(None)
        try:
            return Running(self.load(installed.current))
        except ModelError as error:
            caution = f"the installed model cannot be used: {error}"
        if installed.previous is None:
            return Running(None, f"{caution}; the band runs as without an installed model")
        try:
            bundle = self.load(installed.previous)
        except ModelError as error:
            return Running(None, f"{caution}; nor can the one before it: {error}")
        return Running(bundle, f"{caution}; the one before it runs, {bundle.manifest.name}")

    def sound(self, band: str) -> Iterator[Bundle]:
        """Yield the models of a band that can be read: the current one, then the one before it."""
        with contextlib.suppress(ModelError):
            installed = self.installed(band) or Installed()
            for sha256 in (installed.current, installed.previous):
                if sha256 is not None:
                    with contextlib.suppress(ModelError):
                        yield self.load(sha256)

    def install(self, band: str, content: bytes, why: str) -> Installed:
        """Keep a bundle and make it the current one of a band, in one step for whoever looks.

        Args:
            band: its id.
            content: bytes of the bundle, of which everything else was checked.
            why: said to people.

        Raises:
            ModelError: it is no intact bundle.
            ConfigError: the state directory cannot be written; what ran before goes on.
        """
        return self._keep(
            band, content, lambda old, sha256, at: self._sound(old).with_current(sha256, at, why)
        )

    def try_out(self, band: str, content: bytes, why: str) -> Installed:
        """Keep a bundle as the candidate of a band; the current one stays.

        Raises:
            ModelError, ConfigError: as :meth:`install`.
        """
        return self._keep(
            band, content, lambda old, sha256, at: old.with_candidate(sha256, at, why)
        )

    def promote(self, band: str, why: str) -> Installed:
        """Make the candidate of a band its current model.

        Raises:
            ModelError: there is none, or it cannot be read any more.
            ConfigError: as :meth:`install`.
        """

        def change(old: Installed, at: str) -> Installed:
            new = self._sound(old).promoted(at, why)
            self.load(new.current or "")
            return new

        return self._change(band, change)

    def drop_candidate(self, band: str, why: str, *, is_refused: bool) -> Installed:
        """Give up the candidate of a band; one that is refused is not to be taken again.

        Raises:
            ModelError: there is none.
            ConfigError: as :meth:`install`.
        """
        return self._change(
            band, lambda old, at: old.without_candidate(at, why, is_refused=is_refused)
        )

    def roll_back(self, band: str, why: str, *, judged: str | None = None) -> Installed:
        """Make the model before the current one of a band its current one again.

        Args:
            band: its id.
            why: said to people.
            judged: where nobody asked for it, the model that broke its promise; another one that
                was installed meanwhile stays, and one before it that is damaged is left out.

        Raises:
            ModelError: no installed model runs there, or another one than was judged, or the one
                before it cannot be read.
            ConfigError: as :meth:`install`.
        """

        def change(old: Installed, at: str) -> Installed:
            if judged not in (None, old.current):
                raise ModelError("another model was installed meanwhile: it is left alone")
            new = old.rolled_back(at, why)
            if new.current is not None:
                try:
                    self.load(new.current)
                except ModelError:
                    if judged is None:
                        raise
                    return replace(new, current=None)
            return new

        return self._change(band, change)

    def _keep(
        self, band: str, content: bytes, change: Callable[[Installed, str, str], Installed]
    ) -> Installed:
        sha256 = parse_bundle(content, Path(band)).sha256

        def kept(old: Installed, at: str) -> Installed:
            keep_file(self.path(sha256), content)
            return change(old, sha256, at)

        return self._change(band, kept)

    def _change(self, band: str, change: Callable[[Installed, str], Installed]) -> Installed:
        try:
            with locked(self._folder):
                # What an earlier change left when it was killed makes room first.
                self._tidy()
                new = change(self._old(band), format_utc(time.time_ns()))
                # It is said on one line, and has to be read again.
                new = replace(
                    new,
                    why=brief(new.why, _WHY_CHARS),
                    candidate_why=brief(new.candidate_why, _WHY_CHARS),
                )
                keep_file(self._pointer(band), new.as_json())
                # The switch is done, whatever becomes of what nobody needs any more.
                with contextlib.suppress(OSError):
                    self._tidy()
        except OSError as error:
            raise ConfigError(
                f"models cannot be kept in {str(self._folder)!r} ({error.strerror}): make room "
                "there, or let the user of edgespec write it; nothing was changed"
            ) from error
        return new

    def _sound(self, old: Installed) -> Installed:
        """Return it with the one before its current model in place of one that is damaged."""
        if old.current is None:
            return old
        try:
            self.load(old.current)
        except ModelError:
            return replace(old, current=old.previous, previous=None)
        return old

    def _old(self, band: str) -> Installed:
        """Return what is installed in a band; what cannot be read gets another name."""
        try:
            return self.installed(band) or Installed()
        except ModelError:
            path = self._pointer(band)
            path.replace(name_aside(path))
            return Installed()

    def _tidy(self) -> None:
        """Remove temporary files, and bundles that no pointer names; of those that can be read."""
        for folder in (self._bundles, self._bands):
            for path in _files(folder):
                if path.name.startswith("."):
                    path.unlink(missing_ok=True)
        named: set[str] = set()
        for band in self.bands():
            try:
                named |= (self.installed(band) or Installed()).named
            except ModelError:
                return
        for sha256 in self.ids():
            if sha256 not in named:
                self.path(sha256).unlink(missing_ok=True)

    def _pointer(self, band: str) -> Path:
        return self._bands / f"{band}{_POINTER}"


def _files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(folder.iterdir())


def _stems(folder: Path, ending: str) -> Iterator[str]:
    return (path.stem for path in _files(folder) if path.suffix == ending)
