"""Where on the broker things are: the topics of one observer."""

from dataclasses import dataclass

from edgespec.errors import ConfigError

__all__ = ["Topics"]

_WILD = ("+", "#", "\0")


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics below ``<prefix>/<node>``.

    Raises:
        ConfigError: a part is empty or holds a character that MQTT gives a meaning
            (MQTT 3.1.1, sec. 4.7); only the prefix may have several levels.
    """

    prefix: str
    node: str
    band: str
    radio: str

    def __post_init__(self) -> None:
        _check("mqtt.topic_prefix", self.prefix, _WILD)
        if self.prefix.startswith(("$", "/")) or self.prefix.endswith("/"):
            raise ConfigError(
                f"mqtt.topic_prefix is {self.prefix!r}: it must not begin with '$' or '/' "
                "or end with '/'"
            )
        for name in ("node", "band", "radio"):
            _check(f"the {name} id", getattr(self, name), (*_WILD, "/"))

    @property
    def availability(self) -> str:
        """``online`` or ``offline``: retained, QoS 1, also the last will."""
        return f"{self.prefix}/{self.node}/availability"

    @property
    def radio_availability(self) -> str:
        """The same for the radio."""
        return f"{self.prefix}/{self.node}/radio/{self.radio}/availability"

    @property
    def info(self) -> str:
        """Who this is: retained."""
        return f"{self.prefix}/{self.node}/info"

    @property
    def state(self) -> str:
        """How it is: retained, QoS 0."""
        return f"{self.prefix}/{self.node}/state"

    @property
    def alarm(self) -> str:
        """``ON`` while an event is open, else ``OFF``: retained."""
        return f"{self.prefix}/{self.node}/alarm/{self.band}/state"

    @property
    def events(self) -> str:
        """Every message of every event: QoS 1."""
        return f"{self.prefix}/{self.node}/events"


def _check(name: str, value: str, forbidden: tuple[str, ...]) -> None:
    if not value or any(character in value for character in forbidden):
        signs = " ".join(repr(character) for character in forbidden)
        raise ConfigError(
            f"{name} is {value!r}, which cannot be part of an MQTT topic: it must not be empty "
            f"or contain {signs}"
        )
