"""What is known of a band beforehand, and is said of each of its events."""

from dataclasses import dataclass, replace

from edgespec.config import Config
from edgespec.config.mask import Mask, load_mask
from edgespec.kinds import (
    DROPPED,
    GAIN_STEP,
    MODEL_TAKEN_BACK,
    OVERLOAD,
    RECEIVER,
    THROTTLED,
    UNDERVOLTAGE,
)
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.listing import Listing, MaskWord
from edgespec.records import Event, ObserverState

__all__ = ["NO_FACTS", "BandFacts", "masks_of"]

#: Events of the receiver and its board, which no emission is.
_OF_RECEIVER = (
    *(DROPPED, GAIN_STEP, OVERLOAD, RECEIVER, THROTTLED, UNDERVOLTAGE),
    MODEL_TAKEN_BACK,
)
#: Its level is the power of the band, not of a bin.
_OF_BAND = "cell"


@dataclass(frozen=True, slots=True)
class BandFacts:
    """What its levels mean, what should be in it, and how exactly edges of events are known."""

    scale: LevelScale = UNCALIBRATED
    mask: Mask | None = None
    slack_hz: float = 0.0

    def told_of(self, event: Event) -> Event:
        """Return an event with what is known of its levels and of its frequencies."""
        return replace(event, scale=self.scale, listing=self._listing(event))

    def told_of_state(self, state: ObserverState) -> ObserverState:
        """Return a state with what is known of its levels."""
        return replace(state, scale=self.scale)

    def _listing(self, event: Event) -> Listing | None:
        # Where the source does not know its frequency, edges are offsets from it.
        if self.mask is None or event.freq_lower_hz < 0.0 or event.kind in _OF_RECEIVER:
            return None
        lower_hz, upper_hz = event.freq_lower_hz, event.freq_upper_hz
        row = self.mask.row_of(lower_hz, upper_hz, event.end_ns, self.slack_hz)
        if row is None:
            return Listing(MaskWord.NOT_LISTED)
        if row.max_dbfs is None or event.detector == _OF_BAND:
            return Listing(MaskWord.LISTED, row.name)
        over_db = round(event.peak_dbfs - row.max_dbfs, 3)
        return Listing(MaskWord.OVER if over_db > 0.0 else MaskWord.LISTED, row.name, over_db)


NO_FACTS = BandFacts()


def masks_of(config: Config) -> dict[str, Mask]:
    """Return the masks of all bands that have one, by their ids.

    Raises:
        ConfigError: one cannot be read.
    """
    zone = config.alarm.time_zone
    return {
        band.id: load_mask(band.mask, band.level_scale, zone)
        for band in config.band
        if band.mask is not None
    }
