"""A new process up to its first score: what ``edgespec bench`` times from outside.

Usage: ``python -m edgespec.ops.coldstart SOURCE MODEL BACKEND``; an empty MODEL is the shipped one.
"""

import sys
from dataclasses import replace
from pathlib import Path

from edgespec.config import Config, override
from edgespec.startup import open_band_source, open_model, open_pipeline

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Return 0 once a segment was scored, 1 if the source ended before."""
    uri, model, backend = arguments
    config = override(Config(), source=uri, model=Path(model) if model else None)
    config = replace(config, band=(replace(config.band[0], backend=backend),))
    bundle, runtime = open_model(config)
    source = open_band_source(config, bundle)
    pipeline = open_pipeline(config, bundle, runtime, source)
    geometry = bundle.manifest.geometry
    buffer = source.info.sample_format.empty(geometry.hop_frames * geometry.frame_samples)
    try:
        while (block := source.read(buffer)) is not None:
            for _scored in pipeline.scored(block):
                return 0
    finally:
        source.close()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
