"""``edgespec model install``, ``list`` and ``rollback`` on the command line."""

import os
import pwd
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgespec.flags import CONFIG_OPTION, JSON_OPTION

if TYPE_CHECKING:
    from edgespec.config import Config
    from edgespec.updates.store import ModelStore

__all__ = ["model_install", "model_list", "model_promote", "model_rollback"]

_BAND = click.option(
    "--band", "band_id", metavar="ID", help="Which band; needed where there are several."
)


def _view(config_path: Path | None, band_id: str | None) -> "Config":
    """Return the configuration of the one band that is meant."""
    from edgespec.config import load_config
    from edgespec.errors import UsageError
    from edgespec.machine import keep_machine_code
    from edgespec.ops.look.opening import band_of

    config = load_config(config_path)
    if band_id is None and len(config.band) > 1:
        known = ", ".join(band.id for band in config.band)
        raise UsageError(f"the configuration has several bands ({known}): name one with --band")
    _check_user(config.node.state_dir)
    keep_machine_code(config.node.state_dir)
    return config.only(band_of(config, band_id))


def _check_user(state_dir: Path) -> None:
    """Refuse root where the observer is somebody else, who could not take a model back by itself.

    Raises:
        ConfigError: the state directory is another user's.
    """
    from edgespec.errors import ConfigError

    if os.geteuid() != 0 or not state_dir.exists():
        return
    owner = state_dir.stat().st_uid
    if owner:
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        raise ConfigError(
            f"the state directory {str(state_dir)!r} is of the user {name}, who could not take "
            f"back what root installs: sudo -u {shlex.quote(name)} edgespec model ..."
        )


@click.command("install")
@click.argument("path", type=click.Path(path_type=Path))
@CONFIG_OPTION
@_BAND
@JSON_OPTION
def model_install(path: Path, config_path: Path | None, band_id: str | None, as_json: bool) -> None:
    """Check a model here and run it from now on.

    PATH is a bundle, or a folder of bundles, of which the newest that passes is taken. Signature,
    version, expiry, the band's samples and detectors, operators, golden vectors and speed are
    checked first; where anything is wrong, nothing changes. Exits with 5 if no model passes.
    """
    from edgespec.updates.trust import Terms

    _install(_view(config_path, band_id), path, Terms(), "installed by hand", as_json=as_json)


@click.command("rollback")
@CONFIG_OPTION
@_BAND
@click.option(
    "--to",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Install this bundle, though its signed version is lower than one that was here.",
)
@click.option(
    "--why",
    default="",
    metavar="TEXT",
    help="Kept beside it, for whoever looks later.",
)
@JSON_OPTION
def model_rollback(
    config_path: Path | None, band_id: str | None, path: Path | None, why: str, as_json: bool
) -> None:
    """Take the installed model of a band back.

    The one before it runs then, or none that was installed.

    Exits with 5 if there is none to take back, or the one before it is damaged.
    """
    from edgespec.updates.store import ModelStore
    from edgespec.updates.trust import Terms

    view = _view(config_path, band_id)
    words = f"rolled back by hand: {why}" if why else "rolled back by hand"
    if path is not None:
        _install(view, path, Terms(takes_older=True), words, as_json=as_json)
        return
    band, store = view.band[0].id, ModelStore(view.node.state_dir)
    store.roll_back(band, words)
    _say(_told(view, store, band), as_json=as_json)


@click.command("promote")
@CONFIG_OPTION
@_BAND
@click.option("--drop", is_flag=True, help="Give it up instead: it is not taken again.")
@JSON_OPTION
def model_promote(config_path: Path | None, band_id: str | None, drop: bool, as_json: bool) -> None:
    """Make the candidate that runs in shadow the model of its band.

    'edgespec model shadow' says what it would have told. An observer that runs takes it at once.
    Exits with 5 if there is none, or it is damaged, or not to be installed any more: its key is not
    trusted now, or it has expired.
    """
    from edgespec.updates.installed import Installed
    from edgespec.updates.seen import SeenFile
    from edgespec.updates.store import ModelStore
    from edgespec.updates.trust import Terms, accept

    view = _view(config_path, band_id)
    band, store = view.band[0].id, ModelStore(view.node.state_dir)
    if drop:
        store.drop_candidate(band, "given up by hand", is_refused=True)
    else:
        candidate = (store.installed(band) or Installed()).candidate
        if candidate is not None:
            seen = SeenFile(view.node.state_dir).read()
            accept(store.load(candidate), band, view.updates, seen, Terms())
            for words in _against(view, candidate):
                click.echo(f"caution: {words}", err=True)
        store.promote(band, "it ran in shadow, and was promoted by hand")
    _say(_told(view, store, band), as_json=as_json)


def _against(view: "Config", candidate: str) -> list[str]:
    """Return what its report has against a candidate that is promoted all the same."""
    from edgespec.errors import ConfigError
    from edgespec.shadow.report import BAD, findings, load_report, report_path

    try:
        report = load_report(report_path(view.node.state_dir, view.band[0].id))
    except ConfigError as error:
        return [str(error)]
    if report is None or report.candidate.model_sha256 != candidate:
        return [f"there is no report of {candidate[:12]}: nothing says what it would have told"]
    return [f"{one.kind}: {one.words}" for one in findings(report) if one.kind in BAD]


@click.command("list")
@CONFIG_OPTION
@click.option("--band", "band_id", metavar="ID", help="Of this band alone.")
@JSON_OPTION
def model_list(config_path: Path | None, band_id: str | None, as_json: bool) -> None:
    """Say which models are installed in which band.

    And which one a start would run.
    """
    from edgespec.config import load_config
    from edgespec.ops.look.opening import band_of
    from edgespec.updates.store import ModelStore

    config = load_config(config_path)
    store = ModelStore(config.node.state_dir)
    bands = config.band if band_id is None else (band_of(config, band_id),)
    for band in bands:
        _say(_told(config.only(band), store, band.id), as_json=as_json)
    known = {band.id for band in config.band}
    for name in store.bands() if band_id is None else ():
        if name not in known:
            _say(_told(config, store, name), as_json=as_json)


def _install(view: "Config", path: Path, terms: Any, why: str, *, as_json: bool) -> None:
    from edgespec.errors import ModelError
    from edgespec.inference.bundle import read_bundle
    from edgespec.observer.models.installing import install, offer
    from edgespec.ops.updates.candidates import offered
    from edgespec.screen.progress import Progress
    from edgespec.updates.store import ModelStore

    paths, band = offered(path), view.band[0].id
    for number, one in enumerate(paths):
        try:
            with Progress(f"checking {one.name}") as progress:
                it = offer(view, read_bundle(one)[1], one, terms, progress.say)
                install(view, it, why)
        except ModelError as error:
            if number + 1 == len(paths):
                raise
            click.echo(f"{one.name} is not taken: {error}", err=True)
            continue
        told = _told(view, ModelStore(view.node.state_dir), band)
        told["schema"], told["notes"] = "edgespec.install/1", list(it.notes)
        told["backend"], told["max_error"] = it.examined.backend, it.examined.max_error
        told["call_ms"] = 1e3 * it.examined.call_s
        told["hop_ms"] = 1e3 * it.examined.hop_s
        _say(told, as_json=as_json)
        return


def _told(view: "Config", store: "ModelStore", band: str) -> dict[str, Any]:
    """Return what is to be said of the models of a band; it may be of no band of ``view``."""
    from edgespec.errors import ModelError
    from edgespec.updates.installed import Installed
    from edgespec.updates.signature import read_signature

    running = store.running(band)
    try:
        installed = store.installed(band) or Installed()
    except ModelError:
        installed = Installed()
    runs, named = running.bundle, None
    if any(one.id == band and one.model is not None for one in view.band):
        named = str(view.band[0].model)
    signature = None if runs is None else read_signature(runs)
    return {
        "schema": "edgespec.installed/1",
        "band": band,
        **installed.told,
        "runs": None if runs is None else runs.sha256,
        "name": None if runs is None else runs.manifest.name,
        "version": None if signature is None else signature.signed.version,
        "expires": None if signature is None else signature.signed.expires_utc,
        "named": named,
        "caution": running.caution,
    }


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    from edgespec.wire.text import encode

    if as_json:
        click.echo(encode(told))
        return
    click.echo("\n".join(_lines(told)))


def _lines(told: dict[str, Any]) -> list[str]:
    """Return the models of a band for people."""
    version = "" if told["version"] is None else f", version {told['version']}"
    runs = (
        "no installed model: the shipped one at its rate, none at others"
        if told["runs"] is None
        else f"{told['name']} {told['runs'][:12]}{version}"
    )
    lines = [f"{told['band']}: {runs}"]
    lines += [f"  {words}" for words in told.get("notes", ())]
    if told["since"]:
        lines.append(f"  since {told['since'][:19]}Z: {told['why']}")
    if told["previous"]:
        lines.append(f"  before it {told['previous'][:12]}")
    if told["candidate"]:
        since, why = told["candidate_since"] or "", told["candidate_why"]
        lines.append(f"  tried beside it {told['candidate'][:12]}, since {since[:19]}Z: {why}")
    if told["refused"]:
        lines.append(f"  refused {', '.join(one[:12] for one in told['refused'])}")
    if told["named"]:
        lines.append(f"  caution: the configuration names {told['named']}, which goes before it")
    if told["caution"]:
        lines.append(f"  caution: {told['caution']}")
    if "notes" in told:
        lines.append(
            "  an observer that runs follows in a moment, where it was made for the same frames; "
            "else at its next start"
        )
    return lines
