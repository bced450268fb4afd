"""Where samples come from: one file a source."""

from edgespec.sources.schemes import open_source

__all__ = ["open_source"]
