"""What kind of interference it is, and what the operator may do: advice, never a transmission.

(Schoesser et al. 2024, sec. III-C.)
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.window import Window
from edgespec.twin.level_kind import LOWER_BOUND
from edgespec.twin.localise import Source
from edgespec.units import format_hz
from edgespec.wire.position import Position

__all__ = ["KINDS", "advice_for", "kind_of"]

#: Kinds of interference, what to do about each, most pressing first.
KINDS = {
    "moved-transmitter": "transmitter {transmitter} is probably {place} and not where the twin "
    "was told: check its reported position",
    "severe": "no communication is possible at most units: locate the source, probably {place}, "
    "and remove it",
    "directional": "the source beams into one direction from {place}: hand over users there to "
    "cells that look elsewhere",
    "narrowband": "exclude the resource blocks from {low} to {high} in the scheduler",
    "wideband": "change to a distant band; resource blocks cannot avoid it from {low} to {high}",
}

#: From this rise on a link is lost, in dB: its SINR is then below -6 dB, which the most robust
#: modulation and coding of LTE and NR do not survive.
_LOST_DB = 7.0

#: Share of lost levels from which it is severe.
_SEVERE_SHARE = 0.5

#: A source in at most this share of the subbands is narrow.
_NARROW_SHARE = 0.5


def kind_of(window: Window, source: Source, noise_dbm: float) -> str:
    """Return the most pressing kind, a key of :data:`KINDS`.

    ``noise_dbm`` is the noise of a subband: what is expected above it is in use.
    """
    if source.moved is not None:
        return "moved-transmitter"
    if _is_severe(window, source.is_hit, noise_dbm):
        return "severe"
    if source.azimuth_deg is not None:
        return "directional"
    n_hit, n_subbands = int(source.is_hit.sum()), len(source.is_hit)
    return "narrowband" if n_subbands > 1 and n_hit <= _NARROW_SHARE * n_subbands else "wideband"


def advice_for(
    kind: str, position: Position, low_hz: float, high_hz: float, transmitter: str = ""
) -> str:
    """Return one sentence for the operator."""
    place = f"near x {position.x_m:.0f} m, y {position.y_m:.0f} m (within {position.sigma_m:.0f} m)"
    return KINDS[kind].format(
        place=place, low=format_hz(low_hz), high=format_hz(high_hz), transmitter=transmitter
    )


def _is_severe(window: Window, is_hit: NDArray[np.bool_], noise_dbm: float) -> bool:
    """Whether most of what is in use is lost; a saturated unit hears nothing at all."""
    used = (window.expected_dbm > noise_dbm + 3.0) & window.is_heard[:, None]
    lost = (window.residual_db > _LOST_DB) & is_hit
    lost |= (window.kind == LOWER_BOUND)[:, None]
    return bool(used.any() and (lost & used).sum() > _SEVERE_SHARE * used.sum())
