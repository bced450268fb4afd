"""From a radio that is plugged in to a configuration that works."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.config import Config, load_config, override
from edgespec.errors import ConfigError, SourceError, UsageError
from edgespec.observer.radio_opening import open_band_source
from edgespec.ops.setup.bandplan import BANDS, band_of
from edgespec.ops.setup.found import FoundRadio, check_sources, found_radios, nothing_named
from edgespec.ops.setup.plan import chosen_source, listing, plan_for
from edgespec.port import free_port
from edgespec.sources.soapy.listed import SoapyRadio
from tests.made import band
from tests.made.rtl_tcp_server import RtlTcpServer


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["setup", *map(str, args)])


def usb_tree(folder: Path, *serials: str) -> Path:
    for number, serial in enumerate(serials):
        device = folder / "bus/usb/devices" / f"1-{number}"
        device.mkdir(parents=True)
        (device / "idVendor").write_text("0bda\n")
        (device / "idProduct").write_text("2838\n")
        (device / "serial").write_text(f"{serial}\n")
    return folder


@pytest.mark.parametrize("name", BANDS)
@pytest.mark.parametrize("sensitivity", ["lowest", "highest"])
def test_what_is_written_loads_to_what_was_asked(
    name: str, sensitivity: str, tmp_path: Path
) -> None:
    path = tmp_path / "edgespec.toml"
    plan = plan_for("rtlsdr:7", name, "mqtt://localhost", sensitivity)
    path.write_text(plan.as_toml())
    config = load_config(path)
    assert config == plan.config
    assert config.source[0].address == "rtlsdr:7"
    assert config.source[0].center_freq_hz == BANDS[name].center_freq_hz
    assert config.band[0].id == name
    assert config.detect.sensitivity == sensitivity
    for words in ("calibrate", "monitor", str(path)):
        assert words in plan.as_text(path)


@pytest.mark.parametrize(
    ("text", "hz"),
    [("806M", 806e6), ("433.92 MHz", 433.92e6), ("1.09G", 1.09e9), ("98000000", 98e6)],
)
def test_a_frequency_is_a_band(text: str, hz: float) -> None:
    assert band_of(text).center_freq_hz == pytest.approx(hz)


@pytest.mark.parametrize("text", ["", "lt-b20", "-5M", "nan", "1e99", "12 parsec", "0"])
def test_what_is_no_band_is_said_with_those_there_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"806M, or one of fm, .*lte-b7"):
        band_of(text)


def test_a_written_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "edgespec.toml"
    asked = ("--source", "rtlsdr:", "--band", "ism433", "-o", path)
    got = run(*asked)
    assert got.exit_code == 0, got.output
    assert "5 a day once it is" in got.output
    before = path.read_bytes()
    again = run(*asked)
    assert again.exit_code == 3
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("--source", "rtlsdr:"), 2, "what to watch is not given"),
        (("--source", "soapy:driver=uhd", "--band", "fm"), 2, "--gain 30"),
        (("--source", "rtlsdrr:", "--band", "fm"), 2, "did you mean 'rtlsdr'"),
        (("--source", "rtlsdr:", "--band", "lt-b20"), 2, "did you mean 'lte-b20'"),
        (("--source", "sigmf:nope"), 4, "there is no SigMF recording at nope"),
        (("--source", "raw:nope?datatype=cu8&sample_rate=1M"), 4, "cannot read nope"),
        (("--source", "rtlsdr:", "--band", "fm", "--mqtt", "http://x"), 3, "mqtt://"),
        (("--source", "rtlsdr:", "--band", "fm", "--mqtt", "mqtt://u:secret@x"), 3, "password"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    args: tuple[str, ...], code: int, says: str, tmp_path: Path
) -> None:
    got = run(*args, "-o", tmp_path / "edgespec.toml")
    assert got.exit_code == code
    assert says in got.output
    assert "secret" not in got.output
    assert not list(tmp_path.iterdir())


def test_a_recording_is_watched_as_it_was_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another frequency or gain is refused where it is asked for, and said where it is written."""
    uri = band.write_sigmf(tmp_path / "made", np.ones(200_000, np.complex64))
    name = f"{band.CENTER_HZ / 1e6:.10g} MHz"
    for asked, says in (
        (("--band", "fm"), rf"--band is 98 MHz, but .* was recorded at {name}"),
        (("--gain", 30), r"--gain is 30, but .* has no gain to set"),
    ):
        refused = run("--source", uri, *asked, "-o", tmp_path / "edgespec.toml")
        assert refused.exit_code == 2
        assert re.search(says, refused.output)
    near = run("--source", uri, "--band", name, "-o", tmp_path / "edgespec.toml")
    assert near.exit_code == 0, near.output
    config = load_config(tmp_path / "edgespec.toml")
    open_band_source(config, [None]).close()
    assert not caplog.records
    elsewhere = replace(config.source[0], center_freq_hz=98e6, sample_rate_hz=7e6, gain_db=3.0)
    open_band_source(replace(config, source=(elsewhere,)), [None]).close()
    assert [one.message.split(" is ")[0] for one in caplog.records] == [
        "source radio0: center_freq_hz",
        "source radio0: sample_rate_hz",
        "source radio0: gain_db",
    ]


def test_radios_on_the_bus_and_on_this_host_are_found(tmp_path: Path) -> None:
    nobody = ("127.0.0.1", free_port())
    assert found_radios(tmp_path, nobody, list) == []
    soapy = (
        SoapyRadio("rtlsdr", "00000001", "driver=rtlsdr,serial=00000001", "Generic RTL2832U"),
        SoapyRadio("uhd", "3", "driver=uhd,serial=3", "B200"),
    )
    other, one = found_radios(tmp_path, nobody, lambda: soapy)
    assert (other.uri, one.uri) == (f"soapy:{soapy[0].device}", "soapy:driver=uhd,serial=3")
    # What is on the bus as a dongle is named once.
    one, other = found_radios(usb_tree(tmp_path / "one", "00000001"), nobody, lambda: soapy)
    assert other.uri == "soapy:driver=uhd,serial=3"
    assert one.uri == "rtlsdr:00000001"
    twins = found_radios(usb_tree(tmp_path / "twins", "1", "1"), nobody, list)
    assert all("does not tell it from another" in radio.words for radio in twins)
    with RtlTcpServer(b"\x80" * 1000) as server:
        (served,) = found_radios(tmp_path, ("127.0.0.1", server.port), list)
    assert served.uri == f"rtl_tcp:127.0.0.1:{server.port}"


def test_one_radio_is_chosen_and_of_several_one_must_be_named() -> None:
    radios = [FoundRadio("rtlsdr:1", "here"), FoundRadio("rtlsdr:2", "there")]
    assert chosen_source(None, radios[:1]) == "rtlsdr:1"
    assert chosen_source("sigmf:x", radios) == "sigmf:x"
    with pytest.raises(UsageError, match=r"rtlsdr:1 \(here\); rtlsdr:2 \(there\)"):
        chosen_source(None, radios)
    with pytest.raises(SourceError, match="plug in an RTL-SDR"):
        chosen_source(None, [])


def test_without_a_source_it_is_said_what_is_there(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="no source is named"):
        check_sources(Config(), refuse_simulation=False)
    assert "rtlsdr:1?center_freq=806M" in nothing_named([FoundRadio("rtlsdr:1", "here")])
    simulated: Config = override(Config(), source="sim:lte-dl")
    check_sources(simulated, refuse_simulation=False)
    assert "SIMULATION" in caplog.text
    with pytest.raises(ConfigError, match="is the simulation"):
        check_sources(simulated, refuse_simulation=True)


def test_a_gain_of_a_soapy_radio_is_asked_for_and_written(tmp_path: Path) -> None:
    path = tmp_path / "edgespec.toml"
    got = run("--source", "soapy:driver=uhd", "--band", "fm", "--gain", "31.5", "-o", path)
    assert got.exit_code == 0, got.output
    assert load_config(path).source[0].gain_db == 31.5
    radio = FoundRadio("soapy:driver=uhd", "B200")
    assert "soapy:driver=uhd?center_freq=806M&gain=30" in nothing_named([radio])
    long = FoundRadio("soapy:driver=uhd,serial=30F1234", "B200")
    assert "soapy:driver=uhd,serial=30F1234  B200" in listing([long])


def test_the_list_is_for_machines_too() -> None:
    found = json.loads(run("--list", "--json").stdout)
    assert {band["name"] for band in found["bands"]} == set(BANDS)
    assert "ism433" in run("--list").output
