"""What is done with models beside the watching: candidates run, offers are fetched, states told."""

import logging
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from edgespec import __version__
from edgespec.config import Config
from edgespec.door import brief
from edgespec.errors import EdgespecError, ModelError
from edgespec.inference.bundle import parse_bundle
from edgespec.observer.models.examination_apart import examine_apart
from edgespec.observer.models.installing import offer
from edgespec.observer.models.model_switch import ModelSwitch
from edgespec.observer.models.shadow import Shadows
from edgespec.updates.installed import Installed
from edgespec.updates.seen import SeenFile
from edgespec.updates.store import ModelStore
from edgespec.updates.trust import Terms
from edgespec.wire.model_offer import ModelOffer

if TYPE_CHECKING:
    from edgespec.alarm.mqtt import MqttSink
    from edgespec.observer.models.model_fetch import ModelFetch

__all__ = ["Beside", "begin_models"]

_LOG = logging.getLogger(__name__)
_SCHEMA = "edgespec.models/1"


class Beside:
    """The models of an observer's bands: tells what becomes of them, and lets candidates run.

    Args:
        config: of the observer.
        shadows: run candidates.
        broker: is told; None for nobody.
    """

    def __init__(self, config: Config, shadows: Shadows, broker: "MqttSink | None") -> None:
        self._config, self._shadows, self._broker = config, shadows, broker
        self._store = ModelStore(config.node.state_dir)
        self._views = {band.id: config.only(band) for band in config.band}
        self._told: dict[str, dict[str, Any]] = {}
        self._stopping = Flag()
        self.fetch: ModelFetch | None = None

    def try_out(self, band: str, sha256: str | None) -> None:
        """Let a model of the store run beside a band; None: let none run.

        One that the configuration names goes before it.
        """
        named = self._views[band].band[0].shadow
        if named is not None:
            if sha256 is not None:
                said = "band %s: its candidate %s waits: the configuration lets %s run in shadow"
                _LOG.warning(said, band, sha256[:12], named)
            return
        try:
            self._shadows.run(band, None if sha256 is None else self._store.load(sha256))
        except (EdgespecError, OSError) as error:
            _LOG.error("band %s: its candidate cannot run: %.300s", band, error)

    def is_wanted(self, band: str, sha256: str) -> bool:
        """Whether a model that is offered is neither here nor was refused."""
        installed = self._store.installed(band) or Installed()
        return sha256 not in (*installed.named, *installed.refused)

    def terms(self, band: str) -> str:
        """Return what a model of a band is judged by beside its content: settings and packages."""
        view = self._views[band]
        can_verify = find_spec("cryptography") is not None
        by = view.updates, view.source, view.band, view.detect, view.node.computing
        return repr((__version__, can_verify, *by))

    def take(self, offered: ModelOffer, content: bytes) -> None:
        """Check a model that was fetched, and let it run in shadow.

        Raises:
            EdgespecError: it is of nobody trusted, damaged, not the one that was offered, or does
                not fit; nothing has changed.
        """
        view, band = self._views[offered.band], offered.band
        path = Path(f"{brief(offered.name).replace('/', '_')}.edgespec")
        found = parse_bundle(content, path).sha256
        if found != offered.model_sha256:
            # One that was refused must not come back under another id.
            raise ModelError(
                f"it is the model {found[:12]}, and {offered.model_sha256[:12]} was offered: "
                "offer it with `edgespec model publish`"
            )
        examined = partial(examine_apart, content=content, stopping=self._stopping)
        it = offer(view, content, path, Terms(is_remote=True), examined=examined)
        it.accepted.remember(SeenFile(view.node.state_dir))
        self._store.try_out(band, content, "fetched from the broker, to run in shadow")

    def tell(self, band: str) -> None:
        """Tell the broker what there is of a band, where that is new."""
        if self._broker is None:
            return
        said = self.said(band)
        if said != self._told.get(band):
            self._told[band] = said
            self._broker.models(band, said)

    def said(self, band: str) -> dict[str, Any]:
        """Return the object of schema ``edgespec.models/1``."""
        problem = "" if self.fetch is None else self.fetch.problem(band)
        try:
            installed = self._store.installed(band) or Installed()
        except EdgespecError as error:
            installed, problem = Installed(), str(error)
        return {
            "schema": _SCHEMA,
            "node": self._config.node.id,
            "band": band,
            **installed.told,
            "fetching": None if self.fetch is None else self.fetch.progress(band),
            "problem": problem,
        }

    def close(self) -> None:
        """End the fetching, and what is being examined."""
        self._stopping.set()
        if self.fetch is not None:
            self.fetch.close()


def begin_models(
    config: Config, switch: ModelSwitch, shadows: Shadows, broker: "MqttSink | None"
) -> None:
    """Begin to look after the models of an observer, beside the watching.

    Raises:
        ConfigError: the broker's files of certificates cannot be used.
    """
    beside = Beside(config, shadows, broker)
    for one in switch.followed:
        one.on_candidate = partial(beside.try_out, one.band)
    followed = {one.band for one in switch.followed}
    for words in _in_vain(config, followed):
        _LOG.warning("updates.fetch is true, and %s", words)
    if config.updates.fetch and config.mqtt.url is not None and followed:
        from edgespec.mqtt.link import Link
        from edgespec.observer.models.model_fetch import ModelFetch

        mqtt = config.mqtt
        client_id = f"{mqtt.client_id or f'edgespec-{config.node.id}'}-models"
        beside.fetch = ModelFetch(
            Link.of(replace(mqtt, client_id=client_id), client_id),
            mqtt.topic_prefix,
            mqtt.reconnect_max_s,
            [one.band for one in switch.followed],
            config.node.state_dir,
            beside.is_wanted,
            beside.take,
            beside.terms,
        )
        beside.fetch.begin()
    switch.on_look, switch.on_close = beside.tell, beside.close
    switch.begin()


def _in_vain(config: Config, followed: Collection[str]) -> list[str]:
    """Return why nothing is fetched, though it is to be, or not for every band."""
    if not config.updates.fetch:
        return []
    found = []
    if config.mqtt.url is None:
        found.append("no broker is named that it could be from: set mqtt.url")
    if not config.updates.trusted_keys:
        found.append("nobody's signature counts: name a maker's key in updates.trusted_keys")
    if left := [band.id for band in config.band if band.id not in followed]:
        found.append(
            f"nothing is fetched for {', '.join(left)}: only for a live band that names no model "
            "in the configuration"
        )
    return found
