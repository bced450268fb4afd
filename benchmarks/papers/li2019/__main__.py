"""``python -m benchmarks.papers.li2019 WORK -o OUT``: the paper's claims, tables and figures."""

from pathlib import Path

import click

from benchmarks.papers.li2019.paper_report import write_paper

__all__ = ["main"]

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(help=__doc__)
@click.argument("work", type=_FOLDER)
@click.option("-o", "--out", type=_FOLDER, required=True, help="Folder of the report.")
@click.option(
    "--beside",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="report.json of another run: its verdicts stand beside these.",
)
def main(work: Path, out: Path, beside: Path | None) -> None:
    """Write verdicts, tables and figures of the paper from a WORK folder."""
    path = write_paper(work, out, lambda text: click.echo(text, err=True), beside)
    click.echo(f"report {path}")


if __name__ == "__main__":
    main()
