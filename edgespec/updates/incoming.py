"""The pieces of a model that is being fetched, kept as they come: a cut costs one of them."""

import hashlib
import shutil
from pathlib import Path

from edgespec.errors import ModelError
from edgespec.newfile import keep_file
from edgespec.wire.model_offer import ModelOffer

__all__ = ["Incoming"]


class Incoming:
    """Pieces of one model in ``models/incoming/BAND/HASH`` of the state directory.

    A piece counts by its hash alone: what is damaged on the way or on the disk is fetched again.

    Args:
        state_dir: of the observer.
        offer: says which pieces there are.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, state_dir: Path, offer: ModelOffer) -> None:
        self.offer = offer
        of_band = state_dir / "models" / "incoming" / offer.band
        self._folder = of_band / offer.content_sha256
        self._folder.mkdir(parents=True, exist_ok=True)
        for other in of_band.iterdir():
            # What was announced before is not fetched any more.
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
        self.missing = [number for number in range(len(offer.pieces)) if not self._holds(number)]

    def take(self, number: int, piece: bytes) -> bool:
        """Keep a piece; return whether it is the right one.

        Raises:
            OSError: the disk does not take it.
        """
        if len(piece) != self.offer.bytes_of(number):
            return False
        if hashlib.sha256(piece).hexdigest() != self.offer.pieces[number]:
            return False
        if number in self.missing:
            keep_file(self._path(number), piece)
            self.missing.remove(number)
        return True

    def content(self) -> bytes | None:
        """Return the whole bundle; None where a piece was damaged meanwhile, which is missing then.

        Raises:
            OSError: a piece cannot be read.
            ModelError: no pieces ever make what was announced.
        """
        content = b"".join(self._path(number).read_bytes() for number in range(self._n))
        if hashlib.sha256(content).hexdigest() == self.offer.content_sha256:
            return content
        self.missing = [number for number in range(self._n) if not self._holds(number)]
        if not self.missing:
            raise ModelError("the pieces are not those of the content that is announced")
        return None

    def forget(self) -> None:
        """Remove all pieces."""
        shutil.rmtree(self._folder.parent, ignore_errors=True)

    @property
    def _n(self) -> int:
        return len(self.offer.pieces)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04d}"

    def _holds(self, number: int) -> bool:
        try:
            piece = self._path(number).read_bytes()
        except OSError:
            return False
        return hashlib.sha256(piece).hexdigest() == self.offer.pieces[number]
