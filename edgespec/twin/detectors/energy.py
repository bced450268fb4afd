"""The energy detector: the plain mean of the residuals, the baseline of everything here."""

from edgespec.twin.detectors.window import Window

__all__ = ["Energy"]


class Energy:
    """Mean over the units of measured minus expected RSS in dB, nothing learnt removed.

    (Schoesser et al. 2024, sec. IV-B2.)
    """

    least_excess = 0.0

    def score(self, window: Window) -> float:
        """Return the mean residual in dB."""
        return float(window.total_db[window.is_heard].mean())
