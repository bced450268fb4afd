"""A spectrum observer for small boards: learns a band, raises an alarm when it changes."""

__all__ = ["__version__"]
__version__ = "0.1.0"
