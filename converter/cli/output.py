"""What all commands have in common: kinds of arguments, results and progress."""

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["FILE", "FOLDER", "emit", "json_option", "note"]

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def emit(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result on standard output."""
    click.echo(json.dumps(result) if as_json else text)


def note(text: str) -> None:
    """Print progress on standard error."""
    click.echo(text, err=True)
