"""What a source's address says is understood or refused with advice, before anything is opened."""

import pytest

from edgespec.config import BandConfig, Config, SourceConfig
from edgespec.errors import EdgespecError, UsageError
from edgespec.observer.startup import check_config
from edgespec.sources.schemes import SOURCES, parse_source

#: What is missing where an address says nothing else.
OTHERS = {"center_freq_hz": 806e6, "gain_db": 20.0}


def config_of(uri: str) -> Config:
    return Config(source=(SourceConfig(uri=uri, **OTHERS),), band=(BandConfig(),))


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("sim:duration=5", "the signal in 'sim:duration=5' is 'duration=5'; known are lte-dl"),
        ("sim:lte-dl&seed=1", r"says seed without a \? before it: .* sim:lte-dl\?seed=1"),
        ("sim:lte-dl?pci=2000", "2000"),
        ("sim:lte-dl?duty=2", "gives duty but no interferer"),
        ("rtlsdr:gain=20", r"says gain without a \? before it: .* rtlsdr:\?gain=20"),
        ("rtlsdr:serial=1", "no serial of a dongle; write rtlsdr:SERIAL .* behind a"),
        ("rtl_tcp:h:1&gain=20", r"says gain without a \? before it: .* rtl_tcp:h:1\?gain=20"),
        ("rtl_tcp:h:1&gian=20", "cannot be understood; write rtl_tcp:HOST:PORT"),
        ("rtl_tcp:h:99999", "cannot be understood; write rtl_tcp:HOST:PORT"),
        ("rtl_tcp:h:1?gain=loud", "gain in .* is 'loud', which is not a number"),
        ("rtl_tcp:h:1?sample_rate=5M", "an RTL-SDR cannot sample at 5e.06"),
        ("rtl_tcp:h:1?direct_sampling=x", "must be i or q"),
        ("soapy:uhd", "'uhd' in 'soapy:uhd' is no pair .* soapy:driver=uhd,serial=1"),
        ("soapy:driver=uhd&gain=20", r"says gain without a \? before it"),
        ("soapy:driver=uhd&gian=20", "is no pair that names a radio"),
        ("soapy:driver=uhd?gains=LNA", "is no pair: write KEY=VALUE"),
        ("raw:a.bin", "does not say the datatype and the sample_rate"),
        ("raw:a.bin&datatype=cu8&sample_rate=2M", r"raw:a.bin\?datatype=cu8&sample_rate=2M"),
        ("raw:a.bin?datatype=cu9&sample_rate=2M", "cu9"),
        ("wav:a.wav?sample_rate=fast", "sample_rate in .* is 'fast'"),
        ("wav:a.wav?loop=perhaps", "write loop=1 or loop=0"),
        ("sigmf:a.sigmf-meta?channel=x", "channel in .* is 'x'"),
    ],
)
def test_what_is_not_understood_is_refused_by_config_check(uri: str, says: str) -> None:
    with pytest.raises(EdgespecError, match=says):
        check_config(config_of(uri))


@pytest.mark.parametrize("scheme", [name for name in SOURCES if name != "soapy"])
def test_of_no_scheme_is_an_option_taken_for_the_place(scheme: str) -> None:
    for key in SOURCES[scheme].keys:
        with pytest.raises(UsageError, match=rf"says {key} without a \? before it"):
            parse_source(f"{scheme}:place&{key}=1")


@pytest.mark.parametrize(
    "uri",
    [
        "sim:lte-dl?seed=1",
        "rtlsdr:",
        "rtlsdr:00000001?gain=auto",
        "rtl_tcp:[::1]:1234?ppm=-3",
        "soapy:",
        "soapy:driver=uhd,serial=A1?gain=30",
        # A path may hold any character but a question mark.
        "sigmf:a & b, gain=3.sigmf-meta",
        "wav:x&y=z.wav",
        "raw:a.bin?datatype=cu8&sample_rate=2M",
    ],
)
def test_what_is_right_is_taken(uri: str) -> None:
    check_config(config_of(uri))


def test_where_nothing_says_a_frequency_or_a_gain_config_check_does() -> None:
    for uri, says in (("rtlsdr:", "what to tune to"), ("soapy:?center_freq=1G", "the gain")):
        with pytest.raises(UsageError, match=f"does not say {says}"):
            check_config(Config(source=(SourceConfig(uri=uri),)))
