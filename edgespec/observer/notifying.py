"""Who is notified of an observer's alerts."""

from collections.abc import Callable, Sequence

from edgespec.alarm.notify.notifier import Notifier
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.config import Config

__all__ = ["lost_by", "open_notifiers"]

#: How long the disk may take for a recording, beyond the signal in it.
_DISK_S = 5.0


def open_notifiers(config: Config, whereabouts: Whereabouts | None) -> list[Notifier]:
    """Return a sink for each who is named.

    Args:
        config: names them.
        whereabouts: of the recordings around alerts; None where none are kept.

    Raises:
        ConfigError: the file of a token cannot be read.
    """
    evidence_s = config.evidence.after_s + _DISK_S
    return [
        Notifier(settings, config.node.id, f"notify[{number}]", whereabouts, evidence_s)
        for number, settings in enumerate(config.notify)
    ]


def lost_by(notifiers: Sequence[Notifier]) -> Callable[[], int]:
    """Return what says how many notifications nobody took."""
    return lambda: sum(notifier.n_lost for notifier in notifiers)
