"""A radio that takes turns with its bands, as a configuration says it, and what does not fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import BandConfig, Config, NodeConfig, SourceConfig
from edgespec.errors import ConfigError, UsageError
from edgespec.inference.bundle import shipped_bundle_path
from edgespec.observer.fixed_gain import fixed_gain_db, gains_of, scale_of
from edgespec.observer.opening.dwelling import duty_text, take_turns
from edgespec.observer.radio_opening import open_band_source, open_radio
from edgespec.observer.startup import check_config, open_observer
from edgespec.ops.checks.finding import Subject
from edgespec.ops.doctor import run_check
from edgespec.sources.dwell import DwellSource, Turn
from edgespec.sources.tuner import DEFAULT_GAIN_DB
from tests.made.turning_tape import CENTERS_HZ, TurningTape

SIM = "sim:lte-dl?seed=1"
LOW, HIGH = 806e6, 1806e6


def two_bands(**source: object) -> Config:
    given = {"uri": SIM, "sample_rate_hz": 1.92e6, "dwell_s": 10.0, **source}
    return Config(
        source=(SourceConfig(**given),),
        band=(
            BandConfig(id="low", center_freq_hz=LOW),
            BandConfig(id="high", center_freq_hz=HIGH, dwell_s=20.0),
        ),
    )


def with_bands(config: Config, *changes: dict[str, object]) -> Config:
    pairs = zip(config.band, changes, strict=True)
    return replace(config, band=tuple(replace(band, **change) for band, change in pairs))


def test_a_radio_is_tuned_to_the_centre_of_each_of_its_bands() -> None:
    config = two_bands()
    check_config(config)
    assert config.turns_of(config.source[0]) == {LOW: 10.0, HIGH: 20.0}
    radio = open_radio(config, config.source[0])
    try:
        assert isinstance(radio.source, DwellSource)
        assert radio.source.turns == (Turn(LOW, 10.0), Turn(HIGH, 20.0))
        assert radio.centers_hz == (LOW, HIGH)
        middles = [sum(chain.grid.range_hz) / 2 for chain in radio.chains]
        assert middles == pytest.approx([LOW, HIGH], abs=1.0)
        assert [chain.info.band for chain in radio.chains] == ["low", "high"]
    finally:
        radio.source.close()


def test_bands_of_one_centre_share_a_turn_as_long_as_the_longest() -> None:
    config = two_bands()
    third = BandConfig(id="third", center_freq_hz=LOW, dwell_s=15.0)
    config = replace(config, band=(*config.band, third))
    assert config.turns_of(config.source[0]) == {LOW: 15.0, HIGH: 20.0}


def test_a_band_alone_is_all_that_a_radio_shows_which_stays() -> None:
    """What looks at one band tunes there, and waits for no turn."""
    config = two_bands()
    view = config.only(config.band[1])
    source, band = view.source[0], view.band[0]
    assert (source.center_freq_hz, source.dwell_s) == (HIGH, None)
    assert (band.center_freq_hz, band.dwell_s) == (None, None)
    opened = open_band_source(view, [None])
    assert not isinstance(opened, DwellSource)
    assert opened.info.center_freq_hz == HIGH


def test_a_radio_that_stays_is_as_it_was() -> None:
    config = Config(source=(SourceConfig(uri=SIM),))
    assert config.turns_of(config.source[0]) == {}
    assert config.only(config.band[0]) == config


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (({}, {"center_freq_hz": None}), "band 'high' has no center_freq_hz"),
        (({}, {"center_freq_hz": LOW}), "nothing to take turns with"),
    ],
)
def test_bands_must_say_where_they_are(changes: tuple[dict[str, object], ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        with_bands(two_bands(), *changes)


DONGLE = "rtl_tcp:127.0.0.1:1"


def test_a_band_may_have_a_gain_of_its_own_and_without_takes_the_sources() -> None:
    config = with_bands(two_bands(uri=DONGLE, gain_db=30.0), {}, {"gain_db": 12.5})
    check_config(config)
    assert gains_of(config, config.source[0]) == {LOW: 30.0, HIGH: 12.5}
    assert [config.only(band).source[0].gain_db for band in config.band] == [30.0, 12.5]
    assert [scale_of(config, band).gain_db for band in config.band] == [30.0, 12.5]
    # With none anywhere, nothing is said of gains in turns, and a dongle has its usual one.
    plain = two_bands(uri=DONGLE)
    assert gains_of(plain, plain.source[0]) == {}
    assert scale_of(plain, plain.band[0]).gain_db == DEFAULT_GAIN_DB
    mixed = with_bands(plain, {"gain_db": 12.5}, {})
    assert gains_of(mixed, mixed.source[0]) == {LOW: 12.5, HIGH: DEFAULT_GAIN_DB}


@pytest.mark.parametrize(
    ("uri", "gain_db"),
    [
        (SIM, None),
        (f"{DONGLE}?gain=auto", None),
        (f"{DONGLE}?gain=12", 12.0),
        ("soapy:driver=x?gains=LNA=20", None),
        ("sigmf:a.sigmf-meta", None),
    ],
)
def test_a_gain_is_told_where_one_is_set(uri: str, gain_db: float | None) -> None:
    config = Config(source=(SourceConfig(uri=uri, gain_db=20.0),))
    assert fixed_gain_db(config, config.band[0]) == gain_db


@pytest.mark.parametrize(
    ("source", "low", "says"),
    [
        ({}, {}, r"band 'high' has gain_db, but 'sim:.* has no gain that could be set: .*soapy"),
        ({"uri": f"{DONGLE}?gain=20"}, {}, "says gain for all its bands"),
        ({"uri": "soapy:driver=x?gains=LNA=20"}, {}, "says gains for all its bands"),
        ({"uri": f"{DONGLE}?gain=auto"}, {}, "says gain for all its bands"),
        ({"uri": "soapy:driver=x"}, {}, "band 'low' has none, and neither has its source"),
    ],
)
def test_gains_of_bands_that_cannot_be_set_are_refused(
    source: dict[str, object], low: dict[str, object], says: str
) -> None:
    config = with_bands(two_bands(**source), low, {"gain_db": 12.5})
    for check in (check_config, open_observer):
        with pytest.raises(ConfigError, match=says):
            check(config)


def test_a_gain_of_a_band_is_of_a_turn() -> None:
    with pytest.raises(ConfigError, match="no dwell_s, and so shows its bands at one gain"):
        Config(source=(SourceConfig(uri=DONGLE),), band=(BandConfig(gain_db=20.0),))
    config = two_bands(uri=DONGLE)
    third = BandConfig(id="third", center_freq_hz=LOW, gain_db=20.0)
    with pytest.raises(ConfigError, match="bands 'low' and 'third' share a turn"):
        replace(config, band=(*config.band, third))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"center_freq_hz": LOW}, "has both center_freq_hz and dwell_s"),
        ({"dwell_s": None}, "dwell_s of band 'high' is 20, but the source 'radio0' has none"),
        ({"dwell_s": None, "settle_s": 0.1}, "settle_s is 0.1, but there is no dwell_s"),
        ({"dwell_s": 0.5}, "dwell_s"),
        ({"settle_s": 3.0}, "settle_s"),
    ],
)
def test_sources_must_not_say_it_otherwise(source: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        two_bands(**source)


def test_a_recording_cannot_be_tuned(tmp_path: Path) -> None:
    config = two_bands(uri=f"sigmf:{tmp_path / 'a.sigmf-meta'}")
    with pytest.raises(ConfigError, match=r"is a recording, .* name a radio .rtl_tcp, rtlsdr, sim"):
        check_config(config)


def test_an_address_must_not_say_where_it_stays() -> None:
    with pytest.raises(ConfigError, match="gives center_freq: take it out"):
        check_config(two_bands(uri=f"{SIM}&center_freq=900e6"))
    with pytest.raises(UsageError, match="no scheme"):
        check_config(two_bands(uri="dongle"))


def test_a_turn_must_leave_time_to_settle() -> None:
    config = with_bands(two_bands(dwell_s=1.0, settle_s=0.8), {}, {"dwell_s": None})
    with pytest.raises(ConfigError, match=r"dwell_s is 1, .* takes 0.8 s to settle.* least 1.6"):
        check_config(config)
    # What the radio itself says is known when it is open.
    radio = TurningTape(dict.fromkeys(CENTERS_HZ, np.zeros(100, np.complex64)))
    with pytest.raises(ConfigError, match=r"dwell_s is 0.005, .* at .* takes 0.003 s to settle"):
        take_turns(radio, dict.fromkeys(CENTERS_HZ, 0.005), None)
    assert take_turns(radio, dict.fromkeys(CENTERS_HZ, 0.006), None).settle_s == 0.003


def test_bands_of_one_radio_have_one_sample_rate() -> None:
    with pytest.raises(ConfigError, match="was made for"):
        check_config(with_bands(two_bands(), {"model": shipped_bundle_path()}, {}))


def test_doctor_looks_at_each_band_and_says_what_is_missed(tmp_path: Path) -> None:
    config = replace(two_bands(), node=NodeConfig(state_dir=tmp_path))
    check = run_check("source", Subject(config))
    assert check.status in ("ok", "warn"), check
    assert "listens to low 33%, high 67% of the time" in check.detail


def test_what_is_missed_is_said(tmp_path: Path) -> None:
    config = two_bands()
    words = duty_text(config, config.source[0])
    assert "listens to low 33%, high 67% of the time" in words
    assert "less than 20 s may come and go" in words
    path = tmp_path / "c.toml"
    path.write_text(
        f"""
        [node]
        state_dir = "{tmp_path}"
        [[source]]
        uri = "{SIM}"
        sample_rate_hz = 1.92e6
        dwell_s = 5
        [[band]]
        id = "low"
        center_freq_hz = 806e6
        [[band]]
        id = "high"
        center_freq_hz = 1806e6
        """
    )
    result = CliRunner().invoke(main, ["config", "check", str(path)])
    assert result.exit_code == 0, result.output
    assert "low 50%, high 50%" in result.output
