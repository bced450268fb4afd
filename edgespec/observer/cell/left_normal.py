"""Whether what is left of a cell was normal when it was learnt, and whether it has fallen since."""

import logging
import math

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.residual_scan import MOST_LEFT, ResidualScan
from edgespec.detect.scan.site import MOST_RISE, Site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.grid import Grid
from edgespec.observer.cell.astray import UsualShare
from edgespec.observer.cell.residual_scale import ResidualScale
from edgespec.observer.scoring.steps import change_in, quieter_part
from edgespec.units import format_hz

__all__ = ["Patience", "Settling", "judge_reference", "learn_again", "lower_fallen"]

_LOG = logging.getLogger(__name__)

#: Slots that are looked at together: 5 ms.
_TOGETHER = 10
#: Noise of one subband over the median one of the cell's. Captures without interferer come to 2 dB,
#: but in the middle, where receivers have a spike of their own; one of -10 dB is 6 to 12.
_UNEVEN_DB = 8.0
#: Noise that was a quarter of what was learnt in the mean of 2 s has fallen: 6 dB.
_FALLEN, _FALLEN_SLOTS = 0.25, 4000
#: Slots of an alarm for which another cell is not learnt: 30 s.
_MOST_WAIT = 60_000


def judge_reference(scan: ResidualScan, grid: Grid) -> str:
    """Return why what a scan has just learnt is not to be trusted; '' where it is.

    Traffic moves what is left by what leaks of it, which a site expects. Where it changed and
    stayed, someone came or went meanwhile, and the scan learns from the quieter part; where it is
    uneven over the cell, someone may have been there all along.
    """
    rows_db = scan.learnt_db(_TOGETHER)
    change = change_in(rows_db)
    if change is not None:
        place = "" if change.bin is None else f" at {format_hz(grid.freqs_hz[change.bin])}"
        part = quieter_part(change, len(rows_db))
        is_learnt = scan.relearn(part.start * _TOGETHER, part.stop * _TOGETHER)
        return (
            f"what is left of the cell changed by {change.step_db:+.1f} dB{place} while it was "
            f"learnt{': only the quieter part counts' if is_learnt else ''}"
        )
    return "" if scan.site is None else _unevenness(scan.site, grid)


def _unevenness(site: Site, grid: Grid) -> str:
    (own,) = np.nonzero(UsualShare.of(site).cancelled)
    if len(own) < 3:
        return ""
    # Where someone is stronger than the cell in between, the cell is there all the same.
    number = np.arange(len(site.most_power))
    is_judged = (number >= own[0]) & (number <= own[-1]) & (number != len(number) // 2)
    noise_db = 10.0 * np.log10(site.noise.mean(axis=0))
    over_db = np.where(is_judged, noise_db - np.median(noise_db[is_judged]), -np.inf)
    loudest = int(over_db.argmax())
    if over_db[loudest] < _UNEVEN_DB:
        return ""
    return (
        f"{over_db[loudest]:.1f} dB more is left at {format_hz(grid.freqs_hz[loudest])} than in "
        "the rest of the cell: whoever was there all along counts as normal"
    )


def lower_fallen(scan: ResidualScan) -> bool:
    """Let a scan expect no more noise than there is, where it has fallen; return whether it has."""
    ratio = _fallen_noise(scan)
    if ratio is None:
        return False
    fallen_db = -10.0 * math.log10(float(ratio.min()))
    _LOG.warning("beside the cell there is up to %.1f dB less than was learnt", fallen_db)
    scan.lower(ratio)
    return True


def _fallen_noise(scan: ResidualScan) -> NDArray[np.float64] | None:
    """Return how far noise has fallen since it was learnt: nothing is to hide below what was.

    Whoever was there while a site was learnt, and has gone, would else leave it deaf.

    Returns:
        At the end of each 2 s the ratio of the noise to what was learnt in each subband, 1 where it
        has not fallen by 6 dB, or most of what is left is the cell's; else None.
    """
    site = scan.site
    if site is None or scan.n_heard < _FALLEN_SLOTS:
        return None
    means = scan.take_ratio()
    leaked = site.leak.mean(axis=0) * site.most_power / MOST_RISE
    has_fallen = (means < _FALLEN) & (leaked < site.noise.mean(axis=0))
    return np.where(has_fallen, np.maximum(means, 1e-3), 1.0) if has_fallen.any() else None


def learn_again(scan: ResidualScan, scale: ResidualScale) -> None:
    """Forget what is not trusted, now that the cell cancels: it was weak, or hidden."""
    _LOG.warning("the cell of the band cancels now: what is left of it is learnt again")
    scan.reset()
    scale.begin()


class Patience:
    """Keeps another cell from being learnt while an alarm is on that came with it.

    Who is there may be an interferer; after half a minute he is a neighbour.

    Args:
        is_needed: whether it is another cell.
    """

    def __init__(self, *, is_needed: bool) -> None:
        self._n_left = _MOST_WAIT if is_needed else 0

    def waits(self, scan: ResidualScan, slots: PrefixSlots, known: Site | None) -> bool:
        """Return whether slots of an alarm are not learnt from; what was learnt so far goes.

        A cell that is ``known``, and learnt again, waits for as long as it takes.
        """
        if known is not None:
            return True
        self._n_left -= slots.n_slots
        if self._n_left > 0:
            scan.reset()
        return self._n_left > 0


class Settling:
    """Tells when a cell that hardly cancelled in the warm-up does: it may be learnt again.

    Args:
        n_slots: that are looked at together, those of a warm-up.
    """

    def __init__(self, n_slots: int) -> None:
        self._n_wanted = n_slots
        self._begin()

    def take(self, slots: PrefixSlots, *, is_alarm: bool) -> bool:
        """Return whether less than most of the power was left of as many slots without alarm."""
        if is_alarm:
            self._begin()
            return False
        self._left += slots.total_residual
        self._power += float(slots.power.sum(dtype=np.float64))
        self._n_slots += slots.n_slots
        if self._n_slots < self._n_wanted:
            return False
        is_settled = self._left < MOST_LEFT * self._power
        self._begin()
        return is_settled

    def _begin(self) -> None:
        self._left = self._power = 0.0
        self._n_slots = 0
