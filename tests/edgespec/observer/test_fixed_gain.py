"""Where a radio sets its gain itself, no level in dBm is claimed."""

import pytest

from edgespec.config import BandConfig, Config, SourceConfig
from edgespec.errors import ConfigError
from edgespec.observer.fixed_gain import check_gains
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
