"""What a detector is."""

from typing import Protocol

from edgespec.twin.detectors.window import Window

__all__ = ["Detector"]


class Detector(Protocol):
    """Makes one score of a window: high is anomalous.

    ``least_excess`` is how much a threshold for an e-fold lower rate of false alarms is higher at
    least, where that is further out than any normal score seen.
    """

    least_excess: float

    def score(self, window: Window) -> float:
        """Return the score; at least one unit of the window is heard."""
        ...
