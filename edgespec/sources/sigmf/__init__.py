"""SigMF recordings (SigMF 1.2.5): where their halves lie, what they say, and playing them."""

from edgespec.sources.sigmf.source import data_path, open_sigmf

__all__ = ["data_path", "open_sigmf"]
