"""A site goes on behind a restart from what was known of it, if that is to be trusted."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.regions import Region
from edgespec.detect.slow.moved import Moved
from edgespec.detect.slow.watch import SlowRules
from edgespec.dsp.prefix.cell import Cell
from edgespec.inference.backends import open_backend
from edgespec.kinds import DRIFT
from edgespec.observer.kept.kept_cells import MOST_CELLS
from edgespec.observer.kept.kept_site import site_file
from edgespec.observer.snapshot import snapshot_of
from edgespec.observer.watched_site import SitePlan, WatchedSite
from edgespec.records import (
    Decision,
    Event,
    EventType,
    FloatArray,
    IqBlock,
    SampleFormat,
    SourceInfo,
)
from tests.made import band, tiny, tiny_network
from tests.made.chain import chain_of
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


def cell_of(identity: int) -> Cell:
    return Cell("lte", identity, "fdd", "normal", 1.92e6, 0.0, 0.0, 0.0, 20.0, 0.99, 2.0)


def louder(t: float) -> FloatArray:
    return in_bins(0, GEOMETRY.n_bins, 12.0)


def test_each_cell_has_levels_of_its_own(rng: np.random.Generator, tmp_path: Path) -> None:
    """The next cell is 12 dB louder: that is no drift, there and back, and over a restart."""
    site = Site(rng)
    before = watched(tmp_path, site)
    first, second = cell_of(1), cell_of(2)
    assert before.enter(first) == []
    assert site.hear(4, look=before.look) == []
    assert before.enter(second) == []
    assert site.hear(8, louder, look=before.look) == []
    assert before.enter(first) == []
    assert site.hear(8, look=before.look) == []
    before.finish()
    # The next run begins in the second cell, and knows both.
    after = watched(tmp_path, site)
    assert after.enter(second) == []
    assert site.hear(8, lambda t: louder(t) + in_bins(5, 6, 6.0), look=after.look)
    after.enter(first)
    assert site.hear(8, lambda t: in_bins(5, 6, 6.0), look=after.look)


def test_what_goes_on_in_a_cell_goes_on_while_another_is_heard(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    site = Site(rng)
    one = watched(tmp_path, site)
    first, second = cell_of(1), cell_of(2)
    one.enter(first)
    site.hear(4, look=one.look)
    (told,) = site.hear(8, lambda t: in_bins(5, 6, 6.0), look=one.look)
    assert one.enter(second) == []
    assert site.hear(2, louder, look=one.look) == []
    assert one.is_open
    assert one.enter(first) == []
    back = site.hear(8, look=one.look)
    assert {event.event_id for event in back} == {told.event_id}
    assert back[-1].event_type is EventType.END
    assert not one.is_open


def test_what_goes_on_ends_with_a_cell_that_was_left_for_long(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    site = Site(rng)
    one = watched(tmp_path, site)
    one.enter(cell_of(1))
    site.hear(4, look=one.look)
    (told,) = site.hear(8, lambda t: in_bins(5, 6, 6.0), look=one.look)
    ended = [event for number in range(2, 3 + MOST_CELLS) for event in one.enter(cell_of(number))]
    assert [(event.event_id, event.event_type) for event in ended] == [
        (told.event_id, EventType.END)
    ]
    assert not one.is_open


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


def test_a_chain_looks_tells_and_forgets(rng: np.random.Generator) -> None:
    """What the site says goes the way of other events, and an alarm is shown to it."""
    bundle = tiny_network.bundle()
    source = SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, False)
    detect = DetectConfig(warmup_s=0.3, hold_off_s=0.05, detectors=("zscore",))
    chain = chain_of(
        bundle, open_backend(bundle), source, BandConfig(id="cell"), detect,
        max_block_samples=8 * tiny.RECIPE.hop_samples, computing="plain",
        site=SitePlan(SlowRules()),
    )  # fmt: skip
    assert chain.site is not None
    heard: list[tuple[int, bool]] = []
    look = chain.site.watch.look

    def noted(decision: Decision, target: FloatArray, *, is_alarm: bool) -> list[Event]:
        heard.append((decision.tick_start, is_alarm))
        assert target.shape == (tiny.GEOMETRY.n_horizon, tiny.GEOMETRY.n_bins)
        return look(decision, target, is_alarm=is_alarm)

    chain.site.watch.look = noted  # type: ignore[method-assign]
    samples = band.cf32(band.with_tone(band.noise(rng, 1.5), 0.8, 1.2))
    hop = tiny.RECIPE.hop_samples
    for start in range(0, len(samples) - hop, hop):
        block = IqBlock(samples[start : start + hop], band.RATE_HZ, band.CENTER_HZ, start, 0)
        list(chain.process(block))
    seconds = np.array([tick for tick, _ in heard]) / chain.grid.tick_hz
    # Not in the warm-up, then ten times a second, and it knows when somebody else was there.
    assert seconds[0] >= 0.3
    assert np.diff(seconds).min() >= 0.099
    alarms = [second for second, (_, is_alarm) in zip(seconds, heard, strict=True) if is_alarm]
    assert alarms
    assert 0.8 <= min(alarms) <= max(alarms) <= 1.3
    before_dbfs = chain.site.watch.levels.level_dbfs.copy()
    chain._follow(2.0)
    np.testing.assert_allclose(chain.site.watch.levels.level_dbfs, before_dbfs + 2.0)
    moved = Moved(DRIFT, Region(0, 1, 0, 1, 6.0), 3.0, 6.0, -80.0, 0, 0)
    assert not snapshot_of(chain).alarm
    chain.site.watch._open.append(moved)
    assert snapshot_of(chain).alarm
    (end,) = chain.finish()
    assert (end.kind, end.event_type, end.band) == (DRIFT, EventType.END, "cell")
    chain.site.watch._open.append(moved)
    assert [event.kind for event in chain.retune(grid_at(1e6))] == [DRIFT]
