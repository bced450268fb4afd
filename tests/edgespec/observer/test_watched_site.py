"""A site goes on behind a restart from what was known of it, if that is to be trusted."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.detect.slow.watch import SlowRules
from edgespec.kinds import DRIFT
from edgespec.observer.kept_site import site_file
from edgespec.observer.watched_site import SitePlan, WatchedSite
from edgespec.records import EventType
from tests.made.slow_site import GEOMETRY, Site, grid_at, in_bins


def watched(folder: Path, site: Site, *, is_trusted: bool = True, gain_db: float = 20.0,
            clock: ClockQuality = ClockQuality.SYNCHRONISED) -> WatchedSite:  # fmt: skip
    plan = SitePlan(SlowRules(), site_file(folder, "b", "rtlsdr:", gain_db))
    return WatchedSite(
        plan, site.info, GEOMETRY, lambda: 0, lambda: clock, lambda: is_trusted, lambda: 0
    )


def test_what_came_while_nobody_listened_is_a_drift(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    site = Site(rng)
    before = watched(tmp_path, site)
    assert site.hear(4, look=before.look) == []
    assert before.finish() == []
    after = watched(tmp_path, site)
    said = site.hear(8, lambda t: in_bins(5, 6, 6.0), look=after.look)
    assert [(one.kind, one.event_type) for one in said] == [(DRIFT, EventType.NEW)]
    assert after.is_open
    after.finish()
    # What it was compared with is still what it was when the site was new.
    said = site.hear(8, lambda t: in_bins(5, 6, 6.0), look=watched(tmp_path, site).look)
    assert [one.kind for one in said] == [DRIFT]


@pytest.mark.parametrize("other", [{"is_trusted": False}, {"gain_db": 30.0}])
def test_what_is_not_trusted_or_not_comparable_does_not_count(
    rng: np.random.Generator, tmp_path: Path, other: dict[str, bool | float]
) -> None:
    site = Site(rng)
    before = watched(tmp_path, site, **other)  # type: ignore[arg-type]
    site.hear(4, look=before.look)
    before.finish()
    after = watched(tmp_path, site)
    assert site.hear(8, lambda t: in_bins(5, 6, 6.0), look=after.look) == []


def test_behind_a_retune_what_was_kept_stays(rng: np.random.Generator, tmp_path: Path) -> None:
    site = Site(rng)
    before = watched(tmp_path, site)
    site.hear(4, look=before.look)
    assert before.retune(grid_at(1e6)) == []
    site.hear(4, lambda t: in_bins(5, 6, 6.0), look=before.look)
    before.finish()
    after = watched(tmp_path, site)
    assert len(site.hear(8, lambda t: in_bins(5, 6, 6.0), look=after.look)) == 1


def test_a_known_hour_says_what_is_usual_in_it(rng: np.random.Generator, tmp_path: Path) -> None:
    site = Site(rng)
    first = watched(tmp_path, site)
    site.hear(5, look=first.look)
    assert first.usual_dbfs() is None
    site.hear(10, look=first.look)
    usual_dbfs = first.usual_dbfs()
    assert usual_dbfs is not None
    np.testing.assert_allclose(usual_dbfs, site.usual_dbfs, atol=0.5)
    first.finish()
    assert watched(tmp_path, site).usual_dbfs() is not None
    assert watched(tmp_path, site, clock=ClockQuality.UNSYNCHRONISED).usual_dbfs() is None
