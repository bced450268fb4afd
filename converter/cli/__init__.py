"""The command line of the training side: ``edgespec-converter``.

Results go to standard output, as one JSON object a line with ``--json``; progress goes to
standard error.
"""

import click

from converter.cli.bundles import add_weights, calibrate, quantize
from converter.cli.dataset import dataset
from converter.cli.laboratory import evaluate, report
from converter.cli.models import import_keras, train, transfer
from converter.cli.raytrace import raytrace
from converter.cli.simulate import simulate
from converter.cli.sweeps import (
    aachen_sweeps,
    analyse,
    dataset_sweeps,
    inject_sweeps,
    simulate_sweeps,
)
from edgespec import __version__
from edgespec.clickglue import EdgespecGroup

__all__ = ["main"]


@click.group(cls=EdgespecGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgespec-converter")
def main() -> None:
    """Make models for edgespec: recordings -> data set -> training -> bundle."""


for command in (
    *(simulate, dataset, train, transfer, import_keras, quantize, calibrate, add_weights),
    *(raytrace, evaluate, report, simulate_sweeps, aachen_sweeps, dataset_sweeps, inject_sweeps),
    analyse,
):
    main.add_command(command)
