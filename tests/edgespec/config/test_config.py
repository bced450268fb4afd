"""Laws of the configuration: what loads, what is refused, and how the message helps."""

import json
import tomllib
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edgespec.config import (
    Config,
    DetectConfig,
    MqttConfig,
    NodeConfig,
    SourceConfig,
    json_schema,
    load_config,
    override,
    template,
)
from edgespec.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDGESPEC_MQTT_PASSWORD", "EDGESPEC_MQTT_URL", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


TWO_SOURCES = "[[source]]\n[[source]]\nid = 'b'\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "edgespec.toml"
    path.write_text(text, encoding="utf-8")
    return path


def message(folder: Path, text: str) -> str:
    """Return what the loader says to a file it must refuse; every message names the file."""
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def tables_of(config: Config) -> list[Any]:
    many = (*config.source, *config.band, *config.alert, *config.notify)
    return [config.node, *many, config.detect, config.alarm, config.mqtt, config.metrics]


def test_template_loads_to_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, template())) == Config()


def test_template_states_every_option_and_every_default() -> None:
    stated = tomllib.loads(template())
    for name, records in asdict(Config()).items():
        if records == ():
            # What there is none of by default is an example, all of it.
            assert f"\n#[[{name}]]\n" in template()
            assert name not in stated
            continue
        for key, value in (records[0] if isinstance(records, tuple) else records).items():
            assert f"\n{key} = " in template() or f"\n#{key} = " in template()
            table = stated[name][0] if isinstance(records, tuple) else stated[name]
            if key in table:
                assert table[key] == (list(value) if isinstance(value, tuple) else value)
            else:
                assert value in (None, ()) or name == "node"


def test_template_examples_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("x")
    # A radio that is tuned in turns has no centre of its own: that is another example.
    apart = ("#dwell_s", "#settle_s", "#gain_db = 25.0")
    lines = [
        line.removeprefix("#") if line.startswith("#") and not line.startswith("# ") else line
        for line in template().splitlines()
        if not line.startswith(("#password =", "#state_dir", *apart))
    ]
    text = "\n".join(lines).replace('id = "..."', 'id = "n"').replace("/run/secrets/mqtt", "pw")
    config = load_config(write(tmp_path, text))
    empty = {
        f.name for t in tables_of(config) for f in fields(t) if getattr(t, f.name) in (None, ())
    }
    assert empty == {name.removeprefix("#").split()[0] for name in apart}
    assert len(config.alert) == 1


def test_no_file_is_the_defaults_and_so_is_an_empty_one(tmp_path: Path) -> None:
    assert load_config(None) == load_config(write(tmp_path, "")) == Config()


def test_stated_values_arrive_with_their_types(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path,
            """
            [[source]]
            id = "roof"
            center_freq_hz = 806000000
            [[band]]
            source = "roof"
            model = "models/cell.edgespec"
            [detect]
            detectors = ["energy"]
            k = 3
            n = 4
            """,
        )
    )
    assert config.source[0] == SourceConfig(id="roof", center_freq_hz=806e6)
    assert isinstance(config.source[0].center_freq_hz, float)
    assert config.band[0].model == tmp_path / "models" / "cell.edgespec"
    assert config.detect == DetectConfig(detectors=("energy",), k=3, n=4)


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    config = load_config(write(tmp_path, 'node.state_dir = "~/state"'))
    assert config.node.state_dir == tmp_path / "home" / "state"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mqtt]\nusernam = 'x'", ["mqtt.usernam", "did you mean 'username'"]),
        ("[mqqt]\nurl = 'x'", ["mqqt", "did you mean 'mqtt'"]),
        ("[[source]]\nurl = 'x'", ["source[0].url", "'uri'"]),
        ("k = 3", ["k is no known table", "[detect]"]),
        ("[detect]\nkeepalive_s = 3", ["detect.keepalive_s", "[mqtt]"]),
        ("[mqtt]\nzzz = 3", ["mqtt.zzz", "nearest is", "topic_prefix"]),
        ("[record]\nquota = 1", ["record is no known table"]),
    ],
)
def test_unknown_key_names_the_way(tmp_path: Path, text: str, words: list[str]) -> None:
    said = message(tmp_path, text)
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[detect]\nk = 2.0", ["detect.k", "2.0", "a whole number"]),
        ("[detect]\nk = true", ["detect.k", "True", "a whole number"]),
        ("[detect]\nhysteresis = true", ["detect.hysteresis", "a number"]),
        (
            "[detect]\nwarmup_s = '1 s'",
            ["detect.warmup_s", "'1 s'", "a number", "at least 0 and at most 7200 s"],
        ),
        ("[detect]\ndetectors = 'energy'", ["detect.detectors", "a list"]),
        ("[detect]\ndetectors = [1]", ["detect.detectors", "a text"]),
        ("[node]\nstate_dir = 7", ["node.state_dir", "a path"]),
        ("[node]\nid = 2020-01-01", ["node.id", "a text"]),
        ("node = 'me'", ["[node]"]),
        ("[source]\nuri = 'sim:lte-dl'", ["[[source]]"]),
        ("[[node]]\nid = 'a'", ["[node]"]),
    ],
)
def test_wrong_type_says_what_is_accepted(tmp_path: Path, text: str, words: list[str]) -> None:
    said = message(tmp_path, text)
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[detect]\nfalse_alarm_rate = 0",
            ["false_alarm_rate", "0.0", "at least 1e-09 and below 1"],
        ),
        ("[detect]\nfalse_alarm_rate = 1.0", ["false_alarm_rate", "1.0"]),
        ("[detect]\nwarmup_s = -1", ["detect.warmup_s", "-1", "at least 0 and at most 7200 s"]),
        ("[detect]\nwarmup_s = nan", ["detect.warmup_s", "nan"]),
        ("[detect]\nwarmup_s = inf", ["detect.warmup_s", "inf"]),
        (f"[detect]\nwarmup_s = {10**400}", ["detect.warmup_s"]),
        ("[detect]\nthreshold = 'mean'", ["'mean'", "'quantile'", "'gaussian'"]),
        ("[detect]\nk = 4", ["detect.k", "4", "n is 3"]),
        ("[detect]\ndetectors = []", ["detect.detectors is empty"]),
        ("[detect]\ndetectors = ['energy', 'energy']", ["once"]),
        ("[alarm]\nquiet_hours = ['22-6']", ["alarm.quiet_hours", "'22-6'", "22:00-06:00"]),
        ("[alarm]\nquiet_hours = ['10:00-10:00']", ["'10:00-10:00'", "begin when they end"]),
        ("[history]\nmax_bytes = 100", ["history.max_bytes", "100", "at least 1000000"]),
        ("[alarm]\ntime_zone = 'Berlin'", ["alarm.time_zone", "'Berlin'", "Europe/Berlin"]),
        ("[[alert]]\nhours = ['8-18']", ["alert[0].hours", "'8-18'", "mon-fri 08:00-18:00"]),
        ("[[alert]]\nkinds = ['Tone!']", ["alert[0].kinds", "'Tone!'"]),
        ("[[alert]]\nlower_hz = 2\nupper_hz = 1", ["alert[0].lower_hz", "below"]),
        ("[alert]\nmin_duration_s = 1", ["[[alert]]"]),
        ("[mqtt]\nprotocol = '4'", ["mqtt.protocol", "'4'", "'3.1.1'", "'5'"]),
        ("[web]\nlisten = '127.0.0.1:65536'", ["web.listen", "65536", "at most 65535"]),
        ("[metrics]\nlisten = '[::1]:99999'", ["metrics.listen", "99999", "at most 65535"]),
        ("[mqtt]\nkeepalive_s = 70000", ["mqtt.keepalive_s", "70000", "65535"]),
        ("[mqtt]\ntopic_prefix = 'a/#'", ["mqtt.topic_prefix", "'a/#'"]),
        (f"[mqtt]\ntopic_prefix = '{'a' * 1001}'", ["mqtt.topic_prefix", "at most 1000 letters"]),
        (f"[mqtt]\nusername = '{'é' * 16001}'", ["mqtt.username", "at most 16000 characters"]),
        ("[mqtt]\nspool_max_bytes = 1", ["mqtt.spool_max_bytes is 1", "16384", "or 0"]),
        ("[node]\nid = 'a/b'", ["node.id", "'a/b'", "letters"]),
        ("[[source]]\nsample_rate_hz = 0", ["source[0].sample_rate_hz", "at least 1 and at most"]),
        ("[[source]]\nuri = ''", ["source[0].uri", "rtlsdr:"]),
        ("[[band]]\nsource = 'roof'", ["'band0'", "'roof'", "radio0"]),
        ("[[source]]\n[[source]]", ["two [[source]]", "'radio0'", "differ"]),
        ("[[band]]\n[[band]]", ["two [[band]]", "'band0'", "differ"]),
        ("[[source]]\n[[source]]\nid = 'b'", ["no band", "'b'", "add a [[band]]", "delete"]),
        ("source = []", ["there is no [[source]]"]),
        ("band = []", ["there is no [[band]]"]),
        (
            f"{TWO_SOURCES}[[band]]\n[[band]]\nid = 'y'\nsource = 'c'",
            ["'y'", "'c'", "source = 'radio0' or 'b'"],
        ),
        ("[node]\nsite = 's'\n[[band]]\n[[band]]\nid = 'b'", ["node.site", "'s'", "[[band]]"]),
        (
            "[[band]]\nsite = 's'\n[[band]]\nid = 'b'\nsite = 's'",
            ["two bands", "'s'", "the power of one band"],
        ),
    ],
)
def test_bad_value_is_shown_with_what_is_accepted(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    said = message(tmp_path, text)
    assert [word for word in words if word not in said] == []


def test_syntax_error_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in message(tmp_path, "[node]\nid = = 3")


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match=r"missing\.toml.*edgespec config init"):
        load_config(missing)
    with pytest.raises(ConfigError, match="directory"):
        load_config(tmp_path)
    missing.write_bytes(b'[node]\nid = "\xff"')
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(missing)


def test_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2 \r\n", encoding="utf-8")
    config = load_config(write(tmp_path, "[mqtt]\npassword_file = 'secret'"))
    assert config.mqtt.password == "hunter2 "


def test_password_file_that_does_not_help(tmp_path: Path) -> None:
    said = message(tmp_path, "[mqtt]\npassword_file = 'none'")
    assert "mqtt.password_file" in said
    assert "none" in said
    said = message(tmp_path, "[mqtt]\npassword_file = 'none'\npassword = 'hunter2'")
    assert "both password and password_file" in said
    assert "hunter2" not in said


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "[mqtt]\nurl = 'mqtt://a'\npassword = 'old'")
    monkeypatch.setenv("EDGESPEC_MQTT_PASSWORD", "hunter2")
    monkeypatch.setenv("EDGESPEC_MQTT_URL", "mqtt://b")
    for config in (load_config(path), load_config(None)):
        assert (config.mqtt.url, config.mqtt.password) == ("mqtt://b", "hunter2")


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://me:hunter2@host",
        "me:hunter2@host",
        "mqtt://:hunter2@host",
        "mqtts://me:a:b@hunter2@host:8883",
    ],
)
def test_secrets_are_never_shown(tmp_path: Path, url: str) -> None:
    config = override(load_config(write(tmp_path, "[mqtt]\npassword = 'hunter2'")), mqtt=url)
    assert config.mqtt.url == url
    assert "hunter2" not in repr(config)
    assert "username=None" in repr(config.mqtt)
    assert "hunter2" not in message(tmp_path, "[mqtt]\npassword = ['hunter2']")


def test_repr_shows_what_is_not_secret() -> None:
    text = repr(MqttConfig(url="mqtt://host:1883", username="me"))
    assert "url='mqtt://host:1883'" in text
    assert "username='me'" in text
    assert "password=None" in text


def test_override_changes_what_it_names_and_nothing_else() -> None:
    config = Config()
    assert override(config) == config
    changed = override(config, source="raw:x", model=Path("m"), mqtt="mqtt://h", node="n")
    assert changed.source[0].uri == "raw:x"
    assert changed.band[0].model == Path("m")
    assert changed.mqtt.url == "mqtt://h"
    assert changed.node.id == "n"
    assert changed.detect == config.detect
    with pytest.raises(ConfigError, match=r"false_alarm_rate is 2"):
        override(config, false_alarm_rate=2.0)


def test_state_directory_follows_systemd_then_xdg_then_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/x")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert Config().node.state_dir == Path("/home/x/.local/state/edgespec")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Config().node.state_dir == tmp_path / "edgespec"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/edgespec:/var/lib/other")
    assert Config().node.state_dir == Path("/var/lib/edgespec")


@pytest.mark.parametrize(
    ("host", "node"), [("pi.lan", "pi"), ("my pi#1", "my-pi-1"), ("", "edgespec")]
)
def test_node_id_is_the_host_name_made_safe(
    monkeypatch: pytest.MonkeyPatch, host: str, node: str
) -> None:
    monkeypatch.setattr("platform.node", lambda: host)
    assert Config().node.id == node


def test_schema_is_valid_and_accepts_the_template() -> None:
    schema = json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(tomllib.loads(template()))


@pytest.mark.parametrize(
    "text",
    [
        "[mqtt]\nusernam = 'x'",
        "[detect]\nk = 0",
        "[detect]\nk = 1.5",
        "[detect]\nfalse_alarm_rate = 1",
        "[detect]\nthreshold = 'mean'",
        "[detect]\ndetectors = []",
        "[node]\nid = 'a/b'",
        "[source]\nuri = 'sim:lte-dl'",
    ],
)
def test_schema_refuses_what_the_loader_refuses(tmp_path: Path, text: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert not validator.is_valid(tomllib.loads(text))
    message(tmp_path, text)


def test_schema_describes_every_option() -> None:
    for table in json_schema()["properties"].values():
        assert table["description"]
        for option in table.get("items", table)["properties"].values():
            assert option["description"]


def test_several_sources_and_bands(tmp_path: Path) -> None:
    text = TWO_SOURCES + "[[band]]\nsite = 's'\n[[band]]\nid = 'x'\nsource = 'b'\n"
    text += "[[band]]\nid = 'y'\nsource = 'b'\nmodel = 'm.edgespec'\n"
    path = tmp_path / "edgespec.toml"
    path.write_text(text)
    jsonschema.Draft202012Validator(json_schema()).validate(tomllib.loads(text))
    config = load_config(path)
    assert [band.id for band in config.band] == ["band0", "x", "y"]
    assert [config.source_of(band).id for band in config.band] == ["radio0", "b", "b"]
    assert [config.site_of(band) for band in config.band] == ["s", None, None]
    alone = config.only(config.band[2])
    assert (alone.source, alone.band) == (config.source[1:], config.band[2:])
    assert override(config, backend="numba").band[2].backend == "numba"
    with pytest.raises(ConfigError, match=r"several sources \(radio0, b\).*into the file"):
        override(config, source="sim:lte-dl")


def test_the_site_of_an_only_band_may_be_that_of_the_node() -> None:
    config = Config(node=NodeConfig(site="s"))
    assert config.site_of(config.band[0]) == "s"
    assert config.site_of(replace(config.band[0], site="t")) == "t"


def test_choices_are_shown_as_they_are_written() -> None:
    """Some are members of an enumeration."""
    assert "one of 'auto', 'compiled', 'plain'" in " ".join(template().replace("\n# ", " ").split())
