"""What is asked of a message before a central unit acts on it, besides being well-formed.

Whoever may publish may publish anything, and it may be retained. Nothing that comes in here may
end the unit, hold a site for ever, or make it believe in tomorrow.
"""

from edgespec.units import format_utc
from edgespec.wire.handover import SavedSite
from edgespec.wire.text import PayloadError

__all__ = ["check_clock", "check_saved"]

#: What is dated further ahead would be the last word until then.
_AHEAD_NS = 60 * 1_000_000_000


def check_clock(utc_ns: int, now_ns: int) -> None:
    """Refuse what is dated more than a minute ahead.

    Raises:
        PayloadError: it is.
    """
    if utc_ns > now_ns + _AHEAD_NS:
        raise PayloadError(
            f"it is dated {format_utc(utc_ns)}, more than a minute from now: set the clock of who "
            "publishes it"
        )


def check_saved(saved: SavedSite, site: str, now_ns: int) -> None:
    """Refuse what another owner is said to have left, where it cannot be that of a site.

    Raises:
        PayloadError: another site, an event that ends before it starts, or times to come.
    """
    check_clock(saved.utc_ns, now_ns)
    event = saved.event
    if saved.site != site or (event is not None and event.site != site):
        raise PayloadError(f"it is the state of another site than {site!r}")
    if event is None:
        return
    check_clock(event.end_ns, now_ns)
    if event.start_ns > event.end_ns or min(event.n_alarms, event.n_snapshots, saved.sequence) < 0:
        raise PayloadError("its event ends before it starts, or counts below zero")
