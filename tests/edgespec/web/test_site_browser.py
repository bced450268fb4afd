"""The page of a central unit, in Chromium: where the source is, and which unit says what."""

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from edgespec.config import WebConfig
from edgespec.port import free_port
from edgespec.twin.service.page import PageScreen, page_beside
from edgespec.twin.service.screen import TextScreen
from edgespec.wire.position import Position
from edgespec.wire.verdict import TwinVerdict
from tests.made.browser import Browser
from tests.made.twin_site import hall
from tests.made.verdict import verdict_of

SITE = hall()
SOURCE = Position(14.0, 20.0, 1.5, 2.5)


def verdict(second: int, *, alarm: bool) -> TwinVerdict:
    """Return one on the hall: its first unit is silent, its last is 12 dB too loud in a subband."""
    shape = len(SITE.unit), SITE.n_subbands
    levels, residual = np.full(shape, -60.0), np.zeros(shape)
    levels[0] = residual[0] = np.nan
    residual[-1, 3] = 12.0
    told = verdict_of(
        second, alarm, site=SITE.name, nodes=SITE.nodes, edges_hz=SITE.edges_hz, level_db=levels,
        expected_dbm=np.full(shape, -61.0), residual_db=residual, n_units=len(SITE.unit) - 1,
        units_missing=(SITE.nodes[0],), implausible={},
    )  # fmt: skip
    return replace(told, source=SOURCE) if alarm else told


@pytest.fixture
def shown() -> Iterator[tuple[str, PageScreen]]:
    address = f"127.0.0.1:{free_port()}"
    with page_beside(
        TextScreen(io.StringIO(), "central-1"), WebConfig(listen=address), "central-1", [SITE]
    ) as screen:
        assert isinstance(screen, PageScreen)
        yield f"http://{address}/", screen


def test_a_source_is_shown_where_it_is_and_goes(
    window: Browser, shown: tuple[str, PageScreen]
) -> None:
    url, screen = shown
    window.size(1000)
    window.get(url)
    window.says("#says", "No unit has reported yet")
    screen.verdict(verdict(1, alarm=False), {})
    window.says("#says", f"Silent: {SITE.nodes[0]}")
    before = window.pixels("#map")
    screen.verdict(verdict(2, alarm=True), {})
    window.says("#says", "Alarm: narrowband source near x 14.0, y 20.0 m, ± 2.5 m")
    window.says("#news", "Alarm at")
    assert "source near x 14.0" in window.run("return document.getElementById('map').ariaLabel")
    changed = np.argwhere(np.abs(window.pixels("#map") - before).max(axis=2) > 0.1)
    # The rings lie around the source: north is up, and the map is as wide as it is deep.
    middle, size = (changed.min(axis=0) + changed.max(axis=0)) / 2.0, np.ptp(changed, axis=0)
    frame = np.argwhere(np.abs(before - before[0, 0]).max(axis=2) > 0.05)
    share = (middle - frame.min(axis=0)) / np.ptp(frame, axis=0)
    assert share == pytest.approx([1.0 - 20.0 / SITE.size_m[1], 14.0 / SITE.size_m[0]], abs=0.08)
    assert size[0] == pytest.approx(size[1], rel=0.05)
    assert window.text("#units tr:last-child td:last-child") == "12.0 dB"
    screen.verdict(verdict(3, alarm=False), {})
    window.says("#says", "Quiet")
    assert window.told() == []
