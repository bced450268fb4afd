"""The member ``signature`` of a bundle: what was signed, by whom, and how one is made.

Signed are, in this order: ``edgespec.signature/1`` and a line feed, the statement as JSON with
sorted keys and no spaces, a line feed, and the bytes of ``manifest.json`` as they stand in the
bundle. The manifest holds the hashes of all other members. It is brought into no other form before
it is signed or verified, so that no two readers can take one signature for two manifests.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from edgespec.decode import Decoder, table_of
from edgespec.door import door
from edgespec.errors import ModelError
from edgespec.inference.bundle import Bundle, parse_bundle, with_signature
from edgespec.option import ID, about, check_record
from edgespec.updates.ed25519 import SIGNATURE_BYTES, SigningKey, text_of_key, verifies
from edgespec.wire.fields import parse_utc
from edgespec.wire.text import PayloadError

__all__ = ["Signature", "Statement", "read_signature", "sign_bundle", "signed_by"]

_SCHEMA = "edgespec.signature/1"
_UTC = {
    "pattern": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z",
    "pattern_text": "a time in UTC such as 2027-01-31T12:00:00Z",
}
_DECODER = Decoder(ModelError, advice="have the model signed again", needs_all=True)
#: While one key takes the place of another, a model is signed with both.
_MOST_KEYS = 8
_MAX_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Statement:
    """What a signature says of a model.

    ``version`` counts up: of two models for one band, the higher is the newer one. After
    ``expires_utc`` nobody is to install it any more. It is for ``bands`` alone; where
    none are named, for any that it fits.
    """

    version: int = field(metadata=about("Version", minimum=1, maximum=2**63 - 1))
    signed_utc: str = field(metadata=about("When it was signed", **_UTC))
    expires_utc: str = field(metadata=about("Until when it may be installed", **_UTC))
    bands: tuple[str, ...] = field(
        default=(), metadata=about("Ids of the bands that it is for", may_lack=True, **ID)
    )

    def __post_init__(self) -> None:
        check_record(self, ModelError)
        if self.signed_ns >= self.expires_ns:
            raise ModelError(
                f"expires_utc is {self.expires_utc}, and signed_utc {self.signed_utc}; a model "
                "must be signed before it expires"
            )

    @property
    def signed_ns(self) -> int:
        """When it was signed, in nanoseconds since 1970."""
        return _utc_ns("signed_utc", self.signed_utc)

    @property
    def expires_ns(self) -> int:
        """Until when it may be installed, in nanoseconds since 1970."""
        return _utc_ns("expires_utc", self.expires_utc)

    def message(self, manifest: bytes) -> bytes:
        """Return what is signed for a manifest."""
        text = json.dumps(table_of(self), sort_keys=True, separators=(",", ":"))
        return b"\n".join((_SCHEMA.encode(), text.encode(), manifest))


def _utc_ns(name: str, text: str) -> int:
    try:
        return parse_utc(text)
    except PayloadError:
        raise ModelError(f"{name} is {text!r}, which is no time") from None


@dataclass(frozen=True, slots=True)
class _One:
    """By one key; both as texts, and nothing that is not one is a signature."""

    key: str
    value: str

    @property
    def signature(self) -> bytes:
        try:
            found = base64.b64decode(self.value, validate=True)
        except (ValueError, binascii.Error):
            return b""
        return found if base64.b64encode(found).decode() == self.value else b""


@dataclass(frozen=True, slots=True)
class Signature:
    """A statement and who has signed it."""

    signed: Statement
    signatures: tuple[_One, ...]

    def __post_init__(self) -> None:
        names = [one.key for one in self.signatures]
        if not 0 < len(set(names)) == len(names) <= _MOST_KEYS:
            raise ModelError(
                f"signatures has {len(names)} entries, {len(set(names))} of them of different "
                f"keys; 1 to {_MOST_KEYS}, each of another key, are accepted"
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it is said to be by; nothing was verified."""
        return tuple(one.key for one in self.signatures)


def read_signature(bundle: Bundle) -> Signature | None:
    """Return the signature in a bundle, which nobody has verified; None where there is none.

    Raises:
        ModelError: it cannot be read.
    """
    if bundle.signature is None:
        return None
    where = f"signature of bundle {str(bundle.path)!r:.160}"
    if len(bundle.signature) > _MAX_BYTES:
        raise ModelError(
            f"{where} has {len(bundle.signature)} bytes; at most {_MAX_BYTES} are accepted: have "
            "the model signed again"
        )
    with door(where, ModelError, "have the model signed again"):
        return _DECODER.from_json(Signature, bundle.signature, _SCHEMA, where)


def signed_by(bundle: Bundle, signature: Signature, key: bytes) -> bool:
    """Whether the bundle was signed with a key, 32 bytes, and is what was signed.

    Raises:
        ModelError: signatures cannot be verified here.
    """
    name = text_of_key(key)
    message = signature.signed.message(bundle.manifest_bytes)
    return any(
        len(one.signature) == SIGNATURE_BYTES and verifies(key, message, one.signature)
        for one in signature.signatures
        if one.key == name
    )


def sign_bundle(bundle: Bundle, content: bytes, keys: Sequence[SigningKey], it: Statement) -> bytes:
    """Return the bytes of a bundle with a signature, in place of any that it had.

    Args:
        bundle: what ``content`` holds.
        content: the bytes of its file.
        keys: with each of which it is signed.
        it: what they sign.

    Raises:
        ModelError: there are no keys, too many, or one twice.
    """
    message = it.message(bundle.manifest_bytes)
    ones = (
        _One(text_of_key(key.public), base64.b64encode(key.sign(message)).decode()) for key in keys
    )
    made = Signature(it, tuple(ones))
    text = json.dumps({"schema": _SCHEMA, **asdict(made)}, indent=1)
    signed = with_signature(content, f"{text}\n".encode())
    # What nobody could read again is not given out.
    parse_bundle(signed, bundle.path)
    return signed
