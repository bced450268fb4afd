"""Where a radio sets its gain itself, no level in dBm is claimed."""

from pathlib import Path

import pytest

from edgespec.config import BandConfig, Config, NodeConfig, SourceConfig
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.observer.fixed_gain import check_gains
from edgespec.observer.kept.kept import kept_of
from edgespec.observer.opening.opening import setting_of
from edgespec.observer.startup import check_config, open_observer

TUNED = "rtl_tcp:127.0.0.1:1?center_freq=806M"


def config_of(uri: str, full_scale_dbm: float | None = -30.0, **source: object) -> Config:
    band = BandConfig(full_scale_dbm=full_scale_dbm)
    return Config(source=(SourceConfig(uri=uri, **source),), band=(band,))


@pytest.mark.parametrize(
    "uri",
    [
        f"{TUNED}&gain=auto",
        f"{TUNED}&gain=30&agc=1",
        "rtlsdr:1?center_freq=806M&gain=AGC",
        "soapy:driver=x?center_freq=806M&gain=auto",
    ],
)
def test_a_gain_of_its_own_is_refused_before_anything_is_opened(uri: str) -> None:
    for check in (check_gains, check_config, open_observer):
        with pytest.raises(ConfigError, match=r"'band0' is calibrated .* sets its gain itself"):
            check(config_of(uri))
    check_gains(config_of(uri, None))


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        (TUNED, {}),
        (TUNED, {"gain_db": 20.0}),
        (f"{TUNED}&gain=20&agc=0", {}),
        ("sigmf:x.sigmf-meta", {}),
        ("sim:lte-dl", {}),
    ],
)
def test_a_fixed_one_and_a_recording_are_not(uri: str, source: dict[str, object]) -> None:
    check_gains(config_of(uri, **source))


@pytest.mark.parametrize(
    ("uri", "source", "band", "gain_db"),
    [
        (f"{TUNED}&gain=20", {}, {}, 20.0),
        (f"{TUNED}&gain=20", {"gain_db": 30.0}, {}, 20.0),
        (TUNED, {"gain_db": 30.0}, {}, 30.0),
        (
            TUNED,
            {"gain_db": 30.0, "dwell_s": 2.0},
            {"gain_db": 10.0, "center_freq_hz": 806e6},
            10.0,
        ),
        (f"{TUNED}&gain=auto", {"gain_db": 30.0}, {}, None),
        ("raw:-?datatype=cu8&sample_rate=1.92e6", {"gain_db": 30.0}, {}, 30.0),
    ],
)
def test_what_is_learnt_and_calibrated_goes_with_the_gain_that_the_radio_is_set_to(
    tmp_path: Path,
    uri: str,
    source: dict[str, float],
    band: dict[str, float],
    gain_db: float | None,
) -> None:
    """It went by ``source.gain_db`` alone: at another gain of the address levels were compared."""
    config = Config(
        node=NodeConfig(state_dir=tmp_path),
        source=(SourceConfig(uri=uri, **source),),
        # Only those that take turns have gains of their own.
        band=(BandConfig(**band), BandConfig(id="other", center_freq_hz=900e6))[: 1 + bool(band)],
    )
    assert kept_of(config, config.band[0], uri, None).gain_db == gain_db
    grid = Recipe.for_rate(1.92e6).framing.grid(806e6)
    assert setting_of(config, grid, 0.0064, None).gain_db == gain_db
