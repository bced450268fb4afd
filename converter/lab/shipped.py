"""How the shipped bundle is made, after a laboratory run.

``python -m converter.lab.shipped WORK`` does it. The run has trained the model, converted it,
set its thresholds and measured it, each with
observers of their own; this adds the card and puts the bundle into the package.
"""

from dataclasses import replace
from pathlib import Path

import click

from converter.lab.card import make_card
from converter.lab.engine.folder import WorkFolder
from converter.lab.toml import load_experiment
from edgespec.errors import UsageError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import load_bundle, write_bundle

__all__ = ["main"]

_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)


@click.command()
@click.argument("work", type=_FOLDER)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("edgespec/models/lte-dl-5m.edgespec"),
    show_default=True,
    help="Bundle to write.",
)
@click.option(
    "--episodes",
    default="device",
    show_default=True,
    help="Episodes of the experiment whose bundle is shipped, with their figures.",
)
def main(work: Path, out: Path, episodes: str) -> None:
    """Put the bundle of a laboratory run into the package, with a card of what was measured."""
    folder = WorkFolder(work.absolute())
    experiment = load_experiment(folder.path / "experiment.toml")
    if episodes not in experiment.episodes:
        known = ", ".join(experiment.episodes) or "none"
        raise UsageError(f"the experiment has no episodes {episodes!r}; it has {known}")
    played = experiment.episodes[episodes]
    bundle = load_bundle(folder.calibrated(played.model, played.population))
    check_golden(bundle, open_backend(bundle))
    card = make_card(experiment, folder, episodes)
    shipped = write_bundle(
        out,
        replace(
            bundle.manifest, name=out.stem, training={**bundle.manifest.training, "card": card}
        ),
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        bundle.weights,
        bundle.golden_sides,
    )
    click.echo(f"{out}: {out.stat().st_size / 1e6:.2f} MB, sha256 {shipped.sha256}")
    for line in card["figures"]:
        click.echo(line)


if __name__ == "__main__":
    main()
