"""Where on the broker things are: the topics of observers and of central units."""

from dataclasses import dataclass

from edgespec.errors import ConfigError

__all__ = ["MEMBERS", "TWIN", "ModelTopics", "Topics", "TwinTopics", "rss_topic"]

#: No node and no site is called so; :data:`edgespec.option.NODE_ID` and ``SITE_ID`` see to it.
TWIN, MEMBERS, _MODELS = "twin", "members", "models"
_WILD = ("+", "#", "\0")


def rss_topic(prefix: str, node: str, site: str) -> str:
    """Return the topic of one observer's reports; ``+`` for ``node`` stands for all of them."""
    return f"{prefix}/{node}/rss/{site}"


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics below ``<prefix>/<node>``: of the observer, of its bands and of its radios.

    Raises:
        ConfigError: a part is empty or holds a character that MQTT gives a meaning
            (MQTT 3.1.1, sec. 4.7); only the prefix may have several levels.
    """

    prefix: str
    node: str
    bands: tuple[str, ...]
    radios: tuple[str, ...]

    def __post_init__(self) -> None:
        _check("mqtt.topic_prefix", self.prefix, _WILD)
        if self.prefix.startswith(("$", "/")) or self.prefix.endswith("/"):
            raise ConfigError(
                f"mqtt.topic_prefix is {self.prefix!r}: it must not begin with '$' or '/' "
                "or end with '/'"
            )
        if self.node in (TWIN, _MODELS):
            raise ConfigError(f"the node id is {self.node!r}, a level of other topics")
        named = (("node", (self.node,)), ("band", self.bands), ("radio", self.radios))
        for name, ids in named:
            for given in ids:
                _check(f"the {name} id", given, (*_WILD, "/"))

    @property
    def availability(self) -> str:
        """``online`` or ``offline``: retained, QoS 1, also the last will."""
        return f"{self.prefix}/{self.node}/availability"

    def radio_availability(self, radio: str) -> str:
        """The same for a radio."""
        return f"{self.prefix}/{self.node}/radio/{radio}/availability"

    @property
    def info(self) -> str:
        """Who this is: retained."""
        return f"{self.prefix}/{self.node}/info"

    @property
    def state(self) -> str:
        """How its only or first band is: retained, QoS 0."""
        return f"{self.prefix}/{self.node}/state"

    def states(self, band: str) -> tuple[str, ...]:
        """Where the state of a band is told.

        Those of several bands are kept apart in ``band/<band>/state``; what reads ``state`` alone
        sees the first of them there, as it would see an only one.
        """
        own = (f"{self.prefix}/{self.node}/band/{band}/state",) if len(self.bands) > 1 else ()
        return (self.state, *own) if band == self.bands[0] else own

    def cells(self, band: str) -> str:
        """The cells that it knows what is normal beside: retained."""
        return f"{self.prefix}/{self.node}/band/{band}/cells"

    def model(self, band: str) -> str:
        """Which models are installed in a band, and which one is being fetched: retained."""
        return f"{self.prefix}/{self.node}/model/{band}"

    def alarm(self, band: str) -> str:
        """``ON`` while an alert is open in the band, else ``OFF``: retained."""
        return f"{self.prefix}/{self.node}/alarm/{band}/state"

    @property
    def events(self) -> str:
        """Every message of every event: QoS 1."""
        return f"{self.prefix}/{self.node}/events"

    def request(self, command: str) -> str:
        """What people ask for; ``+`` for ``command`` stands for all of it."""
        return f"{self.prefix}/{self.node}/request/{command}"

    def picture(self, band: str) -> str:
        """What a band looks like, when somebody asked for it: PNG, QoS 1."""
        return f"{self.prefix}/{self.node}/picture/{band}"

    def response(self, command: str) -> str:
        """What the observer answers: QoS 1."""
        return f"{self.prefix}/{self.node}/response/{command}"


@dataclass(frozen=True, slots=True)
class ModelTopics:
    """Topics below ``<prefix>/models``: models that are offered to every observer of a band."""

    prefix: str

    def offer(self, band: str) -> str:
        """The announcement of a model: retained, QoS 1."""
        return f"{self.prefix}/{_MODELS}/{band}"

    def piece(self, band: str, content_sha256: str, number: int) -> str:
        """A piece of it: retained, QoS 1."""
        return f"{self.offer(band)}/{content_sha256}/{number}"

    def part_of(self, topic: str) -> tuple[str, str, int | None]:
        """Return band, hash and number of a topic: of an announcement '' and None."""
        band, *rest = topic.removeprefix(f"{self.prefix}/{_MODELS}/").split("/")
        if len(rest) != 2 or not rest[1].isdecimal() or len(rest[1]) > 6:
            return band, "", None
        return band, rest[0], int(rest[1])


@dataclass(frozen=True, slots=True)
class TwinTopics:
    """Topics below ``<prefix>/twin``, and those of the reports. ``+`` as a site stands for all."""

    prefix: str

    def reports(self, site: str) -> str:
        """All observers' reports of a site."""
        return rss_topic(self.prefix, "+", site)

    def shared_reports(self, site: str) -> str:
        """The same for a group of central units: each report goes to one of them.

        The group is the site's. Two central units are only both in it for the moment of a
        hand-over.
        """
        return f"$share/{site}/{self.reports(site)}"

    def shared_reports_of(self, site: str, node: str) -> str:
        """The same of one observer: where strangers flood the site's topic, it is heard alone."""
        return f"$share/{site}/{rss_topic(self.prefix, node, site)}"

    def transmitters(self, site: str) -> str:
        """Who transmits, told by whoever knows the network: retained."""
        return f"{self.prefix}/twin/{site}/transmitters"

    def verdict(self, site: str) -> str:
        """The last snapshot: retained, QoS 0."""
        return f"{self.prefix}/twin/{site}/verdict"

    def events(self, site: str) -> str:
        """Every message of every event: QoS 1."""
        return f"{self.prefix}/twin/{site}/events"

    def alarm(self, site: str) -> str:
        """``ON`` while an event is open, else ``OFF``: retained, QoS 1."""
        return f"{self.prefix}/twin/{site}/alarm"

    def state(self, site: str) -> str:
        """What a successor needs: retained, QoS 1."""
        return f"{self.prefix}/twin/{site}/state"

    def member(self, central: str) -> str:
        """Presence of one central unit: retained, QoS 1, emptied by its last will."""
        return f"{self.prefix}/twin/members/{central}"

    @property
    def members(self) -> str:
        """Presence of all."""
        return self.member("+")

    def part_of(self, topic: str) -> tuple[str, str]:
        """Return what a topic below ``<prefix>/twin`` is about and whose: (``state``, ``hall``).

        Both are empty for any other topic; for a member it is ``("members", id)``.
        """
        levels = topic.removeprefix(f"{self.prefix}/twin/").split("/")
        if len(levels) != 2 or not topic.startswith(f"{self.prefix}/twin/"):
            return "", ""
        return (levels[0], levels[1]) if levels[0] == "members" else (levels[1], levels[0])


def _check(name: str, value: str, forbidden: tuple[str, ...]) -> None:
    if not value or any(character in value for character in forbidden):
        signs = " ".join(repr(character) for character in forbidden)
        raise ConfigError(
            f"{name} is {value!r}, which cannot be part of an MQTT topic: it must not be empty "
            f"or contain {signs}"
        )
