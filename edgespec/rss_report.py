"""The received power of a second or several, as an observer reports it."""

from dataclasses import dataclass

__all__ = ["RssReport"]


# Not frozen: a central unit makes ten thousand a second, which would take it seven times as long.
# Nobody changes one.
@dataclass(slots=True)
class RssReport:
    """What one observer of a site received in one interval, for the central unit.

    ``levels_db`` is the mean power in each of K subbands, in ``level_unit``: dBFS, or dBm where the
    receiver is calibrated. ``edges_hz`` are the K + 1 rising edges, absolute where the source has a
    centre frequency. The interval ends at ``utc_ns``; ``sequence`` counts the reports of one run
    from 1; ``clipped_share`` is the share of its ``n_frames`` frames that clipped: with any, levels
    are lower bounds. Until ``hold_s`` after its end the levels are as told unless the observer says
    otherwise; 0: each interval is told.
    """

    node: str
    site: str
    band: str
    utc_ns: int
    duration_s: float
    edges_hz: tuple[float, ...]
    levels_db: tuple[float, ...]
    level_unit: str
    clipped_share: float
    n_frames: int
    sequence: int
    hold_s: float = 0.0
