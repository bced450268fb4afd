"""Ed25519 as models are signed with it; the only file that imports ``cryptography``.

Keys are written ``ed25519:`` and 32 bytes in Base64. What is verified is stricter than RFC 8032
asks for: Chalkias, Garillot, Nikolaenko, 'Taming the many EdDSAs' (SSR 2020), show signatures that
one library accepts and another refuses. Here ``S`` is below the order of the group, no point is
written in a second way, and neither the key nor ``R`` is one of the eight points of small order,
under which one signature goes with many messages.
"""

import base64
import binascii
import hmac
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edgespec.door import refuse_fifo
from edgespec.errors import ConfigError, ModelError
from edgespec.newfile import unwritable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "KEY_BYTES",
    "SIGNATURE_BYTES",
    "SigningKey",
    "is_sound_point",
    "key_from_text",
    "new_signing_key",
    "read_signing_key",
    "text_of_key",
    "verifies",
]

KEY_BYTES, SIGNATURE_BYTES = 32, 64
_PREFIX = "ed25519:"
#: The prime of the field, and the order of the base point: RFC 8032, section 5.1.
_FIELD = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
#: ``y`` of a point of order 8; that of its negative has the other sign.
_OF_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL = {0, 1, _FIELD - 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8}
_MAX_KEY_FILE_BYTES = 4096


def is_sound_point(point: bytes) -> bool:
    """Whether 32 bytes are the one way to write a point that is not of small order.

    That it lies on the curve is seen when it is used.
    """
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return len(point) == KEY_BYTES and y < _FIELD and y not in _SMALL


def text_of_key(key: bytes) -> str:
    """Return how a public key is written."""
    return f"{_PREFIX}{base64.b64encode(key).decode()}"


def key_from_text(text: str) -> bytes:
    """Return the 32 bytes of a public key.

    Raises:
        ConfigError: it is written otherwise, or no key that anything may be signed with.
    """
    try:
        if not text.startswith(_PREFIX):
            raise ValueError
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    # Base64 has spare bits, so that a key could be written in several ways.
    if len(key) != KEY_BYTES or not hmac.compare_digest(text_of_key(key), text):
        raise ConfigError(
            f"the public key {text!r:.80} is none: write it as `edgespec model key` prints it, "
            f"{_PREFIX} and 44 characters"
        )
    if not is_sound_point(key):
        raise ConfigError(
            f"the public key {text!r:.80} is a point of small order, or not written in the one "
            "way: anybody could sign for it; make a key with `edgespec model key`"
        )
    return key


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of a message is by a key, strictly.

    Args:
        key: ``(32,)`` bytes, the public key.
        message: what was signed.
        signature: ``(64,)`` bytes, ``R`` and ``S``.

    Raises:
        ModelError: the library is not installed.
    """
    if len(signature) != SIGNATURE_BYTES or int.from_bytes(signature[32:], "little") >= _ORDER:
        return False
    if not (is_sound_point(key) and is_sound_point(signature[:32])):
        return False
    _need_library()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class SigningKey:
    """A private key; what is shown of it is the public half."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._private.sign(message)


def new_signing_key(path: Path) -> SigningKey:
    """Make a key and write its private half to a new file that its owner alone may read (PEM).

    Raises:
        ConfigError: the file exists or cannot be written.
        ModelError: the library is not installed.
    """
    _need_library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ConfigError(
            f"{path} exists and is not overwritten: choose another name; --public prints the "
            "public half of the key in it"
        ) from None
    except OSError as error:
        raise unwritable(path, error) from error
    return SigningKey(private)


def read_signing_key(path: Path) -> SigningKey:
    """Return the private key in a file, as :func:`new_signing_key` or OpenSSL wrote it (PEM).

    Raises:
        ConfigError: it cannot be read, others may read it, or it holds no such key.
        ModelError: the library is not installed.
    """
    _need_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        refuse_fifo(path)
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(_MAX_KEY_FILE_BYTES)
    except OSError as error:
        raise ConfigError(
            f"the key {str(path)!r} cannot be read ({error.strerror}): `edgespec model key` makes "
            "one"
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"the key {str(path)!r} can be read by others (mode {stat.S_IMODE(mode):04o}): chmod "
            "600 it, and make another one if somebody may have read it"
        )
    try:
        private = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(
            f"{str(path)!r} is no private key of Ed25519 without a passphrase (PEM): give the file "
            "that `edgespec model key` made"
        )
    return SigningKey(private)


def _need_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise ModelError(
            "signatures of models need the package cryptography, which is not installed: "
            "pip install 'edgespec[updates]'"
        ) from None
