"""``edgespec calibrate`` on the command line."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from edgespec.duration import Duration
from edgespec.flags import CONFIG_OPTION, JSON_OPTION, MODEL_OPTION, SOURCE_OPTION
from edgespec.output_path import OutputPath
from edgespec.sensitivity import SENSITIVITIES
from edgespec.signals import stop_on_signals

__all__ = ["calibrate"]


class _PerDay(click.ParamType[float]):
    """False events a day: 1/day, 0.5 or the name of a sensitivity."""

    name = "rate"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if value in SENSITIVITIES:
            return SENSITIVITIES[value]
        match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:/\s*day)?\s*", str(value))
        per_day = 0.0 if match is None else float(match[1])
        if not 0.1 <= per_day <= 100.0:
            self.fail(
                f"{value!r:.40} is not 0.1 to 100 false events a day; write 1/day, or one of "
                f"{', '.join(SENSITIVITIES)}.",
                param,
                ctx,
            )
        return per_day


@click.command()
@CONFIG_OPTION
@SOURCE_OPTION
@MODEL_OPTION
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    metavar="URI",
    help="Hear this in place of the radio: normal signal of it, with the same gain. Repeatable.",
)
@click.option(
    "--target",
    type=_PerDay(),
    metavar="N/day",
    help="False events a day that are bearable; without it those of the configuration.",
)
@click.option(
    "--duration",
    type=Duration(),
    metavar="TIME",
    help="How much signal to hear: 30m (the default of a radio, of sweeps 600 at least), 2h; "
    "files are heard whole. Ctrl-C ends it earlier.",
)
@JSON_OPTION
@click.option(
    "--picture",
    type=OutputPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw false events a day against the threshold into FILE (.png, .svg or .pdf); needs "
    "matplotlib.",
)
@click.option(
    "--forget",
    is_flag=True,
    help="Hear nothing: forget all that was learnt of a site that has changed for good, so that "
    "the observer learns it anew.",
)
@click.option("--band", metavar="ID", help="With --forget: only what was learnt of this band.")
def calibrate(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    recordings: tuple[str, ...],
    target: float | None,
    duration: float | None,
    as_json: bool,
    picture: Path | None,
    forget: bool,
    band: str | None,
) -> None:
    """Set the thresholds of a site by its false events a day.

    It hears what is normal: run it while nothing else than usual is on the band; the longer, the
    better. What it finds is kept in node.state_dir, and the next 'edgespec monitor' with the same
    source, gain and model uses it.

    With --forget everything that was learnt of the bands goes (rhythm, slow levels, cells, last
    warm-up, calibration); an observer that runs learns anew within seconds, what is there then is
    normal. Events and levels of the past stay.
    """
    from edgespec.config import load_config, override
    from edgespec.figures import check_picture
    from edgespec.machine import keep_machine_code
    from edgespec.ops.calibration.report import calibrate_bands
    from edgespec.screen.progress import Progress
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    if forget:
        heard = (source, model, recordings or None, target, duration, picture)
        if any(one is not None for one in heard):
            raise click.UsageError(
                "--forget hears nothing: leave --source, --model, --recording, --target, "
                "--duration and --picture out, and calibrate again when the site is learnt"
            )
        from edgespec.ops.calibration.forgotten import forget_bands

        for gone in forget_bands(load_config(config_path), band):
            click.echo(encode(gone.as_json()) if as_json else gone.as_text())
        return
    if band is not None:
        raise click.UsageError("--band is for --forget: all bands are calibrated together")
    if picture is not None:
        check_picture(picture)
    config = override(load_config(config_path), source=source, model=model)
    keep_machine_code(config.node.state_dir)
    per_day = config.detect.budget_per_day if target is None else target
    with Progress() as progress:
        done = calibrate_bands(config, recordings, duration, per_day, progress.at, stop_on_signals)
    width = width_of(sys.stdout)
    for one in done:
        click.echo(encode(one.as_json()) if as_json else one.as_text(width))
    if picture is not None:
        from edgespec.ops.calibration.picture import draw_calibration

        draw_calibration(done, picture)
