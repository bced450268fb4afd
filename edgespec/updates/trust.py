"""Whether a model may be installed: who signed it, whether it is newer, whether it has expired.

As The Update Framework (TUF) has it for its targets: a signed version that never falls and a signed
time after which nothing is taken. Its other roles are not here: keys are those of the
configuration, and a model is one file, which cannot be mixed with parts of another.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edgespec.clock import kernel_synchronised
from edgespec.config import UpdatesConfig
from edgespec.errors import ConfigError, ModelError
from edgespec.inference.bundle import Bundle
from edgespec.units import format_utc
from edgespec.updates.ed25519 import key_from_text
from edgespec.updates.seen import Seen, SeenFile, Version
from edgespec.updates.signature import Statement, read_signature, signed_by

__all__ = ["Accepted", "Clock", "Terms", "accept", "check_keys", "note_time"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, and whether something disciplines the clock that says so."""

    utc_ns: Callable[[], int] = time.time_ns
    is_sure: Callable[[], bool] = kernel_synchronised

    @property
    def over_ns(self) -> int:
        """A time that is over for certain: now, where the clock is sure, else 0."""
        return self.utc_ns() if self.is_sure() else 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """A model that may be installed in a band.

    ``statement`` and ``keys`` are of its signature: all that are trusted, none where nobody trusted
    has signed it. ``words`` are what is to be said of that. ``utc_ns`` is a time that is over for
    certain; it ``sets_time`` where a later one was known, and a person goes by the clock.
    ``check`` raises where what was seen by now is newer.
    """

    band: str
    sha256: str
    statement: Statement | None
    keys: tuple[str, ...]
    words: tuple[str, ...]
    utc_ns: int
    sets_time: bool = False
    check: Callable[[Seen], object] = lambda seen: None

    def remember(self, file: SeenFile) -> None:
        """Let no older version follow it; to be called before it is installed.

        Raises:
            ConfigError: as :meth:`SeenFile.accept`.
            ModelError: a newer one was accepted meanwhile.
        """
        if self.statement is not None:
            it = Version(self.statement.version, self.sha256)
            file.accept(self.band, self.keys, it, self.utc_ns, self.check)
            if self.sets_time:
                file.set_time(self.utc_ns)


def check_keys(rules: UpdatesConfig) -> None:
    """Check that every trusted key is one.

    Raises:
        ConfigError: it is not.
    """
    for text in rules.trusted_keys:
        key_from_text(text)


def note_time(rules: UpdatesConfig, file: SeenFile, clock: Clock) -> None:
    """Remember what time it is, where the clock is sure of it and anybody's signatures count.

    What cannot be read or written is said, and holds nobody back.
    """
    if not rules.trusted_keys or not clock.is_sure():
        return
    try:
        file.pass_time(clock.utc_ns())
    except ConfigError as error:
        _LOG.warning("what time it is cannot be kept for the expiry of models: %s", error)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model is judged by beside its signature.

    ``is_remote``: it came over the network, and no person has chosen it. ``takes_older``: a person
    wants a version that is older than one that was here.
    """

    is_remote: bool = False
    takes_older: bool = False
    clock: Clock = field(default_factory=Clock)


def accept(bundle: Bundle, band: str, rules: UpdatesConfig, seen: Seen, terms: Terms) -> Accepted:
    """Return that a model may be installed in a band, as far as its signature says.

    Args:
        bundle: the model.
        band: id of the band.
        rules: whose models are taken.
        seen: what was seen before.
        terms: who asks, and when.

    Raises:
        ModelError: it is not signed by a trusted key and must be, its signature is wrong, it is for
            other bands, a newer version was here, or it has expired; or signatures cannot be
            verified here.
        ConfigError: a trusted key is none.
    """
    label = f"model {bundle.manifest.name!r:.80} ({bundle.sha256[:12]})"
    signature = read_signature(bundle)
    claimed = () if signature is None else signature.keys
    trusted = [key for key in rules.trusted_keys if key in claimed]
    if signature is None or not trusted:
        doubt = _untrusted(label, claimed, rules, is_remote=terms.is_remote)
        return Accepted(band, bundle.sha256, None, (), (doubt,), terms.clock.over_ns)
    keys = tuple(one for one in trusted if signed_by(bundle, signature, key_from_text(one)))
    if not keys:
        raise ModelError(
            f"{label} is not what {trusted[0]} has signed: the signature is wrong, as of a model "
            "that was changed after it was signed; fetch it again"
        )
    it = signature.signed
    if it.bands and band not in it.bands:
        raise ModelError(
            f"{label} was signed for {', '.join(it.bands)}, and the band is {band}: have it signed "
            "for that one, too"
        )

    def check(seen: Seen) -> list[str]:
        """Return what is to be said of its version, where it may be installed by that."""
        return _version(label, it, bundle.sha256, seen.highest(band, rules.trusted_keys), terms)

    words = [f"signed by {keys[0]} on {it.signed_utc}, version {it.version}", *check(seen)]
    doubted = _doubted(it, seen, terms)
    words += doubted or _expiry(label, it, seen, terms.clock)
    over_ns = terms.clock.over_ns
    return Accepted(
        band, bundle.sha256, it, keys, tuple(words), over_ns, sets_time=bool(doubted), check=check
    )


def _untrusted(
    label: str, claimed: tuple[str, ...], rules: UpdatesConfig, *, is_remote: bool
) -> str:
    """Return what is said of a model that nobody trusted has signed, where it is taken."""
    who = f"signed by {claimed[0]:.60}, whom nobody here trusts" if claimed else "not signed"
    if is_remote or rules.needs_signature:
        why = "what comes over the broker" if is_remote else "what is installed here"
        how = (
            "sign it with `edgespec model sign` and a key of updates.trusted_keys"
            if rules.trusted_keys
            else "name the key of its maker in updates.trusted_keys"
        )
        raise ModelError(f"{label} is {who}, and {why} must be signed: {how}")
    return f"{who}: nothing says who made it"


def _version(
    label: str, it: Statement, sha256: str, highest: Version | None, terms: Terms
) -> list[str]:
    if highest is None or it.version > highest.version:
        return []
    if it.version == highest.version and sha256 == highest.sha256:
        return []
    if it.version == highest.version:
        what = f"another model with that version was here, {highest.sha256[:12]}"
    else:
        what = f"version {highest.version} was here"
    if terms.takes_older and not terms.is_remote:
        return [f"it is taken although {what}, as was asked for"]
    raise ModelError(
        f"{label} has the version {it.version}, and {what}: take a newer one; a person takes an "
        "older one with `edgespec model rollback --to FILE`"
    )


def _doubted(it: Statement, seen: Seen, terms: Terms) -> list[str]:
    """Return what is said where a clock once ran ahead, and a person goes by the one of now.

    By a synchronised clock that ran ahead by a fault once, no model would ever be new enough.
    """
    now_ns = terms.clock.over_ns
    if terms.is_remote or not 0 < now_ns < it.expires_ns <= seen.latest_utc_ns:
        return []
    return [
        f"a clock that was synchronised said {format_utc(seen.latest_utc_ns)} here; the one of now "
        f"is synchronised, too, says {format_utc(now_ns)}, and is believed"
    ]


def _expiry(label: str, it: Statement, seen: Seen, clock: Clock) -> list[str]:
    """Judge by the latest time that is known; what cannot be sure is said."""
    now_ns, is_sure = clock.utc_ns(), clock.is_sure()
    known_ns = max(now_ns, seen.latest_utc_ns)
    if known_ns >= it.expires_ns:
        doubt = "" if is_sure else " (the clock here is not synchronised: set it if it is wrong)"
        if seen.latest_utc_ns > now_ns:
            doubt = (
                " (as a clock said here that was synchronised; now it says less: where that was a "
                "fault, synchronise it and install a model by hand)"
            )
        raise ModelError(
            f"{label} has expired at {it.expires_utc}, and it is {format_utc(known_ns)} at "
            f"least{doubt}: have its maker sign it anew"
        )
    if is_sure:
        return []
    return [
        f"whether it has expired ({it.expires_utc}) is not sure: the clock here is not "
        f"synchronised, and {format_utc(known_ns)} is the latest time that was ever known"
    ]
