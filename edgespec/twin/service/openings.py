"""From site files and trained files to a central unit that is ready to run."""

import platform
import re
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from edgespec.config import MqttConfig
from edgespec.engine.url import EngineUrl
from edgespec.errors import ConfigError, UsageError
from edgespec.mqtt.link import Link
from edgespec.twin.central import SiteTwin
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.service.entrance.entrance import Enter
from edgespec.twin.service.fleet import Disturbance, VirtualJammer, VirtualSite
from edgespec.twin.site import Site, load_site
from edgespec.twin.state import TwinState
from edgespec.twin.trained import TrainedTwin, load_trained, train

__all__ = [
    "TwinMaker",
    "central_id",
    "check_engine",
    "enter_engine",
    "example_site",
    "load_sites",
    "load_trained_for",
    "require_url",
    "warm_up",
]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def example_site() -> str:
    """Return the site file of the hall, with comments."""
    return (files("edgespec.twin") / "sites" / "hall.toml").read_text(encoding="utf-8")


def central_id(name: str | None) -> str:
    """Return the id of a central unit: the one asked for, or the host's name and a random part.

    Raises:
        UsageError: it cannot be part of an MQTT topic.
    """
    if name is None:
        host = re.sub(r"[^A-Za-z0-9_-]+", "-", platform.node().split(".")[0]).strip("-")
        return f"{host[:40] or 'central'}-{uuid.uuid4().hex[:6]}"
    if not _ID.fullmatch(name):
        raise UsageError(f"the id is {name!r}; it must be 1 to 64 letters, digits, - and _")
    return name


def require_url(settings: MqttConfig) -> MqttConfig:
    """Return the settings, checked before anything is compiled.

    Raises:
        ConfigError: they name no broker, or one that cannot be reached so.
    """
    if settings.url is None:
        raise ConfigError(
            "no broker is named: add --mqtt URL, or mqtt.url to the configuration given with "
            "--config"
        )
    Link.of(settings, "check")
    return settings


def check_engine(url: str, mqtt: str | None) -> str:
    """Return the URL of an engine; a broker besides it is refused.

    Raises:
        UsageError: ``--mqtt`` is given as well.
        ConfigError: the URL cannot be used, or what speaks to engines is not installed.
    """
    if mqtt is not None:
        raise UsageError(
            "--engine and --mqtt are both given: with an engine, reports come from it and verdicts "
            "go to it, and the subscribers of its MQTT plugin hear them; leave --mqtt out"
        )
    try:
        import edgespec.engine.line  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"--engine needs pika ({error}): pip install 'edgespec[engine]', or leave it out and "
            "name one broker with --mqtt URL"
        ) from error
    EngineUrl.parse(url)
    return url


def enter_engine(
    url: str, n_partitions: int, catch_up_s: float, settings: MqttConfig, mqtt: str | None
) -> Enter:
    """Return what makes the entrance from an engine.

    Raises:
        UsageError: ``--mqtt`` is given as well.
        ConfigError: the URL cannot be used, or what speaks to engines is not installed.
    """
    check_engine(url, mqtt)
    from edgespec.twin.service.entrance.engine import EngineEntrance

    return partial(EngineEntrance, url, n_partitions, catch_up_s, settings)


def load_sites(paths: Sequence[Path]) -> list[Site]:
    """Return the sites of several files, or of all ``*.toml`` of a folder.

    Raises:
        ConfigError: a file cannot be used, or two of them have the same name.
    """
    named: list[Path] = []
    for path in paths:
        named += sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not named:
        raise ConfigError(f"{', '.join(map(str, paths))} holds no *.toml: name a site file")
    found: dict[str, Path] = {}
    sites = []
    for file in named:
        site = load_site(file)
        if site.name in found:
            raise ConfigError(
                f"{found[site.name]} and {file} are both named {site.name!r}: rename one of them"
            )
        found[site.name] = file
        sites.append(site)
    return sites


def load_trained_for(sites: Sequence[Site], path: Path | None) -> dict[str, TrainedTwin]:
    """Return what was learnt offline, by site; ``path`` is the file of the only site, or a folder
    with ``SITE.npz``.

    Raises:
        ConfigError: a file does not belong to its site, or one file is named for several sites.
    """
    if path is None:
        return {}
    if path.is_dir():
        learnt = {site.name: path / f"{site.name}.npz" for site in sites}
        return {
            site.name: load_trained(learnt[site.name], site)
            for site in sites
            if learnt[site.name].exists()
        }
    if len(sites) > 1:
        raise ConfigError(
            f"{path} is one trained file, but there are {len(sites)} sites: name a folder that "
            "holds SITE.npz for each"
        )
    return {sites[0].name: load_trained(path, sites[0])}


class TwinMaker:
    """Makes twins of sites, and keeps their path gains, which take most of the time.

    Args:
        trained: what was learnt offline, by site.
    """

    def __init__(self, trained: Mapping[str, TrainedTwin]) -> None:
        self._trained = trained
        self._gains: dict[str, PathGain] = {}

    def __call__(self, site: Site, state: bytes) -> SiteTwin:
        """Return a twin that goes on from learnt state; empty for none.

        Raises:
            ConfigError: the state or a file of the site cannot be used.
        """
        self.prepare(site)
        learnt = TwinState.from_bytes(state) if state else None
        return SiteTwin(site, learnt, self._trained.get(site.name), self._gains[site.name])

    def prepare(self, site: Site) -> None:
        """Have the path gains of a site ready, for the moment when it is taken over.

        Raises:
            ConfigError: a file of the site cannot be used.
        """
        if site.name not in self._gains:
            gain = path_gain(site)
            gain.grid()
            self._gains[site.name] = gain


def warm_up(site: Site) -> None:
    """Compile what judges snapshots, or fetch it from the cache, before the first report comes.

    A twin that is thrown away learns and meets a jammer; otherwise the first snapshots would wait
    for the compiler and be stale.
    """
    rng = np.random.default_rng(0)
    middle = VirtualJammer(0.5 * site.size_m[0], 0.5 * site.size_m[1], 40.0)
    quiet = VirtualSite(site, Disturbance(), rng)
    loud = VirtualSite(site, Disturbance(), rng, [middle])
    interval_ns = round(site.detect.interval_s * 1e9)
    n_normal = 3 * site.detect.averages + 50
    normal = [
        report
        for k in range(1, n_normal)
        for report in quiet.reports(k * interval_ns, k * site.detect.interval_s)
    ]
    twin = SiteTwin(site, trained=train(site, normal))
    for k in range(n_normal, n_normal + 3):
        for report in loud.reports(k * interval_ns, 0.0):
            twin.accept(report, report.utc_ns)
        twin.advance(k * interval_ns + 1)
