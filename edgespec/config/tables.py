"""The tables of the configuration: one frozen dataclass each, checked when it is made."""

import os
import platform
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

from edgespec.computing import AUTO, Computing
from edgespec.errors import ConfigError
from edgespec.option import (
    ID,
    MOST_BYTES,
    MOST_HZ,
    NODE_ID,
    SITE_ID,
    about,
    check_record,
    option_of,
)

__all__ = [
    "LEAST_SPOOL_BYTES",
    "MqttConfig",
    "NodeConfig",
    "SourceConfig",
]

#: A spool of less has no room for a message.
LEAST_SPOOL_BYTES = 16_384

# Ids become levels of MQTT topics and unique ids of Home Assistant, which takes no others.
# What is written behind a prefix is much shorter than the 64,535 bytes that MQTT has left then.
_TOPIC = {
    "pattern": r"(?!.{1001})[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*",
    "pattern_text": "at most 1000 letters, digits, - and _, in levels parted by single slashes",
}
#: A string of MQTT has at most 65,535 bytes (MQTT 5, sec. 1.5.4), of which a character takes four.
_STRING = {
    "pattern": r"[^\u0000]{0,16000}",
    "pattern_text": "at most 16000 characters, none of them NUL",
}


def _default_node_id() -> str:
    """Return the host name without its domain, other characters than those of an id as ``-``."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", platform.node().split(".")[0]).strip("-")
    return "twin-1" if name == "twin" else name[:64] or "edgespec"


def _default_state_dir() -> Path:
    """Return the folder of systemd, of the XDG base directories, or the usual one at home."""
    from_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if from_systemd:
        return Path(from_systemd)
    from_xdg = Path(os.environ.get("XDG_STATE_HOME", ""))
    if from_xdg.is_absolute():
        return from_xdg / "edgespec"
    try:
        return Path.home() / ".local" / "state" / "edgespec"
    except RuntimeError:
        raise ConfigError(
            "this user has no home directory to keep state in: set node.state_dir"
        ) from None


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Who this observer is and where it keeps what must survive a restart."""

    id: str = field(
        default_factory=_default_node_id,
        metadata=about("Name of this observer in MQTT topics; default: the host name", **NODE_ID),
    )
    state_dir: Path = field(
        default_factory=_default_state_dir,
        metadata=about(
            "Folder for spool and learnt state; default: $STATE_DIRECTORY, "
            "$XDG_STATE_HOME/edgespec or ~/.local/state/edgespec"
        ),
    )
    computing: str = field(
        default=AUTO,
        metadata=about(
            "How spectra and scores are computed; auto takes compiled loops where Numba is "
            "installed, plain spares the memory of a compiler on small boards",
            choices=(AUTO, *Computing),
        ),
    )
    site: str | None = field(
        default=None,
        metadata=about(
            "Site whose central unit is told the received power of the band once a second; with "
            "several bands, give it in the [[band]] instead",
            example="hall-1",
            **SITE_ID,
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A radio or recording; what is None is left to the source itself."""

    id: str = field(default="radio0", metadata=about("Name that a band refers to", **ID))
    uri: str | None = field(
        default=None,
        metadata=about(
            "Where samples come from: rtlsdr:SERIAL, rtl_tcp:HOST:PORT, soapy:driver=uhd, "
            "sigmf:PATH, wav:PATH, raw:PATH?datatype=cu8&sample_rate=1.92e6, the simulation "
            "sim:lte-dl; or sweeps, sweep:RADIO?start=88M&stop=108M, rtl_power:PATH",
            pattern=r"\S.*",
            pattern_text="a source URI such as rtlsdr: or sigmf:PATH",
            example="rtlsdr:",
        ),
    )
    center_freq_hz: float | None = field(
        default=None,
        metadata=about("Centre frequency", unit="Hz", minimum=0, maximum=MOST_HZ, example=806e6),
    )
    sample_rate_hz: float | None = field(
        default=None,
        metadata=about(
            "Sample rate: the model's, or a whole number of times that where bands are parts of it",
            unit="Hz",
            minimum=1,
            maximum=6e8,
            example=1.92e6,
        ),
    )
    gain_db: float | None = field(
        default=None,
        metadata=about(
            "Fixed gain of the tuner; automatic gain looks like an anomaly",
            unit="dB",
            minimum=-200,
            maximum=200,
            example=20.0,
        ),
    )
    ppm: float = field(
        default=0.0,
        metadata=about(
            "Frequency error of the crystal", unit="ppm", minimum=-1000.0, maximum=1000.0
        ),
    )
    dwell_s: float | None = field(
        default=None,
        metadata=about(
            "The radio is tuned to the center_freq_hz of each of its bands in turn, and listens to "
            "each for so long; default: it stays, and shows all of them at once",
            unit="s",
            minimum=1.0,
            maximum=3600.0,
            example=10.0,
        ),
    )
    settle_s: float | None = field(
        default=None,
        metadata=about(
            "How long nothing is believed of it once it was tuned elsewhere; default: what its "
            "kind takes",
            unit="s",
            minimum=0.0,
            maximum=2.0,
            example=0.3,
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if self.settle_s is not None and self.dwell_s is None:
            raise ConfigError(
                f"settle_s is {self.settle_s:g}, but there is no dwell_s: the radio stays where it "
                "is tuned to; leave settle_s out"
            )

    @property
    def address(self) -> str:
        """The URI.

        Raises:
            ConfigError: none is named.
        """
        if self.uri is None:
            raise ConfigError(
                f"source {self.id!r} has no uri: name a radio or a recording in it or with "
                "--source; `edgespec setup` finds radios and writes a configuration"
            )
        return self.uri


@dataclass(frozen=True, slots=True, repr=False)
class MqttConfig:
    """The broker; without ``url`` nothing is sent.

    The loader has put the content of ``password_file`` into ``password``.
    """

    url: str | None = field(
        default=None,
        metadata=about(
            "Broker, mqtt://HOST:1883 or mqtts://HOST:8883; also in EDGESPEC_MQTT_URL",
            example="mqtt://localhost:1883",
            secret=True,
        ),
    )
    username: str | None = field(
        default=None, metadata=about("User at the broker", example="observer", **_STRING)
    )
    password: str | None = field(
        default=None,
        metadata=about(
            "Password; better in EDGESPEC_MQTT_PASSWORD or password_file",
            example="secret",
            secret=True,
            **_STRING,
        ),
    )
    password_file: Path | None = field(
        default=None,
        metadata=about(
            "File that holds the password", example="/run/secrets/mqtt", holds_secret=True
        ),
    )
    ca_file: Path | None = field(
        default=None,
        metadata=about(
            "Certificates that mqtts trusts; default: the system's",
            example="/etc/ssl/certs/broker.pem",
        ),
    )
    cert_file: Path | None = field(
        default=None,
        metadata=about(
            "Certificate of the observer, where the broker asks for one (PEM, its chain behind it)",
            example="/etc/edgespec/observer.pem",
            # Its key may be in it.
            holds_secret=True,
        ),
    )
    key_file: Path | None = field(
        default=None,
        metadata=about(
            "Its private key, without a passphrase (PEM); default: it is in cert_file",
            example="/etc/edgespec/observer.key",
            holds_secret=True,
        ),
    )
    keepalive_s: float = field(
        default=30.0,
        metadata=about(
            "Silence after which broker and observer check on each other",
            unit="s",
            minimum=1,
            maximum=65535,
        ),
    )
    topic_prefix: str = field(
        default="edgespec", metadata=about("First level of every topic", **_TOPIC)
    )
    client_id: str | None = field(
        default=None,
        metadata=about(
            "Client id at the broker; default: from the node id and what is watched, so that two "
            "observers on one host do not throw each other off",
            example="edgespec-1",
            **_STRING,
        ),
    )
    spool_max_bytes: int = field(
        default=10_000_000,
        metadata=about(
            f"Disk space for events that wait for the broker: at least {LEAST_SPOOL_BYTES}, or 0, "
            "and they wait in memory",
            unit="bytes",
            minimum=0,
            maximum=MOST_BYTES,
        ),
    )
    reconnect_max_s: float = field(
        default=60.0,
        metadata=about(
            "Longest pause between two attempts to connect", unit="s", minimum=0.01, maximum=86_400
        ),
    )
    replay_s: float = field(
        default=60.0,
        metadata=about(
            "Events that the broker confirmed so shortly before the link was found broken are "
            "repeated, marked replayed: a broker that dies may lose what it has confirmed; 0 "
            "repeats none",
            unit="s",
            minimum=0,
            maximum=3600,
        ),
    )
    requests: bool = field(
        default=False,
        metadata=about(
            "Whether people may acknowledge, mute and call events normal over the broker, and ask "
            "for recordings, looks and calibrations: whoever may publish below "
            "<prefix>/<node>/request can then silence alarms"
        ),
    )
    home_assistant: bool = field(
        default=False,
        metadata=about(
            "Whether Home Assistant, 2024.11 or later, is told of the observer below homeassistant/"
        ),
    )
    protocol: str = field(
        default="3.1.1", metadata=about("Version of MQTT", choices=("3.1.1", "5"))
    )
    rss_format: str = field(
        default="json",
        metadata=about(
            "How the received power travels to a site's central unit, which reads both: json can "
            "be read by people, binary has a quarter of the bytes",
            choices=("json", "binary"),
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if 0 < self.spool_max_bytes < LEAST_SPOOL_BYTES:
            raise ConfigError(
                f"mqtt.spool_max_bytes is {self.spool_max_bytes}; it must be at least "
                f"{LEAST_SPOOL_BYTES}, or 0 to stay in memory"
            )
        if self.key_file is not None and self.cert_file is None:
            raise ConfigError(
                f"mqtt.key_file is {str(self.key_file)!r}, but mqtt.cert_file is not given: name "
                "the certificate that belongs to it"
            )

    @property
    def public_url(self) -> str | None:
        """The URL as it may be shown: a password in it is replaced by ``***``.

        So is what would be one if the host were not forgotten.
        """
        if not self.url:
            return self.url
        # Nobody's URL has a query; what people write there may be a password, too.
        url = re.sub(r"[?#][^@]*\Z", "?***", self.url)
        if "@" in url:
            user, password = r"[^:@/]*", r":.*@"
        else:
            user, password = r"[^:@/\[]*", r":(?!\d*/?\Z).*"
        hidden = r"\1:***@" if "@" in url else r"\1:***"
        return re.sub(rf"^((?:(?:[\w.+-]+:)?//)?+{user}){password}", hidden, url, flags=re.DOTALL)

    def __repr__(self) -> str:
        """Show every option but the secrets."""
        hidden = {
            "url": self.public_url,
            **{f.name: "***" for f in fields(self) if option_of(f).secret and f.name != "url"},
        }
        shown = (
            f"{f.name}={value if value is None else hidden.get(f.name, value)!r}"
            for f in fields(self)
            for value in (getattr(self, f.name),)
        )
        return f"MqttConfig({', '.join(shown)})"
