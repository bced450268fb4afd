"""A model that is announced at a broker, and its pieces: who fetches it knows what is to come.

``<prefix>/models/<band>`` (retained) has the announcement, ``<prefix>/models/<band>/<hash>/<n>``
(retained) the pieces, as they are. What is said of the signature is for people: it is the bundle's
own that counts.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from edgespec.wire.fields import Fields
from edgespec.wire.text import PayloadError, decode, encode

__all__ = ["MAX_PIECES", "ModelOffer", "encode_offer", "offer_of", "parse_offer"]

SCHEMA = "edgespec.model/1"
#: A piece fits any broker that is not set to less; of a bundle of 64 MB there are as many.
PIECE_BYTES, MAX_PIECE_BYTES, MAX_PIECES = 1 << 16, 1 << 20, 1024
_HASH_CHARS = 64


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A bundle of ``n_bytes`` whose content has the SHA-256 ``content_sha256``.

    ``pieces`` are the hashes of its parts, all but the last of ``piece_bytes``. ``model_sha256`` is
    the model's id, that of its content without a signature; ``version`` and ``expires`` are what
    its signature says, None where nobody has signed it.
    """

    band: str
    name: str
    model_sha256: str
    content_sha256: str
    n_bytes: int
    piece_bytes: int
    pieces: tuple[str, ...]
    version: int | None = None
    expires: str | None = None

    def bytes_of(self, number: int) -> int:
        """Return how long a piece is."""
        return min(self.piece_bytes, self.n_bytes - number * self.piece_bytes)


def offer_of(
    band: str,
    name: str,
    model_sha256: str,
    content: bytes,
    version: int | None = None,
    expires: str | None = None,
    piece_bytes: int = PIECE_BYTES,
) -> tuple[ModelOffer, list[bytes]]:
    """Return the announcement of a bundle for a band, and its pieces."""
    pieces = list(_cut(content, max(piece_bytes, -(-len(content) // MAX_PIECES))))
    offer = ModelOffer(
        band,
        name,
        model_sha256,
        hashlib.sha256(content).hexdigest(),
        len(content),
        len(pieces[0]),
        tuple(hashlib.sha256(piece).hexdigest() for piece in pieces),
        version,
        expires,
    )
    return offer, pieces


def encode_offer(offer: ModelOffer) -> bytes:
    """Return the payload of schema ``edgespec.model/1``."""
    return encode(
        {
            "schema": SCHEMA,
            "band": offer.band,
            "name": offer.name,
            "model_sha256": offer.model_sha256,
            "content_sha256": offer.content_sha256,
            "n_bytes": offer.n_bytes,
            "piece_bytes": offer.piece_bytes,
            "pieces": list(offer.pieces),
            "version": offer.version,
            "expires": offer.expires,
        }
    )


def parse_offer(data: bytes, most_bytes: int) -> ModelOffer:
    """Return an announcement whose numbers belong together.

    Args:
        data: the payload.
        most_bytes: that a bundle may have.

    Raises:
        PayloadError: it is none, or says what cannot be.
    """
    fields = Fields.of(decode(data), SCHEMA)
    offer = ModelOffer(
        fields.text("band"),
        fields.text("name"),
        _hash(fields.text("model_sha256")),
        _hash(fields.text("content_sha256")),
        fields.integer("n_bytes"),
        fields.integer("piece_bytes"),
        tuple(map(_hash, fields.texts("pieces"))),
        fields.optional_integer("version"),
        fields.optional_text("expires"),
    )
    if not 1 <= offer.n_bytes <= most_bytes:
        raise PayloadError(f"n_bytes is {offer.n_bytes}; a model has 1 to {most_bytes}")
    if not 1 <= offer.piece_bytes <= MAX_PIECE_BYTES:
        raise PayloadError(f"piece_bytes is {offer.piece_bytes}; 1 to {MAX_PIECE_BYTES} are taken")
    n_pieces = -(-offer.n_bytes // offer.piece_bytes)
    if len(offer.pieces) != n_pieces or n_pieces > MAX_PIECES:
        raise PayloadError(
            f"there are {len(offer.pieces)} pieces; {offer.n_bytes} bytes in pieces of "
            f"{offer.piece_bytes} are {n_pieces}, and {MAX_PIECES} are the most"
        )
    return offer


def _hash(text: str) -> str:
    if len(text) != _HASH_CHARS or set(text) - set("0123456789abcdef"):
        raise PayloadError(f"{text!r:.80} is no SHA-256; it has 64 hexadecimal digits")
    return text


def _cut(content: bytes, piece_bytes: int) -> Iterator[bytes]:
    for first in range(0, len(content), piece_bytes):
        yield content[first : first + piece_bytes]
