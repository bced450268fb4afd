"""A band's chain tells what is normal at its site, forgets it, and another one goes by it."""

import logging
from dataclasses import replace

from edgespec.errors import EdgespecError
from edgespec.observer.band import BandChain
from edgespec.observer.site_reference import SiteReference
from edgespec.records import Event
from edgespec.reference import below, under

__all__ = ["forget", "recalibrate", "recall", "reference_of"]

_LOG = logging.getLogger(__name__)
_SCORER, _LOOKOUT, _RHYTHM = "scorer", "lookout", "rhythm"


def reference_of(chain: BandChain) -> SiteReference | None:
    """Return what a band goes by now; None in its warm-up. Only while it works on a block."""
    if not chain.scorer.is_warm or chain.last is None:
        return None
    factor = round(chain.sample_rate_hz / chain.grid.tick_hz)
    tick = chain.last.tick_start
    reference = under(_SCORER, chain.scorer.reference())
    reference |= under(_LOOKOUT, chain.tracker.lookout.reference())
    if chain.rhythm is not None:
        reference |= under(_RHYTHM, chain.rhythm.reference())
    return SiteReference(
        chain.grid.range_hz,
        chain.info.model_sha256 or "",
        dict(chain.thresholds),
        reference,
        None if chain.cancelled is None else chain.cancelled.known_cell(tick),
        tick * factor,
        chain.hop_samples,
        factor,
    )


def recall(chain: BandChain, site: SiteReference) -> bool:
    """Let a new chain go by what another one did, in place of a warm-up; return whether it does.

    Where it does not, which is said, a part may have been taken: make another chain.
    """
    why = site.differs_from(chain.grid.range_hz, chain.info.model_sha256 or "", chain.thresholds)
    if why:
        _LOG.warning("what was normal at the site is not used: %s", why)
        return False
    try:
        chain.scorer.take_reference(below(_SCORER, site.reference))
        chain.tracker.lookout.take_reference(below(_LOOKOUT, site.reference))
        if chain.rhythm is not None:
            chain.rhythm.take_reference(below(_RHYTHM, site.reference))
        if chain.cancelled is not None and site.cell is not None:
            chain.cancelled.begin_with(site.cell)
    except (LookupError, ValueError, EdgespecError) as error:
        _LOG.warning("what was normal at the site is not used: %.200s", error)
        return False
    if chain.warmup is not None:
        chain.warmup.skip()
    return True


def recalibrate(chain: BandChain) -> None:
    """Let a chain go by the thresholds of the calibration that is kept now."""
    now = chain.yardstick
    if chain.scales is not None:
        chain.go_by(chain.scales.recalibrated(now))
    elif chain.forgets is not None:
        chain.go_by(replace(now, terms=chain.forgets.terms()))
    _LOG.warning("band %s: it was calibrated anew, and that counts from now on", chain.info.band)


def forget(chain: BandChain) -> list[Event]:
    """Let a chain begin anew at its site, and return the ends of what was going on.

    By the thresholds of a site that is not calibrated, where its calibration is gone. What is
    normal beside cells is learnt, but kept for the next run only behind a restart.
    """
    ended = [chain.in_source(event) for event in chain.retune(chain.grid)]
    if chain.cancelled is not None:
        chain.cancelled.forget()
    if chain.rhythm is not None:
        chain.rhythm.forget()
    if chain.forgets is not None:
        chain.go_by(replace(chain.yardstick, terms=chain.forgets.terms()))
    return ended
