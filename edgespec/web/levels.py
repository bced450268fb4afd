"""What is normal in each bin of a band, and from which level on a bin alone would be an alarm."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.reference import BinZScore, EnergyLevel
from edgespec.detect.scan.site import Site, mixed_power
from edgespec.detect.sweep_scan import SweepScan
from edgespec.observer.band import BandChain
from edgespec.records import FloatArray
from edgespec.reference import below
from edgespec.web.plane_memory import BinLevels

__all__ = ["levels_of_band", "levels_of_site"]

_LEAST_POWER = 1e-15


def levels_of_band(chain: BandChain) -> BinLevels | None:
    """Return levels a bin in the unit of the power plane; None where nobody looks at single bins.

    They are those of ``zscore``, or of ``scan`` where the band is swept: the largest level that a
    bin usually has in a horizon, and that with which the bin alone, in a band that is as strong as
    in the warm-up, makes a score that is the threshold. Traffic in other bins moves both by what it
    adds to the mean level.
    """
    reference = chain.scorer.reference()
    scan, shape = below(SweepScan.name, reference), below(BinZScore.name, reference)
    if "bins" in scan:
        (usual_db, spread_db), level_db = scan["bins"], float(scan["level"][0])
        limit = _raw_limit(chain, SweepScan.name) * np.sqrt(scan["excess0"][0])
        return _levels(usual_db + level_db, spread_db * limit)
    energy = below(EnergyLevel.name, reference)
    if "levels_db" not in shape or "levels" not in energy:
        return None
    # The shape is what is left of a frame without its mean over the bins, which energy keeps.
    mean_db, std_db = shape["levels_db"][:, 0]
    usual_db = shape["expected_db"] + mean_db + float(energy["levels"][1][0])
    return _levels(usual_db, std_db * _raw_limit(chain, BinZScore.name))


def levels_of_site(site: Site) -> BinLevels:
    """Return the power in dBFS that is expected of each subband beside the cell.

    There is no threshold: windows of many lengths and widths are looked at, and none is a bin's.
    """
    left = site.noise + site.leak * mixed_power(site.usual_power[np.newaxis])
    return BinLevels(_in_db(left.mean(axis=0)), None)


def _raw_limit(chain: BandChain, detector: str) -> float:
    """Return the score as the detector gives it that is the threshold at this site."""
    scale = chain.scorer.scales[detector]
    return scale.mean + scale.std * chain.thresholds[detector]


def _levels(reference_db: NDArray[np.float32], above_db: NDArray[np.float32]) -> BinLevels:
    reference_db = np.asarray(reference_db, np.float32)
    return BinLevels(reference_db, np.asarray(reference_db + above_db, np.float32))


def _in_db(power: NDArray[np.float64]) -> FloatArray:
    return np.asarray(10.0 * np.log10(np.maximum(power, _LEAST_POWER)), np.float32)
