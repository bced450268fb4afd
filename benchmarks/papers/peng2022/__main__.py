"""``python -m benchmarks.papers.peng2022 WORK -o OUT``: the paper's claims, tables and figures."""

from pathlib import Path

import click

from benchmarks.papers.peng2022.swept_report import write_report

__all__ = ["main"]

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(help=__doc__)
@click.argument("work", type=_FOLDER)
@click.option("-o", "--out", type=_FOLDER, required=True, help="Folder of the report.")
@click.option("--whole", is_flag=True, help="Leave out bands in which a row is missing.")
def main(work: Path, out: Path, whole: bool) -> None:
    """Write verdicts, tables and figures of the paper from a WORK folder."""
    click.echo(f"report {write_report(work, out, whole=whole)}")


if __name__ == "__main__":
    main()
