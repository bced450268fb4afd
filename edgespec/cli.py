"""The command line of the observer."""

import json
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from edgespec import __version__
from edgespec.clickglue import EdgespecGroup

if TYPE_CHECKING:
    from edgespec.config import Config

__all__ = ["main"]

_CONFIG = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (TOML); without one, the defaults.",
)
_SOURCE = click.option("--source", help="Source URI, e.g. sigmf:FILE or rtl_tcp:HOST:1234.")
_MODEL = click.option(
    "--model", type=click.Path(path_type=Path), help="Bundle; default: the shipped one."
)
_MQTT = click.option("--mqtt", metavar="URL", help="Broker, e.g. mqtt://localhost:1883.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")


@click.group(cls=EdgespecGroup)
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="Log more, on stderr.")
def main(verbose: bool) -> None:
    """Watch a radio band and raise an alarm when something else appears."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s: %(message)s",
    )


def _load(config_path: Path | None, **options: Any) -> "Config":
    from edgespec.config import load_config, override

    return override(load_config(config_path), **options)


@main.command()
@_CONFIG
@_SOURCE
@_MODEL
@_MQTT
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after this much signal.",
)
@click.option("--require-broker", is_flag=True, help="Exit with 6 unless the broker answers.")
@_JSON
def monitor(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    mqtt: str | None,
    duration: float | None,
    require_broker: bool,
    as_json: bool,
) -> None:
    """Watch a source and tell what is not normal, until it ends or Ctrl-C."""
    from edgespec.alarm.console import JsonLinesSink, TableSink
    from edgespec.startup import open_observer

    config = _load(config_path, source=source, model=model, mqtt=mqtt)
    sink = JsonLinesSink(sys.stdout) if as_json else TableSink(sys.stdout)
    observer = open_observer(config, [sink], require_broker_s=10.0 if require_broker else None)
    sink.header(observer.source.info, observer.bundle.manifest.name, config)
    _stop_on_signals(observer.monitor.stop)
    observer.monitor.run(duration)


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Make Ctrl-C and SIGTERM end the monitor cleanly; a second Ctrl-C ends it at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)


@main.command()
@_CONFIG
@_SOURCE
@_MODEL
@click.option(
    "--duration",
    type=click.FloatRange(min=0.3),
    default=6.0,
    show_default=True,
    metavar="SECONDS",
    help="Time to measure for.",
)
@_JSON
def bench(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    duration: float,
    as_json: bool,
) -> None:
    """Measure front end, model and whole path on this machine."""
    from edgespec.ops.bench import bench as measure
    from edgespec.ops.tables import bench_table

    def progress(text: str) -> None:
        click.echo(f"measuring: {text}", err=True)

    report = measure(_load(config_path, source=source, model=model), duration, progress)
    click.echo(json.dumps(report.as_json()) if as_json else bench_table(report))


@main.command()
@_CONFIG
@_SOURCE
@_MODEL
@_MQTT
@click.option("--warm", is_flag=True, help="Compile the kernels now and keep them.")
@_JSON
def doctor(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    mqtt: str | None,
    warm: bool,
    as_json: bool,
) -> None:
    """Check the machine, the radio, the model and the broker."""
    from dataclasses import asdict

    from edgespec.ops.doctor import exit_code, run_checks
    from edgespec.ops.tables import doctor_table

    config = _load(config_path, source=source, model=model, mqtt=mqtt)
    checks = run_checks(config, warm=warm)
    if as_json:
        for check in checks:
            click.echo(json.dumps({"schema": "edgespec.check/1", **asdict(check)}))
    else:
        click.echo(doctor_table(checks))
    sys.exit(exit_code(checks))


@main.command()
@_MQTT
@click.option(
    "--duration",
    type=click.FloatRange(min=8.0),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to watch.",
)
def demo(mqtt: str | None, duration: float) -> None:
    """Watch a simulated cell, inject an interferer and see its alarm arrive over MQTT."""
    from edgespec.ops.demo import run_demo

    run_demo(mqtt, duration, click.echo, _stop_on_signals)


@main.group()
def config() -> None:
    """Check, explain and create configuration files."""


@config.command("check")
@click.argument("path", type=click.Path(path_type=Path))
def config_check(path: Path) -> None:
    """Check a configuration file and the bundle it names, without opening a radio."""
    from edgespec.config import load_config
    from edgespec.detect.registry import resolve_names
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path

    loaded = load_config(path)
    bundle = load_bundle(loaded.band[0].model or shipped_bundle_path())
    for name in resolve_names(loaded.detect.detectors, bundle.manifest.model.role):
        bundle.manifest.threshold(name, loaded.detect.false_alarm_rate, loaded.detect.threshold)
    click.echo(f"{path}: good; {loaded.node.id} listens to {loaded.source[0].uri}")


@config.command("schema")
def config_schema() -> None:
    """Print the JSON schema of the configuration."""
    from edgespec.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@config.command("init")
@click.argument("path", type=click.Path(path_type=Path), required=False)
def config_init(path: Path | None) -> None:
    """Write a commented configuration to PATH, or to stdout."""
    from edgespec.config import template
    from edgespec.errors import ConfigError

    if path is None:
        click.echo(template())
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise ConfigError(
            f"{path} exists and is not overwritten: choose another name or remove it first"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {path}; next: edgespec config check {path}", err=True)


@main.group()
def model() -> None:
    """Look into bundles."""


@model.command("info")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@_JSON
def model_info(path: Path | None, as_json: bool) -> None:
    """Say what a bundle holds; default: the shipped one."""
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path
    from edgespec.inference.manifest_json import manifest_to_json
    from edgespec.ops.tables import bundle_table

    bundle = load_bundle(path or shipped_bundle_path())
    if as_json:
        manifest = json.loads(manifest_to_json(bundle.manifest))
        click.echo(json.dumps({"sha256": bundle.sha256, **manifest}))
    else:
        click.echo(bundle_table(bundle))


@model.command("verify")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--backend", default="auto", show_default=True, help="Runtime to check it with.")
@_JSON
def model_verify(path: Path | None, backend: str, as_json: bool) -> None:
    """Run a bundle on its golden vectors; exit with 5 if it does not give their outputs."""
    from edgespec.inference.backends import check_golden, open_backend
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path

    bundle = load_bundle(path or shipped_bundle_path())
    runtime = open_backend(bundle, backend)
    error = check_golden(bundle, runtime)
    limit = bundle.manifest.golden_atol
    if as_json:
        result = {
            "schema": "edgespec.verify/1",
            "sha256": bundle.sha256,
            "backend": runtime.name,
            "max_error": error,
            "limit": limit,
        }
        click.echo(json.dumps(result))
    else:
        click.echo(
            f"{bundle.manifest.name}: good; {len(bundle.golden_inputs)} golden vectors agree "
            f"within {error:.1e} (limit {limit:.1e}) in {runtime.name}"
        )
