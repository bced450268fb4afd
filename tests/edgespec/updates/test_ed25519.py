"""Signatures that libraries differ on, and keys."""

import sys
from pathlib import Path

import pytest

from edgespec.errors import ConfigError, ModelError
from edgespec.updates import ed25519
from edgespec.updates.ed25519 import (
    is_sound_point,
    key_from_text,
    new_signing_key,
    read_signing_key,
    text_of_key,
    verifies,
)

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
#: RFC 8032, section 7.1: key, message, signature.
RFC = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
)
#: Chalkias, Garillot, Nikolaenko 2020, table 5, by its numbers: message, key, R, S.
TAMING = {
    0: (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    1: (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    2: (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    3: (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f",
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    4: (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    5: (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7",
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    6: (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    7: (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942",
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    8: (
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
    ),
    9: (
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
    ),
}


@pytest.fixture(autouse=True)
def _library() -> None:
    pytest.importorskip("cryptography", reason="needs the extra `updates`")


@pytest.mark.parametrize(("key", "message", "signature"), RFC)
def test_rfc_8032(key: str, message: str, signature: str) -> None:
    given = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert verifies(*given)
    assert not verifies(given[0], given[1] + b"x", given[2])
    assert not verifies(given[0], given[1], given[2][:-1])
    # The same signature written once more: S and S + L are one to a reader that does not look.
    s = int.from_bytes(given[2][32:], "little") + L
    assert not verifies(given[0], given[1], given[2][:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("number", TAMING)
def test_only_what_every_reader_accepts_is_accepted(number: int) -> None:
    """Small A, small R, mixed points that only a cofactor saves, large S, R in a second way."""
    message, key, r, s = (bytes.fromhex(text) for text in TAMING[number])
    assert verifies(key, message, r + s) == (number == 3)


def double(x: int, y: int) -> tuple[int, int]:
    """Return twice a point of the curve, RFC 8032, section 5.1.4, in affine coordinates."""
    d = -121665 * pow(121666, -1, P) % P
    product = d * x * x % P * y % P * y % P
    return (
        2 * x * y * pow(1 + product, -1, P) % P,
        (y * y + x * x) * pow(1 - product, -1, P) % P,
    )


def x_of(y: int) -> int | None:
    """Return an x of the curve for a y, or None; RFC 8032, section 5.1.3."""
    d = -121665 * pow(121666, -1, P) % P
    square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return None if (x * x - square) % P else x


def test_points_of_small_order_are_those_and_no_others() -> None:
    found = []
    for y in sorted(ed25519._SMALL):
        x = x_of(y)
        assert x is not None
        point = double(*double(*double(x, y)))
        assert point == (0, 1)
        # Both signs of x.
        found += [y] if x == 0 else [y, y]
    # The torsion group has eight elements.
    assert len(found) == 8
    base = 4 * pow(5, -1, P) % P
    assert is_sound_point(base.to_bytes(32, "little"))


@pytest.mark.parametrize("y", [0, 1, P - 1, P, P + 1, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 2**255])
def test_no_key_is_of_small_order_or_written_in_a_second_way(y: int, sign: int) -> None:
    key = (y + sign).to_bytes(32, "little")
    assert not is_sound_point(key)
    with pytest.raises(ConfigError, match="anybody could sign"):
        key_from_text(text_of_key(key))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:",
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        # The last letter has bits that nothing reads.
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURö=",
    ],
)
def test_a_key_is_written_in_one_way(text: str) -> None:
    good = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert key_from_text(good).hex() == RFC[0][0]
    with pytest.raises(ConfigError, match="edgespec model key"):
        key_from_text(text)


def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "maker.pem"
    key = new_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = read_signing_key(path)
    assert again.public == key.public
    assert verifies(key.public, b"x", again.sign(b"x"))
    with pytest.raises(ConfigError, match="exists and is not overwritten"):
        new_signing_key(path)
    assert read_signing_key(path).public == key.public
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_signing_key(path)
    with pytest.raises(ConfigError, match="cannot be written"):
        new_signing_key(tmp_path / "nowhere" / "key")


@pytest.mark.parametrize("text", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n", b"\xff" * 9000])
def test_what_is_no_key_is_said(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "maker.pem"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="no private key of Ed25519"):
        read_signing_key(path)


def test_a_library_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    key, message, signature = (bytes.fromhex(text) for text in RFC[0])
    with pytest.raises(ModelError, match=r"pip install 'edgespec\[updates\]'"):
        verifies(key, message, signature)
