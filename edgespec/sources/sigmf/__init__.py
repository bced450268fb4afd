"""SigMF recordings (SigMF 1.2.5): where their halves lie, what they say, and playing them."""

from edgespec.sources.sigmf.annotations import Annotation, annotations_of
from edgespec.sources.sigmf.source import data_path, open_sigmf

__all__ = ["Annotation", "annotations_of", "data_path", "open_sigmf"]
