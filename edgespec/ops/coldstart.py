"""A new process up to its first score: what ``edgespec bench`` times from outside.

Usage: ``python -m edgespec.ops.coldstart BAND``, where BAND is what :func:`describe` returns.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from edgespec.config import BandConfig, Config, SourceConfig
from edgespec.errors import EdgespecError, SourceError
from edgespec.startup import open_band_source, open_model, open_pipeline

__all__ = ["describe", "main"]


def describe(config: Config) -> str:
    """Return source and band of a configuration as the argument of this program."""
    return json.dumps([asdict(config.source[0]), asdict(config.band[0])], default=str)


def score_one(config: Config) -> None:
    """Open everything and score one segment.

    Raises:
        EdgespecError: something cannot be opened, or the source ended before the first segment.
    """
    bundle, backend = open_model(config)
    source = open_band_source(config, bundle)
    try:
        pipeline = open_pipeline(config, bundle, backend, source)
        geometry = bundle.manifest.geometry
        buffer = source.info.sample_format.empty(geometry.hop_frames * geometry.frame_samples)
        while (block := source.read(buffer)) is not None:
            for _scored in pipeline.scored(block):
                return
    finally:
        source.close()
    raise SourceError(f"{source.info.uri} ended before one segment was complete")


def main(arguments: list[str]) -> int:
    """Return 0 once a segment was scored; otherwise say why not on stderr."""
    source, band = json.loads(arguments[0])
    band["model"] = band["model"] and Path(band["model"])
    config = replace(Config(), source=(SourceConfig(**source),), band=(BandConfig(**band),))
    try:
        score_one(config)
    except EdgespecError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
