"""``edgespec config`` on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgespec.newfile import write_new
from edgespec.output_path import OutputPath

if TYPE_CHECKING:
    from edgespec.config import Config
    from edgespec.inference.bundle import Bundle

__all__ = ["config"]


@click.group()
def config() -> None:
    """Check, explain and create configuration files."""


@config.command("check")
@click.argument("path", type=click.Path(path_type=Path))
def config_check(path: Path) -> None:
    """Check a configuration file and its bundle.

    Opens neither the radio nor the broker; 'edgespec doctor -c PATH' does.
    """
    from edgespec.config import load_config
    from edgespec.observer.opening.cautions import cautions
    from edgespec.observer.opening.dwelling import duty_text
    from edgespec.observer.startup import check_config
    from edgespec.observer.swept.swept import sweep_text

    loaded = load_config(path)
    bundles = check_config(loaded)
    heard = " and ".join(
        f"{loaded.source_of(band).address} with {_named(bundle, loaded.only(band))}"
        for band, bundle in zip(loaded.band, bundles, strict=True)
    )
    click.echo(
        f"{path}: good; {loaded.node.id} listens to {heard}, "
        f"alarms to {loaded.mqtt.public_url or 'the screen only'}"
    )
    for source in loaded.source:
        if source.dwell_s is not None:
            click.echo(duty_text(loaded, source))
        if text := sweep_text(source):
            click.echo(text)
    for words in cautions(loaded):
        click.echo(f"caution: {words}")


def _named(bundle: "Bundle | None", view: "Config") -> str:
    from edgespec.observer.opening.band_model import usual_bundle
    from edgespec.sources.schemes import gives_sweeps

    if gives_sweeps(view.source[0].address):
        return "the scan of sweeps" if bundle is None else f"the model {bundle.manifest.name}"
    if bundle is None or view.band[0].model is None:
        name = usual_bundle(view).manifest.name
        return f"the model {name}, or none where that was made for another sample rate"
    return f"the model {bundle.manifest.name}"


@config.command("schema")
def config_schema() -> None:
    """Print the JSON schema of the configuration."""
    from edgespec.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@config.command("init")
@click.argument("path", type=OutputPath(path_type=Path), required=False)
def config_init(path: Path | None) -> None:
    """Write a commented configuration to PATH, or to stdout."""
    from edgespec.config import template

    if path is None:
        click.echo(template(), nl=False)
        return
    write_new(path, template())
    click.echo(f"wrote {path}; next: edgespec config check {path}", err=True)
