"""A new process up to its first score: what ``edgespec bench`` times from outside.

Usage: ``python -m edgespec.ops.coldstart PARTS``, where PARTS is what :func:`describe` returns.
"""

import json
import sys
from dataclasses import asdict, replace

from edgespec.config import BandConfig, Config, NodeConfig, SourceConfig
from edgespec.decode import Decoder
from edgespec.errors import EdgespecError, SourceError
from edgespec.machine import keep_machine_code
from edgespec.observer.opening.band_model import named_bundle
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.radio_opening import open_band_source, open_basis

__all__ = ["describe", "main"]

_DECODER = Decoder()


def describe(config: Config) -> str:
    """Return node, source and band of a configuration as the argument of this program."""
    parts = (config.node, config.source[0], config.band[0])
    return json.dumps([asdict(part) for part in parts], default=str)


def score_one(config: Config) -> None:
    """Open everything and score one segment.

    Raises:
        EdgespecError: something cannot be opened, or the source ended before the first segment.
    """
    bundle = named_bundle(config)
    source = open_band_source(config, [bundle])
    try:
        chain = open_chain(config, source.info, open_basis(config, source.info, bundle))
        buffer = source.info.sample_format.empty(chain.hop_samples)
        while (block := source.read(buffer)) is not None:
            for _scored in chain.scored(block):
                return
    finally:
        source.close()
    raise SourceError(f"{source.info.uri} ended before one segment was complete")


def main(arguments: list[str]) -> int:
    """Return 0 once a segment was scored; otherwise say why not on stderr."""
    node, source, band = json.loads(arguments[0])
    config = replace(
        Config(),
        node=_DECODER.record(NodeConfig, node),
        source=(_DECODER.record(SourceConfig, source),),
        band=(_DECODER.record(BandConfig, band),),
    )
    keep_machine_code(config.node.state_dir)
    try:
        score_one(config)
    except EdgespecError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
