"""Draw the house and count its lines: ``python -m benchmarks.house``.

The drawing is docs/architecture.svg, made of the imports between rooms; an import that other arrows
imply has none of its own. The tables go to the terminal, and with an older checkout beside this one
to docs/architecture.md too.
"""

from pathlib import Path

import click

from benchmarks.house.counts import count, count_table, summary_table
from benchmarks.house.drawing import drawing
from benchmarks.record import ROOT

__all__ = ["DRAWING", "PAGE", "main"]

DRAWING = ROOT / "docs" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
#: The tables of the page stand between these.
_MARKS = ("<!-- counted -->\n", "<!-- until here -->\n")


@click.command(help=__doc__)
@click.option(
    "--before",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="An older checkout, counted beside this one.",
)
@click.option("--save/--no-save", default=True, help="Write to docs.")
def main(before: Path | None, save: bool) -> None:
    """Draw and count."""
    checkouts = {"before": count(before)} if before else {}
    checkouts["now"] = count(ROOT)
    tables = f"{count_table(checkouts)}\n\n{summary_table(checkouts)}\n"
    click.echo(tables)
    if save:
        DRAWING.write_text(drawing(), encoding="utf-8")
        if before:
            head, _, rest = PAGE.read_text(encoding="utf-8").partition(_MARKS[0])
            tail = rest.partition(_MARKS[1])[2]
            PAGE.write_text(f"{head}{_MARKS[0]}{tables}{_MARKS[1]}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
