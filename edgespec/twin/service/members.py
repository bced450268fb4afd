"""Which central unit looks after which site, agreed on without a word between them."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from edgespec.wire.text import PayloadError

__all__ = ["MOST_MEMBERS", "Members", "owner_of"]

#: Everybody hears of everybody every few seconds: far more share no sites.
MOST_MEMBERS = 1000


def owner_of(site: str, members: Iterable[str]) -> str | None:
    """Return the member with the highest hash of (member, site), None without members.

    Rendezvous hashing (Thaler and Ravishankar 1998): whoever knows the members knows the owner,
    and when one leaves only its own sites move, evenly to all others.
    """
    return max(members, key=lambda member: (_weight(member, site), member), default=None)


def _weight(member: str, site: str) -> bytes:
    return blake2b(f"{member}\0{site}".encode(), digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class _Presence:
    sites: frozenset[str]
    heard_s: float


class Members:
    """The central units that are there, by their retained presence.

    The last will of one that dies removes it at once. Where that fails, as after a crash of the
    broker, it counts as gone when nothing was heard of it for ``expiry_s``.

    Args:
        me: id of this one, which never expires for itself.
        expiry_s: silence after which a member is gone.
    """

    def __init__(self, me: str, expiry_s: float) -> None:
        self._me = me
        self._expiry_s = expiry_s
        self._present: dict[str, _Presence] = {}

    @property
    def ids(self) -> list[str]:
        """Who is there, sorted."""
        return sorted(self._present)

    def hear(self, member: str, sites: Iterable[str], now_s: float) -> bool:
        """Note that a member looks after some sites; return whether anything changed.

        Raises:
            PayloadError: there are more than there can be.
        """
        known = self._present.get(member)
        if known is None and len(self._present) >= MOST_MEMBERS:
            raise PayloadError(f"{MOST_MEMBERS} central units are known; no more are taken")
        self._present[member] = _Presence(frozenset(sites), now_s)
        return known is None or known.sites != self._present[member].sites

    def remove(self, member: str) -> bool:
        """Note that a member is gone; return whether it was there."""
        return self._present.pop(member, None) is not None

    def expire(self, now_s: float) -> list[str]:
        """Remove the members that have been silent for too long, and return them."""
        gone = [
            member
            for member, presence in self._present.items()
            if member != self._me and now_s - presence.heard_s > self._expiry_s
        ]
        for member in gone:
            del self._present[member]
        return gone

    def clear(self) -> None:
        """Forget everybody: the link was lost, and with it who came and went."""
        self._present.clear()

    def owner_of(self, site: str) -> str | None:
        """Return who looks after a site among those that have its file."""
        return owner_of(site, (m for m, there in self._present.items() if site in there.sites))
