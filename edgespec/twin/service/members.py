"""Which central unit looks after which site, agreed on without a word between them."""

from collections.abc import Iterable, Mapping
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
        #: Of each site: its owner, and since when it has shown no work.
        self._since: dict[str, tuple[str, float]] = {}
        self._idle: dict[str, set[str]] = {}

    @property
    def ids(self) -> list[str]:
        """Who is there, sorted."""
        return sorted(self._present)

    def hear(
        self, member: str, sites: Iterable[str], now_s: float, judged: Iterable[str] = ()
    ) -> bool:
        """Note that a member knows some sites, and gave verdicts on those ``judged`` since its last
        word; return whether anything changed.

        Raises:
            PayloadError: there are more than there can be.
        """
        known = self._present.get(member)
        if known is None and len(self._present) >= MOST_MEMBERS:
            raise PayloadError(f"{MOST_MEMBERS} central units are known; no more are taken")
        self._present[member] = _Presence(frozenset(sites), now_s)
        for site in judged:
            if self._since.get(site, ("", 0.0))[0] == member:
                self._since[site] = member, now_s
            self._idle.get(site, set()).discard(member)
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
        self._since.clear()

    def owner_of(self, site: str) -> str | None:
        """Return who looks after a site among those that have its file, and do so."""
        knowing = self._knowing(site)
        idle = self._idle.get(site, set())
        return owner_of(site, [m for m in knowing if m not in idle] or knowing)

    def review(self, patience_s: Mapping[str, float], now_s: float) -> list[tuple[str, str]]:
        """Return who, of which site, gave no verdict for too long: others have their turn.

        Who only says that it is there would otherwise keep a site for ever. When all had their
        turn, as while no observer reports, they begin anew.
        """
        found = []
        for site, longest_s in patience_s.items():
            knowing = self._knowing(site)
            owner = self.owner_of(site)
            if owner is None or len(knowing) < 2:
                self._since.pop(site, None)
                continue
            who, since_s = self._since.setdefault(site, (owner, now_s))
            if who != owner:
                self._since[site] = owner, now_s
            elif now_s - since_s > longest_s:
                idle = self._idle.setdefault(site, set())
                idle.add(owner)
                if idle.issuperset(knowing):
                    # The last one keeps its mark, or the first would never end its turn.
                    idle.intersection_update({owner})
                del self._since[site]
                found.append((owner, site))
        return found

    def _knowing(self, site: str) -> list[str]:
        return [member for member, there in self._present.items() if site in there.sites]
