"""How loud a band has been lately: what is far louder at once is nobody who is known."""

from edgespec.detect.scan.site import MOST_RISE, Site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.lte.numerology import SLOT_S

__all__ = ["Loudest"]

#: What it knows follows the power of hops by so many dB a second at most: fades and bursts of
#: traffic lie below the loudest hop of the last minute, and an observer that comes near a cell
#: takes seconds for it. While an alarm is on it rises as slowly as who is there becomes known.
_RISE_DB, _RISE_IN_ALARM_DB, _FALL_DB = 10.0, 0.5, 0.1
#: Lost samples, which move the timing of a cell, make it no louder than so many times as before.
_MOST_OF_SPLICE = 4.0


class Loudest:
    """The power of the loudest hop of late, linear, all subbands together.

    Cells get louder, by traffic, by fading and by walking to them, but not ten times louder than
    they were at any time of the last minute from one hop to the next. A stranger of 20 dB is.
    So whatever is thought to be known of cells, power beyond that is not theirs. It is that of the
    band, whichever cell is followed.
    """

    def __init__(self) -> None:
        self._power = 0.0

    def forget(self) -> None:
        """Begin anew, as behind a retune."""
        self._power = 0.0

    def begin(self, site: Site) -> None:
        """Begin with the loud slots of a site that was learnt, unless something is known."""
        if not self._power:
            self._power = float(site.most_power.sum()) / MOST_RISE

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self._power *= 10.0 ** (step_db / 10.0)

    def take(self, slots: PrefixSlots, *, is_frozen: bool) -> None:
        """Take the slots of a hop; ``is_frozen``: an alarm is on."""
        if not self._power or not slots.n_slots:
            return
        power, time_s = _power_of(slots), slots.n_slots * SLOT_S
        if power > self._power:
            rise_db = _RISE_IN_ALARM_DB if is_frozen else _RISE_DB
            self._power = min(power, self._power * 10.0 ** (rise_db * time_s / 10.0))
        else:
            self._power = max(power, self._power * 10.0 ** (-_FALL_DB * time_s / 10.0))

    def is_far_below(self, slots: PrefixSlots) -> bool:
        """Return whether slots have ten times as much power; False where nothing is known."""
        return self._is_below(slots, MOST_RISE)

    def is_below_any_splice(self, slots: PrefixSlots) -> bool:
        """Return whether slots have more power than a cell whose timing has jumped."""
        return self._is_below(slots, _MOST_OF_SPLICE)

    def _is_below(self, slots: PrefixSlots, ratio: float) -> bool:
        return bool(self._power and slots.n_slots and _power_of(slots) > ratio * self._power)


def _power_of(slots: PrefixSlots) -> float:
    return float(slots.power.sum(dtype="float64")) / slots.n_slots
