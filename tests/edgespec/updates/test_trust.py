"""Whose models are taken: signatures, versions that never fall, times that are over."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import UpdatesConfig
from edgespec.errors import ConfigError, ModelError
from edgespec.inference.arrays import zip_bytes, zip_members
from edgespec.inference.bundle import Bundle, load_bundle, parse_bundle
from edgespec.units import format_utc
from edgespec.updates.ed25519 import SigningKey, new_signing_key, text_of_key
from edgespec.updates.seen import Seen, SeenFile, Version
from edgespec.updates.signature import Statement, read_signature, sign_bundle
from edgespec.updates.store import ModelStore
from edgespec.updates.trust import Clock, Terms, accept, check_keys, note_time
from tests.made import tiny

pytest.importorskip("cryptography", reason="needs the extra `updates`")

DAY_NS = 86_400_000_000_000
#: 29 November 2026.
NOW_NS = 1_795_910_400 * 1_000_000_000
SURE = Terms(clock=Clock(lambda: NOW_NS, lambda: True))
REMOTE = replace(SURE, is_remote=True)


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return new_signing_key(tmp_path / "maker.pem")


@pytest.fixture
def plain(tmp_path: Path, rng: np.random.Generator) -> bytes:
    tiny.bundle(tmp_path / "plain.edgespec", rng)
    return (tmp_path / "plain.edgespec").read_bytes()


Sign = Callable[..., Bundle]


@pytest.fixture
def sign(key: SigningKey, plain: bytes) -> Sign:
    def signed(
        version: int = 1,
        days: float = 30.0,
        keys: tuple[SigningKey, ...] = (key,),
        bands: tuple[str, ...] = (),
    ) -> Bundle:
        begin, end = format_utc(NOW_NS - DAY_NS), format_utc(NOW_NS + round(days * DAY_NS))
        it = Statement(version, begin, end, bands)
        content = sign_bundle(parse_bundle(plain, Path("plain")), plain, keys, it)
        return parse_bundle(content, Path("signed"))

    return signed


def trusting(*keys: SigningKey, **more: bool) -> UpdatesConfig:
    return UpdatesConfig(tuple(text_of_key(one.public) for one in keys), **more)


def with_member(content: bytes, name: str, data: bytes) -> bytes:
    return zip_bytes({**zip_members(content, "test"), name: data})


def test_one_that_is_signed_for_bands_is_for_no_other(sign: Sign, key: SigningKey) -> None:
    """The bands are signed: whoever takes them out has no signature."""
    for bands in ((), ("band",), ("other", "band")):
        assert accept(sign(bands=bands), "band", trusting(key), Seen(), REMOTE).keys
    signed = sign(bands=("other",))
    with pytest.raises(ModelError, match="signed for other, and the band is band"):
        accept(signed, "band", trusting(key), Seen(), REMOTE)
    assert signed.signature is not None
    text = json.loads(signed.signature)
    text["signed"]["bands"] = []
    with pytest.raises(ModelError, match="the signature is wrong"):
        accept(
            replace(signed, signature=json.dumps(text).encode()),
            "band", trusting(key), Seen(), REMOTE,
        )  # fmt: skip


def test_a_signed_model_is_the_same_model(
    tmp_path: Path, sign: Sign, key: SigningKey, plain: bytes
) -> None:
    """Its id is that of the file before it was signed; what was learnt with it stays."""
    signed = sign()
    assert signed.sha256 == parse_bundle(plain, Path("plain")).sha256
    found = accept(signed, "band", trusting(key), Seen(), SURE)
    assert found.keys == (text_of_key(key.public),)
    assert found.words[0].startswith(f"signed by {found.keys[0]}")
    assert len(found.words) == 1
    # The store keeps it under that id, and with its signature.
    content = sign_bundle(signed, plain, [key], Statement(7, format_utc(0), format_utc(DAY_NS)))
    store = ModelStore(tmp_path)
    kept = store.install("band", content, "by hand").current
    assert kept == signed.sha256
    again = read_signature(store.load(kept))
    assert again is not None
    assert again.signed.version == 7


@pytest.mark.parametrize("what", ["manifest", "statement", "value", "no value", "a second way"])
def test_what_was_changed_after_it_was_signed_is_refused(
    sign: Sign, key: SigningKey, plain: bytes, what: str
) -> None:
    signed = sign()
    assert signed.signature is not None
    content = with_member(plain, "signature", signed.signature)
    member = json.loads(signed.signature)
    if what == "manifest":
        # The hashes of its members are right: it is a bundle of its own.
        text = signed.manifest_bytes.replace(b'"tiny"', b'"evil"')
        content = with_member(content, "manifest.json", text)
    elif what == "statement":
        member["signed"]["version"] = 9
    elif what == "value":
        member["signatures"][0]["value"] = "A" + member["signatures"][0]["value"][1:]
        assert member["signatures"][0]["value"] not in signed.signature.decode()
    elif what == "no value":
        member["signatures"][0]["value"] = ""
    else:
        value = member["signatures"][0]["value"]
        member["signatures"][0]["value"] = value[:-3] + chr(ord(value[-3]) + 1) + "=="
    if what != "manifest":
        content = with_member(content, "signature", json.dumps(member).encode())
    with pytest.raises(ModelError, match="the signature is wrong"):
        accept(parse_bundle(content, Path("it")), "band", trusting(key), Seen(), SURE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda member: member.update(extra=1), "extra is no known key"),
        (lambda member: member["signed"].pop("expires_utc"), "expires_utc is missing"),
        (lambda member: member["signed"].update(note="unsigned"), "note is no known key"),
        (lambda member: member["signed"].update(version=0), "version is 0"),
        (lambda member: member["signed"].update(version=2**63), "version is"),
        (lambda member: member["signed"].update(expires_utc="soon"), "expires_utc is 'soon'"),
        (lambda member: member["signed"].update(expires_utc="2027-13-01T00:00:00Z"), "no time"),
        (lambda member: member["signed"].update(expires_utc="2020-01-01T00:00:00Z"), "before it"),
        (lambda member: member.update(signatures=[]), "signatures has 0 entries"),
        (lambda member: member["signatures"].append(member["signatures"][0]), "of different keys"),
        (lambda member: member.update(schema="edgespec.signature/2"), "this version of edgespec"),
    ],
)
def test_a_signature_that_cannot_be_read_is_one_sentence(
    sign: Sign, key: SigningKey, plain: bytes, change: Callable[[object], None], message: str
) -> None:
    signed = sign()
    assert signed.signature is not None
    member = json.loads(signed.signature)
    change(member)
    content = with_member(plain, "signature", json.dumps(member).encode())
    with pytest.raises(ModelError, match=message) as caught:
        accept(parse_bundle(content, Path("it")), "band", trusting(key), Seen(), SURE)
    assert len(str(caught.value)) < 1200


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"x" * 20_000])
def test_rubbish_is_no_signature(plain: bytes, key: SigningKey, data: bytes) -> None:
    bundle = parse_bundle(with_member(plain, "signature", data), Path("it"))
    with pytest.raises(ModelError, match="signature of bundle"):
        accept(bundle, "band", trusting(key), Seen(), SURE)


def test_a_signature_that_was_cut_off_is_not_taken_for_none(
    plain: bytes, key: SigningKey, tmp_path: Path
) -> None:
    bundle = parse_bundle(plain, Path("it"))
    with pytest.raises(ModelError, match="not signed, and what is installed here must be"):
        accept(bundle, "band", trusting(key), Seen(), SURE)
    found = accept(bundle, "band", trusting(key, require_signature=False), Seen(), SURE)
    assert found.words == ("not signed: nothing says who made it",)
    # Nobody is trusted yet: a person installs what he likes, and nothing comes over the broker.
    assert accept(bundle, "band", UpdatesConfig(), Seen(), SURE).keys == ()
    for rules in (UpdatesConfig(), trusting(key, require_signature=False)):
        with pytest.raises(ModelError, match="what comes over the broker must be signed"):
            accept(bundle, "band", rules, Seen(), REMOTE)
    with pytest.raises(ModelError, match="must be signed: name the key"):
        accept(bundle, "band", UpdatesConfig(require_signature=True), Seen(), SURE)


def test_a_stranger_is_not_trusted(sign: Sign, tmp_path: Path) -> None:
    other = new_signing_key(tmp_path / "other.pem")
    with pytest.raises(ModelError, match="whom nobody here trusts"):
        accept(sign(), "band", trusting(other), Seen(), SURE)
    found = accept(sign(), "band", UpdatesConfig(), Seen(), SURE)
    assert found.keys == ()
    assert "whom nobody here trusts" in found.words[0]


def test_a_new_key_takes_the_place_of_an_old_one(
    sign: Sign, key: SigningKey, tmp_path: Path
) -> None:
    new = new_signing_key(tmp_path / "new.pem")
    both = sign(keys=(key, new))
    for rules in (trusting(key), trusting(new), trusting(key, new)):
        assert accept(both, "band", rules, Seen(), REMOTE).keys == rules.trusted_keys


def test_a_version_that_two_keys_signed_counts_for_each_alone(
    sign: Sign, key: SigningKey, tmp_path: Path
) -> None:
    """Once the old one is not trusted any more, no older model of the new one comes back."""
    new, file = new_signing_key(tmp_path / "new.pem"), SeenFile(tmp_path / "state")
    accept(sign(5, keys=(key, new)), "band", trusting(key, new), Seen(), REMOTE).remember(file)
    with pytest.raises(ModelError, match="version 5 was here"):
        accept(sign(4, keys=(key, new)), "band", trusting(new), file.read(), REMOTE)


def test_of_two_at_once_the_older_one_is_not_installed_behind_the_newer(
    sign: Sign, key: SigningKey, tmp_path: Path
) -> None:
    rules, file = trusting(key), SeenFile(tmp_path)
    older, newer = (accept(sign(n), "band", rules, file.read(), REMOTE) for n in (5, 6))
    newer.remember(file)
    with pytest.raises(ModelError, match="version 6 was here"):
        older.remember(file)
    # One that a person takes all the same leaves what is the highest.
    accept(sign(5), "band", rules, file.read(), replace(SURE, takes_older=True)).remember(file)
    found = file.read().highest("band", rules.trusted_keys)
    assert found is not None
    assert found.version == 6


def test_a_clock_that_once_ran_ahead_does_not_refuse_every_model_for_ever(
    sign: Sign, key: SigningKey, tmp_path: Path
) -> None:
    """A person's install sets the time back, by a clock that is sure; nothing else does."""
    rules, file = trusting(key), SeenFile(tmp_path)
    note_time(rules, file, Clock(lambda: NOW_NS + 60 * 365 * DAY_NS, lambda: True))
    for terms in (REMOTE, Terms(clock=Clock(lambda: NOW_NS, lambda: False))):
        with pytest.raises(ModelError, match="install a model by hand"):
            accept(sign(), "band", rules, file.read(), terms)
    found = accept(sign(), "band", rules, file.read(), SURE)
    assert "is believed" in found.words[1]
    found.remember(file)
    assert file.read().latest_utc_ns == NOW_NS
    accept(sign(2), "band", rules, file.read(), REMOTE)
    with pytest.raises(ModelError, match="has expired"):
        accept(sign(2, days=-0.1), "band", rules, file.read(), SURE)


def test_a_version_never_falls(sign: Sign, key: SigningKey, tmp_path: Path) -> None:
    rules, file = trusting(key), SeenFile(tmp_path / "state")
    accept(sign(5), "band", rules, file.read(), REMOTE).remember(file)
    # Once more, as after a power cut in between; another band; and a newer one.
    accept(sign(5), "band", rules, file.read(), REMOTE)
    accept(sign(1), "other", rules, file.read(), REMOTE)
    accept(sign(6), "band", rules, file.read(), REMOTE)
    with pytest.raises(ModelError, match="has the version 4, and version 5 was here"):
        accept(sign(4), "band", rules, file.read(), SURE)
    another = replace(sign(5), sha256="0" * 64)
    with pytest.raises(ModelError, match="another model with that version was here"):
        accept(another, "band", rules, file.read(), SURE)
    found = accept(sign(4), "band", rules, file.read(), replace(SURE, takes_older=True))
    assert "although version 5 was here" in found.words[1]
    with pytest.raises(ModelError, match="version 5 was here"):
        accept(sign(4), "band", rules, file.read(), replace(REMOTE, takes_older=True))


def test_a_stolen_key_does_not_hold_back_for_ever_once_it_is_not_trusted(
    sign: Sign, key: SigningKey, tmp_path: Path
) -> None:
    new = new_signing_key(tmp_path / "new.pem")
    seen = Seen().with_version("band", text_of_key(key.public), Version(2**63 - 1, "0" * 64))
    bundle = sign(5, keys=(new,))
    with pytest.raises(ModelError, match="was here"):
        accept(bundle, "band", trusting(key, new), seen, REMOTE)
    assert accept(bundle, "band", trusting(new), seen, REMOTE).keys == (text_of_key(new.public),)


def test_what_has_expired_is_refused(sign: Sign, key: SigningKey) -> None:
    with pytest.raises(ModelError, match="has expired at 2026-11-28") as caught:
        accept(sign(days=-0.5), "band", trusting(key), Seen(), SURE)
    assert "synchronised" not in str(caught.value)


def test_without_a_clock_the_latest_time_that_was_known_decides(
    sign: Sign, key: SigningKey, tmp_path: Path
) -> None:
    """A board that begins in 1970: what had expired when it knew the time stays expired."""
    rules, file = trusting(key), SeenFile(tmp_path)
    lost = Terms(clock=Clock(lambda: 0, lambda: False))
    found = accept(sign(), "band", rules, file.read(), lost)
    assert "is not sure: the clock here is not synchronised" in found.words[1]
    assert "1970-01-01" in found.words[1]
    # It teaches no time.
    found.remember(file)
    assert file.read().latest_utc_ns == 0
    accept(sign(), "band", rules, file.read(), SURE).remember(file)
    assert file.read().latest_utc_ns == NOW_NS
    with pytest.raises(ModelError, match="as a clock said here that was synchronised"):
        accept(sign(2, days=-0.1), "band", rules, file.read(), lost)
    # A time is never taken back.
    file.pass_time(NOW_NS - DAY_NS)
    assert file.read().latest_utc_ns == NOW_NS


def test_an_observer_that_starts_remembers_the_time_it_is_sure_of(
    key: SigningKey, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, sure, lost = SeenFile(tmp_path), SURE.clock, Clock(lambda: NOW_NS, lambda: False)
    note_time(UpdatesConfig(), file, sure)
    note_time(trusting(key), file, lost)
    assert not (tmp_path / "models").exists()
    note_time(trusting(key), file, sure)
    assert file.read().latest_utc_ns == NOW_NS
    (tmp_path / "models" / "seen.json").write_bytes(b"")
    note_time(trusting(key), file, sure)
    assert "what time it is cannot be kept" in caplog.text


def test_a_clock_that_runs_ahead_is_said(sign: Sign, key: SigningKey) -> None:
    ahead = Terms(clock=Clock(lambda: NOW_NS + 99 * DAY_NS, lambda: False))
    with pytest.raises(ModelError, match="set it if it is wrong"):
        accept(sign(), "band", trusting(key), Seen(), ahead)


def test_what_was_seen_and_cannot_be_read_is_no_empty_file(tmp_path: Path) -> None:
    file = SeenFile(tmp_path)
    file.pass_time(5)
    (tmp_path / "models" / "seen.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match="move the file away"):
        file.read()
    with pytest.raises(ConfigError, match="move the file away"):
        file.pass_time(6)


def test_a_key_that_is_none_is_said_before_anything_is_installed() -> None:
    with pytest.raises(ConfigError, match="trusted_keys is 'ed25519:x'"):
        UpdatesConfig(("ed25519:x",))
    with pytest.raises(ConfigError, match="anybody could sign"):
        check_keys(UpdatesConfig((text_of_key(bytes(32)),)))


def test_a_signed_file_is_read_as_any_other(tmp_path: Path, sign: Sign, plain: bytes) -> None:
    signed = sign()
    assert signed.signature is not None
    path = tmp_path / "signed.edgespec"
    path.write_bytes(with_member(plain, "signature", signed.signature))
    assert load_bundle(path).sha256 == signed.sha256
