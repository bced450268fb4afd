"""Which threshold each detector of a band gets from its bundle."""

from collections.abc import Sequence

from edgespec.config import DetectConfig
from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.detect.any_band.detector import THRESHOLD as ANY_BAND_THRESHOLD
from edgespec.detect.detectors import CELL, RESIDUAL
from edgespec.detect.scan.residual_scan import THRESHOLD
from edgespec.detect.sweep_scan import SweepScan
from edgespec.detect.threshold import scores_for_rate
from edgespec.errors import ConfigError, ModelError
from edgespec.inference.manifest import Manifest

__all__ = ["thresholds_of"]

#: In units of the site, whatever bundle there is.
_OWN = {RESIDUAL: THRESHOLD, ANY_BAND: ANY_BAND_THRESHOLD}


def thresholds_of(
    manifest: Manifest, names: Sequence[str], detect: DetectConfig
) -> tuple[dict[str, float], str]:
    """Return the threshold of each detector, and a warning where it is not the one asked for.

    A bundle that was calibrated on short recordings has too few scores to tell a small rate by
    their quantile. The normal distribution that was fitted to them stands in, so that the observer
    runs; it raises more false alarms than asked for, and the warning says what helps.

    Raises:
        ConfigError: a detector looks at sweeps, and not at samples.
        ModelError: a detector has no threshold at that rate by any method that can stand in.
    """
    values: dict[str, float] = {}
    few: list[int] = []
    n_needed = scores_for_rate(detect.false_alarm_rate)
    for name in names:
        if name == CELL:
            # It sights things by itself.
            continue
        if name == SweepScan.name:
            raise ConfigError(
                "detect.detectors names 'scan', which looks at sweeps, and this source gives "
                "samples: residual is what looks at those over many lengths of time"
            )
        if name in _OWN:
            values[name] = _OWN[name]
            continue
        try:
            values[name] = manifest.threshold(name, detect.false_alarm_rate, detect.threshold)
        except ModelError:
            calibration = manifest.detectors.get(name)
            if (
                calibration is None
                or detect.threshold != "quantile"
                or calibration.n_scores >= n_needed
            ):
                raise
            values[name] = manifest.threshold(name, detect.false_alarm_rate, "gaussian")
            few.append(calibration.n_scores)
    if not few:
        return values, ""
    # What every detector can tell by its quantile.
    rates = [
        {
            float(rate)
            for rate, methods in manifest.detectors[name].thresholds.items()
            if "quantile" in methods
        }
        for name in names
        if name not in (*_OWN, CELL)
    ]
    told = set.intersection(*rates)
    or_rate = f", or set detect.false_alarm_rate to {min(told):g}" if told else ""
    return values, (
        f"the bundle {manifest.name!r} was calibrated on {min(few)} segments, which do not tell a "
        f"false-alarm rate of {detect.false_alarm_rate:g}: thresholds are those of a normal "
        "distribution, and raise more. Calibrate on recordings of at least "
        f"{n_needed * manifest.geometry.hop_s:.3g} s behind their warm-up{or_rate}"
    )
