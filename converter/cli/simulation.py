"""Options of the commands that simulate."""

import click

__all__ = ["seed_option", "workers_option"]

seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Processes that simulate.",
)
