"""Which recordings are for what: options that the commands that make data sets share."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import click

from converter.cli.output import note
from edgespec.units import parse_quantity

__all__ = ["split_of", "split_of_bands", "split_options"]

_PATTERNS = ("train", "validation", "calibration", "test")
_OPTIONS = (
    click.option("--train", multiple=True, metavar="GLOB", help="Recordings to train on, by name."),
    click.option("--validation", multiple=True, metavar="GLOB", help="... to stop training by."),
    click.option("--calibration", multiple=True, metavar="GLOB", help="... to set thresholds by."),
    click.option("--test", multiple=True, metavar="GLOB", help="... to report on, never before."),
    click.option(
        "--fractions",
        default="0.5,0.15,0.15,0.2",
        show_default=True,
        help="Shares, if no GLOB is given.",
    ),
    click.option(
        "--split-time",
        is_flag=True,
        help="Cut every recording in time; so it is, too, where there are fewer than splits.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Seed of the split by shares.",
    ),
)


def split_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command hands its keywords to :func:`split_of`."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), command)


def split_of(names: Sequence[str], options: dict[str, Any]) -> Any:
    """Return the split of recordings; its options are taken out of those of the command."""
    from converter.data.splits import split_by_fraction, split_by_name, split_by_time

    patterns = {name: options.pop(name) for name in _PATTERNS}
    fractions, seed = options.pop("fractions"), options.pop("seed")
    split_time = options.pop("split_time")
    if any(patterns.values()):
        if split_time:
            raise click.UsageError("--split-time and patterns exclude each other")
        return split_by_name(names, patterns)
    shares = [parse_quantity(share, "--fractions") for share in fractions.split(",")]
    n_wanted = sum(share > 0 for share in shares)
    if not split_time and len(names) < n_wanted:
        note(
            f"{len(names)} recordings are too few to be split by recording: each is cut in time, "
            f"which says less of another day; {n_wanted} or more are not"
        )
        split_time = True
    return split_by_time(shares) if split_time else split_by_fraction(names, shares, seed)


def split_of_bands(names: Mapping[str, Sequence[str]], options: dict[str, Any]) -> Any:
    """Return the split of the recordings of several bands, each of which is in every split."""
    from converter.data.splits import Split

    if any(options[name] for name in _PATTERNS):
        return split_of([name for some in names.values() for name in some], options)
    splits = [split_of(some, dict(options)) for some in names.values()]
    if len({bool(split.of_time) for split in splits}) > 1:
        splits = [split_of(some, {**options, "split_time": True}) for some in names.values()]
    of_recording = {name: part for split in splits for name, part in split.of_recording.items()}
    return Split(splits[0].method, of_recording, splits[0].of_time)
