"""A model on its way into a band: whose it is, what it shows here, and the switch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgespec.config import Config
from edgespec.inference.bundle import Bundle, parse_bundle
from edgespec.observer.models.examination import Examined, examine
from edgespec.updates.installed import Installed
from edgespec.updates.seen import SeenFile
from edgespec.updates.store import ModelStore
from edgespec.updates.trust import Accepted, Terms, accept

__all__ = ["Offer", "install", "offer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that may run in a band: everything was checked, nothing is written yet."""

    bundle: Bundle
    content: bytes
    accepted: Accepted
    examined: Examined

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it, in sentences without an end."""
        return (*self.accepted.words, self.examined.words, *self.examined.doubts)


def offer(
    config: Config,
    content: bytes,
    path: Path,
    terms: Terms,
    progress: Callable[[str], None] = lambda text: None,
    examined: Callable[[Config, Bundle], Examined] | None = None,
) -> Offer:
    """Check a model for the first band of ``config``: what costs least comes first.

    Args:
        config: of the observer, of one band.
        content: the bytes of the bundle.
        path: stands for them in messages.
        terms: who asks, and when.
        progress: told what is done.
        examined: examines it; default: here and now.

    Raises:
        ModelError: it is damaged, of nobody trusted, older than one that was here, expired, does
            not fit the band, or is wrong or too slow here.
        ConfigError: a trusted key is none, or what was seen before cannot be read.
    """
    progress("reading the bundle")
    bundle = parse_bundle(content, path)
    seen = SeenFile(config.node.state_dir).read()
    accepted = accept(bundle, config.band[0].id, config.updates, seen, terms)
    if examined is None:
        examined = partial(examine, progress=progress)
    return Offer(bundle, content, accepted, examined(config, bundle))


def install(config: Config, it: Offer, why: str) -> Installed:
    """Make an offer the current model of the first band; an observer starts with it.

    Raises:
        ConfigError: the state directory cannot be written; what ran before goes on.
    """
    # A version that was seen and not installed may come again; one that was installed and not seen
    # could be followed by an older one.
    it.accepted.remember(SeenFile(config.node.state_dir))
    return ModelStore(config.node.state_dir).install(config.band[0].id, it.content, why)
