"""The process that calibrates for an observer: ``python -m edgespec.ops.calibration.beside``.

Standard input has, pickled, a configuration of one band, what its source is, how much of it is to
be heard, and whether what is found is to be kept; behind that come blocks, as
:mod:`edgespec.observer.block_stream` writes them. Standard output has a line with the share that
was heard now and then, and at the end the object that ``edgespec calibrate --json`` prints. Both
ends are this program.
"""

import logging
import pickle
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from edgespec.config import Config
from edgespec.errors import EdgespecError, SourceError
from edgespec.machine import keep_machine_code
from edgespec.observer.block_stream import BlockSource
from edgespec.observer.radio_opening import open_radio
from edgespec.ops.calibration.listen import hear
from edgespec.ops.calibration.report import concluded
from edgespec.records import SourceInfo
from edgespec.wire.text import encode

__all__ = ["calibrate_beside"]


def calibrate_beside(
    config: Config,
    info: SourceInfo,
    duration_s: float,
    stream: BinaryIO,
    tell: Callable[[str, float | None], None],
    *,
    is_kept: bool,
) -> dict[str, Any]:
    """Return what ``edgespec calibrate --json`` says of a band whose blocks come out of a pipe.

    What an observer has learnt of its site is neither read nor written: the one that runs does.

    The pipe stays open until enough was heard: where it is closed before, the observer was killed,
    and nothing is kept of what may be far less than was asked for.

    Raises:
        SourceError: the observer has ended.
        EdgespecError: it is too little signal, or cannot be kept.
    """
    source = config.source[0]
    opened = BlockSource(info, stream)
    radio = open_radio(config, source, switches_models=False, opened=opened)
    (heard,) = hear(config, radio, duration_s, tell)
    if opened.has_ended:
        raise SourceError("the observer has ended before enough was heard: nothing has changed")
    return concluded(config, heard, config.detect.budget_per_day, is_kept=is_kept).as_json()


if __name__ == "__main__":
    given: tuple[Config, SourceInfo, float, bool] = pickle.load(sys.stdin.buffer)
    asked, its_info, seconds, keeps = given
    # Nobody reads them: a pipe that is full would hold it up.
    logging.disable(logging.CRITICAL)
    keep_machine_code(asked.node.state_dir)

    def say_share(text: str, share: float | None) -> None:
        """Write how much was heard."""
        sys.stdout.write(f"{share or 0.0:.4f}\n")
        sys.stdout.flush()

    try:
        said = calibrate_beside(
            asked, its_info, seconds, sys.stdin.buffer, say_share, is_kept=keeps
        )
    except EdgespecError as error:
        sys.exit(str(error))
    sys.stdout.write(encode(said).decode())
