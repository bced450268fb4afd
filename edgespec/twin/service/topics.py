"""Where on the broker the things of central units are."""

from dataclasses import dataclass

from edgespec.alarm.rss import rss_topic

__all__ = ["TwinTopics"]


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
