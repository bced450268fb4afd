"""From an event to 'never tell me again about this', over a restart, and back."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgespec.alert import Alert
from edgespec.alerts.actions import Actions
from edgespec.alerts.facts import masks_of
from edgespec.alerts.incidents import events_folder, incidents_path, load_incidents
from edgespec.alerts.judge import AlertJudge
from edgespec.config import (
    AlertConfig,
    BandConfig,
    Config,
    DetectConfig,
    HistoryConfig,
    MqttConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.errors import ConfigError
from edgespec.framing import Framing
from edgespec.history.keeper import HistoryKeeper
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.level_scale import UNCALIBRATED
from edgespec.observer.alerting import open_history, open_inbox, open_judge, open_normals
from edgespec.observer.startup import check_config, open_observer
from edgespec.records import BandInfo, Event, EventType
from edgespec.wire.request import Request, parse_response
from tests.made.event import event_of
from tests.made.tape import Notebook

BAND = BandInfo("lte", Framing(5e6).grid(806e6))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    node = NodeConfig(id="pi-1", state_dir=tmp_path / "state")
    return Config(node=node, band=(BandConfig(id="lte"),))


class Run:
    """One run of an observer: what its judge says is told its keeper."""

    def __init__(self, config: Config, *, is_live: bool = True) -> None:
        self.judge, incidents = open_judge(config, [BAND], masks_of(config), is_live=is_live)
        history = open_history(config, is_live=is_live)
        assert (history is None) == (incidents is None) == (not is_live)
        self.keepers = [one for one in (history, incidents) if one is not None]

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for keeper in self.keepers:
            keeper.close()

    def tell(self, name: str, **fields: object) -> list[Alert]:
        judged: list[Event] = []
        for k, event_type in enumerate(EventType):
            event = event_of(event_id=name, event_type=event_type, lasts_s=float(k), **fields)
            judged.append(self.judge.judge(event))
            for keeper in self.keepers:
                keeper.event(judged[-1])
        return [event.alert for event in judged]


def reasons(alerts: list[Alert]) -> set[str]:
    return {alert.reason for alert in alerts}


def test_what_is_normal_here_is_silent_from_then_on_and_recorded(config: Config) -> None:
    state_dir = config.node.state_dir
    actions = Actions(state_dir, ["lte"])
    with Run(config) as run:
        (incident,) = {alert.incident for alert in run.tell("e1", at_s=0.0)}
    taught = actions.do(Request("normal", id="e1"))
    with Run(config) as run:
        found = run.tell("e2", at_s=3600.0)
        assert reasons(found) == {"normal here"}
        assert {alert.incident for alert in found} == {incident}
        # What is stronger, or elsewhere, alarms.
        assert reasons(run.tell("e3", at_s=7200.0, peak_dbfs=-37.0)) == {""}
        elsewhere = run.tell("e4", at_s=7200.0, lower_hz=807e6, upper_hz=807.1e6)
        assert reasons(elsewhere) == {""}
        actions.do(Request("undo", id=taught["id"]))
        assert reasons(run.tell("e5", at_s=9000.0)) == {""}
    past = Past(state_dir).events()
    assert [message.event.event_id for message in past] == ["e1", "e2", "e3", "e4", "e5"]
    assert [message.event.alert.is_on for message in past] == [True, False, True, True, True]
    incidents = load_incidents(incidents_path(events_folder(state_dir)))
    assert [one.n_events for one in incidents] == [1, 4]


def test_one_message_over_the_broker_does_the_same(config: Config) -> None:
    """The answer of the inbox, which the sink calls."""
    with Run(config) as run:
        run.tell("e1")
        run.close()
        answer = open_inbox(config).answer("normal", b'{"id": "e1"}')
        assert not parse_response(answer).error
        assert reasons(run.tell("e2", at_s=60.0)) == {"normal here"}


def test_a_recording_leaves_no_trace_and_is_judged_by_the_rules_alone(config: Config) -> None:
    """Played twice, it says the same twice."""
    with Run(config) as live:
        live.tell("e1")
    Actions(config.node.state_dir, ["lte"]).do(Request("normal", id="e1"))
    before = {p: p.read_bytes() for p in config.node.state_dir.rglob("*") if p.is_file()}
    for _ in range(2):
        with Run(config, is_live=False) as run:
            assert reasons(run.tell("e2")) == {""}
    assert {p: p.read_bytes() for p in config.node.state_dir.rglob("*") if p.is_file()} == before


def test_who_watches_a_site_knows_what_people_call_normal(config: Config) -> None:
    is_normal = open_normals(config)
    with Run(config) as run:
        run.tell("e1", kind="drift")
    drift = event_of("drift", event_id="e2", at_s=600.0)
    assert not is_normal(drift)
    actions = Actions(config.node.state_dir, ["lte"])
    taught = actions.do(Request("normal", id="e1"))
    assert is_normal(drift)
    assert not is_normal(replace(drift, peak_dbfs=-37.0))
    assert not is_normal(replace(drift, kind="noise-floor-raised"))
    actions.do(Request("undo", id=taught["id"]))
    assert not is_normal(drift)


def test_an_event_knows_what_its_levels_mean(config: Config) -> None:
    """Of a recording, too: the band of the configuration is what was calibrated."""
    band = BandConfig(id="lte", full_scale_dbm=-30.0, calibrated="2026-01-09")
    for is_live in (True, False):
        with Run(replace(config, band=(band,)), is_live=is_live) as run:
            assert run.judge.judge(event_of()).scale == band.level_scale
            assert run.judge.judge(event_of(band="other")).scale == UNCALIBRATED
    with Run(config) as run:
        assert run.judge.judge(event_of()).scale == UNCALIBRATED


def test_a_mask_decides_what_is_an_alert(config: Config, tmp_path: Path) -> None:
    """A listed transmitter is silent within its level, and alarms from then on when it is over."""
    path = tmp_path / "mask.csv"
    path.write_text("start,stop,what,max_dbm\n805.9M,806.2M,BTS Alpha,-70\n")
    band = BandConfig(id="lte", full_scale_dbm=-30.0, mask=path)
    rule = AlertConfig(mask=("over", "not-listed"))
    masked = replace(config, band=(band,), alert=(rule,))
    with Run(masked) as run:
        assert reasons(run.tell("e1")) == {"rule"}
        assert reasons(run.tell("e2", peak_dbfs=-39.0)) == {""}
        assert reasons(run.tell("e3", lower_hz=804e6)) == {""}
    kept = [message.event.listing for message in Past(config.node.state_dir).events()]
    assert [one.text for one in kept] == [
        "listed: BTS Alpha", "listed: BTS Alpha, 1.0 dB over", "not listed",
    ]  # fmt: skip


def test_a_mask_that_is_wrong_is_said_before_anything_is_opened(
    config: Config, tmp_path: Path
) -> None:
    path = tmp_path / "mask.csv"
    path.write_text("start,stop,what\n806M,805M,BTS\n")
    wrong = replace(config, band=(BandConfig(id="lte", mask=path),))
    for opened in (check_config, open_observer):
        with pytest.raises(ConfigError, match=r"mask\.csv, line 2"):
            opened(wrong)
    with pytest.raises(ConfigError, match="no band has a mask"):
        check_config(replace(config, alert=(AlertConfig(mask=("over",)),)))


def test_requests_are_off_until_somebody_allows_them() -> None:
    assert not Config().mqtt.requests
    assert replace(MqttConfig(), requests=True).requests


@pytest.mark.parametrize(("options", "is_kept"), [("", False), ("&realtime=1", True)])
def test_an_observer_judges_and_keeps_what_is_live(
    config: Config, options: str, is_kept: bool
) -> None:
    """Stopped before it begins: what it is made of is looked at, not how fast it is."""
    source = SourceConfig(uri=f"sim:lte-dl?sample_rate=1M&duration_s=0.1{options}")
    config = replace(config, source=(source,), detect=DetectConfig(detectors=("energy",)))
    notebook = Notebook()
    monitor = open_observer(config, [notebook]).monitor
    sinks = monitor._sinks
    assert isinstance(sinks._judge, AlertJudge)
    assert any(isinstance(sink, HistoryKeeper) for sink in sinks._sinks) == is_kept
    sinks.event(event_of())
    assert notebook.events[0].alert.incident.startswith("i-")
    monitor.stop()
    monitor.run()
    assert history_path(config.node.state_dir).exists() == is_kept


@pytest.mark.parametrize(("history", "n_minutes"), [({}, 1), ({"levels": False}, 0)])
def test_what_a_live_band_was_like_is_kept(
    config: Config, history: dict[str, object], n_minutes: int
) -> None:
    """A minute that is cut short by the end has what there was of it."""
    source = SourceConfig(uri="sim:lte-dl?sample_rate=1M&duration_s=0.5&realtime=1")
    config = replace(
        config,
        source=(source,),
        band=(BandConfig(id="lte", full_scale_dbm=-30.0),),
        detect=DetectConfig(detectors=("energy",)),
        history=HistoryConfig(**history),
    )
    monitor = open_observer(config, []).monitor
    (state,) = monitor.run()
    past = Past(config.node.state_dir)
    found = past.minutes()
    assert len(found) == n_minutes
    for one in found:
        assert 0.1 < one.minute.duration_s <= 0.5
        assert one.minute.level_dbfs == pytest.approx(state.level_dbfs, abs=6.0)
        assert one.scale.unit == "dBm"
    states = past.states()
    assert [one.band for one in states[:2]] == ["", "lte"]
    assert states[-1].condition["run"] == "ended"


def test_with_no_space_nothing_is_remembered(config: Config) -> None:
    assert open_history(replace(config, history=HistoryConfig(max_bytes=0)), is_live=True) is None


def test_a_rule_that_names_nothing_is_said_before_a_source_is_opened(config: Config) -> None:
    missing = SourceConfig(uri="sigmf:missing.sigmf-meta")
    config = replace(config, source=(missing,), alert=(AlertConfig(kinds=("tune",)),))
    with pytest.raises(ConfigError, match="'tune'"):
        open_observer(config)
    with pytest.raises(ConfigError, match="'tune'"):
        check_config(config)
