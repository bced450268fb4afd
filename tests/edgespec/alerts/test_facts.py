"""What a mask says of an event: whose it is, and how far it is over its level."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgespec.alerts.facts import NO_FACTS, BandFacts, masks_of
from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.rules import AlertRules
from edgespec.config import AlarmConfig, BandConfig, Config
from edgespec.config.mask import Mask, MaskRow
from edgespec.errors import ConfigError
from edgespec.kinds import OVERLOAD
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.listing import Listing, MaskWord
from edgespec.records import Event, ObserverState
from tests.made.event import event_of

FACTS = BandFacts(mask=Mask((MaskRow(805e6, 807e6, "BTS", max_dbfs=-40.0),)), slack_hz=5e4)


def test_a_state_is_told_with_what_its_levels_mean() -> None:
    scale = LevelScale(-30.0)
    judge = AlertJudge(
        AlertRules(AlarmConfig(), ()), IncidentTable({}), facts={"lte": BandFacts(scale)}
    )
    state = ObserverState(0, 1.0, 2, 3, 4, 5, band="lte")
    assert judge.judge_state(state).scale == scale
    assert judge.judge_state(replace(state, band="other")).scale == UNCALIBRATED


def said(event: Event, facts: BandFacts = FACTS) -> Listing | None:
    return facts.told_of(event).listing


def test_a_peak_at_its_level_is_within_it() -> None:
    assert said(event_of(peak_dbfs=-40.0)) == Listing(MaskWord.LISTED, "BTS", 0.0)
    over = said(event_of(peak_dbfs=-37.5))
    assert over == Listing(MaskWord.OVER, "BTS", 2.5)
    assert over.text == "listed: BTS, 2.5 dB over"


def test_what_reaches_out_is_not_listed_however_weak() -> None:
    found = said(event_of(upper_hz=807.1e6, peak_dbfs=-90.0))
    assert found == Listing(MaskWord.NOT_LISTED)
    assert found.text == "not listed"
    assert said(event_of(upper_hz=807.05e6)) == Listing(MaskWord.LISTED, "BTS", -1.0)


def test_a_row_without_a_level_allows_any() -> None:
    facts = BandFacts(mask=Mask((MaskRow(805e6, 807e6, "BTS"),)))
    assert said(event_of(peak_dbfs=0.0), facts) == Listing(MaskWord.LISTED, "BTS")


def test_the_power_of_a_band_is_compared_with_no_bin() -> None:
    assert said(event_of(detector="cell", peak_dbfs=0.0)) == Listing(MaskWord.LISTED, "BTS")


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        (event_of(), NO_FACTS),
        (event_of(OVERLOAD), FACTS),
        (event_of(lower_hz=-1e5, upper_hz=1e5), FACTS),
    ],
)
def test_where_a_mask_knows_nothing_it_says_nothing(event: Event, facts: BandFacts) -> None:
    assert said(event, facts) is None


def test_each_band_has_its_own_mask_with_its_own_levels(tmp_path: Path) -> None:
    path = tmp_path / "mask.csv"
    path.write_text("start,stop,what,max_dbm,hours\n8e8,9e8,x,-60,08:00-09:00\n")
    bands = (BandConfig(id="a", mask=path, full_scale_dbm=-20.0), BandConfig(id="b"))
    masks = masks_of(Config(band=bands, alarm=AlarmConfig(time_zone="Europe/Berlin")))
    assert list(masks) == ["a"]
    assert masks["a"].rows[0].max_dbfs == -40.0
    assert masks["a"].time_zone == "Europe/Berlin"
    with pytest.raises(ConfigError, match="full_scale_dbm"):
        masks_of(Config(band=(BandConfig(id="a", mask=path),)))
