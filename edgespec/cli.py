"""The command line of the observer."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgespec import __version__
from edgespec.clickglue import EdgespecGroup
from edgespec.computing import AUTO, Computing
from edgespec.errors import UsageError
from edgespec.finite import Finite
from edgespec.flags import (
    CONFIG_OPTION,
    JSON_OPTION,
    MODEL_OPTION,
    MQTT_OPTION,
    SOURCE_OPTION,
)
from edgespec.fleet.cli import fleet
from edgespec.logs import STYLES, begin_logs
from edgespec.newfile import check_new, write_new
from edgespec.ops.adapt.cli import adapt
from edgespec.ops.bundles import model
from edgespec.ops.calibration.cli import calibrate
from edgespec.ops.config.cli import config
from edgespec.ops.events.cli import events, incidents, observers
from edgespec.ops.history.cli import history
from edgespec.ops.look.cli import look
from edgespec.ops.record.cli import record
from edgespec.ops.setup.cli import setup
from edgespec.ops.support.cli import support
from edgespec.ops.survey.cli import survey
from edgespec.output_path import OutputPath
from edgespec.signals import stop_on_signals
from edgespec.twin.cli import twin

if TYPE_CHECKING:
    from edgespec.config import Config

__all__ = ["main"]

_REQUIRE_BROKER_S = 5.0

_BACKEND = click.option(
    "--backend",
    metavar="NAME",
    help="Runtime of the model: litert, tflite_runtime or numba; default: the fastest here.",
)
_COMPUTING = click.option(
    "--computing",
    type=click.Choice([AUTO, *(one.value for one in Computing)]),
    help="How spectra and scores are computed; plain never loads Numba, for small boards.",
)


@click.group(cls=EdgespecGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="Log more, on stderr.")
@click.option("--log", type=click.Choice(STYLES), default=STYLES[0], help="How lines are logged.")
def main(verbose: bool, log: str) -> None:
    """Watch a radio band and raise an alarm when something else appears.

    \b
    First steps:
      edgespec demo                                 needs no radio and no broker
      edgespec setup                                finds the radio, writes a configuration
      edgespec doctor --warm                        is everything there?
      edgespec look -o now.png                      what does the band look like now?
      edgespec monitor --source sigmf:RECORDING     replays as fast as it can
      edgespec config init edgespec.toml            a commented configuration

    \b
    Results go to stdout, everything else to stderr. Exit codes: 0 well, 1 anything else, 2 usage,
    3 configuration, 4 source, 5 model, 6 broker (only where it is required), 7 a check fell short.
    """
    begin_logs(log, is_verbose=verbose)


def _load(config_path: Path | None, **options: Any) -> "Config":
    from edgespec.config import load_config, override
    from edgespec.machine import keep_machine_code

    config = override(load_config(config_path), **options)
    keep_machine_code(config.node.state_dir)
    return config


@main.command()
@CONFIG_OPTION
@SOURCE_OPTION
@MODEL_OPTION
@MQTT_OPTION
@click.option(
    "--shadow",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="A candidate that runs beside the model and alarms nobody: see edgespec model shadow.",
)
@_BACKEND
@_COMPUTING
@click.option(
    "--duration",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after this much signal.",
)
@click.option(
    "--require-broker",
    is_flag=True,
    help=f"Exit with 6 unless the broker answers within {_REQUIRE_BROKER_S:g} s.",
)
@click.option(
    "--require-source",
    is_flag=True,
    help="Exit with 4 if the radio is not there, instead of waiting for it.",
)
@click.option(
    "--web",
    metavar="HOST:PORT",
    help="Show a page for browsers there, such as 127.0.0.1:8080; as web.listen.",
)
@click.option(
    "--refuse-simulation", is_flag=True, help="Exit with 3 where a source is a simulation."
)
@JSON_OPTION
def monitor(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    mqtt: str | None,
    shadow: Path | None,
    backend: str | None,
    computing: str | None,
    duration: float | None,
    require_broker: bool,
    require_source: bool,
    web: str | None,
    refuse_simulation: bool,
    as_json: bool,
) -> None:
    """Watch a source and report what is not normal.

    Runs until the source ends or Ctrl-C. The first four seconds (detect.warmup_s) teach it what is
    normal, so start it on a normal band. A radio that is not there, or goes away, is tried again
    until it is back. So is a broker, and events wait on disk for it.
    """
    from edgespec.alarm.console import JsonLinesSink, TableSink
    from edgespec.alarm.service import Service
    from edgespec.observer.startup import open_observer
    from edgespec.ops.metrics.open import open_metrics
    from edgespec.ops.setup.found import check_sources
    from edgespec.web.open import open_observer_page

    config = _load(
        config_path,
        source=source,
        model=model,
        shadow=shadow,
        mqtt=mqtt,
        backend=backend,
        computing=computing,
        web=web,
    )
    check_sources(config, refuse_simulation=refuse_simulation)
    sink = JsonLinesSink(sys.stdout) if as_json else TableSink(sys.stdout)
    service, metrics = Service.of(os.environ), open_metrics(config.metrics)
    page = open_observer_page(config)
    observer = open_observer(
        config,
        [sink, service, *(one for one in (metrics, page) if one is not None)],
        on_progress=service.progress,
        require_broker_s=_REQUIRE_BROKER_S if require_broker else None,
        require_source=require_source,
    )
    if metrics is not None:
        metrics.watch(observer)
    if page is not None:
        page.watch(observer.monitor)
    sink.header(observer.bands, config)
    stop_on_signals(observer.monitor.stop)
    observer.monitor.run(duration)


@main.command()
@CONFIG_OPTION
@SOURCE_OPTION
@MODEL_OPTION
@MQTT_OPTION
@_BACKEND
@_COMPUTING
@click.option(
    "--choose",
    is_flag=True,
    help="Only find the fastest runtime for the model, and keep the choice for every later start.",
)
@click.option(
    "--duration",
    type=Finite(min=0.3),
    default=6.0,
    show_default=True,
    metavar="SECONDS",
    help="Time to measure for.",
)
@click.option(
    "--report",
    "report_path",
    type=OutputPath(path_type=Path),
    metavar="FILE",
    help="Also work for --duration without a pause, watch heat, clock and power meanwhile, and "
    "write it all to a new file that may be sent to anybody.",
)
@JSON_OPTION
def bench(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    mqtt: str | None,
    backend: str | None,
    computing: str | None,
    choose: bool,
    duration: float,
    report_path: Path | None,
    as_json: bool,
) -> None:
    """Measure front end, model and whole path on this machine.

    Each band is measured alone. Every call handles the samples of one hop, as the monitor does;
    the signal is kept in memory.
    With --mqtt, the time until the broker has confirmed an alarm is measured as well.

    --report FILE holds the figures, the board, its versions and sensors; no name of yours, no
    address, place, frequency or signal. A board is warm after --duration 300.
    """
    from edgespec.ops.bench import bench as measure
    from edgespec.ops.choose import choose as choose_backend
    from edgespec.ops.tables import bench_table, choice_table
    from edgespec.screen.progress import Progress
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    config = _load(
        config_path, source=source, model=model, mqtt=mqtt, backend=backend, computing=computing
    )
    width = width_of(sys.stdout)
    if report_path is not None:
        if choose:
            raise UsageError("--report measures, and --choose does not: give one of them")
        check_new(report_path)
    if choose:
        for band in config.band:
            with Progress("measuring", ticks=False) as progress:
                choice = choose_backend(config.only(band), progress.say)
            click.echo(encode(choice.as_json()) if as_json else choice_table(choice, width))
        return
    reports = []
    load_s = 0.0 if report_path is None else duration
    for band in config.band:
        # No thread beside what is measured.
        with Progress("measuring", ticks=False) as progress:
            report = measure(config.only(band), duration, progress.say, load_s=load_s)
        click.echo(encode(report.as_json()) if as_json else bench_table(report, width))
        reports.append(report)
    if report_path is not None:
        from edgespec.ops.sent_report import sent_report

        write_new(report_path, json.dumps(sent_report(reports), indent=1) + "\n")
        click.echo(f"wrote {report_path}: no name, address, place or signal is in it", err=True)


@main.command()
@CONFIG_OPTION
@SOURCE_OPTION
@MODEL_OPTION
@MQTT_OPTION
@click.option(
    "--warm", is_flag=True, help="Compile the kernels and choose the runtime now, and keep both."
)
@JSON_OPTION
def doctor(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    mqtt: str | None,
    warm: bool,
    as_json: bool,
) -> None:
    """Check the machine, the radio, the model and the broker.

    Exits with the code of the first part of the chain that failed.
    """
    from dataclasses import asdict

    from edgespec.ops.doctor import exit_code, run_checks
    from edgespec.ops.tables import doctor_table
    from edgespec.screen.progress import Progress
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    config = _load(config_path, source=source, model=model, mqtt=mqtt)

    with Progress("warming up" if warm else "checking") as progress:
        progress.at("the machine, the radio, the model and the broker")
        checks = run_checks(config, warm=warm, progress=progress.say)
    if as_json:
        for check in checks:
            click.echo(encode({"schema": "edgespec.check/1", **asdict(check)}))
    else:
        click.echo(doctor_table(checks, width_of(sys.stdout)))
    sys.exit(exit_code(checks))


@main.command()
@MQTT_OPTION
@click.option(
    "--duration",
    type=Finite(min=10.0),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to watch.",
)
def demo(mqtt: str | None, duration: float) -> None:
    """See an interferer caught, and its alarm arrive over MQTT.

    A simulated cell is watched in real time. Without --mqtt, a broker is started for the demo:
    mosquitto where it is installed, otherwise amqtt.
    """
    from edgespec.ops.demo import run_demo

    run_demo(mqtt, duration, click.echo, stop_on_signals)


for command in (
    adapt,
    calibrate,
    config,
    events,
    fleet,
    history,
    incidents,
    look,
    model,
    observers,
    record,
    setup,
    support,
    survey,
    twin,
):
    main.add_command(command)
