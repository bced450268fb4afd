"""How samples become frames and frames windows: options that commands share."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from edgespec.framing import FFT_SIZES, TAPER_ENBW_BINS, Recipe

__all__ = ["geometry_of", "geometry_options"]

_OPTIONS = (
    click.option("--n-fft", type=click.Choice([str(n) for n in FFT_SIZES]), default="128"),
    click.option(
        "--averages",
        type=click.IntRange(1),
        default=10,
        show_default=True,
        help="Power spectra in a frame.",
    ),
    click.option("--taper", type=click.Choice(sorted(TAPER_ENBW_BINS)), default="hann"),
    click.option(
        "--context",
        type=click.IntRange(1),
        default=100,
        show_default=True,
        help="Frames the model sees.",
    ),
    click.option(
        "--horizon",
        type=click.IntRange(1),
        default=25,
        show_default=True,
        help="Frames it forecasts.",
    ),
    click.option(
        "--hop",
        type=click.IntRange(1, 100_000),
        help="Frames from segment to segment; default: the horizon.",
    ),
)


def geometry_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command takes them as keywords for :func:`geometry_of`."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), command)


def geometry_of(
    sample_rate_hz: float,
    *,
    n_fft: str,
    averages: int,
    taper: str,
    context: int,
    horizon: int,
    hop: int | None,
) -> Recipe:
    """Return the recipe that the options ask for."""
    return Recipe(
        sample_rate_hz=sample_rate_hz,
        n_fft=int(n_fft),
        n_averages=averages,
        taper=taper,
        n_context=context,
        n_horizon=horizon,
        hop_frames=horizon if hop is None else hop,
    )
