"""What a page shows of sites: their maps at first, and each verdict as it comes."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.config import WebConfig
from edgespec.twin.service.screen import Screen
from edgespec.twin.site import Site
from edgespec.twin.unit_levels import strongest_db, total_db
from edgespec.web.page_process import PageProcess, listen_for_page, page_url
from edgespec.web.task import Task
from edgespec.wire.site_event import SiteEvent
from edgespec.wire.text import encode
from edgespec.wire.verdict import TwinVerdict, verdict_payload

__all__ = ["PageScreen", "page_beside", "shown_site", "shown_verdict"]

_LOG = logging.getLogger(__name__)
#: Of a number a subband a map shows nothing: some units would make hundreds of kilobytes of them.
_BY_SUBBAND = ("levels", "expected", "residual_db", "subband_edges_hz", "reports")
_NO_LEVELS = np.empty((0, 0))


@contextmanager
def page_beside(
    screen: Screen, config: WebConfig, central: str, sites: Sequence[Site]
) -> Iterator[Screen]:
    """Yield a screen that tells a page as well, where the configuration has one.

    Raises:
        ConfigError: the page cannot be served at its address.
    """
    listening = listen_for_page(config)
    if listening is None or config.address is None:
        yield screen
        return
    socket, token = listening
    task = Task(
        "site", config.address[0], token, hosts=config.hosts, max_lookers=config.max_lookers,
        about={"node": central, "sites": [shown_site(site) for site in sites]},
    )  # fmt: skip
    page = PageProcess(socket, task)
    _LOG.info("the page is at %s", page_url(config.address[0], socket))
    try:
        yield PageScreen(screen, page, central, sites)
    finally:
        page.close()


class PageScreen:
    """Tells a page every verdict, and another screen everything.

    Args:
        screen: that is told as well.
        page: the page's process; it never keeps the central unit waiting.
        central: id of the central unit.
        sites: all that the unit may look after.
    """

    def __init__(
        self, screen: Screen, page: PageProcess, central: str, sites: Sequence[Site]
    ) -> None:
        self._screen, self._page, self._central = screen, page, central
        self._level_units = {site.name: site.level_unit for site in sites}

    def verdict(self, verdict: TwinVerdict, counts: Mapping[str, int]) -> None:
        """Take a verdict."""
        self._screen.verdict(verdict, counts)
        shown = shown_verdict(verdict, self._central, self._level_units[verdict.site])
        self._page.say(encode({"type": "verdict", "verdict": shown}), keep=verdict.site)

    def event(self, event: SiteEvent) -> None:
        """Take a message of an event's life: the page goes by verdicts."""
        self._screen.event(event)

    def members(self, ids: Sequence[str], sites: Sequence[str]) -> None:
        """Take who is there and which sites are looked after here."""
        self._screen.members(ids, sites)
        self._page.say(encode({"type": "members", "sites": list(sites)}), keep=" members")


def shown_site(site: Site) -> dict[str, Any]:
    """Return what a map needs of a site."""
    return {
        "name": site.name,
        "band": site.band,
        "freq_lower_hz": site.freq_lower_hz,
        "freq_upper_hz": site.freq_upper_hz,
        "size_m": list(site.size_m),
        "level_unit": site.level_unit,
        "walls": [
            {"name": wall.name, "lower_m": list(wall.lower_m), "upper_m": list(wall.upper_m)}
            for wall in site.wall
        ],
        "units": [
            {"node": unit.node, "x_m": unit.x_m, "y_m": unit.y_m, "z_m": unit.z_m}
            for unit in site.unit
        ],
        "transmitters": [
            {"id": one.id, "x_m": one.x_m, "y_m": one.y_m, "power_dbm": one.power_dbm}
            for one in site.transmitter
        ],
    }


def shown_verdict(verdict: TwinVerdict, central: str, level_unit: str) -> dict[str, Any]:
    """Return a verdict's payload with a number a unit in place of one a subband.

    ``heard`` and ``expected`` are levels over the whole band, ``difference`` is the largest of the
    residuals of the subbands, in dB; null where nothing was heard.
    """
    none = replace(verdict, level_db=_NO_LEVELS, expected_dbm=_NO_LEVELS, residual_db=_NO_LEVELS)
    payload = verdict_payload(none, central, level_unit, {})
    kept = {name: value for name, value in payload.items() if name not in _BY_SUBBAND}
    return kept | {
        "heard": _numbers(total_db(verdict.level_db)),
        "expected": _numbers(total_db(verdict.expected_dbm)),
        "difference": _numbers(strongest_db(verdict.residual_db)),
    }


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [round(value, 1) if np.isfinite(value) else None for value in values.tolist()]
