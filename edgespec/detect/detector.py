"""What every detector can do."""

from typing import Protocol

from edgespec.records import Forecast, Score, Segment
from edgespec.reference import Reference

__all__ = ["Detector", "Handed"]


class Detector(Protocol):
    """Turns segments into scores; high is anomalous.

    ``needs_forecast`` says whether ``score`` must be given what the model expected.
    """

    name: str
    needs_forecast: bool

    def reset(self) -> None:
        """Forget everything that was learnt from the stream."""
        ...

    def settle(self) -> None:
        """Keep what was learnt as the reference, although the warm-up could give no more.

        Called when the first half of a warm-up is over, and at its end, where it changes nothing
        of what is settled.
        """
        ...

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain, in dB, into what was learnt."""
        ...

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the score of one segment, or None while the detector is warming up.

        The error map of the score is a buffer that the next call overwrites.
        """
        ...


class Handed(Detector, Protocol):
    """A detector whose reference can be handed on."""

    def reference(self) -> Reference:
        """Return what was learnt, once it is settled; empty where nothing is learnt."""
        ...

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt, in place of a warm-up.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape.
        """
        ...
